"""A hub on this machine, a cache of one's own, and nobody who waits."""

import os

import pytest
from local_hub import ENCODER, MODEL, LocalHub


@pytest.fixture
def hub_at(monkeypatch, tmp_path):
    """``hub_at(hub)``: huggingface_hub and the course ask that hub, without a token, with an empty cache."""
    from huggingface_hub import constants

    from lab_helpers.models.hub import fetching

    def point(hub: LocalHub) -> None:
        address, cache = hub.address, tmp_path / "hf"
        for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
            monkeypatch.delenv(variable, raising=False)
        values = {
            "ENDPOINT": address,
            "HUGGINGFACE_CO_URL_TEMPLATE": address + "/{repo_id}/resolve/{revision}/{filename}",
            "HF_HUB_CACHE": str(cache / "hub"),
            "HF_HUB_OFFLINE": False,
            "HF_TOKEN_PATH": str(cache / "token"),
            "HF_HUB_DOWNLOAD_TIMEOUT": 2,
        }
        for name, value in values.items():
            monkeypatch.setattr(constants, name, value)
        monkeypatch.setattr(fetching, "_heard", {})

    return point


@pytest.fixture
def hub(hub_at, monkeypatch):
    """A hub without models, asked by everything in this process; waiting takes no time."""
    from lab_helpers.models.hub import patience

    monkeypatch.setattr(patience, "WAITS", (0.0, 0.0, 0.0))
    with LocalHub() as running:
        hub_at(running)
        yield running


@pytest.fixture
def chat_model(hub, tiny_chat_model):
    """The name of a random Qwen2 that the hub holds."""
    hub.add(MODEL, tiny_chat_model)
    return MODEL


@pytest.fixture
def encoder_model(hub, tiny_bert):
    """The name of a random BERT that the hub holds."""
    hub.add(ENCODER, tiny_bert)
    return ENCODER


@pytest.fixture
def heard(monkeypatch):
    """Everything that was reported while the test went on: steps, and notes."""
    from lab_helpers.runtime import progress

    class Reporter(list):
        def __init__(self):
            super().__init__()
            self.notes = []

        def __bool__(self):
            return True  # an empty list listens too

        def __call__(self, *step):
            self.append(step)

        def note(self, text):
            self.notes.append(text)

    reporter = Reporter()
    monkeypatch.setattr(progress, "_reporter", reporter)
    return reporter


@pytest.fixture
def environment(hub, tmp_path) -> dict[str, str]:
    """A process's environment that knows the hub, and keeps its cache and results in ``tmp_path``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return kept | {
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(tmp_path / "home"),
        "LAB_HOME": str(tmp_path / "lab"),
        "PYTHONUTF8": "1",
    }
