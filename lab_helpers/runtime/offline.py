"""Keep the libraries from the network."""

import os


def go_offline() -> None:
    """Tell every Hugging Face library not to touch the network. Call before importing them."""
    for variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        os.environ.setdefault(variable, "1")
