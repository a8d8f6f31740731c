"""Lab 01's taggers: the encoder fine-tuned on entities, the classical rival, and the one that says O."""

from lab_helpers.evaluation.spans import gold_spans, span_f1
from lab_helpers.models.encoders import load_tagger
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.tagging import TAGS, CrfTagger, EntityTagger, spans_from, tags_for
from lab_helpers.tuning.transfer import LARGE_VOCABULARY, TextEncoder

_PENALTIES = (0.01, 0.1, 1.0)


def train_tagger(
    encoder: TextEncoder, rows: list[dict], seed: int, *, pretrained: bool, **training
) -> EntityTagger:
    """The encoder fine-tuned as an entity tagger, from trained or from random weights."""
    seed_everything(seed)
    model = load_tagger(encoder.name, list(TAGS), pretrained).to(encoder.device)
    if model.config.vocab_size >= LARGE_VOCABULARY:
        model.get_input_embeddings().requires_grad_(False)
    tagger = EntityTagger(model, encoder.tokenizer, encoder.max_length, encoder.precision)
    tagger.fit(rows, seed=seed, **training)
    return tagger


def train_crf(rows: list[dict], validation: list[dict]) -> CrfTagger:
    """The conditional random field whose L2 penalty does best on ``validation``."""
    texts, gold = [row["text"] for row in validation], [gold_spans(row) for row in validation]
    fitted = [CrfTagger(c2).fit(rows) for c2 in _PENALTIES]
    return max(fitted, key=lambda tagger: span_f1(tagger.spans(texts), gold))


def token_tags(encoder: TextEncoder, rows: list[dict]) -> list[list[str]]:
    """The true tag of each token of each row, as the encoder cuts it; special tokens left out."""
    return [
        tags_for(offsets, row["entities"])
        for offsets, row in zip(_token_offsets(encoder, rows), rows, strict=True)
    ]


def spans_of_true_tags(encoder: TextEncoder, rows: list[dict]) -> list[list[tuple[int, int, str]]]:
    """What a tagger that never errs would find: a token across an entity's border still costs it."""
    offsets = _token_offsets(encoder, rows)
    return [spans_from(o, t) for o, t in zip(offsets, token_tags(encoder, rows), strict=True)]


def _token_offsets(encoder: TextEncoder, rows: list[dict]) -> list[list[tuple[int, int]]]:
    encoded = encoder.tokenizer(
        [row["text"] for row in rows],
        truncation=True,
        max_length=encoder.max_length,
        return_offsets_mapping=True,
    )
    return [[s for s in offsets if s[1] > s[0]] for offsets in encoded["offset_mapping"]]
