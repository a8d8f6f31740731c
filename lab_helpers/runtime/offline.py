"""Keep the libraries from the network; and know whether the user, or only a profile, wanted that."""

import os

_VARIABLES = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY")
_TRUE = {"1", "ON", "YES", "TRUE"}
_set_here: set[str] = set()


def go_offline() -> None:
    """Tell every Hugging Face library not to touch the network. Call before importing them."""
    for variable in _VARIABLES:
        if variable not in os.environ:
            os.environ[variable] = "1"
            _set_here.add(variable)


def network_is_forbidden() -> bool:
    """Whether the user has switched the hub off (``HF_HUB_OFFLINE=1``).

    An offline profile has no business there either, until somebody names a model of the hub.
    """
    asked = {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"} - _set_here
    return any(os.environ.get(variable, "").upper() in _TRUE for variable in asked)
