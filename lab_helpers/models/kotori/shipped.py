"""The files a learner loads: Kotori's weights, verified before anything reads them."""

from functools import lru_cache
from pathlib import Path

from lab_helpers.models.sources import verify_weights
from lab_helpers.runtime.language import Text

FOLDER = Path(__file__).parent / "weights"
SHA256 = "6a3637bed697f4620e9c1b7487a94ef41993d612c1f6ad5520835e0653b14f91"
_COMMAND = "git checkout -- lab_helpers/models/kotori/weights"
_REINSTALL = Text(
    f"Install the course again, or restore the file: {_COMMAND}",
    f"講座をインストールし直すか、ファイルを元に戻してください: {_COMMAND}",
)


@lru_cache(maxsize=1)
def kotori_folder() -> Path:
    """The folder with the verified weights, configuration, tokenizer and model card.

    Raises :class:`MissingDependency` where the weights are missing or were altered.
    """
    verify(FOLDER / "model.safetensors")
    return FOLDER


def verify(weights: Path, expected: str | None = None) -> None:
    """Refuse weights that are missing or are not the published ones."""
    verify_weights(weights, expected or SHA256, "Kotori's", str(_REINSTALL))
