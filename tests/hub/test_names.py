"""Names of hub models: what they look like, and where they are kept."""

import pytest

from lab_helpers.models.hub.names import HubName, is_hub_name, origin_of, parse_hub_name
from lab_helpers.models.sources import local_model, model_source
from lab_helpers.runtime.errors import BadInput

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", HubName("Qwen/Qwen2.5-0.5B-Instruct")),
        ("a/b@v1.0", HubName("a/b", "v1.0")),
        ("a/b@refs/pr/3", HubName("a/b", "refs/pr/3")),
        (f"a/b@{COMMIT}", HubName("a/b", COMMIT)),
    ],
)
def test_a_name_is_taken_apart_and_put_together(text, name):
    assert parse_hub_name(text) == name
    assert str(name) == text
    assert name.is_pinned is (name.revision == COMMIT)


def test_a_revision_may_stand_beside_the_name():
    assert parse_hub_name("a/b", "v1") == parse_hub_name("a/b@v1") == parse_hub_name("a/b@v1", "v1")


@pytest.mark.parametrize(
    "text", ["", "a", "a/", "/b", "a/b/c", "a b/c", "a/b@", "../b", "a--b/c", "a/b..c", "日/本"]
)
def test_what_is_no_name(text):
    assert not is_hub_name(text)


def test_a_source_may_name_a_revision():
    assert model_source(f"a/b@{COMMIT}", {}, "x/y") == f"a/b@{COMMIT}"


def test_a_shipped_name_that_is_nearly_written_is_offered():
    shipped = {"kotori": lambda: None}
    with pytest.raises(BadInput, match=r"Did you mean kotori\?"):
        model_source("Kotory", shipped, "x/y")


def test_a_folder_is_its_own_local_model_and_has_no_revisions(tmp_path):
    assert local_model(str(tmp_path)) == str(tmp_path)
    with pytest.raises(BadInput, match="has no revisions"):
        local_model(str(tmp_path), revision="v1")


def test_only_a_snapshot_of_the_cache_has_an_origin(hub, tmp_path):
    cache = tmp_path / "hf" / "hub"
    snapshot = cache / "models--a--b" / "snapshots" / COMMIT
    assert origin_of(str(snapshot)) == ("a/b", COMMIT)
    for folder in (
        "",
        "/",
        "kotori",
        str(tmp_path / "x"),
        str(tmp_path / "models--a--b/snapshots/c"),
    ):
        assert origin_of(folder) is None
