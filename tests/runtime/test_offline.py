"""Who switched the network off: an offline profile, which a named model overrules, or the user."""

import os

import pytest

from lab_helpers.runtime.offline import go_offline, network_is_forbidden

VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")


@pytest.fixture
def online(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.setenv(variable, "")  # restored afterwards, whatever go_offline() writes
        monkeypatch.delenv(variable)


@pytest.mark.usefixtures("online")
def test_an_offline_profile_is_not_the_users_word():
    assert not network_is_forbidden()
    go_offline()
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["HF_DATASETS_OFFLINE"] == "1"
    assert not network_is_forbidden()


@pytest.mark.usefixtures("online")
@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
@pytest.mark.parametrize(("value", "forbidden"), [("1", True), ("yes", True), ("0", False), ("", False)])  # fmt: skip
def test_the_users_word_holds_before_and_after(monkeypatch, variable, value, forbidden):
    monkeypatch.setenv(variable, value)
    assert network_is_forbidden() is forbidden
    go_offline()
    assert os.environ[variable] == value
    assert network_is_forbidden() is forbidden
