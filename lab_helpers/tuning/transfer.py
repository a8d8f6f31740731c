"""Transfer learning on text classification: from scratch, frozen probe, top blocks, full, LoRA."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lab_helpers.models.encoders import encoder_source, load_encoder, load_tokenizer
from lab_helpers.models.sources import local_model
from lab_helpers.runtime.language import say
from lab_helpers.runtime.precision import FLOAT32, Precision
from lab_helpers.runtime.progress import track
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.runtime.threads import one_thread
from lab_helpers.tuning.classifier import EncoderClassifier, mean_pool
from lab_helpers.tuning.training import History, length_batches, train_epochs

LARGE_VOCABULARY = 100_000


class TextEncoder:
    """A named encoder with its tokenizer: embeds texts, builds classifiers, caches nothing hidden.

    ``name`` is what :func:`lab_helpers.models.encoders.encoder_source` accepts.
    """

    def __init__(
        self,
        name: str,
        max_length: int,
        device: str = "cpu",
        precision: Precision = FLOAT32,
        frozen_words: bool = False,
    ):
        self.name = name
        self.frozen_words = frozen_words
        self.max_length = max_length
        self.device = device
        self.precision = precision
        self.tokenizer = load_tokenizer(name)
        self._words = None

    @property
    def folder(self) -> str:
        """The folder for ``from_pretrained``: weights, configuration, tokenizer."""
        return local_model(encoder_source(self.name))

    def load(self, pretrained: bool = True):
        """A fresh copy of the bare encoder on this encoder's device, weights in float32.

        With ``frozen_words``, and always where the vocabulary is large, trained word vectors stay as they
        are: a few hundred texts hold hardly any of its pieces. All trained copies share one table of them.
        """
        model = load_encoder(self.name, pretrained)
        large = model.config.vocab_size >= LARGE_VOCABULARY
        if pretrained and (self.frozen_words or large):
            self._words = self._words or model.get_input_embeddings()
            model.set_input_embeddings(self._words)
        if large or (pretrained and self.frozen_words):
            model.get_input_embeddings().requires_grad_(False)
        return model.to(self.device)

    def tokenize(self, texts: list[str]) -> list[list[int]]:
        return self.tokenizer(texts, truncation=True, max_length=self.max_length)["input_ids"]

    def pad(self, ids: list[list[int]]):
        """Token ids as padded ``input_ids`` and ``attention_mask`` tensors, (batch, tokens)."""
        return self.tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(self.device)

    def embed(self, texts: list[str], encoder=None, batch_size: int = 32) -> np.ndarray:
        """Pooled vectors of ``texts``, (texts, width), by ``encoder`` or the pretrained one."""
        encoder = encoder if encoder is not None else self.load()
        encoder.eval()

        def pooled(batch):
            hidden = encoder(**batch).last_hidden_state
            return mean_pool(hidden, batch["attention_mask"])

        return self._in_batches(texts, pooled, batch_size)

    def logits(
        self, model: EncoderClassifier, texts: list[str], batch_size: int = 32
    ) -> np.ndarray:
        """Class scores of ``texts``, (texts, labels)."""
        model.eval()
        return self._in_batches(texts, lambda batch: model(**batch), batch_size)

    def _in_batches(self, texts, compute: Callable, batch_size: int) -> np.ndarray:
        ids = self.tokenize(texts)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        pieces = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        rows: list = [None] * len(ids)
        with torch.inference_mode():
            for piece in track(pieces, say("reading", "読み取り"), len(pieces)):
                padded = self.pad([ids[i] for i in piece])
                batch = {name: padded[name] for name in ("input_ids", "attention_mask")}
                for i, row in zip(piece, compute(batch).float().cpu().numpy(), strict=True):
                    rows[i] = row
        return np.stack(rows)

    def classifier(self, num_labels: int, seed: int, pretrained: bool = True) -> EncoderClassifier:
        """A fresh classifier; with ``pretrained=False`` every weight is random."""
        seed_everything(seed)
        return EncoderClassifier(self.load(pretrained), num_labels).to(self.device)


@dataclass
class Replay:
    """Old-skill texts mixed into training so that the skill stays: pairs that mean the same.

    Each step adds ``weight`` × the in-batch contrastive loss on ``batch_size`` pairs, the loss
    that MiniLM's authors trained with (Henderson et al. 2017, §4.3, scaled cosine).
    """

    pairs: list[tuple[str, str]]
    batch_size: int = 8
    weight: float = 1.0
    scale: float = 20.0


def fine_tune(
    model: EncoderClassifier,
    encoder: TextEncoder,
    texts: list[str],
    labels: list[int],
    *,
    epochs: int,
    learning_rate: float,
    head_learning_rate: float,
    batch_size: int,
    seed: int,
    replay: Replay | None = None,
    label: str = "training",
    **scoring,
) -> History:
    """Train the trainable part of ``model`` on labelled texts with cross-entropy.

    Which part is trainable is the caller's choice (``freeze``, ``get_peft_model``, everything).
    ``scoring`` (``score``, ``score_every``, ``stop_at``) goes to :func:`~lab_helpers.tuning.training.train_epochs`.
    """
    ids = encoder.tokenize(texts)
    lengths = [len(row) for row in ids]
    replay_batches = _replay_batches(encoder, replay, seed) if replay else None

    def batches(epoch: int):
        return iter(length_batches(lengths, batch_size, seed * 1000 + epoch))

    def loss_of(batch: list[int]) -> torch.Tensor:
        padded = encoder.pad([ids[i] for i in batch])
        logits = model(padded["input_ids"], padded["attention_mask"])
        gold = torch.tensor([labels[i] for i in batch], device=logits.device)
        loss = nn.functional.cross_entropy(logits, gold)
        if replay and replay_batches:
            left, right = next(replay_batches)
            loss = loss + replay.weight * contrastive_loss(model, left, right, replay.scale)
        return loss

    seed_everything(seed)
    return train_epochs(
        model,
        batches,
        loss_of,
        epochs=epochs,
        steps_per_epoch=-(-len(texts) // batch_size),
        learning_rate=learning_rate,
        head_learning_rate=head_learning_rate,
        precision=encoder.precision,
        label=label,
        **scoring,
    )


def contrastive_loss(
    model: EncoderClassifier, left: dict, right: dict, scale: float
) -> torch.Tensor:
    """In-batch softmax: each left text must find its right partner among all of the batch."""
    a = nn.functional.normalize(model.embed(**left), dim=-1)
    b = nn.functional.normalize(model.embed(**right), dim=-1)
    return nn.functional.cross_entropy(scale * a @ b.T, torch.arange(len(a), device=a.device))


def _replay_batches(encoder: TextEncoder, replay: Replay, seed: int):
    rng = np.random.default_rng(seed)
    while True:
        chosen = rng.permutation(len(replay.pairs))[: replay.batch_size]
        sides = []
        for side in (0, 1):
            padded = encoder.pad(encoder.tokenize([replay.pairs[i][side] for i in chosen]))
            sides.append({name: padded[name] for name in ("input_ids", "attention_mask")})
        yield sides[0], sides[1]


def fit_probe(vectors: np.ndarray, labels: list[int]):
    """A frozen probe: logistic regression on the encoder's vectors (scikit-learn)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=1000))
    with one_thread():
        return probe.fit(vectors, labels)


def fit_bag_of_words(texts: list[str], labels: list[int]):
    """The classical rival that needs no pretraining: TF-IDF of character 1–4-grams, linear SVM."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    features = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
    return make_pipeline(features, LinearSVC()).fit(texts, labels)
