"""``labs data check``: exit codes, both languages, one line for what cannot be used."""

import json

import pytest

from lab_helpers.runtime.errors import EXIT_BAD_INPUT, EXIT_OUTSIDE_BAND

GOOD = '{"question": "Where is my parcel?", "answer": "It is on its way to you."}\n'


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes, name: str = "mine.jsonl"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_good_file_ends_with_0_and_a_summary(labs, file):
    code, out, err = labs("data", "check", file(GOOD))
    assert (code, err.strip()) == (0, "")
    for said in ("mine.jsonl", "question-answer", "good rows", "en 1", "none found", "median"):
        assert said in out


def test_bad_rows_end_with_1_listed_by_line_and_the_file_stays(labs, file):
    content = GOOD + '{"question": "[bold]Why?", "answer": ""}\n{"question": "half'
    path = file(content)
    code, out, err = labs("data", "check", path)
    assert (code, err.strip()) == (EXIT_OUTSIDE_BAND, "")
    lines = out.splitlines()
    assert any(" 2 " in line and "answer is empty" in line for line in lines)
    assert any(" 3 " in line and "half-written" in line for line in lines)
    assert path.read_text() == content


def test_warnings_alone_end_with_0(labs, file):
    code, out, _ = labs("data", "check", file(GOOD * 2))
    assert code == 0
    assert "the same as an earlier one" in out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.jsonl", "", "has no rows"),
        ("x.csv", "質問,回答\n何円ですか,二千円です\n".encode("shift_jis"), "looks like Shift_JIS"),
        ("x.csv", "title,summary\nfine,good\n", "no known shape"),
        ("x.jsonl", GOOD + '{"prompt": "a", "completion": "b"}\n', "mixed"),
        ("x.xlsx", "x", "unknown file type"),
    ],
)
def test_an_unusable_file_ends_with_2_and_one_line(labs, file, name, content, said):
    code, out, err = labs("data", "check", file(content, name))
    assert code == EXIT_BAD_INPUT
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""


def test_a_missing_file_and_an_unknown_shape_end_with_2(labs, file, tmp_path):
    assert labs("data", "check", tmp_path / "none.csv")[0] == EXIT_BAD_INPUT
    code, _, err = labs("data", "check", file(GOOD), "--shape", "dolly")
    assert code == EXIT_BAD_INPUT
    assert "alpaca" in err


def test_a_given_shape_lists_the_rows_that_differ(labs, file):
    path = file(GOOD + '{"prompt": "a", "completion": "b"}\n')
    code, out, _ = labs("data", "check", path, "--shape", "question-answer")
    assert code == EXIT_OUTSIDE_BAND
    assert "prompt-completion" in out


def test_json_is_one_object(labs, file):
    code, out, _ = labs("data", "check", file(GOOD + "{\n"), "--json")
    report = json.loads(out)
    assert code == EXIT_OUTSIDE_BAND
    assert (report["rows"], report["good"], report["counts"]) == (2, 1, {"unreadable": 1})
    assert report["problems"][0]["line"] == 2
    assert report["problems"][0]["fix"]


def test_japanese(labs, file):
    content = GOOD + '{"question": "Why?", "answer": ""}\n'
    _, out, _ = labs("data", "check", file(content), "--lang", "ja")
    for said in ("答えが空です", "対処", "使える行", "言語"):
        assert said in out


def test_many_problems_are_shown_up_to_fifty_and_the_rest_counted(labs, file):
    path = file(GOOD + '{"question": "Why?", "answer": ""}\n' * 70)
    code, out, _ = labs("data", "check", path, "--shape", "question-answer")
    assert code == EXIT_OUTSIDE_BAND
    assert out.count("answer is empty") == 50
    assert "and 20 more" in out


def test_columns_that_are_used_beside_and_those_that_are_not_are_shown(labs, file):
    row = {"question": "Why?", "answer": "So.", "system": "Be kind.", "images": ["x.png"]}
    _, out, _ = labs("data", "check", file(json.dumps(row) + "\n"))
    assert "columns used as well" in out
    assert "system 1" in out
    assert "columns not used" in out
    assert "images 1" in out


def test_ignored_columns_end_an_ambiguity(labs, file):
    row = {"question": "Why?", "answer": "So.", "prompt": "Why?", "completion": "So."}
    path = file(json.dumps(row) + "\n")
    code, _, error = labs("data", "check", path)
    assert (code, "ambiguous" in error) == (EXIT_BAD_INPUT, True)
    assert labs("data", "check", path, "--ignore", "prompt", "--ignore", "completion")[0] == 0


def test_long_rows_are_counted_in_tokens(labs, file):
    path = file(GOOD + json.dumps({"question": "Why? " * 50, "answer": "So."}) + "\n")
    code, out, _ = labs("data", "check", path, "--max-length", "40")
    assert code == 0
    assert "answers lost 1" in out
    report = json.loads(labs("data", "check", path, "--json")[1])
    assert report["tokens"] == {"max_length": 1024, "rows": 2, "longest": report["tokens"]["longest"], "cut": 0, "lost": 0, "unwritten": 0}  # fmt: skip
    code, _, error = labs("data", "check", path, "--max-length", "9000")
    assert (code, "reads at once" in error) == (EXIT_BAD_INPUT, True)


def test_good_and_bad_answers_and_ratings_are_said(labs, file):
    rows = [{"prompt": f"Why {n}?", "completion": "So.", "label": n > 1} for n in range(4)]
    code, out, _ = labs("data", "check", file("".join(json.dumps(row) + "\n" for row in rows)))
    assert code == EXIT_OUTSIDE_BAND
    assert "KTOTrainer" in out
    rated = [{"prompt": f"Why {n}?", "completion": "So.", "rating": n} for n in range(4)]
    _, out, _ = labs("data", "check", file("".join(json.dumps(row) + "\n" for row in rated)))
    assert "rating: 0 to 3" in out


def test_labelled_texts_are_known(labs, file):
    content = (
        "text,label\n" + "fine words,good\nbad words,bad\n" * 5 + "more words,Good\nlast,NaN\n"
    )
    code, out, _ = labs("data", "check", file(content, "x.csv"))
    assert code == EXIT_OUTSIDE_BAND
    assert "labelled texts" in out
    assert "good 5, bad 5" in out
    assert "line 12" in out
    report = json.loads(labs("data", "check", file(content, "x.csv"), "--json")[1])
    assert (report["shape"], report["rows"], report["good"]) == ("labelled", 12, 10)
    assert [one["code"] for one in report["problems"]] == ["label-spelling", "no-value-label"]
