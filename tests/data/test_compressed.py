"""Packed files: unpacked for one reading, gone afterwards, damage named."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.reading.compressed import unpacked
from lab_helpers.runtime.errors import BadInput


def test_a_plain_file_is_itself(tmp_path):
    path = tmp_path / "rows.jsonl"
    with unpacked(path) as plain:
        assert plain == path


def test_a_packed_file_is_unpacked_under_its_name_and_removed(tmp_path):
    path = tmp_path / "rows.jsonl.GZ"
    path.write_bytes(gzip.compress("星空\n".encode() * 1000))
    with unpacked(path) as plain:
        assert plain.name == "rows.jsonl"
        assert plain.read_text(encoding="utf-8") == "星空\n" * 1000
    assert not plain.exists()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", [b"plain text", gzip.compress(b"a" * 999, mtime=0)[:-9], b"\x1f\x8b"]
)
def test_a_damaged_archive_is_named(tmp_path, content):
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(content)
    with (
        pytest.raises(BadInput, match=r"rows\.jsonl\.gz is not a whole gzip archive"),
        unpacked(path),
    ):
        pass


def test_a_missing_archive_is_named(tmp_path):
    with pytest.raises(BadInput, match="no such file"), unpacked(tmp_path / "none.gz"):
        pass


def test_errors_of_the_reader_pass_unchanged(tmp_path):
    path = tmp_path / "rows.gz"
    path.write_bytes(gzip.compress(b"a", mtime=0))
    with pytest.raises(OSError, match="the reader's own"), unpacked(path):
        raise OSError("the reader's own")


def test_a_pointer_in_place_of_an_archive_is_named(tmp_path):
    path = tmp_path / "rows.jsonl.gz"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(BadInput, match="Git LFS pointer"), unpacked(path):
        pass


@given(content=st.binary(max_size=300), cut=st.integers(1, 20))
def test_an_archive_is_unpacked_whole_or_refused(tmp_path_factory, content, cut):
    path = tmp_path_factory.getbasetemp() / "any.gz"
    packed = gzip.compress(content, mtime=0)
    path.write_bytes(packed)
    with unpacked(path) as plain:
        assert plain.read_bytes() == content
    path.write_bytes(packed[:-cut])
    with pytest.raises(BadInput), unpacked(path):
        pass
