"""A page's formatting against markup that is the content, code, and repairs that nobody sees."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab_helpers.data.own_rows.changes import shorten, show_change
from lab_helpers.data.own_rows.code_spans import code_spans, split_code
from lab_helpers.data.own_rows.markup import (
    decode_words,
    has_entities,
    is_page_formatting,
    speaks_of_markup,
    strip_page,
)
from lab_helpers.data.own_rows.unseen import repair_unseen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>Turn it off first.</p>", True),
        ("Turn it <b>off</b> first.", True),
        ("<P CLASS='x' data-id=3>Turn it off<BR>first.</P>", True),
        ("<p>One two three<p>four", True),
        ("<ul><li>One thing<li>Two things</ul>", True),
        ("<div><p></p></div>", True),
        ("no tags at all", False),
        ("<b>off</b>", False),
        ("<p>One two three</b>", False),
        ("<b>One two three", False),
        ("One two three</p></div>", False),
        ("<p onclick='go()'>One two three</p>", False),
        ("<p hidden>One two three</p>", False),
        ("<p>One two three <img src='x.png'></p>", False),
        ("<p>One two three <!-- note --></p>", False),
        ("<p>Write &lt;b&gt; for bold</p>", False),
        ("<p>Write &amp;lt; for less</p>", False),
        ("<p>One two `three`</p>", False),
        ("if a <b and c> d: one two three", False),
        ("<p>if one two <x three</p>", False),
        ("<?xml version='1.0'?><p>One two three</p>", False),
    ],
)
def test_is_page_formatting(text, expected):
    assert is_page_formatting(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write HTML for it", True),
        ("How do I escape an ampersand?", True),
        ("タグを書いて", True),
        ("<p class='html'>Is it warm?</p>", False),
        ("What is the code of the door?", False),
    ],
)
def test_speaks_of_markup(text, expected):
    assert speaks_of_markup(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It doesn&#39;t, R&amp;D says.", "It doesn't, R&D says."),
        ("Black &amp; White", "Black & White"),
        ("R&amp;amp;D", "R&amp;amp;D"),
        ("Use &amp; and &lt;.", "Use &amp; and &lt;."),
        ("AT&T or AT&amp;T", "AT&T or AT&amp;T"),
        ("x?a=1&amp;b=2", "x?a=1&amp;b=2"),
    ],
)
def test_only_entities_within_words_are_decoded(text, expected):
    assert decode_words(text) == expected


PIECES = st.sampled_from(
    [*"`~<>&;/ap \n\r\té", "```", "~~~", "<b>", "</b>", "&amp;", "\u200b", "\ufeff", "\u0301", "か", "\u3099"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=16).map("".join)


@given(text=TEXTS)
def test_pieces_of_code_and_prose_are_the_text(text):
    pieces = split_code(text)
    assert "".join(pieces) == text
    assert pieces[1::2] == [text[start:end] for start, end in code_spans(text)]


def test_fences_and_ticks():
    text = "a `b` ``c`d`` \n```\n`e`\n```\n~~~ x\nf"
    assert split_code(text)[1::2] == ["`b`", "``c`d``", "```\n`e`\n```", "~~~ x\nf"]


@given(text=TEXTS)
@example("`\u200b`x\u200b``")
def test_repairing_and_stripping_twice_is_repairing_once(text):
    once = repair_unseen(text)
    assert repair_unseen(once) == once
    if is_page_formatting(text):
        assert not is_page_formatting(strip_page(text))


@given(text=st.text(max_size=40))
def test_what_can_be_seen_is_never_changed(text):
    def seen(one: str) -> list[str]:
        composed = unicodedata.normalize("NFC", one)
        return [c for c in composed if unicodedata.category(c)[0] in "LNPS"]

    assert seen(repair_unseen(text)) == seen(text)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("It is <b>so</b>.", "It is so.", ("It is <b>so</b>.", "It is so.")),
        ("x" * 40 + "A" + "y" * 40, "x" * 40 + "B" + "y" * 40, ("…xxxxxxxxxxxxAyyyyyyyyyyyy…", "…xxxxxxxxxxxxByyyyyyyyyyyy…")),
        ("a\u200bb\r\n", "ab", ("a⟨U+200B⟩b⟨U+000D⟩⏎", "ab")),
        ("aab", "ab", ("aab", "ab")),
    ],
)  # fmt: skip
def test_a_change_is_shown_with_a_little_around_it(before, after, expected):
    assert show_change(before, after) == expected


def test_long_changes_lose_their_middle_and_long_texts_their_beginning():
    before, after = show_change("a" + "b" * 500, "a" + "c" * 500)
    assert len(before) < 80
    assert "bbb … bbb" in before
    assert "ccc … ccc" in after
    assert (
        shorten("A context\n\nand " + "very " * 30 + "long?\n")
        == "…" + ("very " * 30 + "long?")[-59:]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It&nbsp;is", True),
        ("&quot;0&quot;", True),
        ("&#12371;", True),
        ("AT&T; x", False),
        ("R&D", False),
        ("Write `&nbsp;`", False),
        ("x?a=1&b;c", False),
    ],
)
def test_entities_are_seen_outside_code(text, expected):
    assert has_entities(text) is expected


def test_a_text_is_decoded_wholly_or_not_at_all():
    text = "Black &amp; White, 5 &amp; 6, don&#39;t."
    assert decode_words(text) == text
