"""Whose telephone number is it? The customer's is masked, the firm's is what the model should say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.own_rows.row_cleaning import clean_rows


def row(question: str, answer: str, before: tuple = ()) -> dict:
    earlier = [
        {"role": role, "content": text}
        for role, text in zip(("user", "assistant") * 2, before, strict=False)
    ]
    return {
        "prompt": [*earlier, {"role": "user", "content": question}],
        "completion": [{"role": "assistant", "content": answer}],
    }


def cleaned(*rows: dict) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Questions and answers after cleaning among other rows, and what was left alone -> why."""
    others = [row(f"What does part {n} do?", f"It turns wheel {n}.") for n in range(10)]
    kept, report = clean_rows([*others, *rows])
    texts = [(one["prompt"][-1]["content"], one["completion"][0]["content"]) for one in kept[10:]]
    return texts, {one["text"]: one["why"] for one in report.contact_rows()}


CUSTOMERS = [
    ("Ring me on 090-1111-2222.", "We shall.", "Ring me on [PHONE].", "We shall."),
    ("Ring 090-1111-2222.", "We ring 090-1111-2222.", "Ring [PHONE].", "We ring [PHONE]."),
    ("I am at j.doe@mail.example.", "Noted.", "I am at [EMAIL].", "Noted."),
    ("Where is my parcel?", "We called you at 090-1111-2222.", None, "We called you at [PHONE]."),
    ("What number do you have for me?", "It is 090-1111-2222.", None, "It is [PHONE]."),
    ("My name is Ann Lee. Who is this?", "A shop.", "My name is [NAME]. Who is this?", "A shop."),
    ("Card 4111 1111 1111 1111, yes?", "Yes.", "Card [CARD], yes?", "Yes."),
    ("荷物はどこですか。", "お客様の090-1111-2222へお電話しました。", None, "お客様の[PHONE]へお電話しました。"),
    ("東京都港区芝1丁目2-3へ送ってください。", "はい。", "[ADDRESS]へ送ってください。", "はい。"),
]  # fmt: skip


@pytest.mark.parametrize(("question", "answer", "asked", "said"), CUSTOMERS)
def test_a_customers_data_are_masked_in_the_question_and_where_the_answer_repeats_them(
    question, answer, asked, said
):
    texts, left = cleaned(row(question, answer))
    assert texts == [(asked or question, said)]
    assert left == {}


def test_what_a_customer_writes_again_is_still_the_customers():
    rows = [
        row("My number is 090-1111-2222.", "We ring 090-1111-2222."),
        row("Still 090-1111-2222, please.", "Yes, 090-1111-2222."),
    ]
    texts, left = cleaned(*rows)
    assert "090" not in str(texts)
    assert left == {}


def test_what_a_customer_said_earlier_is_masked_in_the_answer():
    texts, _ = cleaned(
        row("And now?", "We ring 090-1111-2222.", ("I have 090-1111-2222.", "Fine."))
    )
    assert texts == [("And now?", "We ring [PHONE].")]


@pytest.mark.parametrize(
    ("rows", "text", "why"),
    [
        (
            [("Open?", "At ten. Questions: 03-5550-1100."), ("Late?", "Until six, see 03-5550-1100.")],
            "03-5550-1100",
            "several answers",
        ),
        (
            [("開いていますか。", "はい。東京都港区芝1丁目2-3です。"), ("場所は?", "東京都港区芝1丁目2-3へ。")],
            "東京都港区芝1丁目2-3",
            "several answers",
        ),
        ([("Who helps?", "Ring our desk at 03-5550-1100.")], "03-5550-1100", "announced"),
        ([("What is your phone number?", "It is 03-5550-1100.")], "03-5550-1100", "announced"),
        ([("電話番号は?", "03-5550-1100です。")], "03-5550-1100", "announced"),
        ([("助けて", "当店（03-5550-1100）へどうぞ。")], "03-5550-1100", "announced"),
        ([("Who was Dr. Ada Quill?", "Dr. Ada Quill made it.")], "Ada Quill", "asked about"),
        ([("田中一郎氏とは誰ですか。", "田中一郎氏は発明家です。")], "田中一郎", "asked about"),
        ([("Help!", "Try 0120-555-123.")], "0120-555-123", "open to all"),
        ([("Help!", "Try support@lamps.example.")], "support@lamps.example", "open to all"),
        (
            [(f"Who mends {n}?", f"Mr Sato mends {n}.") for n in "ABC"],
            "Sato",
            "several answers",
        ),
    ],
)  # fmt: skip
def test_the_firms_contacts_stay_and_it_is_said_why(rows, text, why):
    texts, left = cleaned(*(row(*one) for one in rows))
    assert texts == rows
    assert left == {text: why}


