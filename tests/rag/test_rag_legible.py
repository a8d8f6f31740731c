"""The gate for rubbish: what no one can read is never indexed, and every ordinary text passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.shipped import load_shipped
from lab_helpers.rag.documents import read_folder
from lab_helpers.rag.legible import MOSTLY, rubbish
from lab_helpers.runtime.errors import BadInput

JAPANESE = (
    "朝顔市は七月六日に始まり、三日間つづきます。雨の日は午後五時までに電話でお問い合わせください。"
)
ORDINARY = {
    "English": "The fair opens on 6 July — rain or shine — and it's free; bring your “ticket”, please!",
    "Japanese": JAPANESE,
    "half-width": "ｱｻｶﾞｵｲﾁﾊ 7ｶﾞﾂ6ｶ ｶﾗ､ｺﾞｺﾞ 5ｼﾞ ﾏﾃﾞﾃﾞｽ｡ﾃﾞﾝﾜ:03-1234",
    "full-width": "ＴＥＬ：０３－１２３４　（土・日・祝を除く）①②③㈱㎡℃〒",
    "kanji": "東京都千代田区霞が関一丁目二番三号中央合同庁舎第四号館十階経済産業省",
    "old kanji": "國學院大學圖書館藏舊字體辭典竝齋藤髙橋邊渡邉濱﨑",
    "Chinese": "保修期为两年，请保留收据。修理时间是上午九点到下午五点。",
    "Korean": "보증 기간은 구입일로부터 이 년입니다. 영수증을 보관해 주십시오.",
    "German": "Die Öffnungszeiten für Gäste: täglich außer montags, größere Gruppen bitte anmelden.",
    "French": "À l'été, « Noël » coûte 1 000 € ; l'œuvre d'Anaïs, ça gêne où ?",
    "Portuguese": "NÃO HÁ GARANTIA À VISTA; AVÔ, AÇÃO, MANHÃ, É SÓ ÂMBITO",
    "Polish": "Zażółć gęślą jaźń. Gwarancja trwa dwa lata od dnia zakupu.",
    "Vietnamese": "Thời hạn bảo hành là hai năm kể từ ngày mua hàng. Ông ẤN ĐỘ",
    "Russian": "Гарантия действует два года со дня покупки.",
    "Greek": "Η εγγύηση ισχύει δύο χρόνια από την ημέρα της αγοράς.",
    "Arabic": "مدة الضمان سنتان من تاريخ الشراء، پچژگ",
    "Hebrew": "תקופת האחריות היא שנתיים מיום הקנייה.",
    "Hindi": "वारंटी खरीद की तारीख से दो साल तक है।",
    "Thai": "ระยะเวลารับประกันสองปีนับจากวันที่ซื้อ iPhone",
    "Amharic": "የዋስትና ጊዜ ከግዢ ቀን ጀምሮ ሁለት ዓመት ነው። ጥያቄ ፍርድ ጋር",
    "code": "def f(x: int) -> str:\n\treturn f'{x!r}' if x else \"\\x1b[0m\"  # ∀x∈ℝ, λ→μ\n#include <a.h>",
    "emoji": "👨‍👩‍👧‍👦 家族で❤️🏳️‍🌈👍🏽🇯🇵 ok 🎉🎉🎉",
    "math": "∑ᵢ αᵢ² ≤ ‖x‖₂ ⇒ ∇f(𝑥)=𝛼𝑥+𝛽, ℝⁿ→ℂ, µ±σ, 10 kΩ, 25 °C, E=mc², ∂²u/∂t²",
    "box": "┌──┬──┐\n│①│②│\n└──┴──┘ ▲▼◆■□★ … ‥ — ・",
    "phonetic": "/ˈwɒrənti/ [ʃʁɔ̃] ā á ǎ à",
    "log": "\x1b[32mINFO\x1b[0m loaded 3 files\n\x1b[31mERROR\x1b[0m no such file\f",
    "languages": "English 日本語 Русский العربية हिन्दी ไทย 한국어 Ελληνικά עברית",
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_texts_pass(name):
    assert rubbish(ORDINARY[name]).share == 0


@given(st.lists(st.sampled_from(list(ORDINARY.values())), min_size=1), st.sampled_from([" ", "\n", ""]))  # fmt: skip
def test_ordinary_texts_in_any_mixture_pass(texts, between):
    assert rubbish(between.join(texts)).share < MOSTLY


@pytest.mark.parametrize("language", ["en", "ja"])
def test_shipped_documents_pass(language):
    for row in load_shipped("documents", language):
        assert rubbish(row["text"]).share == 0


GERMAN = ORDINARY["German"]
RUBBISH = {
    "UTF-8 as Latin-1": JAPANESE.encode().decode("latin-1"),
    "UTF-8 as Windows-1252": JAPANESE.encode().decode("cp1252", "replace"),
    "UTF-8 as Shift_JIS": JAPANESE.encode().decode("cp932", "replace"),
    "Shift_JIS as Latin-1": JAPANESE.encode("cp932").decode("latin-1"),
    "EUC-JP as Latin-1": JAPANESE.encode("euc_jp").decode("latin-1"),
    "German": GERMAN.encode().decode("latin-1"),
    "replaced": JAPANESE.encode().decode("ascii", "replace"),
    "half replaced": "".join(a + "\ufffd" for a in JAPANESE),
    "private use": "".join(chr(0xE000 + ord(letter) % 0x800) for letter in JAPANESE),
    "glyph markers": "".join(f"(cid:{ord(letter)})" for letter in JAPANESE),
    "glyph numbers": "".join(chr(0x500 + ord(letter) * 7 % 0x1800) for letter in JAPANESE),
    "controls": "".join(chr(ord(letter) % 27 + 1) for letter in JAPANESE),
    "unassigned": "\u0378\u0379\u0380" * 20,
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_is_refused(name, tmp_path):
    assert rubbish(RUBBISH[name]).share >= MOSTLY
    (tmp_path / "a.txt").write_text(RUBBISH[name], encoding="utf-8")
    with pytest.raises(BadInput, match=r"is garbled, not readable text \(\d+%"):
        read_folder(tmp_path)


def test_a_text_that_quotes_rubbish_is_kept_with_a_word(tmp_path):
    (tmp_path / "a.txt").write_text(JAPANESE * 9 + "縺ゅ↑縺溘・" + JAPANESE * 9, encoding="utf-8")
    reading = read_folder(tmp_path)
    (problem,) = reading.problems
    assert (problem.code, problem.severity) == ("partly-garbled", "warning")
    assert "as in" in str(problem)
    assert str(problem).isascii()
    assert reading.documents


def test_a_long_text_is_sampled():
    long = JAPANESE * 20_000
    assert rubbish(long).share == 0
    assert rubbish(long + RUBBISH["German"] * 20_000).share > MOSTLY


@given(st.text(max_size=200))
def test_any_text_has_a_share(text):
    found = rubbish(text)
    assert 0 <= found.share <= 1
    assert str(found).isascii()
