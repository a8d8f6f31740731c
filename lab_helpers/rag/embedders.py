"""Embedders by name: ``minilm`` (shipped, English), ``e5`` (from a package, about 100 languages), or any
sentence-transformers model as a folder or hub name."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import cached_property

import numpy as np

from lab_helpers.data.languages import is_japanese
from lab_helpers.models.encoders import encoder_source
from lab_helpers.models.sources import local_model, plain_loading_errors, quiet_loading
from lab_helpers.runtime.errors import BadInput, LabError
from lab_helpers.runtime.files import content_key
from lab_helpers.runtime.hardware import detect
from lab_helpers.runtime.language import say
from lab_helpers.runtime.precision import pick_precision
from lab_helpers.runtime.progress import note, track

BATCH = 32
REMEMBERED = 8192
# Trained with these words before every text (Wang et al. 2022, arXiv 2212.03533, section 4).
_E5 = re.compile(r"(?:^|[-_/\\])e5(?:$|-(?!.*instruct))", re.IGNORECASE)
# Well-known models that were trained on English only: their vectors of Japanese are close to noise.
_ENGLISH_ONLY = re.compile(r"^minilm$|all-(?:minilm|mpnet|distilroberta)|bge-\w+-en", re.IGNORECASE)
_E5_PREFIXES = {"query": "query: ", "passage": "passage: "}


class Embedder:
    """Texts to unit vectors of ``.width`` numbers, with a memory for texts that come again."""

    def __init__(self, name: str, model, autocast: str | None = None):
        """``model`` is a loaded ``SentenceTransformer``; ``name`` is what the user calls it.

        ``autocast`` is "bf16", "fp16" or None: the number format of the matrix products.
        """
        self.name = name
        self._autocast = autocast
        self._model = model
        self._remembered: OrderedDict[str, np.ndarray] = OrderedDict()
        own = getattr(model, "prompts", None) or {}
        self._prefixes = (
            _E5_PREFIXES
            if _E5.search(name)
            else {
                "query": own.get("query") or "",
                "passage": own.get("passage") or own.get("document") or "",
            }
        )

    @property
    def width(self) -> int:
        return self._model.get_embedding_dimension()

    @property
    def max_tokens(self) -> int:
        """Tokens that are read of a text, special ones and prefix counted; the rest is cut off silently."""
        return self._model.max_seq_length or self.tokenizer.model_max_length

    @property
    def english_only(self) -> bool:
        """Whether the model is known to read nothing but English; False for a name unheard of."""
        return bool(_ENGLISH_ONLY.search(self.name))

    @property
    def tokenizer(self):
        """The embedder's Hugging Face tokenizer."""
        return self._model.tokenizer

    @cached_property
    def fingerprint(self) -> str:
        """Differs between embedders whose vectors must not be mixed: hash of weights, settings, prefixes.

        The number format is left out: MiniLM's vectors in bf16 and fp32 have a cosine above 0.9999.
        """
        digest = hashlib.sha256()
        for name, weights in sorted(self._model.state_dict().items()):
            digest.update(f"{name}{tuple(weights.shape)}{weights.dtype}".encode())
            digest.update(weights.detach().cpu().contiguous().float().numpy().ravel())
        modules = [str(module) for module in self._model]
        return content_key(digest.hexdigest(), modules, self.max_tokens, self._prefixes)

    def token_counts(self, texts: Sequence[str], kind: str = "passage") -> list[int]:
        """Tokens of each text as the embedder would see it uncut: with prefix and special tokens."""
        if not texts:
            return []
        prefixed = [self._prefixes[kind] + text for text in texts]
        return [len(ids) for ids in self.tokenizer(prefixed, verbose=False)["input_ids"]]

    def encode(self, texts: Sequence[str], kind: str = "passage") -> np.ndarray:
        """Unit vectors, (n, width) float32, in the order of ``texts``; ``kind`` is "passage" or "query".

        A text that was seen lately, or stands twice in ``texts``, is embedded once. Texts of similar
        length share a batch, so that little is padded.
        """
        if kind not in self._prefixes:
            raise BadInput(
                say(
                    f"unknown kind of text '{kind}'", f"「{kind}」というテキストの種類はありません"
                ),
                say("Use 'passage' or 'query'.", "'passage' か 'query' を指定してください。"),
            )
        if isinstance(texts, str):
            raise BadInput(
                say("a single text was given", "テキストが 1 つの文字列で渡されました"),
                say("Give a list of texts.", "テキストのリストを渡してください。"),
            )
        prefixed = [self._prefixes[kind] + text for text in texts]
        found = {text: self._remembered[text] for text in prefixed if text in self._remembered}
        new = sorted({text for text in prefixed if text not in found}, key=lambda t: (len(t), t))
        batches = [new[start : start + BATCH] for start in range(0, len(new), BATCH)]
        for batch in (
            track(batches, say("embed", "埋め込み中"), len(batches))
            if len(batches) > 1
            else batches
        ):
            found.update(zip(batch, self._encode(batch), strict=True))
        self._remember(found)
        if not prefixed:
            return np.zeros((0, self.width), np.float32)
        return np.stack([found[text] for text in prefixed])

    def fresh(self) -> "Embedder":
        """The same model with an empty memory."""
        return Embedder(self.name, self._model, self._autocast)

    def _encode(self, batch: list[str]) -> np.ndarray:
        with self._number_format():
            vectors = self._model.encode(
                batch,
                batch_size=len(batch),
                show_progress_bar=False,
                convert_to_numpy=True,
            ).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _number_format(self):
        if self._autocast is None:
            return nullcontext()
        import torch

        kind = {"bf16": torch.bfloat16, "fp16": torch.float16}[self._autocast]
        return torch.autocast(self._model.device.type, dtype=kind)

    def _remember(self, found: dict[str, np.ndarray]) -> None:
        for text, vector in found.items():
            self._remembered[text] = vector
            self._remembered.move_to_end(text)
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)


def choose_embedder(texts: Iterable[str]) -> str:
    """The embedder's name for documents that nobody named one for: ``e5`` if one is Japanese, else ``minilm``.

    Where ``e5`` is missing or cannot be used, one sentence says so, and it is ``minilm``: n-grams still
    find Japanese by its words.
    """
    if not any(is_japanese(text) for text in texts):
        return "minilm"
    try:
        encoder_source("e5")
    except LabError as error:
        note(
            say(
                f"Japanese is searched by its words only, for the embedder that reads it cannot be used: {error}",
                f"日本語を読める埋め込みモデルが使えないため、日本語は全文検索だけで探します。{error}",
            )
        )
        return "minilm"
    return "e5"


def load_embedder(
    name: str = "minilm", device: str | None = None, precision: str = "auto"
) -> Embedder:
    """The embedder ``name``: ``minilm`` (shipped, English), ``e5``, a local folder, or a hub name.

    ``precision`` as in :func:`pick_precision`: "native" takes bf16 where the CPU has it, which
    embeds about three times as fast; "auto" stays with fp32 there. Raises :class:`BadInput` for an
    unknown name, :class:`MissingDependency` where it cannot be loaded.
    """
    source = encoder_source(name)  # first: it also hushes what the import below would warn about
    from sentence_transformers import SentenceTransformer

    autocast = pick_precision(detect(), precision).autocast
    with plain_loading_errors(name), quiet_loading():
        model = SentenceTransformer(
            local_model(source),
            device=device,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    return Embedder(name, model.eval(), autocast)