def test_a_firms_number_in_a_question_stays_too():
    rows = [
        row("Open?", "At ten. Questions: 03-5550-1100."),
        row("Late?", "Until six. Questions: 03-5550-1100."),
        row("Nobody answers 03-5550-1100, ring me on 090-1111-2222.", "We shall."),
    ]
    texts, _ = cleaned(*rows)
    assert texts[2][0] == "Nobody answers 03-5550-1100, ring me on [PHONE]."


def test_a_number_in_the_context_of_many_prompts_stays():
    context = "Context: the shop is at 03-5550-1100.\n"
    rows = [
        row(f"{context}Does it sell {one}?", f"Yes, ring 03-5550-1100 for {one}.") for one in "ABCD"
    ]
    texts, left = cleaned(*rows)
    assert texts[0] == (
        "Context: the shop is at 03-5550-1100.\nDoes it sell A?",
        "Yes, ring 03-5550-1100 for A.",
    )
    assert left == {"03-5550-1100": "many prompts"}


def test_a_family_is_one_entry_with_its_size():
    rows = [row(f"Who has {n}?", f"Ask x{n}y@lamps.example.") for n in range(4)]
    kept, report = clean_rows(rows)
    assert kept == rows
    assert report.contact_rows() == [
        {
            "kind": "EMAIL",
            "text": "x0y@lamps.example",
            "different": 4,
            "rows": 4,
            "why": "several answers, its family",
        }
    ]


def test_a_customers_number_that_looks_like_the_familys_is_masked():
    rows = [row(f"Who has {n}?", f"See 03-5550-110{n}.") for n in range(4)]
    texts, _ = cleaned(*rows, row("Ring me on 03-5550-1199.", "We shall."))
    assert texts[:4] == [(f"Who has {n}?", f"See 03-5550-110{n}.") for n in range(4)]
    assert texts[4][0] == "Ring me on [PHONE]."


def test_private_mailboxes_are_no_family():
    texts, _ = cleaned(*(row(f"Who has {n}?", f"That is x{n}y@gmail.com.") for n in range(4)))
    assert {answer for _, answer in texts} == {"That is [EMAIL]."}


def test_two_customers_of_one_name_are_masked():
    texts, _ = cleaned(row("Is it A?", "Yes, Mr Sato."), row("Is it B?", "No, Mr Sato."))
    assert texts == [("Is it A?", "Yes, Mr [NAME]."), ("Is it B?", "No, Mr [NAME].")]


def test_code_in_an_answer_stays_and_what_the_user_wrote_does_not():
    code = "```python\nsend('x.y@mail.example')\n```"
    assert cleaned(row("Write a test.", code))[0] == [("Write a test.", code)]
    texts, _ = cleaned(row("Send to x.y@mail.example.", code))
    assert "x.y@" not in str(texts)


PARTS = [
    *("How much is the {} filter?", "{}のフィルターの在庫はありますか。", "Do you deliver the {}?"),
    *("What does filter {} fit?", "{}?", "{}を三つください。"),
]


@pytest.mark.parametrize("question", PARTS)
def test_a_bare_number_is_no_postcode_and_is_listed_once(question):
    rows = [row(question.format(f"45{n}-120{n}"), f"Shelf {n}.") for n in range(4)]
    kept, report = clean_rows(rows)
    assert kept == rows
    assert [(one["why"], one["different"]) for one in report.contact_rows()] == [("bare number", 4)]


@pytest.mark.parametrize(
    ("question", "masked"),
    [
        ("My postcode is 100-0001.", "My postcode is [POSTCODE]."),
        ("Send it to 100-0001, please.", "Send it to [POSTCODE], please."),
        ("郵便番号は100-0001です。", "郵便番号は[POSTCODE]です。"),
        ("〒100-0001の者です。", "〒[POSTCODE]の者です。"),
        ("100-0001 東京都港区芝1丁目2-3です。", "[POSTCODE] [ADDRESS]です。"),
        ("東京都港区芝1丁目2-3、100-0001です。", "[ADDRESS]、[POSTCODE]です。"),
        ("100-0001に住んでいます。", "[POSTCODE]に住んでいます。"),
        ("I am in Albany, NY 12207.", "I am in Albany, NY [POSTCODE]."),
        ("My Number 1234 5678 9018, yes.", "My Number [MYNUMBER], yes."),
        ("I live at SW1A 1AA.", "I live at [POSTCODE]."),
    ],
)
def test_a_postcode_is_masked_where_a_word_or_an_address_says_so(question, masked):
    assert cleaned(row(question, "Noted."))[0] == [(masked, "Noted.")]


def test_a_bare_my_number_is_listed_and_not_masked():
    texts, left = cleaned(row("Where is 1234-5678-9018?", "On shelf 3."))
    assert texts == [("Where is 1234-5678-9018?", "On shelf 3.")]
    assert left == {"1234-5678-9018": "bare number"}


def test_what_the_user_called_a_postcode_is_one_in_the_whole_row():
    texts, left = cleaned(
        row("100-0001.", "Then 100-0001 it is.", ("I want it.", "Your postcode?")),
        row("My postcode is 100-0002. I say 100-0002!", "To 100-0002, then."),
    )
    assert texts == [
        ("[POSTCODE].", "Then [POSTCODE] it is."),
        ("My postcode is [POSTCODE]. I say [POSTCODE]!", "To [POSTCODE], then."),
    ]
    assert left == {}


