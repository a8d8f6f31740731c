"""Normalising, HTML, language, broken-off texts, and a report of what each step did."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab_helpers.data.cleaning import clean, drop, edit, outside_length
from lab_helpers.data.languages import detect_language, is_japanese
from lab_helpers.data.shipped import load_shipped
from lab_helpers.data.texts import is_truncated, normalise, strip_html
from lab_helpers.runtime.errors import BadInput

SIGNATURES = ("Hoshizora Electric", "星空電機")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＮＷ－８００は１１８，０００円！", "NW-800は118,000円!"),
        ("ﾋｰﾀｰ", "ヒーター"),
        ("①と②、㈱星空、10²、½、…、™", "①と②、㈱星空、10²、½、…、™"),
        ("「はい。」〜です、", "「はい。」〜です、"),
        ("a\u3000 b\u00a0c", "a b c"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("👩\u200d🔧 works", "👩\u200d🔧 works"),
        ("a\0b\x1bc\x7f", "abc"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("end   \n\n\n\nnext", "end\n\nnext"),
        ("if a:\n    b  =  1", "if a:\n    b = 1"),
        ("e\u0301", "é"),
    ],
)
def test_normalise(text, expected):
    assert normalise(text) == expected


@given(st.text(max_size=40))
@example("¨")
@example("a\n¨ b")
def test_normalising_twice_changes_nothing_more(text):
    once = normalise(text)
    assert normalise(once) == once
    assert not any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in once)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ('<a href="x">link</a> and <b>bold</b>', "link and bold"),
        ("<div class=x><span style='a'>はい。</span></div>", "はい。"),
        ("5 &lt; 6 &amp; 7&nbsp;&gt;&#x33;", "5 < 6 & 7\xa0>3"),
        ("if a < b and c > d:", "if a < b and c > d:"),
        ("if a<b and c>d:", "if a<b and c>d:"),
        ("for i<len(x): List<String> y", "for i<len(x): List<String> y"),
        ("I <3 it, x<-1, a <= b", "I <3 it, x<-1, a <= b"),
        ("it ends in <b", "it ends in <b"),
        ("a<!-- note -->b", "ab"),
        ("<script>alert(1)</script>Hi<style>p{}</style>", "Hi"),
        ("<!DOCTYPE html><html><body>Hi</body></html>", "Hi"),
        ("<input disabled>x", "x"),
        ("<b>x</b> < <i>y</i>", "x < y"),
        ("no tags", "no tags"),
    ],
)
def test_strip_html(text, expected):
    assert strip_html(text) == expected


@given(st.text("ab<>&;/! =\"'pbi\n日", max_size=30))
def test_stripping_html_never_fails_and_leaves_no_real_tag(text):
    assert "<p>" not in strip_html(text.replace("<", " ") + "<p>x</p>")
    strip_html(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The heater broke after two days.", "en"),
        ("hello there", "en"),
        ("毎朝、静かに動く。", "ja"),
        ("NW-800のHEPAフィルターはAmazonで買えますか", "ja"),
        ("Bonjour, je voudrais un remboursement.", "other"),
        ("El producto no funciona y quiero devolverlo.", "other"),
        ("我想退货，请问这个产品多少钱？", "other"),
        ("Когда придёт посылка?", "other"),
        ("배송은 언제 되나요?", "other"),
        ("", "unknown"),
        ("12-34", "unknown"),
        ("返品希望", "unknown"),
    ],
)
def test_detect_language(text, language):
    assert detect_language(text) == language
    assert is_japanese(text) == (language == "ja")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_planted_wrong_languages_are_told_apart(language):
    """50 of the course's 1,354 answers are in another language."""
    rows = load_shipped("support", language)
    flagged = [detect_language(row["answer"]) not in (language, "unknown") for row in rows]
    planted = ["wrong_language" in row["faults"] for row in rows]
    assert sum(f and p for f, p in zip(flagged, planted, strict=True)) >= 0.95 * sum(planted)
    assert sum(f and not p for f, p in zip(flagged, planted, strict=True)) <= 5


