"""Both languages: what a user can meet is said in English and Japanese beside each other."""

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab_helpers.cli import data, rag, typer_words
from lab_helpers.runtime.language import speaking

ROOT = Path(__file__).parents[1]
# Those that are done: a package joins the list when its messages stand in both languages.
PACKAGES = (
    "runtime", "course", "cli", "models", "bench", "rag", "labs",
    "data", "tuning", "evaluation", "figures",
)  # fmt: skip
# Labs whose exercises are still to be read for their brackets. No lab may come back to this list.
SAYING = {"say", "Text", "words", "Kind", "Mistake"}
ERRORS = {"BadInput", "MissingDependency", "LabError"}
KANA = re.compile("[ぁ-んァ-ヶ]")
# A half-width bracket right after Japanese, or one with Japanese in it; a shape such as (n, k) is code.
JAPANESE_THEN_BRACKET = re.compile(
    r"[ぁ-んァ-ヶ一-龠、。」](?:\((?!\))| \((?=[^)]*[ぁ-んァ-ヶ一-龠]))"
)
APP = sys.modules["lab_helpers.cli.main"].app
GROUPS = {"data": data.data_app, "rag": rag.rag_app}


def modules() -> list[Path]:
    return sorted(path for name in PACKAGES for path in (ROOT / "lab_helpers" / name).rglob("*.py"))


def bare_texts(code: str) -> list[str]:
    """Arguments of errors that are a text in one language: a literal, an f-string, or several of them."""
    return [
        f"{node.lineno}: {ast.unparse(argument)}"
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and _name(node.func) in ERRORS
        for argument in (*node.args, *(keyword.value for keyword in node.keywords))
        if _is_bare(argument)
    ]


def _name(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


def _is_bare(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(node.value)
    if isinstance(node, ast.BinOp):
        return _is_bare(node.left)  # what follows a text in both languages may be a detail
    if isinstance(node, ast.IfExp):
        return _is_bare(node.body) or _is_bare(node.orelse)
    return isinstance(node, ast.JoinedStr)


def test_every_error_is_said_in_both_languages():
    bare = [
        f"{path.relative_to(ROOT)}:{told}"
        for path in modules()
        for told in bare_texts(path.read_text(encoding="utf-8"))
    ]
    assert bare == []


@pytest.mark.parametrize(
    "code",
    [
        'raise BadInput("no such file", say("Give one.", "指定してください。"))',
        'raise errors.BadInput(say("a", "b"), f"Use one of: {names}.")',
        'raise MissingDependency(what="gone", fix=way_out)',
        'raise LabError("a" + b)',
        'raise BadInput("a" if b else say("c", "d"))',
    ],
)
def test_an_error_in_one_language_is_found(code):
    assert len(bare_texts(code)) == 1


def test_what_is_said_in_both_languages_is_let_through():
    code = 'raise BadInput(say("a", "b") + (f" ({detail})" if detail else ""), str(way_out))'
    assert bare_texts(code) == []


def test_no_japanese_text_has_half_width_brackets():
    found = [
        f"{path.relative_to(ROOT)}:{part.lineno}: {part.value}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _name(node.func) in SAYING
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and JAPANESE_THEN_BRACKET.search(str(part.value))
    ]
    assert found == []


# --- the help pages -------------------------------------------------------------------------------


def commands() -> list[tuple[str, ...]]:
    top = [(command.name,) for command in APP.registered_commands]
    below = [
        (group, command.name or command.callback.__name__)
        for group, app in GROUPS.items()
        for command in app.registered_commands
    ]
    return [(), *top, *((group,) for group in GROUPS), *below]


# The help texts are chosen when the package is imported, so they are read in a process of their own.
_ALL_HELP = """
import sys
from lab_helpers.cli import main
for line in sys.stdin.read().splitlines():
    sys.argv = ["labs", *line.split(), "--help"]
    print("\\f", line, flush=True)
    try:
        main()
    except SystemExit as stop:
        assert not stop.code, line
"""


@pytest.fixture(scope="module")
def japanese_help() -> dict[tuple[str, ...], str]:
    lines = "\n".join(" ".join(command) for command in commands())
    done = subprocess.run(
        [sys.executable, "-c", _ALL_HELP],
        input=lines, capture_output=True, text=True, encoding="utf-8", check=True, cwd=ROOT,
        env={**os.environ, "LAB_LANG": "ja", "COLUMNS": "100", "PYTHONUTF8": "1"},
    )  # fmt: skip
    pages = [page.partition("\n") for page in done.stdout.split("\f")[1:]]
    return {tuple(name.split()): page for name, _, page in pages}


@pytest.mark.parametrize("command", commands(), ids=lambda one: " ".join(one) or "labs")
def test_every_help_page_reads_japanese(japanese_help, command):
    page = japanese_help[command]
    prose = page.partition("╭")[0].partition("Usage:")[2]
    assert KANA.search(prose), "the command itself is explained in English"
    assert "オプション" in page
    assert "Show this message" not in page
    assert "…" not in re.sub("AWS_…", "", page), "something is cut off"


@pytest.mark.parametrize("app", [APP, *GROUPS.values()])
def test_every_option_is_explained_in_both_languages(app):
    """In English here: each has a text. The Japanese one stands beside it, in one ``say``."""
    for command in app.registered_commands:
        assert command.help == inspect.getdoc(command.callback)
        for parameter in inspect.signature(command.callback).parameters.values():
            assert parameter.annotation.__metadata__[0].help, parameter


def test_no_help_text_of_the_commands_is_in_one_language():
    bare = [
        f"{path.name}:{node.lineno}: {ast.unparse(keyword.value)}"
        for path in (ROOT / "lab_helpers/cli").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "help" and _is_bare(keyword.value)
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("rnu",), "「rnu」というコマンドはありません。"),
        (("run",), "引数 lab を指定してください。"),
        (("chat",), "オプション --adapter を指定してください。"),
        (("run", "00", "--sed", "3"), "--sed というオプションはありません。候補: "),
        (("run", "00", "--seed", "x"), "--seed の値が正しくありません（整数を指定してください）。"),
        (("run", "00", "--seed"), "オプション --seed には値が必要です。"),
        (("list", "x"), "余分な引数があります（x）。"),
        (("bench", "--repeats", "0"), "--repeats の値が正しくありません（1 以上にしてください）。"),
    ],
)
def test_a_wrong_command_line_is_refused_in_japanese(labs, arguments, told):
    with speaking("ja"):
        code, _, error = labs(*arguments)
    assert code == 2
    assert told.casefold() in error.casefold()
    assert error.endswith("使い方: labs --help\n")


def test_what_is_not_known_of_typer_stays_as_it_is():
    with speaking("ja"):
        assert typer_words.usage_error("Odd.") == "Odd. 使い方: labs --help"
    assert typer_words.usage_error("Odd.") == "Odd. See: labs --help"


def test_a_group_without_a_command_shows_its_help_and_no_empty_complaint(labs):
    code, out, error = labs("rag")
    assert code in (0, 2)
    assert "index" in out + error
    assert "labs:  See" not in error