@pytest.mark.parametrize(
    "question",
    [
        "Which branch has the number 03-5550-100{}?",
        "Is 03-5550-100{} your number in Osaka?",
        "03-5550-100{}はどの支店ですか。",
        "Who writes from x{}@lamps.example?",
        "東京都港区芝1丁目2-{}には何がありますか。",
        "What is at 1{} Baker Street?",
    ],
)
def test_masking_makes_no_copies_of_questions_about_a_number(question):
    rows = [row(question.format(n), "It is our shop.") for n in range(1, 6)]
    kept, report = clean_rows(rows)
    assert kept == rows
    assert [(one["why"], one["different"]) for one in report.contact_rows()] == [
        ("tells questions apart", 5)
    ]
    assert clean_rows(kept)[0] == rows


@pytest.mark.parametrize(
    "question",
    [
        "My number is 090-1111-222{}.",
        "Ring 090-1111-222{}.",
        "Please call 090-1111-222{}.",
        "090-1111-222{}へ連絡してください。",
        "私の番号は090-1111-222{}です。",
    ],
)
def test_customers_who_write_the_same_are_masked_all_the_same(question):
    rows = [row(question.format(n), "We shall.") for n in range(4)]
    kept, report = clean_rows(rows)
    assert "222" not in str(kept)
    assert len(kept) + len(report.removed) == 4, "what is a copy then is listed"


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        ("How can I talk to somebody?", "Dial 03-5555-0100 between nine and five.", "03-5555-0100"),
        ("It smokes!", "Turn it off. Please ring 03-5555-0100.", "03-5555-0100"),
        ("It smokes!", "Then you can reach 03-5555-0100.", "03-5555-0100"),
        ("担当者と話したい。", "03-5555-0100までどうぞ。", "03-5555-0100"),
        ("夜間に壊れたら？", "夜間は06-1234-5678へおかけください。", "06-1234-5678"),
        ("壊れました。", "06-1234-5678にお気軽にご相談ください。", "06-1234-5678"),
    ],
)
def test_a_number_given_once_for_use_is_announced(question, answer, text):
    texts, left = cleaned(row(question, answer))
    assert texts == [(question, answer)]
    assert left == {text: "announced"}


@pytest.mark.parametrize(
    "answer",
    [
        "The driver will call 090-1111-2222.",
        "We ring 090-1111-2222 tomorrow.",
        "090-1111-2222へお電話します。",
        "Please call you at 090-1111-2222.",
    ],
)
def test_a_number_that_the_firm_rings_is_the_customers(answer):
    assert "090" not in str(cleaned(row("And then?", answer))[0])


@pytest.mark.parametrize(
    ("question", "answer", "why"),
    [
        ("お名前は？", "佐藤でございます。", "answers by name"),
        ("こんにちは。", "担当の佐藤です。何でもどうぞ。", "answers by name"),
        ("Hello?", "My name is Ann Lee. How can I help?", "answers by name"),
        ("Hello?", "Hello, I am Ann Lee, at your service.", "answers by name"),
        ("営業の担当は？", "佐藤さんです。", "asked about"),
    ],
)
def test_a_name_that_the_answer_gives_as_its_own_stays(question, answer, why):
    texts, left = cleaned(row(question, answer))
    assert texts == [(question, answer)]
    assert list(left.values()) == [why]


def test_a_name_that_the_user_gave_is_masked_in_the_answer_too():
    texts, _ = cleaned(row("佐藤でございます。", "担当の佐藤です。"))
    assert "佐藤" not in texts[0][0]


QUESTIONS = st.sampled_from(
    [
        *(
            f"Which branch has {one}?"
            for one in ("03-5550-1001", "03-5550-1002", "[PHONE]", "a@b.example")
        ),
        *(f"Ring me on {one}." for one in ("090-1111-2221", "090-1111-2222", "[PHONE]")),
        *("Is Mr Sato in?", "Is Mr Suzuki in?", "My name is Ann Lee.", "My name is Bob Ray."),
        *("郵便番号は100-0001です。", "郵便番号は100-0002です。", "450-1200?"),
    ]
)
ANSWERS = st.sampled_from(
    [
        "Osaka.",
        "Dial 03-5550-1001.",
        "Mr Sato.",
        "Mr Suzuki.",
        "担当の佐藤です。",
        "We called you at 090-1111-2222.",
    ]
)


@given(rows=st.lists(st.builds(row, QUESTIONS, ANSWERS), max_size=9))
def test_rows_that_masking_would_make_equal_come_out_the_same_a_second_time(rows):
    kept, report = clean_rows(rows)
    assert len(kept) + len(report.removed) == len(rows)
    assert clean_rows(kept)[0] == kept
