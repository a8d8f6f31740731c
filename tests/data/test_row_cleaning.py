"""Cleaning a stranger's rows: nothing lost, nothing rewritten without being listed."""

import copy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab_helpers.data.own_rows.row_cleaning import STEPS, clean_rows
from lab_helpers.data.own_rows.row_report import KEPT_EDITS
from lab_helpers.runtime.errors import BadInput


def row(question: str, answer: str, system: str | None = None, **more) -> dict:
    prompt = [{"role": "system", "content": system}] if system else []
    return {
        "prompt": [*prompt, {"role": "user", "content": question}],
        "completion": [{"role": "assistant", "content": answer, **more}],
    }


def answers(rows: list[dict]) -> list[str]:
    return [one["completion"][0]["content"] for one in rows]


def questions(rows: list[dict]) -> list[str]:
    return [one["prompt"][-1]["content"] for one in rows]


PLAIN = [row(f"What does part {n} do?", f"It turns wheel {n}.") for n in range(12)]
GOODS = ["ladle", "anvil", "stove", "torch", "spade", "wrench", "bucket", "hinge"]

UNTOUCHED = {
    "html answers": [("Write HTML for a {0}", "<p>Our <b>{0}</b> is on sale.</p>")],
    "a headline, unasked": [("Headline for the {0}", "<h1>New {0}</h1>")],
    "svg": [("Draw the {0}", '<svg width="8"><rect id="{0}"/></svg>')],
    "math": [("Weigh the {0}", "<math><mi>{0}</mi><mo>=</mo><mn>{1}</mn></math>")],
    "thinking": [("Why the {0}?", "<thinking>It is a {0}.</thinking>\nBecause we like it very much.")],
    "fenced": [("Style the {0}", "Do this:\n```html\n<p class='{0}'>One two three</p>\n```\nDone.")],
    "inline code": [("Mark the {0}", "Write `<b>{0} and some more</b>` and nothing else.")],
    "cut off in a fence": [("Style the {0}", "```\n<p>One two three {0}</p>")],
    "comparisons": [("Is {1} < 7 or > 3, {0}?", "if x<y and y>{1}: return List<int>  # {0}")],
    "placeholders": [("Greet the {0}", "Dear <name>, your <b>{0}</b> is here and well.")],
    "links": [("Where is the {0}?", 'See <a href="https://shop.example/{0}">the page of it</a>.')],
    "numbered list": [("Use the {0}", "<ol><li>Take the {0}</li><li>Put it down again</li></ol>")],
    "struck price": [("What is the {0}?", "<p>It is <s>40</s> 30 pounds today, the {0}.</p>")],
    "raised digit": [("Volume of the {0}?", "It holds 3 m<sup>3</sup> of water, the {0}.")],
    "a table's line break": [("Sizes of the {0}", "| size | price |\n|---|---|\n| a<br>b of it | {1} |")],
    "entities explained": [("Escape it for the {0}", "Write &amp; for &, and &lt; for < here {0}.")],
    "entities as the answer": [("How is the sign of {0} written?", "As &amp; in every page, {0}.")],
    "aligned": [("Table of the {0}", "item      price\n{0:<10}{1:>5}\n\n\n\nx  =  1   # comment\n\ty = 2")],
    "indented code": [("Body of {0}", "    return {1}  # {0}")],
    "hard line break": [("Poem on the {0}", "O {0},  \nO day.\n\n\nThe end.")],
    "wide letters": [("全角で{0}", "ＡＢ－{1}号、価格は１，２００円（税込）です！単位は㎡、㎏、①、10²、½、\u2126。")],
    "names with old characters": [("{0}の担当は？", "\ufa11山と\ufa10田がまいります。{1}番。")],
    "persian": [("سلام {0}", "می‌خواهم \u200f{0}\u200f را ببینم.")],
    "thai": [("ราคา {0}", "ราคา\u200bสินค้า {0}")],
    "joined emoji": [("Who mends the {0}?", "👩\u200d🔧 does, {0}.")],
    "order numbers": [("Code of the {0}?", "The shipping code is 123-450{1}, JAN code 490123456789{1}.")],
    "the firm's numbers": [("Whom do I ring about the {0}?", "Ring 03-5550-110{1}, Mr Sato helps.")],
    "the firm's mailboxes": [("Where do I write about the {0}?", "To {0}@hoshino-denki.example, any day.")],
}  # fmt: skip


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_is_content_is_left_alone(name):
    ((question, answer),) = UNTOUCHED[name]
    rows = [row(question.format(w, n), answer.format(w, n)) for n, w in enumerate(GOODS)]
    kept, report = clean_rows([*PLAIN, *rows])  # Few of the rows are like this.
    assert kept == [*PLAIN, *rows]
    assert (report.repaired, report.edits, report.removed) == (0, [], [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>Turn it off, then on.</p><p>Wait a day.</p>", "Turn it off, then on.\n\nWait a day."),
        ('<div class="x"><span style="color:red">Turn it <b>off</b></span></div>', "Turn it off"),
        ("Turn it off.<br>Then <br/>turn it on.", "Turn it off.\nThen \nturn it on."),
        (
            "<p>電源を切ってください。<br>次に入れます。</p>",
            "電源を切ってください。\n次に入れます。",
        ),
        ("<p>Take&nbsp;salt &amp; pepper and wait.</p>", "Take salt & pepper and wait."),
        ("It doesn&#39;t work with R&amp;D.", "It doesn't work with R&D."),
        ("one\r\ntwo\u200b three\ufeff", "one\ntwo three"),
        ("cafe\u0301 and か\u3099", "café and が"),
        ("\n \n  a\n\n\n\nb \n", "  a\n\n\n\nb"),
    ],
)
def test_a_pages_formatting_and_what_nobody_sees_go_and_are_listed(text, expected):
    for rows, side in (
        ([*PLAIN, row("How?", text)], "completion"),
        ([*PLAIN, row(text, "So.")], "prompt"),
    ):
        kept, report = clean_rows(rows)
        assert kept[:12] == PLAIN
        assert kept[12][side][0]["content"] == expected
        assert report.repaired == 1
        assert {(one["row"], one["side"]) for one in report.edits} == {(13, side)}


