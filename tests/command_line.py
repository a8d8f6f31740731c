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
    """Two steps a training, replies of a few tokens: for tests of whole programs that judge no number."""
    from transformers import GenerationMixin, Trainer

    load, train, generate = profiles.load_profile, Trainer.train, GenerationMixin.generate

    def load_short(name):
        profile = load(name)
        tables = {
            lab: {key: _shorten(key, value) for key, value in table.items()}
            if isinstance(table, dict)
            else table
            for lab, table in profile.tables.items()
        }
        return dataclasses.replace(profile, tables=tables)

    def train_briefly(self, *arguments, **named):
        if self.args.eval_strategy == "no":  # where validation decides, every step counts
            self.args.max_steps = 2  # also where the number stands in a lab's cell
        self.args.logging_steps = 1
        return train(self, *arguments, **named)

    def reply_briefly(self, *arguments, **named):
        # A model of random weights never ends its reply by itself.
        return generate(self, *arguments, **{**named, "max_new_tokens": 8})

    monkeypatch.setattr(profiles, "load_profile", load_short)
    monkeypatch.setattr(Trainer, "train", train_briefly)
    monkeypatch.setattr(GenerationMixin, "generate", reply_briefly)
