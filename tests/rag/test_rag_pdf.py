"""PDFs: every predefined way to write Japanese is read right; what has no characters is refused."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_writer import HELVETICA, composite, shown, stream, write_pdf

from lab_helpers.rag import pdf_file
from lab_helpers.rag.document_problems import KINDS, Unusable
from lab_helpers.rag.parsers import pdf

LINES = [
    "朝顔市は七月六日に始まり、",
    "三日間つづきます。雨の日は",
    "午後五時までに電話でお問い合わせください。",
]
PAGE = "\n".join(LINES)


def jis(text):
    """7-bit JIS X 0208, as the CMaps H and V take it."""
    return bytes(byte & 0x7F for byte in text.encode("euc_jp"))


def ucs2(text):
    return text.encode("utf-16-be")


CMAPS = {
    "83pv-RKSJ": "cp932",
    "90ms-RKSJ": "cp932",
    "90msp-RKSJ": "cp932",
    "90pv-RKSJ": "cp932",
    "Add-RKSJ": "cp932",
    "Ext-RKSJ": "cp932",
    "EUC": "euc_jp",
    "": jis,
    "UniJIS-UCS2": "utf-16-be",
    "UniJIS-UTF8": "utf-8",
    "UniJIS-UTF16": "utf-16-be",
    "UniJIS-UTF32": "utf-32-be",
    "UniJIS2004-UTF16": "utf-16-be",
}


@pytest.mark.parametrize("direction", ["H", "V"])
@pytest.mark.parametrize("family", CMAPS)
def test_predefined_cmaps(family, direction):
    to_bytes = CMAPS[family]
    coded = [to_bytes(t) if callable(to_bytes) else t.encode(to_bytes) for t in LINES]
    # Vertical lines go down the page, the next one to the left of the one before.
    content = shown(coded, (500, 700), (-18, 0) if direction == "V" else (0, -18))
    cmap = f"/{family}-{direction}" if family else f"/{direction}"
    parsed = pdf(write_pdf([content], composite(cmap)))
    assert (parsed.text, parsed.warnings) == (PAGE, [])


def test_every_character_of_jis():
    pairs = [bytes([row, cell]) for row in range(0xA1, 0xF5) for cell in range(0xA1, 0xFF)]
    known = [text for pair in pairs if (text := pair.decode("euc_jp", "ignore"))]
    rows = ["".join(known[start : start + 90]) for start in range(0, len(known), 90)]
    assert len(known) == 6879
    for cmap, codec in (("UniJIS2004-UTF16-H", "utf-16-be"), ("EUC-H", "euc_jp")):
        content = shown([row.encode(codec) for row in rows], step=(0, -9), size=6)
        read = pdf(write_pdf([content], composite(f"/{cmap}"))).text
        wrong = {
            (a, b) for a, b in zip("".join(rows), read.replace("\n", ""), strict=True) if a != b
        }
        # Adobe-Japan1 draws these three wide, as Windows maps them.
        assert wrong <= {("¢", "￠"), ("£", "￡"), ("¬", "￢")}


def test_a_vertical_cmap_keeps_signs_that_it_turns():
    text = "上巻→下巻（一）「あ」、ー。"
    assert pdf(write_pdf([shown([text.encode("euc_jp")])], composite("/EUC-V"))).text == text


def test_the_cmap_says_more_than_the_font():
    chinese = "保修期为两年，请保留收据。"
    content = shown([chinese.encode("gbk")])
    assert pdf(write_pdf([content], composite("/GBK-EUC-H"))).text == chinese
    # A table of characters by glyph is of no use where the codes are Shift_JIS.
    table = stream(b"begincmap 1 beginbfrange <0000> <ffff> <4e00> endbfrange endcmap")
    font = composite("/90ms-RKSJ-H", more="/ToUnicode {3} 0 R")
    content = shown([LINES[0].encode("cp932")])
    assert pdf(write_pdf([content], font, more_objects=[table])).text == LINES[0]


def test_glyph_numbers_of_adobe_japan1():
    content = shown([b"".join(n.to_bytes(2, "big") for n in (842, 843, 844, 1125, 1126))])
    assert pdf(write_pdf([content], composite("/Identity-H"))).text == "ぁあぃ亜唖"


# 40 glyphs of a font that numbers them its own way.
OWN_NUMBERS = b"".join((2000 + 137 * n % 4999).to_bytes(2, "big") for n in range(40))


@pytest.mark.parametrize(
    "font",
    [
        composite("/Identity-H", "Identity"),
        composite("/Identity-V", "Identity", descriptor="/FontFile3 {3} 0 R"),
        composite("/Identity-H", "Identity", descriptor="/FontFile2 {3} 0 R"),
        composite("/Identity-H", "Japan1"),  # It says so, but they are not.
        composite("/NoSuchCMap-H"),
        composite("{3} 0 R"),  # A CMap of its own.
    ],
)
def test_a_font_that_does_not_say_its_characters_is_refused(font):
    with pytest.raises(Unusable) as refused:
        pdf(write_pdf([shown([OWN_NUMBERS])], font, more_objects=[stream(b"font file")]))
    assert (refused.value.code, refused.value.detail) == ("no-characters", "100%")


def test_codes_that_are_only_numbers():
    font = [
        "<< /Type /Font /Subtype /TrueType /BaseFont /AAAAAA+Own /FontDescriptor {1} 0 R >>",
        "<< /Type /FontDescriptor /FontName /AAAAAA+Own /Flags 4 /FontFile2 {2} 0 R >>",
    ]
    font_file = [stream(b"font file")]
    text = b"Repairs are free for two years."
    assert pdf(write_pdf([shown([text])], font, more_objects=font_file)).text == text.decode()
    with pytest.raises(Unusable, match="no-characters"):
        pdf(write_pdf([shown([bytes(range(0x21, 0x50))])], font, more_objects=font_file))


def test_a_table_of_characters_is_believed():
    table = stream(b"begincmap 2 beginbfchar <0003> <671d> <0004> <9854> endbfchar endcmap")
    font = composite("/Identity-H", "Identity", more="/ToUnicode {3} 0 R")
    content = shown([b"\0\3\0\4"])
    assert pdf(write_pdf([content], font, more_objects=[table])).text == "朝顔"


def test_pages_that_cannot_be_read_are_left_out_and_named():
    read = shown([ucs2(line) for line in LINES])
    # In this font the codes of U+E000 … are glyphs that have no character.
    private = shown([ucs2("".join(map(chr, range(0xE000, 0xE028))))])
    unknown = shown([b"\xd8\x00" * 30])
    lines = b"0 0 m 100 100 l S"
    content = write_pdf([read, private, unknown, lines, read], composite("/UniJIS-UTF16-H"))
    parsed = pdf(content)
    assert parsed.text == f"{PAGE}\n\n{PAGE}"
    assert parsed.warnings == [
        ("pages-without-characters", "3"),
        ("pages-garbled", "2"),
        ("pages-without-text", "4"),
    ]
    with pytest.raises(Unusable) as refused:
        pdf(write_pdf([private], composite("/UniJIS-UTF16-H")))
    assert refused.value.code == "garbled"


def test_a_few_unknown_letters_are_told():
    content = shown([ucs2(LINES[0]), b"\xd8\x00"])
    parsed = pdf(write_pdf([content], composite("/UniJIS-UTF16-H")))
    assert parsed.text == f"{LINES[0]}\n\ufffd"
    assert parsed.warnings == [("unknown-letters", "1")]


def test_rows_of_a_table_stay_together():
    rows = [("Kettle", "2,400 yen"), ("Lamp", "900 yen")]
    content = b"".join(
        shown([cell.encode()], (50 + 200 * n, 700 - 12 * row), size=10) + b"\n"
        for row, cells in enumerate(rows)
        for n, cell in enumerate(cells)
    )
    assert pdf(write_pdf([content])).text == "Kettle 2,400 yen\nLamp 900 yen"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"BT /F0 10 Tf 50 700 Td [(Two)-300(y)15(ears)] TJ ET", "Two years"),
        (b"BT /F0 10 Tf 50 700 Td (fake bold) Tj 1 0 0 1 50.3 700 Tm (fake bold) Tj ET", "fake bold"),
        (b"BT /F0 10 Tf 50 700 Td (will fill) Tj 0 -12 Td (will fill) Tj ET", "will fill\nwill fill"),
        (b"0 1 -1 0 300 0 cm BT /F0 10 Tf 50 100 Td (up) Tj 0 -12 Td (hill) Tj ET", "up\nhill"),
        (b"BT /F0 10 Tf 50 700 Td (m) Tj 5 Ts (2) Tj ET", "m2"),
    ],
)  # fmt: skip
def test_spaces_and_lines_by_their_places(content, text):
    assert pdf(write_pdf([content])).text == text


def test_japanese_letters_set_apart_are_one_word():
    words = [f"<{ucs2(word).hex()}>" for word in ("御", "案", "内", "PDF", "版")]
    font = composite("/UniJIS-UTF16-H")
    at_one_go = f"BT /F0 10 Tf 50 700 Td [{' -400 '.join(words)}] TJ ET"
    assert pdf(write_pdf([at_one_go.encode()], font)).text == "御案内PDF版"
    one_by_one = shown([ucs2(sign) for sign in "御案内"], step=(16, 0))
    assert pdf(write_pdf([one_by_one], font)).text == "御案内"


def test_cells_of_a_japanese_table_are_apart():
    content = b"BT /F0 10 Tf 50 700 Td <%s> Tj 35 0 Td <%s> Tj ET"
    content %= (ucs2("炊飯器").hex().encode(), ucs2("二年").hex().encode())
    assert pdf(write_pdf([content], composite("/UniJIS-UTF16-H"))).text == "炊飯器 二年"


def test_upright_signs_below_each_other_are_a_vertical_line():
    columns = [
        shown([ucs2(sign) for sign in line], (500 - 20 * n, 700), (0, -12)) + b"\n"
        for n, line in enumerate(LINES)
    ]
    # In it a word that lies on its side.
    word = f"BT /F0 12 Tf 0 -1 1 0 443 709 Tm <{ucs2('PDF').hex()}> Tj ET\n".encode()
    columns += [word, shown([ucs2("版")], (440, 661))]
    assert (
        pdf(write_pdf([b"".join(columns)], composite("/UniJIS-UTF16-H"))).text == f"{PAGE}\nPDF版"
    )


def test_a_font_without_widths_loses_no_letters():
    font = ["<< /Type /Font /Subtype /TrueType /BaseFont /Own /Encoding /WinAnsiEncoding >>"]
    assert pdf(write_pdf([shown([b"a bookkeeper"])], font)).text == "a bookkeeper"


def test_what_the_file_says_its_letters_stand_for():
    said = ucs2("御案内").hex()
    content = f"BT /F0 12 Tf 50 700 Td /Span <</ActualText <FEFF{said}>>> BDC <0001> Tj <0002> Tj EMC <0003> Tj ET"
    table = stream(b"begincmap 1 beginbfchar <0003> <9928> endbfchar endcmap")
    font = composite("/Identity-H", "Identity", more="/ToUnicode {3} 0 R")
    parsed = pdf(write_pdf([content.encode()], font, more_objects=[table]))
    assert (parsed.text, parsed.warnings) == ("御案内館", [])


def test_shapes_are_the_letters_that_they_draw():
    table = stream(
        b"begincmap 2 beginbfchar <0003> <fb01> <0004> <2f47> <0005> <fe12> endbfchar endcmap"
    )
    font = composite("/Identity-H", "Identity", more="/ToUnicode {3} 0 R")
    assert pdf(write_pdf([shown([b"\0\3\0\4\0\5"])], font, more_objects=[table])).text == "fi日。"


@pytest.mark.parametrize(
    ("title", "read"),
    [
        (b"\xfe\xff" + ucs2("御案内"), "御案内"),
        (b"\xef\xbb\xbf" + "御案内".encode(), "御案内"),
        (b"Price list", "Price list"),
        ("御案内のページ".encode(), "御案内のページ"),
        ("御案内".encode("cp932"), "御案内"),
        ("Für Gäste: Öffnungszeiten".encode("latin-1"), "Für Gäste: Öffnungszeiten"),
        (b"Caf\xe9 \x84 a \x8dlate\x8e menu", "Café — a “late” menu"),
        (b"\xff\xfe\x01", None),
        (b"", ""),
    ],
)
def test_title(title, read):
    parsed = pdf(write_pdf([shown([b"text"])], title=title))
    assert read is None or parsed.title == read


def test_password():
    assert pdf(write_pdf([shown([b"secret"])], user_password="")).text == "secret"
    with pytest.raises(Unusable) as refused:
        pdf(write_pdf([shown([b"secret"])], user_password="sesame"))
    assert refused.value.code == "encrypted"


@pytest.mark.parametrize("filters", ["/FlateDecode", "[/FlateDecode /FlateDecode]", "[/ASCIIHexDecode /FlateDecode]"])  # fmt: skip
def test_a_stream_that_unpacks_endlessly_is_refused(monkeypatch, filters):
    monkeypatch.setattr(pdf_file, "UNPACKED", 5_000_000)
    monkeypatch.setattr(pdf_file._Parser, "left", 5_000_000)
    packed = zlib.compress(bytes(6_000_000))
    if "/FlateDecode /FlateDecode" in filters:
        packed = zlib.compress(packed)
    elif "Hex" in filters:
        packed = packed.hex().encode() + b">"
    bomb = stream(packed, f"/Filter {filters}")
    with pytest.raises(Unusable) as refused:
        pdf(write_pdf([bomb]))
    assert refused.value.code == "huge"


@pytest.mark.parametrize(
    ("font", "told"),
    [
        (composite("/Identity-H", "Identity", more="/ToUnicode {3} 0 R"), "table"),
        ([HELVETICA[0].replace(">>", "/ToUnicode {1} 0 R >>")], "table"),
        (composite("/UniJIS-UTF16-H", below="/W [0 999999999 500]"), None),
        (composite("/UniJIS-UTF16-V", below="/W2 [0 999999999 500 1 1]"), None),
    ],
)
def test_a_table_that_claims_billions_takes_no_time(font, told):
    table = stream(b"begincmap 1 beginbfrange <00000000> <ffffffff> <0000> endbfrange endcmap")
    content = write_pdf([shown([ucs2("御案内")])], font, more_objects=[table])
    if told is None:
        assert pdf(content).text == "御案内"
        return
    with pytest.raises(Unusable) as refused:
        pdf(content)
    assert refused.value.code == "damaged"
    assert told in refused.value.detail


def test_packed_pages():
    packed = zlib.compress(shown([b"packed " * 99]))
    for data in (packed, packed[:-4] + b"sum!", packed[:-4], packed + b"\r\n"):
        assert pdf(write_pdf([stream(data, "/Filter /FlateDecode")])).text.count("packed") == 99
    broken = packed[:20] + b"\xff\xff" + packed[22:]
    with pytest.raises(Unusable, match="damaged: a packed part"):
        pdf(write_pdf([stream(broken, "/Filter /FlateDecode")]))
    with pytest.raises(Unusable, match="damaged: a packed part"):
        pdf(write_pdf([stream(packed[: len(packed) // 2], "/Filter /FlateDecode")]))


def test_a_stream_of_another_length_than_it_says():
    content = shown([b"all of the page"])
    said = b"/Length %d" % len(content)

    def saying(length):
        return write_pdf([content]).replace(said, length.ljust(len(said)), 1)

    for length in (b"/Length 0", b"/Length 7", b""):
        assert pdf(saying(length)).text == "all of the page"
    with pytest.raises(Unusable, match="damaged"):
        pdf(saying(b"/Length 99"))


def test_what_is_missing_is_told():
    whole = write_pdf([shown([b"one"]), shown([b"two"])])
    with pytest.raises(Unusable, match="damaged: what page 2 shows is missing"):
        pdf(whole.replace(b"/Contents 6 0 R", b"/Contents 9 0 R"))
    with pytest.raises(Unusable, match="no-characters"):
        pdf(whole.replace(b"/Font << /F0", b"/Font << /F1"))
    with pytest.raises(Unusable, match="damaged: it has no pages"):
        pdf(write_pdf([]))


DAMAGED = write_pdf([shown([ucs2(line) for line in LINES])], composite("/UniJIS-UTF16-H"), title=b"T")  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(DAMAGED) - 1), st.integers(0, 255)), max_size=4))
def test_any_damage_is_told_or_harmless(changes):
    content = bytearray(DAMAGED)
    for place, value in changes:
        content[place] = value
    try:
        parsed = pdf(bytes(content))
    except Unusable as unusable:
        told = [unusable.code]
    else:
        told = [code for code, _ in parsed.warnings]
        assert parsed.text.strip().encode()
    assert set(told) <= set(KINDS)
