"""Every way a hub can fail: one message in each language, with the way out, and the right exit code."""

import time

import pytest
from local_hub import GOOD_TOKEN, MODEL, STRANGERS_TOKEN

from lab_helpers.models.hub import fetching, patience
from lab_helpers.models.hub.errors import explain
from lab_helpers.models.hub.fetching import fetch_model
from lab_helpers.models.hub.names import HubName
from lab_helpers.models.sources import plain_loading_errors
from lab_helpers.runtime.errors import EXIT_BAD_INPUT, EXIT_MISSING, LabError
from lab_helpers.runtime.language import speaking

FILES = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": b"w" * 5000}


@pytest.fixture
def model(hub):
    return hub.add(MODEL, FILES)


def refusal(code: int, name: str = MODEL) -> LabError:
    """The one error with which ``name`` is refused; it is told in Japanese too."""
    with speaking("ja"), pytest.raises(LabError) as japanese:
        fetch_model(name)
    with pytest.raises(LabError) as caught:
        fetch_model(name)
    error = caught.value
    assert error.exit_code == japanese.value.exit_code == code
    assert "\n" not in str(error)
    assert error.fix
    words = japanese.value.what + japanese.value.fix
    assert any("ぁ" <= letter <= "ヿ" for letter in words)
    assert error.what not in words
    return error


# Who asks


def test_an_unknown_name_brings_the_one_that_was_meant(hub, model):
    error = refusal(EXIT_BAD_INPUT, "hoshizora/tiny-chta")
    assert "the hub knows no model 'hoshizora/tiny-chta'" in error.what
    assert f"Did you mean {MODEL}?" in error.fix
    assert "owner/model" in error.fix


