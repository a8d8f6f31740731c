"""The command line, run in this process."""

import pytest

from lab_helpers.cli import main


@pytest.fixture
def labs(capsys, monkeypatch):
    """Run ``labs`` in this process: exit code, standard output, standard error."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["labs", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run
