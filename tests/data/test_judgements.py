"""What files say of their own answers: bad ones are never learned, ratings never overlooked."""

import json

import pytest

from lab_helpers.data.forms.judgements import read_label, read_ratings
from lab_helpers.data.forms.row_checks import check_row
from lab_helpers.data.forms.validation import check_file, load_conversations
from lab_helpers.runtime.errors import BadInput

PAIR = {"prompt": "Q", "chosen": "Press it.", "rejected": "Throw it away."}


def codes(row, shape="question-answer"):
    return [one.code for one in check_row(row, shape)]


def qa(number=0, **more):
    return {"question": f"Why {number}?", "answer": f"So {number}.", **more}


def report_of(tmp_path, rows, **more):
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return check_file(path, **more)


# --- good or bad ----------------------------------------------------------------------------------

WORDS = [("yes", "no"), ("👍", "👎"), ("👍🏽", "👎🏽"), ("OK", "NG"), ("ＯＫ", "ＮＧ"), (1, -1), ("1", "-1"), ("good", "bad"), ("desirable", "undesirable"), ("TRUE", "FALSE"), ("T", "F"), (1.0, 0.0), (True, False), ("良い", "悪い"), ("○", "×")]  # fmt: skip


@pytest.mark.parametrize("name", ["label", "kto_tag"])
@pytest.mark.parametrize("words", WORDS)
def test_each_pair_of_words_says_which_answers_are_bad(tmp_path, words, name):
    rows = [qa(number, **{name: words[number % 2]}) for number in range(10)]
    report = report_of(tmp_path, rows)
    assert (report.good, report.unpaired, report.counts) == (5, 10, {"marked-bad": 5})
    assert report.unused == {}


def test_a_category_hides_no_judgement_beside_it(tmp_path):
    rows = [qa(n, label=("billing", "repair")[n % 2], kto_tag=n > 3) for n in range(10)]
    report = report_of(tmp_path, rows)
    assert report.counts == {"marked-bad": 4}
    assert report.unused == {"label": 10}
    assert read_label(qa(label=True, kto_tag=False)) is False
    assert read_label(qa(label=None, kto_tag=True)) is True


@pytest.mark.parametrize("words", [("no", "billing"), (0, 1, 2), ("positive", "negative", "ok")])
def test_a_column_with_other_words_is_a_category_and_is_named(tmp_path, words):
    rows = [qa(n, label=words[n % len(words)]) for n in range(9)]
    report = report_of(tmp_path, rows)
    assert (report.good, report.unpaired, report.unused) == (9, 0, {"label": 9})


def test_true_and_false_are_no_category(tmp_path):
    rows = [qa(n, label=n > 2) for n in range(9)] + [qa(9, label="unsure")]
    assert report_of(tmp_path, rows).counts == {"marked-bad": 3}


def test_a_label_that_comes_late_is_seen(tmp_path):
    rows = [qa(n) for n in range(300)] + [qa(n, label="no") for n in range(300, 310)]
    assert report_of(tmp_path, rows).counts == {"marked-bad": 10}


def test_the_column_that_calls_it_bad_is_named_and_can_be_ignored():
    (problem,) = check_row(qa(kto_tag=False), "question-answer")
    assert "(kto_tag)" in problem.message
    assert "--ignore" in problem.fix()


def test_a_judgement_that_is_not_used_is_named(tmp_path):
    rows = [PAIR | {"prompt": f"Q{n}", "kto_tag": False, "seen": 0} for n in range(5)]
    assert report_of(tmp_path, rows).unused == {"kto_tag": 5, "seen": 5}


# --- marks on a row -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mark",
    [{"weight": 0}, {"weight": -1}, {"Weight": "0.0"}, {"train": False}, {"train": "no"}, {"loss": False}, {"loss": "false"}],
)  # fmt: skip
def test_a_row_marked_as_not_to_be_learned_is_not(mark):
    assert codes(qa(**mark)) == ["nothing-to-learn"]
    assert codes(PAIR | mark, "preference") == ["nothing-to-learn"]


@pytest.mark.parametrize(
    "mark", [{"weight": 1}, {"weight": 0.5}, {"train": "yes"}, {"train": None}, {"loss": 0.0}]
)
def test_other_values_are_no_such_mark(mark):
    assert codes(qa(**mark)) == []


