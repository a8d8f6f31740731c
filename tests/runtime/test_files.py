"""Writing so that a crash or a full disk leaves the old file or the new one, never half of one."""

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import (
    content_key,
    hash_of,
    read_json,
    sha256_of,
    write_json,
    write_text,
)


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, {"old": True})
    return path


def half_then_full_disk(self: Path, content: bytes) -> int:
    """``Path.write_bytes`` on a disk that runs full in the middle of the file."""
    with open(self, "wb") as stream:
        stream.write(content[: len(content) // 2])
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def half_then_interrupted(self: Path, content: bytes) -> int:
    with open(self, "wb") as stream:
        stream.write(content[: len(content) // 2])
    raise KeyboardInterrupt


def test_what_is_written_is_read_again(tmp_path):
    value = {"日本語": [1, 2.5, None, True], "nested": {"a": "é"}}
    path = write_json(tmp_path / "deep" / "er" / "x.json", value)
    assert json.loads(path.read_text(encoding="utf-8")) == value
    assert "日本語" in path.read_text(encoding="utf-8")
    assert [p.name for p in path.parent.iterdir()] == ["x.json"]


def test_a_full_disk_leaves_the_old_content_and_no_rubbish(record, monkeypatch):
    monkeypatch.setattr(Path, "write_bytes", half_then_full_disk)
    with pytest.raises(BadInput, match=r"cannot write .*record\.json.*No space left") as caught:
        write_json(record, {"new": "x" * 1000})
    assert "LAB_HOME" in caught.value.fix
    assert json.loads(record.read_text()) == {"old": True}
    assert [p.name for p in record.parent.iterdir()] == ["record.json"]


def test_a_failed_rename_leaves_the_old_content_and_no_rubbish(record, monkeypatch):
    def refuse(self, target):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(BadInput, match="Permission denied"):
        write_json(record, {"new": 1})
    assert json.loads(record.read_text()) == {"old": True}
    assert [p.name for p in record.parent.iterdir()] == ["record.json"]


def test_an_interrupt_in_the_middle_leaves_the_old_content(record, monkeypatch):
    monkeypatch.setattr(Path, "write_bytes", half_then_interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_json(record, {"new": "x" * 1000})
    assert json.loads(record.read_text()) == {"old": True}


def test_a_value_that_is_not_json_leaves_the_old_content(record):
    with pytest.raises(TypeError):
        write_json(record, {"new": object()})
    assert json.loads(record.read_text()) == {"old": True}


def test_a_file_in_the_way_of_the_folder_is_a_bad_input(record):
    with pytest.raises(BadInput, match="cannot write"):
        write_text(record / "below" / "x.txt", "x")
    assert json.loads(record.read_text()) == {"old": True}


@pytest.mark.parametrize("damaged", [b"", b'{"half": ', b"\xff\xfe\x00", None])
def test_a_missing_or_damaged_file_reads_as_the_default(tmp_path, damaged):
    path = tmp_path / "state.json"
    if damaged is not None:
        path.write_bytes(damaged)
    assert read_json(path, {"default": 1}) == {"default": 1}


def test_sha256_is_that_of_the_whole_file(tmp_path):
    content = os.urandom((1 << 20) + 17)
    path = tmp_path / "big"
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()


def test_a_content_key_is_the_hash_of_the_parts_as_json():
    text = '["01", {"a": [2], "b": 1}, null, "/x"]'
    expected = hashlib.sha256(text.encode()).hexdigest()[:16]
    assert content_key("01", {"b": 1, "a": [2]}, None, Path("/x")) == expected
    assert content_key("01", {"a": [2], "b": 1}, None, Path("/x")) == expected


def test_a_content_key_is_the_same_in_another_process():
    parts = '("01", {"z": 1, "a": "日本"}, 0.1, None)'
    code = f"from lab_helpers.runtime.files import content_key; print(content_key(*{parts}))"
    environment = {**os.environ, "PYTHONHASHSEED": "12345"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == content_key("01", {"a": "日本", "z": 1}, 0.1, None)


def test_content_keys_differ_where_parts_differ():
    parts = [("a", "b"), ("ab",), ("a", "c"), ("a", None), ("a", 0), ("a", "0"), ("b", "a")]
    assert len({content_key(*p) for p in parts}) == len(parts)


def test_a_folder_hash_changes_with_names_and_contents(tmp_path):
    (tmp_path / "a.txt").write_text("one")
    first = hash_of(tmp_path)
    (tmp_path / "a.txt").write_text("two")
    second = hash_of(tmp_path)
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    assert len({first, second, hash_of(tmp_path)}) == 3
    assert hash_of(tmp_path / "b.txt") == sha256_of(tmp_path / "b.txt")


def test_a_file_that_may_not_be_read_does_not_stop_the_hash_of_its_folder(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("one")
    open_ = hash_of(tmp_path)

    def denied(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("lab_helpers.runtime.files.sha256_of", denied)
    assert hash_of(tmp_path) != open_