def test_a_system_prompt_keeps_its_tags_and_its_contacts():
    system = "<b>You are ours.</b> Tell callers to ring 03-5550-1100."
    rows = [row(f"Is the {w} in?", f"Ring 03-5550-1100 for the {w}.", system) for w in GOODS]
    kept, report = clean_rows(rows)
    assert kept == rows
    assert [(one["text"], one["why"]) for one in report.contact_rows()] == [
        ("03-5550-1100", "system prompt")
    ]


def test_html_in_most_answers_is_how_they_are_written():
    rows = [row(f"Is the {w} in?", f"<p>The {w} is in, do come.</p>") for w in GOODS]
    kept, report = clean_rows(rows)
    assert kept == rows
    assert report.html_left == {"in most rows": 8}
    kept, report = clean_rows([*rows[:3], *PLAIN])
    assert answers(kept)[0] == "The ladle is in, do come."
    assert report.changed["html"] == 3


def test_html_speaks_where_somebody_speaks_of_html():
    rows = [*PLAIN, row("Make a web page of it", "<p>It rains in the hills today.</p>")]
    kept, report = clean_rows(rows)
    assert kept == rows
    assert report.html_left == {"content": 1}


def test_an_empty_page_is_no_answer_and_is_listed():
    kept, report = clean_rows([*PLAIN, row("And this one?", "<p> </p>")])
    assert kept == PLAIN
    assert report.removed == [
        {"row": 13, "why": "no answer", "twin": None, "text": "And this one?"}
    ]
    assert clean_rows([*PLAIN, row("And this one?", "<p> </p>")], {"html"})[1].removed == []


def test_copies_are_listed_with_the_row_that_they_repeat():
    rows = [
        *PLAIN,
        copy.deepcopy(PLAIN[4]),
        row("Hello, what does part 7 do?!", "It turns wheel 7"),
    ]
    kept, report = clean_rows(rows)
    assert kept == PLAIN
    assert report.removed == [
        {"row": 13, "why": "copy", "twin": 5, "text": "What does part 4 do?"},
        {"row": 14, "why": "near-duplicate", "twin": 8, "text": "Hello, what does part 7 do?!"},
    ]
    assert report.count_removed("copy", "near-duplicate") == 2
    kept, report = clean_rows(rows, {"near-duplicates"})
    assert (kept, report.removed) == (rows, [])


