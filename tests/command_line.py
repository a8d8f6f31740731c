"""Fixtures for the command line, run in this process."""

import dataclasses

import pytest

from lab_helpers.cli import main
from lab_helpers.runtime import profiles


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


def _shorten(name: str, value):
    """A setting with which a lab's cells all run, and nothing is learned."""
    if name.endswith("epochs"):
        return 1
    if name.endswith("steps"):
        return min(value, 2)
    if name.endswith("items") or name in ("questions", "probes"):
        return min(value, 24)
    return value[:1] if name == "seeds" else value


@pytest.fixture
def short_trainings(monkeypatch):
    """Every profile trains for a few steps: for tests of whole programs that judge no number."""
    load = profiles.load_profile

    def load_short(name):
        profile = load(name)
        tables = {
            lab: {key: _shorten(key, value) for key, value in table.items()}
            if isinstance(table, dict)
            else table
            for lab, table in profile.tables.items()
        }
        return dataclasses.replace(profile, tables=tables)

    monkeypatch.setattr(profiles, "load_profile", load_short)
