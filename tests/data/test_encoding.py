"""Which encoding a file is in: Japanese ones by name, also where every byte of them is ASCII."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.reading.encoding import check_encoding, guess_encoding
from lab_helpers.data.reading.files import read_rows
from lab_helpers.runtime.errors import BadInput

CONTENTS = {
    "x.csv": "question,answer\n何円ですか。,百円です。\n",
    "x.tsv": "question\tanswer\n何円ですか。\t百円です。\n",
    "x.jsonl": '{"question": "何円ですか。", "answer": "百円です。"}\n',
    "x.json": '[{"question": "何円ですか。", "answer": "百円です。"}]',
}
SPECIAL = ["①㈱髙橋", "①㈱髙橋ﾃｽﾄ～", "﨑さんの№１", "〒100 ㍻星空", "Ⅳ章 ～はじめに～"]


@pytest.mark.parametrize("codec", ["iso2022_jp", "iso2022_jp_3", "iso2022_jp_ext"])
@pytest.mark.parametrize("name", CONTENTS)
def test_iso_2022_jp_is_named_although_its_bytes_are_ascii(tmp_path, name, codec):
    content = CONTENTS[name].encode(codec)
    assert content.isascii()
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadInput, match="it looks like ISO-2022-JP") as caught:
        list(read_rows(path))
    byte = int(caught.value.what.split("byte ")[1].split(";")[0])
    assert content[byte] == 0x1B
    assert "UTF-8" in caught.value.fix


def test_it_is_found_on_the_last_line_and_in_half_width_kana(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n" + b"c,d\n" * 50_000 + "ﾃｽﾄ,円\n".encode("iso2022_jp_ext"))
    with pytest.raises(BadInput, match=r"byte 200004; it looks like ISO-2022-JP"):
        check_encoding(path)


def test_other_escape_sequences_are_no_encoding(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("a,b\n\x1b[31mred\x1b[0m,\x1b(Bplain 日本\n".encode())
    check_encoding(path)


@pytest.mark.parametrize("text", SPECIAL)
def test_the_characters_that_only_windows_has_are_shift_jis(tmp_path, text):
    content = f"question,answer\n{text},はい\n".encode("cp932")
    assert guess_encoding(content) == "Shift_JIS"
    assert guess_encoding(text.encode("cp932")) == "Shift_JIS"
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="it looks like Shift_JIS"):
        list(read_rows(path))


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        ("日本語の質問です。", "cp932", "Shift_JIS"),
        ("日本語の質問です。", "euc_jp", "EUC-JP"),
        ("日本語の質問です。", "iso2022_jp", "ISO-2022-JP"),
        ("日本語の質問です。", "utf-16", "UTF-16"),
        ("naïve café, “quoted”", "cp1252", "Windows-1252 (Western European)"),
    ],
)
def test_usual_texts_keep_their_names(text, codec, name):
    assert guess_encoding(text.encode(codec)) == name


japanese = st.text(st.sampled_from("あいう日本語質問、。ー"), min_size=1, max_size=30)


@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_whatever_is_utf8_passes(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "utf8.txt"
    path.write_bytes(text.encode())
    check_encoding(path)


@given(text=japanese, before=st.text("ab,\n", max_size=20))
def test_whatever_is_iso_2022_jp_is_refused_by_name(tmp_path_factory, text, before):
    path = tmp_path_factory.getbasetemp() / "jis.txt"
    path.write_bytes((before + text).encode("iso2022_jp"))
    with pytest.raises(BadInput, match=f"byte {len(before)}; it looks like ISO-2022-JP"):
        check_encoding(path)
