"""The files a learner loads: Kotori's weights, verified before anything reads them."""

from functools import lru_cache
from pathlib import Path

from lab_helpers.runtime.errors import MissingDependency
from lab_helpers.runtime.files import sha256_of

FOLDER = Path(__file__).parent / "weights"
SHA256 = "a5ba8c2faa61e32fde05be8790abe493f5e39d1b6fbff2bb53d4d77effaab69c"
_REINSTALL = "Install the course again, or restore the file: git checkout -- lab_helpers/models/kotori/weights"


@lru_cache(maxsize=1)
def kotori_folder() -> Path:
    """The folder with the verified weights, configuration, tokenizer and model card.

    Raises :class:`MissingDependency` where the weights are missing or were altered.
    """
    verify(FOLDER / "model.safetensors")
    return FOLDER


def verify(weights: Path, expected: str | None = None) -> None:
    """Refuse weights that are missing or are not, bit for bit, the published ones."""
    expected = expected or SHA256
    if not weights.is_file():
        raise MissingDependency(f"Kotori's weights are missing ({weights.name})", _REINSTALL)
    found = sha256_of(weights)
    if found != expected:
        raise MissingDependency(
            f"Kotori's weights were altered: sha256 {found[:12]}…, expected {expected[:12]}…; they are not loaded",
            _REINSTALL,
        )
