"""Named entities as token classification: BIO tags, a fine-tuned encoder, and its classical rival.

Tag scheme IOB2: ``B-part`` opens an entity, ``I-part`` continues it, ``O`` is everything else.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from lab_helpers.runtime.language import say
from lab_helpers.runtime.precision import FLOAT32, Precision
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.training import History, length_batches, train_epochs

KINDS = ("product", "part", "date", "money", "drug", "company_code")
TAGS = ("O", *(f"{prefix}-{kind}" for kind in KINDS for prefix in "BI"))
IGNORED = -100


def tags_for(offsets: list[tuple[int, int]], entities: list[dict]) -> list[str]:
    """The IOB2 tag of each token, given tokens' and entities' character offsets.

    An empty offset (``[CLS]``, ``[SEP]``) gets ``O``. A token that overlaps an entity belongs to it.
    """
    tags = []
    previous = None
    for start, end in offsets:
        inside = next(
            (e for e in entities if start < e["end"] and end > e["start"] and end > start), None
        )
        if inside is None:
            tags.append("O")
        else:
            tags.append(("I-" if inside is previous else "B-") + inside["label"])
        previous = inside
    return tags


def spans_from(offsets: list[tuple[int, int]], tags: list[str]) -> list[tuple[int, int, str]]:
    """Character spans ``(start, end, kind)`` that a tag sequence stands for; stray ``I-`` is dropped."""
    spans: list[tuple[int, int, str]] = []
    open_kind = None
    for (start, end), tag in zip(offsets, tags, strict=True):
        prefix, _, kind = tag.partition("-")
        if prefix == "B":
            spans.append((start, end, kind))
            open_kind = kind
        elif prefix == "I" and kind == open_kind:
            spans[-1] = (spans[-1][0], end, kind)
        else:
            open_kind = None
    return spans


class EntityTagger:
    """A token-classification model with its tokenizer.

    ``fit`` trains every weight; ``tag`` returns one list of IOB2 tags a sentence, special tokens
    left out, together with the tokens' offsets.
    """

    def __init__(self, model, tokenizer, max_length: int, precision: Precision = FLOAT32):
        self.model, self.tokenizer, self.max_length = model, tokenizer, max_length
        self.precision = precision

    def logits(self, ids: list[list[int]]) -> torch.Tensor:
        """Tag scores of padded token ids, (batch, tokens, tags), on the model's device."""
        padded = self.tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(self.model.device)
        return self.model(padded["input_ids"], padded["attention_mask"]).logits

    def encode(self, texts: list[str]):
        return self.tokenizer(
            texts, truncation=True, max_length=self.max_length, return_offsets_mapping=True
        )

    def fit(
        self, rows: list[dict], *, epochs, learning_rate, head_learning_rate, batch_size, seed
    ) -> History:
        """Cross-entropy over the tags; special tokens and padding carry no loss."""
        encoded = self.encode([row["text"] for row in rows])
        ids = encoded["input_ids"]
        targets = [
            [
                TAGS.index(tag) if end > start else IGNORED
                for (start, end), tag in zip(
                    offsets, tags_for(offsets, row["entities"]), strict=True
                )
            ]
            for offsets, row in zip(encoded["offset_mapping"], rows, strict=True)
        ]

        def loss_of(batch: list[int]) -> torch.Tensor:
            logits = self.logits([ids[i] for i in batch])
            width = logits.shape[1]
            goal = [targets[i] + [IGNORED] * (width - len(targets[i])) for i in batch]
            gold = torch.tensor(goal, device=logits.device).flatten()
            return nn.functional.cross_entropy(logits.flatten(0, 1), gold, ignore_index=IGNORED)

        seed_everything(seed)
        lengths = [len(row) for row in ids]
        return train_epochs(
            self.model,
            lambda epoch: iter(length_batches(lengths, batch_size, seed * 1000 + epoch)),
            loss_of,
            epochs=epochs,
            steps_per_epoch=-(-len(rows) // batch_size),
            learning_rate=learning_rate,
            head_learning_rate=head_learning_rate,
            precision=self.precision,
            label=say("entities", "固有表現"),
        )

    def tag(
        self, texts: list[str], batch_size: int = 32
    ) -> tuple[list[list[str]], list[list[tuple[int, int]]]]:
        self.model.eval()
        encoded = self.encode(texts)
        all_tags, all_offsets = [], []
        with torch.inference_mode():
            for start in range(0, len(texts), batch_size):
                ids = encoded["input_ids"][start : start + batch_size]
                best = self.logits(ids).argmax(-1).cpu()
                for row, offsets in zip(
                    best, encoded["offset_mapping"][start : start + batch_size], strict=True
                ):
                    real = [(i, span) for i, span in enumerate(offsets) if span[1] > span[0]]
                    all_tags.append([TAGS[int(row[i])] for i, _ in real])
                    all_offsets.append([tuple(span) for _, span in real])
        return all_tags, all_offsets

    def spans(self, texts: list[str]) -> list[list[tuple[int, int, str]]]:
        """Predicted character spans of each text."""
        tags, offsets = self.tag(texts)
        return [spans_from(o, t) for o, t in zip(offsets, tags, strict=True)]


# A run of letters, but of Japanese, which has no spaces, each character: a name may end anywhere in a run.
_JAPANESE = "\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f"
_WORD = re.compile(rf"[^\W\d_{_JAPANESE}]+|\d+|[^\w\s]|_|[{_JAPANESE}]|\w")
_SCRIPTS = (("\u3041", "\u309f", "あ"), ("\u30a0", "\u30ff", "ア"), ("\u3400", "\u9fff", "字"))


def words_with_offsets(text: str) -> list[tuple[int, int]]:
    """Runs of letters, runs of digits, single signs and single Japanese characters, as character offsets."""
    return [match.span() for match in _WORD.finditer(text)]


class CrfTagger:
    """The classical tagger: hand-made features of a word and its neighbours, a conditional random field.

    Lafferty, McCallum & Pereira 2001; trained by CRFsuite (Okazaki 2007) with L-BFGS and an L2 penalty
    ``c2``. Unlike a classifier of single words it scores the whole sequence of tags, so it knows that
    ``I-date`` follows ``B-date``.
    """

    def __init__(self, c2: float = 0.1):
        self.c2 = c2

    def fit(self, rows: list[dict]) -> "CrfTagger":
        import pycrfsuite

        trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
        trainer.set_params(
            {"c1": 0.0, "c2": self.c2, "max_iterations": 100, "feature.possible_transitions": True}
        )
        for row in rows:
            offsets = words_with_offsets(row["text"])
            if offsets:
                trainer.append(
                    word_features(row["text"], offsets), tags_for(offsets, row["entities"])
                )
        with TemporaryDirectory() as folder:
            path = str(Path(folder) / "tagger.crfsuite")
            trainer.train(path)
            self._model = Path(path).read_bytes()
        return self

    def spans(self, texts: list[str]) -> list[list[tuple[int, int, str]]]:
        """Predicted character spans of each text."""
        import pycrfsuite

        tagger = pycrfsuite.Tagger()
        tagger.open_inmemory(self._model)
        found = []
        for text in texts:
            offsets = words_with_offsets(text)
            tags = tagger.tag(word_features(text, offsets)) if offsets else []
            found.append(spans_from(offsets, tags))
        return found


def word_features(text: str, offsets: list[tuple[int, int]]) -> list[list[str]]:
    """Word and shape of each word and of two neighbours on each side, its pairs, prefix and suffix."""
    words = [text[start:end] for start, end in offsets]
    rows = []
    for i, word in enumerate(words):
        row = [f"prefix={word[:3].lower()}", f"suffix={word[-3:].lower()}", "bias"]
        for distance in (-2, -1, 0, 1, 2):
            near = words[i + distance] if 0 <= i + distance < len(words) else "<edge>"
            row += [f"{distance}:word={near.lower()}", f"{distance}:shape={word_shape(near)}"]
        for left in (i - 1, i):
            pair = words[max(left, 0) : left + 2]
            row.append(f"{left - i}:pair={'|'.join(pair).lower()}")
        rows.append(row)
    return rows


def word_shape(word: str) -> str:
    """``Aaa``, ``A0A``, ア: the kind of each of the first six signs, as far as it is a letter or a digit."""

    def kind(sign: str) -> str:
        for first, last, name in _SCRIPTS:
            if first <= sign <= last:
                return name
        return "0" if sign.isdigit() else "A" if sign.isupper() else "a" if sign.islower() else sign

    return "".join(map(kind, word[:6]))