def test_an_unknown_name_with_a_token(hub, model, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    error = refusal(EXIT_BAD_INPUT, "nobody/knows-this")
    assert "knows no model" in error.what
    assert "Did you mean" not in error.fix


def test_a_private_model_is_unknown_to_strangers(hub, model, monkeypatch):
    model.private = True
    assert "hf auth login" in refusal(EXIT_BAD_INPUT).fix
    monkeypatch.setenv("HF_TOKEN", STRANGERS_TOKEN)
    assert "Did you mean" not in refusal(EXIT_BAD_INPUT).fix
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    assert fetch_model(MODEL).is_dir()


def test_a_bad_token_is_named_as_such(hub, model, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_expired")
    error = refusal(EXIT_BAD_INPUT)
    assert "refuses your token" in error.what
    assert "HF_TOKEN" in error.fix


def test_a_gated_model_without_a_token(hub, model):
    model.gated = True
    error = refusal(EXIT_BAD_INPUT)
    assert error.what == f"'{MODEL}' is gated"
    assert f"{hub.address}/{MODEL}" in error.fix
    assert "hf auth login" in error.fix


def test_a_gated_model_whose_licence_is_not_accepted(hub, model, monkeypatch):
    model.gated = True
    monkeypatch.setenv("HF_TOKEN", STRANGERS_TOKEN)
    error = refusal(EXIT_BAD_INPUT)
    assert error.what == f"'{MODEL}' is gated"
    assert "account of your token" in error.fix
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    assert fetch_model(MODEL).is_dir()


def test_an_unknown_revision(hub, model):
    error = refusal(EXIT_BAD_INPUT, f"{MODEL}@v9")
    assert error.what == f"'{MODEL}' has no revision 'v9'"


def test_a_model_that_was_taken_down(hub, model):
    message = "Access to this resource is disabled."
    hub.fail("GET", "/api/models/", times=9, status=403, headers={"X-Error-Message": message})
    assert "taken off the hub" in refusal(EXIT_BAD_INPUT).what


def test_no_right_to_read(hub, model):
    hub.fail("GET", "/resolve/", times=9, status=403)
    assert "does not let you read" in refusal(EXIT_BAD_INPUT).what


# A hub that is busy or down


@pytest.mark.parametrize(
    "headers", [{"Retry-After": "0"}, {"ratelimit": '"api";r=0;t=0'}, {}], ids=str
)
@pytest.mark.parametrize("part", ["/api/models/", "/resolve/", "model.safetensors"])
def test_too_many_requests_are_waited_for(hub, model, heard, part, headers):
    hub.fail("GET", part, times=2, status=429, headers=headers)
    assert fetch_model(MODEL).is_dir()
    assert sum("asks us to wait" in note for note in heard.notes) == 2


@pytest.mark.parametrize(
    ("headers", "when"),
    [
        ({"Retry-After": "75"}, "in 75 seconds"),
        ({"ratelimit": '"api";r=0;t=290', "ratelimit-policy": '"api";q=500;w=300'}, "in 5 minutes"),
    ],
)
@pytest.mark.parametrize("part", ["/api/models/", "model.safetensors"])
def test_a_long_wait_is_told_instead(hub, model, part, headers, when):
    hub.fail("GET", part, times=99, status=429, headers=headers)
    error = refusal(EXIT_MISSING)
    assert "too many requests" in error.what
    assert when in error.fix
    assert "hf auth login" in error.fix


def test_a_wait_may_be_told_as_a_date(monkeypatch):
    from email.utils import formatdate
    from types import SimpleNamespace

    def answer(value):
        response = SimpleNamespace(headers={"retry-after": value}, status_code=429)
        return SimpleNamespace(response=response)

    assert 100 < patience.asked_wait(answer(formatdate(time.time() + 110, usegmt=True))) < 111
    assert patience.asked_wait(answer("soon")) is None
    assert patience.asked_wait(ValueError()) is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("part", ["/api/models/", "model.safetensors"])
def test_a_hub_that_is_down(hub, model, part, status):
    hub.fail("GET", part, times=99, status=status)
    error = refusal(EXIT_MISSING)
    assert f"the hub is down (HTTP {status})" in error.what
    assert "--model" in error.fix


@pytest.mark.parametrize("part", ["/api/models/", "/resolve/", "model.safetensors"])
def test_a_hub_that_stumbles_is_asked_again(hub, model, part):
    hub.fail("GET", part, times=2, status=503)
    assert fetch_model(MODEL).is_dir()


def test_a_hub_that_is_not_there(hub, model):
    hub.stop()
    error = refusal(EXIT_MISSING)
    assert "the hub cannot be reached" in error.what
    assert "HF_ENDPOINT" in error.fix


def test_a_hub_that_goes_down_half_way(hub, model, monkeypatch):
    """The settings have arrived, then nobody answers any more."""
    from lab_helpers.models.hub import download

    download = download.download_file

    def download_then_stop(file, *rest):
        if file.is_weights:
            hub.stop()
        download(file, *rest)

    monkeypatch.setattr(fetching, "download_file", download_then_stop)
    error = refusal(EXIT_MISSING)
    assert "0.0 of 0.0 MB of model.safetensors" in error.what or "cannot be reached" in error.what


def test_a_hub_that_says_nothing(hub, model, monkeypatch):
    monkeypatch.setattr(fetching, "list_hub", lambda name: list_soon(name))
    from lab_helpers.models.hub.listing import list_hub

    def list_soon(name):
        return list_hub(name, timeout=0.2)

    hub.fail("GET", "/api/models/", times=99, delay=0.5)
    assert "does not answer in time" in refusal(EXIT_MISSING).what


@pytest.mark.parametrize("sha", [b"", b'{"sha": null, "id": "x", "siblings": []}'])
def test_something_that_is_no_hub(hub, model, monkeypatch, sha):
    """A school's login page answers everything with 200."""
    from local_hub import _Handler

    monkeypatch.setattr(
        _Handler, "_describe", lambda self: self._say_page(sha or b"<html>Log in</html>")
    )
    error = refusal(EXIT_MISSING)
    assert f"what answers at {hub.address} is no hub" in error.what
    assert "HF_ENDPOINT" in error.fix


# Errors that transformers has wrapped


def gated_through_transformers():
    """As transformers tells it: an OSError, with the cause behind it."""
    from transformers import AutoConfig

    with plain_loading_errors(MODEL):
        AutoConfig.from_pretrained(MODEL)


def test_the_gated_message_shows_through_transformers(hub, model):
    model.gated = True
    with pytest.raises(LabError, match="is gated") as caught:
        gated_through_transformers()
    assert "hf auth login" in caught.value.fix


def test_a_cause_far_behind_an_error_is_found():
    from huggingface_hub.errors import HTTPError, LocalEntryNotFoundError

    class ConnectError(HTTPError):
        pass

    error = OSError("We couldn't connect to the hub")
    error.__cause__ = LocalEntryNotFoundError("check your connection")
    error.__cause__.__cause__ = ConnectError("no route")
    with pytest.raises(LabError, match="cannot be reached"), plain_loading_errors(MODEL):
        raise error


def test_an_error_that_has_nothing_to_do_with_a_hub_is_left_alone():
    assert explain(HubName(MODEL), ValueError("size mismatch")) is None
    told = pytest.raises(LabError, match=f"cannot load '{MODEL}': size mismatch")
    with told, plain_loading_errors(MODEL):
        raise ValueError("size mismatch")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 5 GiB"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"
        ),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        MemoryError(),
    ],
)
def test_a_model_that_does_not_fit_is_told_as_such(error):
    told = pytest.raises(LabError, match="does not fit into the memory")
    with told as caught, plain_loading_errors(MODEL):
        raise error
    assert caught.value.exit_code == EXIT_BAD_INPUT
    assert "labs fit" in caught.value.fix
