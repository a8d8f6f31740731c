"""``labs eval``: table, JSON, page, and one line for every bad input."""

import json

import pytest

from lab_helpers.runtime.errors import EXIT_BAD_INPUT

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def quiz(tmp_path):
    path = tmp_path / "quiz.jsonl"
    row = {"question": "Is the lamp warm?", "choices": ["yes", "no"], "answer": 0}
    path.write_text("\n".join([json.dumps(row)] * 4), encoding="utf-8")
    return path


def test_a_benchmark_file_as_json_and_as_a_page(labs, quiz, tiny_chat_model, tmp_path):
    page = tmp_path / "page.html"
    options = ["--model", tiny_chat_model, "--benchmark", quiz, "--limit", 3, "--no-house"]
    code, out, _ = labs("eval", *options, "--html", page, "--json")
    assert code == 0
    found = json.loads(out)
    assert list(found["models"]) == ["base"]
    assert [row["items"] for row in found["benchmarks"]] == [3, 3]
    assert "quiz.jsonl (letters)" in page.read_text(encoding="utf-8")


def test_the_table_has_a_row_a_measurement(labs, quiz, tiny_chat_model):
    options = ["--model", tiny_chat_model, "--benchmark", quiz, "--no-house", "--lang", "ja"]
    code, out, _ = labs("eval", *options)
    assert code == 0
    assert "指標" in out
    assert "(cloze)" in out


def test_flips_are_shown_with_both_replies(capsys):
    from lab_helpers.cli.eval import _as_json, _print_tables
    from lab_helpers.evaluation.dashboard import Metric, dashboard
    from lab_helpers.evaluation.flips import Answered, find_flips
    from lab_helpers.labs.lab06.examination import Examined

    before = [Answered("Is it warm?", "yes", "[b]no[/b]", False)]
    after = [Answered("Is it warm?", "yes", "yes, it is", True)]
    flips = find_flips("quiz", ("base", "polite"), before, after)
    board = dashboard([Metric("quiz", "quiz", "quiz")], {"base": {"quiz": 0.0}, "polite": {"quiz": 1.0}})  # fmt: skip
    found = Examined(board, [], [flips])
    (only,) = _as_json(found)["flips"]
    assert only["wrong to right"] == 1
    assert only["changed"][0]["polite"] == "yes, it is"
    _print_tables(found, "en")
    shown = capsys.readouterr().out
    assert "[b]no[/b]" in shown
    assert "wrong to right" in shown


def test_nothing_to_measure(labs):
    code, _, err = labs("eval", "--no-house")
    assert code == EXIT_BAD_INPUT
    assert "nothing to measure" in err


def test_a_file_that_is_missing_or_no_benchmark_or_cut(labs, tmp_path, quiz):
    code, _, err = labs("eval", "--benchmark", tmp_path / "none.jsonl")
    assert code == EXIT_BAD_INPUT
    assert "no such file" in err
    quiz.write_text(quiz.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    code, _, err = labs("eval", "--benchmark", quiz)
    assert code == EXIT_BAD_INPUT
    assert "line 4" in err


def test_answers_that_the_file_does_not_tell_must_be_said(labs, quiz, tiny_chat_model):
    quiz.write_text(quiz.read_text(encoding="utf-8").replace(": 0}", ": 1}"), encoding="utf-8")
    options = ["--model", tiny_chat_model, "--benchmark", quiz, "--no-house", "--json"]
    code, _, err = labs("eval", *options)
    assert code == EXIT_BAD_INPUT
    assert "ambiguous" in err
    assert "--answers=0-based" in err
    code, out, _ = labs("eval", *options, "--answers", "1-based")
    assert code == 0
    assert [row["items"] for row in json.loads(out)["benchmarks"]] == [4, 4]
    code, _, err = labs("eval", *options, "--answers", "first")
    assert code == EXIT_BAD_INPUT
    assert "unknown kind of answers" in err


def test_files_of_one_name_are_told_apart_by_their_folders(labs, quiz, tiny_chat_model, tmp_path):
    for year in ("2023", "2024"):
        folder = tmp_path / year / "data"
        folder.mkdir(parents=True)
        (folder / "quiz.jsonl").write_text(quiz.read_text(encoding="utf-8"), encoding="utf-8")
    files = [tmp_path / "2023/data/quiz.jsonl", tmp_path / "2024/data/quiz.jsonl"]
    other = tmp_path / "other.jsonl"
    other.write_text(quiz.read_text(encoding="utf-8"), encoding="utf-8")
    options = ["--model", tiny_chat_model, "--limit", 1, "--no-house"]
    for path in (*files, other):
        options += ["--benchmark", path]
    page = tmp_path / "page.html"
    code, out, _ = labs("eval", *options, "--json", "--html", page)
    assert code == 0
    assert [row["benchmark"] for row in json.loads(out)["benchmarks"]] == [
        f"{name} ({way})"
        for name in ("2023/data/quiz.jsonl", "2024/data/quiz.jsonl", "other.jsonl")
        for way in ("letters", "cloze")
    ]
    assert "2023/data/quiz.jsonl (cloze)" in page.read_text(encoding="utf-8")


def test_answers_are_said_only_for_the_file_that_does_not_tell(
    labs, quiz, tiny_chat_model, tmp_path
):
    letters = tmp_path / "letters.jsonl"
    letters.write_text(quiz.read_text(encoding="utf-8").replace(": 0}", ': "B"}'), encoding="utf-8")
    quiz.write_text(quiz.read_text(encoding="utf-8").replace(": 0}", ": 1}"), encoding="utf-8")
    options = ["--model", tiny_chat_model, "--no-house", "--benchmark", quiz]
    code, out, _ = labs("eval", *options, "--benchmark", letters, "--answers", "1-based", "--json")
    assert code == 0
    assert len(json.loads(out)["benchmarks"]) == 4


def test_a_folder_without_an_adapter(labs, tmp_path, quiz, tiny_chat_model):
    options = ["--model", tiny_chat_model, "--benchmark", quiz, "--no-house"]
    code, _, err = labs("eval", *options, "--adapter", tmp_path)
    assert code == EXIT_BAD_INPUT
    assert "holds no adapter" in err