@pytest.mark.parametrize("language", ["en", "ja"])
def test_planted_html_is_found_and_nothing_else_changes(language):
    for row in load_shipped("support", language):
        changed = any(strip_html(row[name]) != row[name] for name in ("question", "answer"))
        assert changed == ("html" in row["faults"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is made in Mineura.", False),
        ("It is made in", True),
        ("It is made in Mineura,", True),
        ("He said: “It is made here.”", False),
        ("118,000 yen", False),
        ("Yes", False),
        ("", False),
        ("```\nx = 1\n```", False),
        ("保証期間は2年でございます。", False),
        ("保証期間は2年でござ", True),
        ("保証期間は、", True),
        ("118,000円", False),
        ("（保証期間は2年でございます。）", False),
        ("Thank you. Under the same stars, Hoshizora Electric", False),
        ("ありがとうございます。同じ星空のもとで、星空電機", False),
    ],
)
def test_truncated(text, expected):
    assert is_truncated(text, SIGNATURES) is expected


@pytest.mark.parametrize("language", ["en", "ja"])
def test_planted_broken_off_answers_are_found(language):
    """A cut right after a sentence cannot be seen: 90 % are asked for, not all."""
    rows = [row for row in load_shipped("support", language) if "truncated" in row["faults"]]
    assert sum(is_truncated(row["answer"], SIGNATURES) for row in rows) >= 0.9 * len(rows)


def rows_and_steps():
    rows = [
        {"question": "Ｗｈｙ?", "answer": "<b>Because</b> it is."},
        {"question": "Why?", "answer": "No"},
        {"question": "Why?", "answer": "これは日本語の答えです。"},
        {"line": 40, "question": "Why?", "answer": "Because it is so."},
    ]
    steps = [
        edit("normalise", normalise, "question", "answer"),
        edit("HTML", strip_html, "answer"),
        drop("too short", outside_length(5, 100), "answer"),
        drop("not English", lambda text: detect_language(text) != "en", "answer"),
    ]
    return rows, steps


def test_each_step_is_counted_with_its_lines():
    rows, steps = rows_and_steps()
    kept, report = clean(rows, steps)
    assert [row["answer"] for row in kept] == ["Because it is.", "Because it is so."]
    assert kept[0]["question"] == "Why?"
    assert rows[0]["question"] == "Ｗｈｙ?", "the rows that came in are not changed"
    assert [(s.name, s.rows, s.changed, s.removed) for s in report.steps] == [
        ("normalise", 4, 1, 0),
        ("HTML", 4, 1, 0),
        ("too short", 4, 0, 1),
        ("not English", 3, 0, 1),
    ]
    assert report.steps[0].changed_lines == [1]
    assert report.steps[2].removed_lines == [2]
    assert report.steps[3].removed_lines == [3]
    assert (report.rows, report.kept) == (4, 2)
    assert report.table()[3] == {
        "step": "not English",
        "rows": 3,
        "changed": 0,
        "removed": 1,
        "lines": "3",
    }


def test_the_line_column_names_the_line():
    _, report = clean(
        [{"line": 40, "answer": ""}], [drop("empty", lambda text: not text, "answer")]
    )
    assert report.steps[0].removed_lines == [40]


def test_at_most_five_lines_are_shown():
    _, report = clean([{"answer": ""}] * 9, [drop("empty", lambda text: not text, "answer")])
    assert (report.steps[0].removed, report.steps[0].removed_lines) == (9, [1, 2, 3, 4, 5])


def test_messages_are_cleaned_turn_by_turn():
    rows = [
        {"messages": [{"role": "user", "content": "Ａ"}, {"role": "assistant", "content": "<p>B"}]}
    ]
    kept, _ = clean(rows, [edit("n", normalise, "messages"), edit("h", strip_html, "messages")])
    assert [turn["content"] for turn in kept[0]["messages"]] == ["A", "B"]
    kept, _ = clean(kept, [drop("B", lambda text: text == "B", "messages")])
    assert kept == []


def test_a_step_without_columns_is_refused():
    with pytest.raises(BadInput, match="names no column"):
        edit("normalise", normalise)
