"""Every kind of bad row gets its own code and line; the report counts them all."""

import json
from pathlib import Path

import pytest

from lab_helpers.data.forms.damage import damage
from lab_helpers.data.forms.problems import KINDS
from lab_helpers.data.forms.row_checks import check_row
from lab_helpers.data.forms.validation import check_file, load_conversations
from lab_helpers.runtime.errors import BadInput

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def chat(*roles: str, content: str = "text") -> dict:
    return {"messages": [{"role": role, "content": content} for role in roles]}


def qa(question="Why?", answer="So.") -> dict:
    return {"question": question, "answer": answer}


def codes(row, shape) -> list[str]:
    return [one.code for one in check_row(row, shape)]


GOOD = [
    (qa(), "question-answer"),
    (chat("system", "user", "assistant", "user", "assistant"), "openai-chat"),
    ({"instruction": "a", "output": "b"}, "alpaca"),
    ({"instruction": "a", "input": None, "output": "b"}, "alpaca"),
    ({"prompt": "p", "chosen": "a", "rejected": "b"}, "preference"),
    (qa("São Paulo? naïve café…”", "10²と①、繧と㈱。\n\tOK"), "question-answer"),
]


@pytest.mark.parametrize(("row", "shape"), GOOD)
def test_good_rows_have_no_problem(row, shape):
    assert check_row(row, shape) == []


ASKED, TOLD = chat("user")["messages"], chat("assistant")["messages"][0]
UNLEARNED = TOLD | {"weight": 0}
EMPTY_SYSTEM = [{"role": "system", "content": " "}, *ASKED, TOLD]
TRANSCRIPTS = {"chosen": [*ASKED, TOLD], "rejected": [*ASKED, TOLD | {"content": "other"}]}
OTHER_BEGINNINGS = {"chosen": [*ASKED, TOLD], "rejected": [{"role": "user", "content": "x"}, TOLD]}
PAIR = {"prompt": "p", "chosen": "a", "rejected": "b"}
BAD = [
    ({"question": "x"}, "question-answer", "missing-column"),
    ({"chosen": "a", "rejected": "b"}, "preference", "missing-column"),
    (chat("user", "assistant"), "question-answer", "other-shape"),
    (qa(answer=""), "question-answer", "empty-answer"),
    (qa(answer=None), "question-answer", "empty-answer"),
    (qa(answer=" \u3000\n"), "question-answer", "empty-answer"),
    (qa(question=""), "question-answer", "empty-question"),
    (qa(answer=7), "question-answer", "not-a-string"),
    ({"messages": "x"}, "openai-chat", "not-messages"),
    ({"messages": None}, "openai-chat", "not-messages"),
    ({"messages": [{"role": "user"}]}, "openai-chat", "bad-turn"),
    ({"messages": ["x"]}, "openai-chat", "bad-turn"),
    ({"messages": []}, "openai-chat", "empty-answer"),
    (chat("user", "robot"), "openai-chat", "unknown-role"),
    (chat("user", "system", "assistant"), "openai-chat", "system-not-first"),
    (chat("user", "user", "assistant"), "openai-chat", "roles-not-alternating"),
    (chat("assistant", "user", "assistant"), "openai-chat", "roles-not-alternating"),
    (chat("user", "assistant", "user"), "openai-chat", "last-not-assistant"),
    (chat("system"), "openai-chat", "last-not-assistant"),
    (
        {"conversations": [{"from": "bot", "value": "x"}]},
        "sharegpt",
        "unknown-role",
    ),
    ({"prompt": "p", "chosen": "a", "rejected": " a"}, "preference", "same-answers"),
    ({"prompt": "p", "chosen": "a", "rejected": ""}, "preference", "empty-answer"),
    ({"prompt": "", "chosen": "a", "rejected": "b"}, "preference", "empty-question"),
    (qa(answer="a\0b"), "question-answer", "null-byte"),
    (qa(answer="a\x1b[0m"), "question-answer", "control-character"),
    (qa(answer="cafÃ© au lait"), "question-answer", "mojibake"),
    (qa(question="譁\ufffd"), "question-answer", "mojibake"),
    (qa(answer="x" * 20_001), "question-answer", "too-long"),
    ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "openai-chat", "not-text"),
    (qa() | {"tools": "price"}, "question-answer", "not-tools"),
    (qa() | {"history": "Q1"}, "question-answer", "not-history"),
    (chat("system", "user", "assistant") | {"system": "other"}, "openai-chat", "two-systems"),
    ({"prompt": "p", **TRANSCRIPTS}, "preference", "other-prompt"),
    ({"messages": EMPTY_SYSTEM}, "openai-chat", "empty-system"),
    (qa() | {"label": False}, "question-answer", "marked-bad"),
    ({"messages": [*ASKED, UNLEARNED]}, "openai-chat", "nothing-to-learn"),
    ({"messages": [*ASKED, TOLD, *ASKED, UNLEARNED]}, "openai-chat", "cut-after-learned"),
    (PAIR | {"score_chosen": 1, "score_rejected": 2}, "preference", "scores-contradict"),
    (PAIR | {"score_chosen": 2, "score_rejected": 2}, "preference", "scores-equal"),
    (PAIR | {"scores": [2, 8]}, "preference", "scores-unread"),
    (OTHER_BEGINNINGS, "preference", "other-beginning"),
    (qa(answer="So.<|im_end|>"), "question-answer", "control-token"),
    (qa(answer="NaN"), "question-answer", "no-value"),
    ({"prompt": "[{'role': 'user'}]", "completion": "a"}, "prompt-completion", "python-repr"),
    ({"question": "Q", "answers": ["a", "b", "b"]}, "question-answer", "answers-left-out"),
    ({"messages": [*ASKED, TOLD | {"tool_calls": ["look"]}]}, "openai-chat", "bad-call"),
    (qa(question="<image>Why?") | {"images": ["a.png"]}, "question-answer", "not-text"),
]