def test_a_negative_weight_of_a_turn_counts_as_zero():
    turns = [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A", "weight": -0.5}]  # fmt: skip
    assert codes({"messages": turns}, "openai-chat") == ["nothing-to-learn"]


# --- ratings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "texts", "ends"),
    [
        ("rating", ["5/5", "1/5"], (1, 5)),
        ("Rating", ["4.0 / 5", "2"], (2, 4)),
        ("stars", ["★★★☆☆", "★", "⭐⭐"], (1, 3)),
        ("評価", ["4点", "２点"], (2, 4)),
        ("評点", [1, 5], (1, 5)),
        ("スコア", ["80%", "20%"], (20, 80)),
        ("score", [0, 1], (0, 1)),
    ],
)
def test_ratings_in_words_and_signs_are_ratings(tmp_path, name, texts, ends):
    rows = [qa(n, **{name: texts[n % len(texts)]}) for n in range(6)]
    assert report_of(tmp_path, rows).rated == (name, *ends)


def test_a_rating_that_never_changes_hides_none_that_does(tmp_path):
    rows = [qa(n, rating=5, score=n) for n in range(6)]
    assert report_of(tmp_path, rows).rated == ("score", 0, 5)
    with pytest.raises(BadInput, match="'score'"):
        load_conversations(tmp_path / "x.jsonl")


@pytest.mark.parametrize("name", ["rating", "quality"])
def test_words_in_a_column_of_ratings_are_judgements(tmp_path, name):
    rows = [qa(n, **{name: ("good", "bad", "medium")[n % 3]}) for n in range(9)]
    report = report_of(tmp_path, rows)
    assert (report.counts, report.unpaired) == ({"marked-bad": 3}, 6)
    assert report.unused == {name: 3}  # the medium ones


def test_a_number_that_no_float_holds_ends_no_check(tmp_path):
    rows = [qa(n, rating=4, id=10**400, weight=10**400, label=10**400) for n in range(4)]
    low, high = report_of(tmp_path, [*rows, qa(4, rating=10**400)]).rated[1:]
    assert low == 4 < high
    assert read_ratings({"rating": -(10**400)})["rating"] < 0
    huge = {"score_chosen": 10**400, "score_rejected": 10**401, "id": 10**400, "margin": 10**400}
    assert codes(PAIR | huge, "preference") == []


# --- two answers ----------------------------------------------------------------------------------


def answer(text, **more):
    return {"role": "assistant", "content": text, **more}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"score_chosen": 2.0, "score_rejected": 8.0}, ["scores-contradict"]),
        ({"score_chosen": "2", "score_rejected": "8"}, ["scores-contradict"]),
        ({"chosen-rating": 1, "rejected-rating": 5}, ["scores-contradict"]),
        ({"chosen_avg_rating": "4.5", "rejected_avg_rating": "2"}, []),
        ({"score_chosen": 5.0, "score_rejected": 5.0}, ["scores-equal"]),
        ({"score_chosen": 8.5, "score_rejected": 3.0}, []),
        ({"chosen_tokens": 3, "rejected_tokens": 9}, []),
        ({"score_chosen": None, "score_rejected": 9}, []),
        ({"scores": {"chosen": 2, "rejected": 8}}, ["scores-contradict"]),
        ({"scores_chosen_rejected": [2, 8]}, ["scores-contradict"]),
        ({"scores_chosen_rejected": "[8, 2]"}, []),
        ({"scores": [8, 2]}, ["scores-unread"]),
        ({"Scores": "[2, 8]"}, ["scores-unread"]),
        ({"margin": -2}, ["scores-contradict"]),
        ({"score_margin": "-0.5"}, ["scores-contradict"]),
        ({"margin": 0}, ["scores-equal"]),
        ({"margin": 1.5}, []),
        ({"chosen": answer("a", score=2), "rejected": answer("b", score=9)}, ["scores-contradict"]),
        ({"chosen": [answer("a", rating="9")], "rejected": [answer("b", rating="2")]}, []),
    ],
)
def test_scores_that_contradict_the_pair_are_named(scores, expected):
    assert codes(PAIR | scores, "preference") == expected


def test_the_same_pair_the_other_way_round_is_an_error_with_its_line(tmp_path):
    other = {"prompt": "Q", "chosen": PAIR["rejected"], "rejected": PAIR["chosen"]}
    elsewhere = other | {"prompt": "Another question"}
    report = report_of(tmp_path, [PAIR, elsewhere, other, PAIR])
    assert [(one.line, one.code) for one in report.problems] == [(3, "contradicts"), (4, "duplicate")]  # fmt: skip
    assert "line 1" in report.problems[0].message
    assert len(load_conversations(tmp_path / "x.jsonl")[0]) == 3


def test_answers_that_differ_in_case_only_contradict_nothing(tmp_path):
    row = {"prompt": "Q", "chosen": "Yes.", "rejected": "yes."}
    assert "contradicts" not in report_of(tmp_path, [row, row]).counts
