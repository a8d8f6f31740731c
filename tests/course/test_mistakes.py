"""In a notebook: one sentence for a learner's mistake, Python's own words for everything else."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from lab_helpers.course.mistakes import hide_tracebacks_of_mistakes


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def said(shell, capsys, cell: str) -> str:
    hide_tracebacks_of_mistakes()
    shell.run_cell(cell)
    return capsys.readouterr().out


def test_a_mistake_is_one_sentence(shell, capsys):
    cell = "from lab_helpers.runtime.errors import BadInput\nraise BadInput('no such file', 'Give one.')"
    assert said(shell, capsys, cell) == "✋ no such file. Give one.\n"


def test_a_setting_that_was_renamed_says_its_new_name(shell, capsys):
    out = said(shell, capsys, "from trl import SFTConfig\nSFTConfig(max_seq_length=256)")
    assert out.startswith("✋ SFTConfig takes no 'max_seq_length'. It is called max_length now.")
    assert "Traceback" not in out


def test_other_type_errors_keep_their_traceback(shell, capsys):
    out = said(shell, capsys, "len(3)")
    assert "TypeError" in out
    assert "has no len()" in out
