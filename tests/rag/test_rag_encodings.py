"""Encodings of texts and pages: read right with a word about it, whatever a page says of itself."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.rag.document_problems import Unusable
from lab_helpers.rag.parsers import html, markdown, plain_text
from lab_helpers.rag.text_encoding import decode

TEXT = "朝顔市のご案内です。お問い合わせは電話でどうぞ。"
ISO = [("other-encoding", "ISO-2022-JP")]


def iso(text):
    return text.encode("iso2022_jp")


def test_iso2022jp_text():
    mail = (
        f"Subject: Summer fair\nContent-Type: text/plain; charset=iso-2022-jp\n\n{TEXT}\n~/path\n"
    )
    assert plain_text(iso(mail)) == ("", mail, ISO)
    assert markdown(iso(f"# 朝顔市\n\n{TEXT}"))[0] == "朝顔市"


def windows(text):
    """What Windows sends as ISO-2022-JP: the double bytes of Shift_JIS, moved to 7 bits."""
    pairs = b""
    for letter in text:
        lead, cell = letter.encode("cp932")
        row = 2 * (lead - (0x70 if lead < 0xA0 else 0xB0)) - (cell < 0x9F)
        pairs += bytes(
            [row, cell - 0x7E if cell >= 0x9F else cell - (0x1F if cell < 0x80 else 0x20)]
        )
    return b"\x1b$B" + pairs + b"\x1b(B"


def test_iso2022jp_with_the_signs_of_windows():
    text = "①㈱髙橋～御中、№"
    assert decode(windows(text) + b" ok")[0] == text + " ok"


def test_iso2022jp_sets():
    kana = b"\x1b(I" + bytes(byte & 0x7F for byte in "ﾌｪｱ".encode("cp932")) + b"\x1b(B"
    assert decode(kana)[0] == "ﾌｪｱ"
    assert decode(b"\x1b$B" + iso("朝")[3:5] + b"\x1b(J \\900\x1b(B \\n")[0] == "朝 ¥900 \\n"
    assert decode("丂一".encode("iso2022_jp_ext"))[0] == "丂一"
    # The end of a line ends the Japanese, also where its sequence is missing.
    assert decode(iso("朝")[:5] + b"\nplain")[0] == "朝\nplain"


def test_a_mailbox_of_two_encodings():
    both = "いまの便り\n".encode() + iso("むかしの便り\n")
    assert decode(both) == ("いまの便り\nむかしの便り\n", ISO)


def test_damage_in_iso2022jp():
    text, warnings = decode(iso(TEXT)[:-4] + b"\x1b(B")
    assert (text, warnings) == (TEXT[:-1] + "\ufffd", [*ISO, ("lost-bytes", "1")])
    with pytest.raises(Unusable) as refused:
        decode(b"\x1b$B\x7d\x7d\x7d\x7d\x1b(B")
    assert refused.value.code == "encoding"


def test_a_terminal_is_no_japanese():
    log = "\x1b[1mdone\x1b(B\x1b[m in 3 s"
    assert decode(log.encode()) == (log, [])


HEADS = {
    "meta": "<meta charset={}>",
    "http-equiv": '<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset={}">',
    "xml": '<?xml version="1.0" encoding="{}"?>',
}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(
    ("name", "codec", "shown"),
    [
        ("iso-2022-jp", "iso2022_jp", "ISO-2022-JP"),
        ("x-sjis", "cp932", "Shift_JIS"),
        ("Windows-31J", "cp932", "Shift_JIS"),
        ("EUC-JP", "euc_jp", "EUC-JP"),
        ("x-euc-jp", "euc_jp", "EUC-JP"),
    ],
)
def test_a_page_says_its_encoding(head, name, codec, shown):
    page = f"{HEADS[head].format(name)}<head><title>夏</title></head><p>{TEXT}</p>".encode(codec)
    assert html(page) == ("夏", TEXT, [("other-encoding", shown)])


SAID = ["utf-8", "Shift_JIS", "EUC-JP", "iso-2022-jp", "iso-8859-1", "gbk", "big5", "utf-16", "koi8-r", "punycode", "rot13", "nonsense"]  # fmt: skip


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp", "iso2022_jp"])
def test_a_page_that_says_wrong_is_read_by_its_bytes(said, codec):
    page = f"<meta charset={said}><p>{TEXT}ﾌｪｱ①</p>" if codec == "cp932" else f"<meta charset={said}><p>{TEXT}</p>"  # fmt: skip
    assert html(page.encode(codec)).text == (f"{TEXT}ﾌｪｱ①" if codec == "cp932" else TEXT)


def test_other_languages_as_they_say():
    for said, text in (
        ("iso-8859-1", "Garantie : deux années, réparations à l'œil".replace("œ", "oe")),
        ("windows-1252", "Die Öffnungszeiten für Gäste: täglich außer montags"),
        ("gb2312", "保修期为两年，请保留收据。"),
        ("euc-kr", "보증 기간은 이 년입니다."),
        ("big5", "保固期為兩年，請保留收據。"),
        ("koi8-r", "Гарантия действует два года."),
    ):
        page = f"<meta charset={said}><p>{text}</p>"
        assert html(page.encode(said)).text == text
    hz = "<meta charset=hz-gb-2312><p>保修期为两年</p>"
    assert html(hz.encode("hz")).text == "保修期为两年"


def test_a_wrong_byte_does_not_make_a_page_latin():
    page = b"<meta charset=iso-8859-1><p>" + TEXT.encode() * 2 + b"\xff</p>"
    assert html(page).warnings == [("lost-bytes", "1")]


@given(st.binary(max_size=60), st.sampled_from(["", *SAID, "hz", "utf-7", "unicode_escape"]))
def test_any_bytes_after_any_head(content, said):
    for prefix in (b"<meta charset=" + said.encode() + b">", b"\x1b$B", b""):
        with contextlib.suppress(Unusable):
            html(prefix + content).text.encode()


@given(st.text(st.sampled_from("朝顔市のご案内です。ー、abc 09\n")))
def test_iso2022jp_is_read_to_the_letter(text):
    if any(letter > "\x7f" for letter in text):
        assert decode(iso(text))[0] == text


# Old encodings without a word about them

OLD = {
    "cp932": ("Shift_JIS", ["保証期間は三年です。", "価格", "㈱髙島屋①②～", "ﾄﾞﾗｲﾔｰ ﾊﾝﾊﾞｲ"]),
    "euc_jp": ("EUC-JP", ["保証期間は三年です。", "価格", "東京都千代田区霞が関一丁目"]),
    "gb18030": ("GB18030", ["保修期为三年，请联系我们的维修部门。"]),
    "big5": ("Big5", ["保固期為三年，請聯絡我們的維修部門。"]),
    "cp949": ("EUC-KR", ["보증 기간은 3년입니다. 수리는 매장에서.", "서울특별시 강남구"]),
    "cp1251": ("Windows-1251 (Cyrillic)", ["Гарантия действует два года со дня покупки."]),
    "koi8-r": ("KOI8-R (Cyrillic)", ["Гарантия действует два года со дня покупки."]),
    "cp1252": (
        "Windows-1252 (Western European)",
        ["Garantie : deux années, à l'été", "Größe: 5 €", "It’s “fine” — really, 25 °C"],
    ),
}


@pytest.mark.parametrize("codec", OLD)
def test_a_text_in_an_old_encoding_is_read_with_its_name(codec):
    name, texts = OLD[codec]
    for text in texts:
        assert plain_text(text.encode(codec)) == ("", text, [("other-encoding", name)])


@pytest.mark.parametrize(
    ("text", "codec"), [("가격", "cp949"), ("部门", "gb18030"), ("價格", "big5")]
)
def test_what_may_be_several_encodings_is_refused(text, codec):
    with pytest.raises(Unusable) as refused:
        decode(text.encode(codec))
    assert refused.value.code == "encoding"
    assert "its encoding cannot be told" in refused.value.detail


KOREAN = "보증 기간은 구입일로부터 이 년입니다. 수리는 가까운 매장에 문의하여 주십시오."


@given(st.lists(st.sampled_from(KOREAN.split()), min_size=1, max_size=12))
def test_korean_is_never_read_as_anything_else(words):
    with contextlib.suppress(Unusable):
        assert decode(" ".join(words).encode("cp949"))[0] == " ".join(words)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [TEXT, f"# 朝顔市\n{TEXT}", "plain words\n", "보증 기간\n"])
def test_utf16_without_a_mark_is_read_with_a_word(text, codec):
    assert decode(text.encode(codec)) == (text, [("other-encoding", "UTF-16")])


def test_utf32_is_called_by_its_name():
    assert decode(TEXT.encode("utf-32")) == (TEXT, [("other-encoding", "UTF-32")])


def test_a_few_lines_of_another_encoding_do_not_take_the_text_away():
    text, warnings = decode(f"{TEXT}\n".encode() * 20 + "電話\n".encode("cp932"))
    assert text.startswith(f"{TEXT}\n" * 20)
    assert [code for code, _ in warnings] == ["lost-bytes"]


def test_a_file_of_two_encodings_is_refused_by_their_names():
    with pytest.raises(Unusable) as refused:
        decode(f"{TEXT}\n".encode() + f"{TEXT}\n".encode("cp932"))
    assert refused.value.detail == "some of its lines are UTF-8, others Shift_JIS: line 2"


def test_iso2022jp_without_its_escape_characters_is_no_text():
    lost = iso(TEXT).replace(b"\x1b", b"")
    with pytest.raises(Unusable) as refused:
        decode(lost)
    assert refused.value.code == "garbled"
    assert "lost its escape characters" in refused.value.detail
    text, ((code, _),) = decode(b"What is left of such mail: " * 30 + lost)
    assert code == "partly-garbled"
    assert text.endswith("(B")
    shell = 'echo "$BASE/$B(BIN)" $Bob(Bar) $BUILD'
    assert decode(shell.encode()) == (shell, [])
