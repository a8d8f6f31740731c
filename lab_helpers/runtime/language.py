"""English or Japanese: one place decides, everything that speaks to the learner asks here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab_helpers.runtime.errors import BadInput

LANGUAGES = ("en", "ja")
_current: str | None = None
_main = "en"


@dataclass(frozen=True)
class Text:
    """One text in both languages; ``str(text)`` is the current one."""

    en: str
    ja: str

    def __str__(self) -> str:
        return self.ja if language() == "ja" else self.en

    def format(self, **values) -> str:
        return str(self).format(**values)


def set_language(name: str | None) -> None:
    """Fix the language (``"en"``, ``"ja"``) or ``None`` to detect it again."""
    global _current
    if name not in (None, *LANGUAGES):
        raise BadInput(
            say(f"unknown language '{name}'", f"「{name}」という言語には対応していません"),
            say("Use en or ja.", "en か ja を指定してください。"),
        )
    _current = name


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """While inside, the language is ``name``; afterwards what it was."""
    before = _current
    set_language(name)
    try:
        yield
    finally:
        set_language(before)


def language() -> str:
    """The language in force: set by hand, ``LAB_LANG``, or the edition the notebook lies in.

    Jupyter starts a kernel in its notebook's folder and names the notebook in
    ``JPY_SESSION_NAME``; the Japanese edition lies in ``labs/ja/``.
    """
    if _current:
        return _current
    if os.environ.get("LAB_LANG") in LANGUAGES:
        return os.environ["LAB_LANG"]
    session = Path(os.environ.get("JPY_SESSION_NAME", ""))
    return "ja" if "ja" in (session.parent.name, Path.cwd().name) else "en"


def say(en: str, ja: str) -> str:
    """The one of two texts that fits the current language."""
    return ja if language() == "ja" else en


def set_main_language(name: str) -> None:
    """Say in which language a run's main experiment is: the edition's, if its model reads it."""
    global _main
    _main = name


def main_language() -> str:
    """The language of the run's main experiment, English before one has begun."""
    return _main


def metric_suffix(language: str | None) -> str:
    """What ends the name of a metric, table or folder of one language: ``_ja``, ``_en``.

    The language of the main experiment has plain names, and so has what no language was named for.
    """
    return "" if language in (None, _main) else f"_{language}"