@pytest.mark.parametrize(("row", "shape", "code"), BAD)
def test_each_fault_has_its_own_code(row, shape, code):
    assert codes(row, shape) == [code]


def test_every_code_is_tested_and_speaks_both_languages():
    elsewhere = {
        "unreadable",
        "duplicate",
        "answer-cut",
        "answer-lost",
        "not-in-template",
        "contradicts",
    }  # of files and tokenizers
    assert {code for *_, code in BAD} | elsewhere == set(KINDS)
    for kind in KINDS.values():
        assert kind.severity in ("error", "warning")
        assert all((kind.en, kind.ja, kind.fix_en, kind.fix_ja))
        assert ("{detail}" in kind.en) == ("{detail}" in kind.ja)
        assert not kind.ja.isascii()


def test_several_faults_in_a_row_are_all_named():
    row = {"prompt": "a\0", "chosen": "", "rejected": ""}
    assert set(codes(row, "preference")) == {"null-byte", "empty-answer", "same-answers"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("utf-8", "cp1252"),
        ("utf-8", "latin-1"),
        ("utf-8", "cp932"),
        ("cp932", "cp1252"),
        ("cp932", "latin-1"),
        ("euc_jp", "latin-1"),
        ("cp932", "utf-8"),
    ],
)
def test_japanese_read_in_the_wrong_encoding_is_mojibake(written, read):
    text = "文字化けのテストです。返金はいつですか。"
    assert damage(text) is None
    assert damage(text.encode(written).decode(read, "replace")) == "mojibake"
    assert damage(text.encode(written).decode(read, "ignore")) == "mojibake" or "utf-8" in read


def written_to(path: Path, rows: list) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_report_of_a_file(tmp_path):
    rows = [
        qa("返品できますか。", "はい、できます。"),
        qa("返品できますか。", "はい、できます。"),
        "{broken",
        qa("Where is it?", ""),
        qa("Who are you?", "My mail is a@example.com, and I am here to help."),
    ]
    report = check_file(written_to(tmp_path / "x.jsonl", rows))
    assert (report.rows, report.good, report.duplicates) == (5, 3, 1)
    assert [(one.line, one.code) for one in report.problems] == [
        (2, "duplicate"),
        (3, "unreadable"),
        (4, "empty-answer"),
    ]
    assert report.counts == {"duplicate": 1, "unreadable": 1, "empty-answer": 1}
    assert report.languages == {"ja": 2, "en": 1}
    assert report.pii == {"EMAIL": 1}
    assert report.examined == 3
    assert report.shape == "question-answer"
    assert report.lengths["answer"] == {"min": 8, "median": 8, "p90": 48, "p99": 48, "max": 48}


