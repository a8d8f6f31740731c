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
