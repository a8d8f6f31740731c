"""A document's text and the ranges in it that carry no loss or more of it."""

from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori.documents import CorpusText

parts = st.lists(st.tuples(st.sampled_from(["add", "hush", "answer"]), st.text(max_size=8)))


@given(parts=parts)
def test_the_text_is_its_parts_and_the_ranges_spell_them(parts):
    page = CorpusText("facts", "en")
    for how, text in parts:
        getattr(page, how)(text)
    assert page.text == "".join(text for _, text in parts)
    assert [page.text[a:b] for a, b in page.silent] == [t for how, t in parts if how == "hush"]
    assert [page.text[a:b] for a, b in page.answers] == [t for how, t in parts if how == "answer"]


@given(before=st.text("abx", max_size=6), text=st.text("abx", max_size=20))
def test_every_occurrence_of_the_unpredictable_is_silent(before, text):
    page = CorpusText("facts", "en", before).add(text, ["ab"])
    assert len(page.silent) == text.count("ab")
    assert {page.text[a:b] for a, b in page.silent} <= {"ab"}
    assert all(start >= len(before) for start, _ in page.silent)


def test_an_exchange_is_chatml_and_its_reply_is_the_answer(turns):
    page = CorpusText("talk", "en").system("Be brief.").turn("Where is Bo?", "In Bo.", ["Bo"])
    assert turns(page.text) == [
        ("system", "Be brief."),
        ("user", "Where is Bo?"),
        ("assistant", "In Bo."),
    ]
    ((start, end),) = page.answers
    assert page.text[start:end] == "In Bo.<|im_end|>\n"
    ((silent, _),) = page.silent
    assert page.text[silent - len("Where is ") : silent + 2] == "Where is Bo", "not in the reply"


def test_documents_do_not_share_their_ranges():
    CorpusText("facts", "en").hush("x").answer("y")
    assert CorpusText("facts", "en").silent == []
    assert CorpusText("facts", "en").answers == []
