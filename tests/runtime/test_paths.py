"""Where things lie, and folders that cannot be written to."""

import errno
import os
from pathlib import Path

import pytest

from lab_helpers.runtime.errors import EXIT_BAD_INPUT, BadInput
from lab_helpers.runtime.paths import data_folder, free_gigabytes, home, labs_folder, writable


def can_write_anyway(folder: Path) -> bool:
    """True for root, and on file systems that ignore permissions."""
    try:
        (folder / "probe").write_text("x")
    except OSError:
        return False
    (folder / "probe").unlink()
    return True


def test_a_new_folder_is_made_and_left_empty(tmp_path):
    folder = writable(tmp_path / "a" / "b")
    assert folder == tmp_path / "a" / "b"
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_files_in_the_folder_stay(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    writable(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_read_only_folder_is_refused(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    try:
        if can_write_anyway(folder):
            pytest.skip("this user (root?) can write to read-only folders")
        with pytest.raises(BadInput, match=r"cannot write to .*locked") as caught:
            writable(folder)
    finally:
        folder.chmod(0o755)
    assert "LAB_HOME" in caught.value.fix


@pytest.mark.parametrize("below", [".", "runs"])
def test_a_file_in_the_way_of_the_folder_is_refused(tmp_path, below):
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(BadInput, match=r"cannot write to .*taken") as caught:
        writable(tmp_path / "taken" / below)
    assert caught.value.exit_code == EXIT_BAD_INPUT
    assert "--out" in caught.value.fix
    assert "LAB_HOME" in caught.value.fix
    assert (tmp_path / "taken").read_text() == "a file, not a folder"


def test_a_folder_that_exists_but_takes_no_file_is_refused(tmp_path, monkeypatch):
    def full(self, *_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(BadInput, match="No space left"):
        writable(tmp_path)


def test_home_is_lab_home_else_a_folder_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "mine"))
    assert home() == tmp_path / "mine"
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("LAB_HOME")
        else:
            monkeypatch.setenv("LAB_HOME", unset)
        assert home() == Path.home() / ".llm-finetuning-labs"


def test_shipped_folders_are_there():
    assert (data_folder() / "reviews.en.jsonl").is_file()
    assert labs_folder().name == "labs"


def test_an_installed_wheel_finds_its_data_inside_the_package(monkeypatch, tmp_path):
    from lab_helpers.runtime import paths

    monkeypatch.setattr(paths, "PACKAGE", tmp_path / "site-packages" / "lab_helpers")
    assert data_folder() == tmp_path / "site-packages/lab_helpers/_course/datasets_small"


def test_free_space_of_a_folder_that_does_not_exist_yet(tmp_path):
    here = free_gigabytes(tmp_path)
    assert here > 0
    assert free_gigabytes(tmp_path / "not" / "yet") == pytest.approx(here, rel=0.1)
