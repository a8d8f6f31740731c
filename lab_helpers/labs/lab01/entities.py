"""Lab 01's taggers: the encoder fine-tuned on entities, and the one that always says O."""

import numpy as np

from lab_helpers.evaluation.spans import gold_spans, span_scores
from lab_helpers.models.encoders import load_tagger
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.tagging import TAGS, EntityTagger, tags_for
from lab_helpers.tuning.transfer import TextEncoder


def train_tagger(
    encoder: TextEncoder, rows: list[dict], seed: int, *, pretrained: bool, **training
) -> EntityTagger:
    """The encoder fine-tuned as an entity tagger, from trained or from random weights."""
    seed_everything(seed)
    model = load_tagger(encoder.name, list(TAGS), pretrained).to(encoder.device)
    tagger = EntityTagger(model, encoder.tokenizer, encoder.max_length, encoder.precision)
    tagger.fit(rows, seed=seed, **training)
    return tagger


def majority_metrics(tagger: EntityTagger, rows: list[dict]) -> dict[str, float]:
    """Token accuracy and entity F1 of the tagger that always says O."""
    encoded = tagger.encode([row["text"] for row in rows])
    tags = []
    for offsets, row in zip(encoded["offset_mapping"], rows, strict=True):
        real = [span for span in offsets if span[1] > span[0]]
        tags += tags_for(real, row["entities"])
    gold = [gold_spans(row) for row in rows]
    return {
        "o_tagger_token_accuracy": float(np.mean([tag == "O" for tag in tags])),
        "o_tagger_entity_f1": span_scores([[] for _ in rows], gold)["f1"],
    }