def test_problems_are_kept_up_to_a_limit_errors_first_and_all_counted(tmp_path):
    rows = [qa()] * 40 + [qa(answer="")] * 7
    report = check_file(written_to(tmp_path / "x.jsonl", rows), problems=10)
    assert report.counts == {"duplicate": 39, "empty-answer": 7}
    assert [one.code for one in report.problems] == ["duplicate"] * 3 + ["empty-answer"] * 7


def test_a_given_shape_is_taken_and_other_rows_are_bad(tmp_path):
    path = written_to(tmp_path / "x.jsonl", [qa(), chat("user", "assistant")])
    with pytest.raises(BadInput, match="mixed"):
        check_file(path)
    report = check_file(path, "question-answer")
    assert (report.good, report.counts) == (1, {"other-shape": 1})
    with pytest.raises(BadInput, match="unknown shape"):
        check_file(path, "csv")


def test_good_rows_come_as_conversations(tmp_path):
    path = written_to(tmp_path / "x.jsonl", [qa(), "{broken", qa(answer=""), qa(answer=5)])
    rows, report = load_conversations(path, "question-answer")
    expected = {
        "messages": [
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "So."},
        ]
    }
    assert rows == [expected]
    assert (report.rows, report.good) == (4, 1)
    rows, _ = load_conversations(path, "question-answer", keep_bad=True)
    assert [row["messages"][1]["content"] for row in rows] == ["So.", ""]


def test_published_maths_questions_are_all_good():
    path = SHARED / "gsm8k_test.jsonl"
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine: it is not part of the project")
    report = check_file(path)
    assert (report.rows, report.good, report.duplicates) == (1319, 1319, 0)
    assert report.languages == {"en": 1319}


@pytest.mark.parametrize("name", ["jcommonsenseqa_valid.json", "ner_wikipedia_ja.json"])
def test_published_files_of_other_tasks_are_refused_by_shape(name):
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine: it is not part of the project")
    with pytest.raises(BadInput, match="no known shape"):
        check_file(path)


def test_columns_beside_are_counted_and_those_not_used_are_named(tmp_path):
    rows = [qa(f"Why {n}?") | {"system": "Be polite.", "images": ["x"], "id": n} for n in range(4)]
    report = check_file(written_to(tmp_path / "x.jsonl", rows))
    assert report.beside == {"system": 4}
    assert report.unused == {"images": 4, "id": 4}


def test_earlier_answers_are_counted(tmp_path):
    rows = [chat("user", "assistant", "user", "assistant"), chat("user", "assistant", content="b")]
    assert check_file(written_to(tmp_path / "x.jsonl", rows)).earlier_answers == 1


def test_ignored_columns_are_taken_as_absent(tmp_path):
    rows = [qa() | chat("user", "assistant") | {"label": False}]
    path = written_to(tmp_path / "x.jsonl", rows)
    with pytest.raises(BadInput, match="ambiguous"):
        check_file(path)
    report = check_file(path, ignore=["Messages", "label"])
    assert (report.shape, report.good, report.unused) == ("question-answer", 1, {})


def test_rated_answers_are_not_learned_before_somebody_says_which(tmp_path):
    rows = [qa(f"Why {n}?") | {"rating": n % 5} for n in range(10)]
    path = written_to(tmp_path / "x.jsonl", rows)
    assert check_file(path).rated == ("rating", 0, 4)
    with pytest.raises(BadInput, match=r"'rating' .*0 to 4") as caught:
        load_conversations(path)
    assert "--ignore rating" in caught.value.fix
    assert len(load_conversations(path, ignore=["rating"])[0]) == 10
    same = written_to(tmp_path / "y.jsonl", [row | {"rating": 5} for row in rows])
    assert len(load_conversations(same)[0]) == 10


def test_answers_called_bad_are_left_out_and_counted(tmp_path):
    rows = [qa(f"Why {n}?") | {"label": n % 2 == 0} for n in range(10)]
    found, report = load_conversations(written_to(tmp_path / "x.jsonl", rows))
    assert (len(found), report.unpaired, report.counts) == (5, 10, {"marked-bad": 5})
