"""The pretended machines, and the real models that their profiles mean."""

import dataclasses

from pretended_cuda import CARD_24_GB, T4, Card

from lab_helpers.runtime.profiles import load_profile

LABS = ("00", "03", "04", "05", "06", "07")


@dataclasses.dataclass(frozen=True)
class Machine:
    """A profile on a card. ``collect``: Python's collector runs before each sample, instead of not at all."""

    profile: str
    card: Card
    collect: bool = False


MACHINES = {
    "t4": Machine("t4", T4),
    "two_t4": Machine("t4", dataclasses.replace(T4, count=2), collect=True),
    "gpu": Machine("gpu", CARD_24_GB),
}
REAL = {
    "Qwen/Qwen2.5-1.5B-Instruct": "Qwen2.5 1.5B",
    "Qwen/Qwen3-4B-Instruct-2507": "Qwen3 4B",
}
"""The profiles' models by the names of their shapes; a default without one must be added here."""
# (words, width, width of the MLP, blocks), as their config.json say.
ENCODERS = {
    "intfloat/multilingual-e5-small": (250_037, 384, 1536, 12),
    "intfloat/multilingual-e5-base": (250_002, 768, 3072, 12),
}


def real_model(profile: str) -> str:
    """The name, among the known shapes, of the profile's language model."""
    return REAL[load_profile(profile).language_model.partition("@")[0]]


def encoder_bytes(profile: str) -> int:
    """The profile's embedder in float32: words, 512 places, and the blocks' matrices."""
    words, width, mlp, blocks = ENCODERS[load_profile(profile).encoder.partition("@")[0]]
    return 4 * ((words + 512) * width + blocks * (4 * width * width + 2 * width * mlp))
