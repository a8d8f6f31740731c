"""Which base an adapter was trained on, known again by its token vectors in whatever format they lie."""

import hashlib

import torch

_ROWS = 64
_SHORTER = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def fingerprint(model, rounded: torch.dtype | None = None) -> str:
    """SHA-256 of the base's token vectors: all of a small model's, the first and last 64 of a large one's.

    Two models that share them are the same base for every practical purpose; hashing all weights of
    an 8B model would take minutes. ``rounded`` takes them as a model of that dtype would hold them.
    """
    weight = model.get_input_embeddings().weight.detach()
    vectors = weight
    if len(vectors) > 100 * _ROWS:
        vectors = torch.cat([vectors[:_ROWS], vectors[-_ROWS:]])
    vectors = vectors.to(rounded or vectors.dtype)
    digest = hashlib.sha256(str(tuple(weight.shape)).encode())
    digest.update(vectors.to("cpu", torch.float32).numpy().tobytes())
    return digest.hexdigest()


def note_base(model) -> dict[str, str]:
    """What is noted beside an adapter: the fingerprint as the base lies here, and as 16 bits would hold it.

    A GPU loads the same base in bf16 or fp16 and a CPU in float32, and each rounds to other numbers.
    """
    dtype = str(model.get_input_embeddings().weight.dtype).removeprefix("torch.")
    short = {name: fingerprint(model, kind) for name, kind in _SHORTER.items()}
    return {"sha256": fingerprint(model), "dtype": dtype, **short}


def is_another_base(model, noted: dict) -> bool:
    """Whether ``model`` is surely not the base of which :func:`note_base` made ``noted``.

    The wider of two copies, rounded, is the narrower one, so that one of the three fingerprints agrees. Of
    a copy in bf16 and one in fp16 neither is wider: where the file was float32 none agrees, and nothing is
    sure. Nor is it where 16 bits meet a note without a dtype, from when every base lay in float32.
    """
    if not noted.get("sha256"):
        return False
    here = note_base(model)
    if any(here[name] == noted.get(name) for name in ("sha256", *_SHORTER)):
        return False
    both_short = {here["dtype"], noted.get("dtype")} == set(_SHORTER)
    return not both_short and ("dtype" in noted or here["dtype"] not in _SHORTER)
