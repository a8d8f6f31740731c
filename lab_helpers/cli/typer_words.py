"""What typer itself writes, in the learner's language: the frame of a help page, and usage errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from typer.core import TyperCommand, TyperGroup

from lab_helpers.runtime.language import language, say

# Typer's sentence, and the Japanese one with what stood between the brackets. Both are compared whole.
_USAGE_ERRORS = (
    (r"No such command '(.+?)'\.(?: Did you mean (.+)\?)?", "「{0}」というコマンドはありません。"),
    (r"No such option: (\S+)(?: \(Possible options: (.+)\)| Did you mean (.+)\?)?", "{0} というオプションはありません。"),
    (r"Missing argument '(.+)'\..*", "引数 {0} を指定してください。"),
    (r"Missing option '(.+)'\..*", "オプション {0} を指定してください。"),
    (r"Option '(.+)' requires an argument\.", "オプション {0} には値が必要です。"),
    (r"Option '(.+)' does not take a value\.", "オプション {0} に値は指定できません。"),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.+)\)", "余分な引数があります（{0}）。"),
    (r"Invalid value for '(.+?)': (.+)", "{0} の値が正しくありません（{1}）。"),
)  # fmt: skip
_VALUES = (
    (r".*valid (?:integer|int)\b.*", "整数を指定してください"),
    (r".*valid (?:number|float)\b.*", "数値を指定してください"),
    (r".*greater than or equal to (\S+)", "{0} 以上にしてください"),
    (r".*is not in the range x>=(\S+)\.", "{0} 以上にしてください"),
)


def usage_error(message: str) -> str:
    """Typer's refusal of a command line, with the way to the help page."""
    return say(f"{message} See: labs --help", f"{_in_japanese(message)}使い方: labs --help")


def _in_japanese(message: str) -> str:
    for pattern, words in _USAGE_ERRORS:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            first, *others = (group for group in found.groups() if group)
            if "{1}" in words:
                return words.format(first, _value_in_japanese(others[0]))
            meant = f"候補: {others[0]}。" if others else ""
            return words.format(first) + meant
    return f"{message} "


def _value_in_japanese(reason: str) -> str:
    for pattern, words in _VALUES:
        found = re.fullmatch(pattern, reason, re.DOTALL)
        if found:
            return words.format(*found.groups())
    return reason.rstrip(".")


_FRAME = {
    "ARGUMENTS_PANEL_TITLE": "引数",
    "OPTIONS_PANEL_TITLE": "オプション",
    "COMMANDS_PANEL_TITLE": "コマンド",
    "DEFAULT_STRING": "[既定値: {}]",
    "REQUIRED_LONG_STRING": "[必須]",
}


@contextmanager
def translated_frame() -> Iterator[None]:
    """While inside, the panels of a help page have Japanese titles, where that is the language.

    Its texts break where Japanese may (:mod:`~lab_helpers.cli.line_breaks`).
    """
    if language() != "ja":
        yield
        return
    from typer import rich_utils

    from lab_helpers.cli.line_breaks import breakable

    names = [*_FRAME, "_make_rich_text"]
    before = {name: getattr(rich_utils, name) for name in names if hasattr(rich_utils, name)}
    changed: dict = dict(_FRAME)
    if make := before.get("_make_rich_text"):
        changed["_make_rich_text"] = lambda **how: breakable(make(**how))
    for name in before:
        setattr(rich_utils, name, changed[name])
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(rich_utils, name, value)


def _with_help_in_words(option):
    if option is not None:
        option.help = say("Show this message and exit.", "このヘルプを表示して終了します。")
    return option


class HelpedCommand(TyperCommand):
    """A command whose ``--help`` is explained in the learner's language."""

    def get_help_option(self, ctx):
        return _with_help_in_words(super().get_help_option(ctx))


class HelpedGroup(TyperGroup):
    """A group of commands whose ``--help`` is explained in the learner's language."""

    def get_help_option(self, ctx):
        return _with_help_in_words(super().get_help_option(ctx))