def test_the_same_question_with_other_answers_is_kept_and_counted():
    rows = [row("Continue the story.", f"The {w} fell over.") for w in GOODS]
    kept, report = clean_rows([*rows, *PLAIN])
    assert kept == [*rows, *PLAIN]
    assert report.answered_otherwise == len(rows)


def test_a_line_column_names_the_row():
    rows = [one | {"line": 10 * n} for n, one in enumerate([*PLAIN, PLAIN[0]], 1)]
    report = clean_rows(rows)[1]
    assert [(one["row"], one["twin"]) for one in report.removed] == [(130, 10)]


def test_every_edit_is_counted_and_the_first_are_shown():
    rows = [row(f"How is {n}?", f"Fine,\u200b {n}.") for n in range(KEPT_EDITS + 20)]
    report = clean_rows(rows)[1]
    assert report.changed == {"spelling": KEPT_EDITS + 20, "html": 0, "personal-data": 0}
    assert report.edit_counts["spelling"] == KEPT_EDITS + 20
    assert len(report.edits) == KEPT_EDITS
    assert report.edits[0] == {
        "row": 1,
        "side": "completion",
        "step": "spelling",
        "before": "Fine,⟨U+200B⟩ 0.",
        "after": "Fine, 0.",
    }


def test_reasoning_and_calls_are_masked_like_the_question_that_they_repeat():
    call = {
        "type": "function",
        "function": {"name": "dial", "arguments": '{"to": "090-1111-2222"}'},
    }
    rows = [
        *PLAIN,
        row("My number is 090-1111-2222.", "Dialling.", reasoning_content="To 090-1111-2222.", tool_calls=[call]),
    ]  # fmt: skip
    answer = clean_rows(rows)[0][-1]["completion"][0]
    assert "090" not in str(answer)
    assert answer["reasoning_content"] == "To [PHONE]."
    assert answer["content"] == "Dialling."


def test_an_unknown_step_is_refused_with_the_names_there_are():
    with pytest.raises(BadInput, match="no cleaning step 'htlm'"):
        clean_rows(PLAIN, {"htlm"})


PIECES = st.sampled_from(
    [
        *["<p>", "</p>", "<b>", "</b>", "<br>", "<svg>", "&amp;", "&#39;", "&lt;b&gt;", "&nbsp;", "hello", "please", "the", "kettle"],
        *["NW-800", "html", "090-1111-2222", "a@b.example", "私は田中です。", "教えてください", "価格は", "㎡", "Ａ", ".", "?", "5", "<", ">", "`"],
        *("450-1200", "My postcode is", "郵便番号", "03-5550-100", "1", "2", "Pa", "PA", "you", "I", "さんです。"),
        *("<i x>", "call us", "Mr Sato", "```\n", "\n", "\r\n", " ", "  ", "\u200b", "e\u0301"),
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=9).map("".join)
ROWS = st.lists(st.builds(row, TEXTS, TEXTS, st.sampled_from([None, "Be kind."])), max_size=12)
KEEPS = st.frozensets(st.sampled_from(STEPS))


@given(rows=ROWS, keep=KEEPS)
@example(rows=[row("a", "<p>\u200b")], keep=frozenset())
@example(rows=[row("a", "<p>Mr SatoNW-800")], keep=frozenset())
@example(rows=[row("a", "<\u200bp>b c d e</p>"), row("b", "c")], keep=frozenset())
@example(
    rows=[row("a", "<p>b c d e</p>"), row("a", "<p>b c d e</p>"), row("e", "f")], keep=frozenset()
)
def test_every_row_is_accounted_for_and_a_second_time_changes_nothing(rows, keep):
    before = copy.deepcopy(rows)
    kept, report = clean_rows(rows, keep)
    assert rows == before, "what came in is not changed"
    assert report.rows == len(rows) == len(kept) + len(report.removed)
    gone = {one["row"] for one in report.removed}
    assert len(gone) == len(report.removed)
    assert all(one["twin"] not in gone for one in report.removed)
    assert sum(report.edit_counts.values()) == len(report.edits)
    again, second = clean_rows(kept, keep)
    assert again == kept
    assert (second.repaired, second.removed) == (0, [])


@given(rows=ROWS)
def test_with_every_step_switched_off_rows_come_back_unchanged(rows):
    kept, report = clean_rows(rows, STEPS)
    assert kept == rows
    assert (report.repaired, report.edits, report.removed) == (0, [], [])
