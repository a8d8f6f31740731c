"""Which of the old encodings is a text in? The one in which it has the letters that its language has most.

Nearly any bytes can be read in several of them: Korean becomes rare Chinese characters in EUC-JP or GB18030.
What every language writes all the time is rare in what a wrong table makes of another one.
"""

import re
import unicodedata
from dataclasses import dataclass

from lab_helpers.runtime.language import say

# fmt: off
_JAPANESE = "日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定今回新場金員九入選立開手米力学問高代明実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下首意法不来作性的要用制治度務強気小七成期公持野協取都和統以機平総加山思家話世受区領多県続進正安設保改数記院女初北午指権心界支第産結百派点教報済書府活原先共得解名交資予川向際査勝面委告軍文反元重近千考判認画海参売利組知案道信策集在件団別物側任引使求所次水半品昨論計死官増係感特情投示変打男基私各始島直両朝革価式確村提運終挙果西勢減台広容必応演電歳住争談能無再位置企真流格有疑口過局少放税検町常校料裁状工建語球営空職証土与急止送援供可役構木割聞身費付施切由説転食比難防補車修店客様屋"
_SIMPLIFIED = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系很情者最立代想已通并提直题程展五果料员位入常文总次品式活设及管特件长求请您保期"
_TRADITIONAL = "的一是在不了有和人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年動同工也能下過子說產種面而方後多定行學法所民得經十三之進著等部度家電力裡如水化高自二理起小物現實加量都兩體制機當使點從業本去把性好應開它合還因由其些然前外天政四日那社義事平形相全表間樣與關各重新線內數正心反你明看原又麼利比或但質氣第向道命此變條只沒結解問意建月公無系很情者最立代想已通並提直題程展五果料員位入常文總次品式活設及管特件長求請您保期"
_KOREAN = "이다는에의을를가고하지은로한사기서도리인어자나대시일아정그수있부보과들만전해제스주장원구라게성모비상관여동선공우조소세유진화국면것년니습안없까요오세으며할때했월개간문경신거무내생용입중위계연물적십품"
_RUSSIAN = "оеаинтсрвлкмдпуяыьгзбчй"
_WESTERN = "éèàùâêîôûçäöüßñáíóúãõåøæœëïÿìòÄÖÜÉÀÇÅØÆ"
# fmt: on
_LEAST = (
    0.25  # Of the letters that are not ASCII; a right reading has 0.3 to 1, a wrong one hardly 0.1.
)
_LEAST_IN_WORDS = 0.5  # One byte a letter: nearly all bytes are some letter.
_CLEARLY = 2  # How often more than the second best.
_HALF_AS_SURE = 0.4
_SAMPLE = 1 << 16
_WORD = re.compile(r"[^\W\d_]+")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_HALF_WIDTH = re.compile("[ｱ-ﾝｦ](?:[ｰｧ-ｯﾞﾟ]|[ｱ-ﾝｦ])+")
_WRONG_VOICE = re.compile("(?<![ｳｶ-ﾄﾊ-ﾎ])ﾞ|(?<![ﾊ-ﾎ])ﾟ|(?<![ｱ-ﾝｧ-ｯﾞﾟ])[ｧ-ｯｰ]")
_VOWEL = re.compile("[аеёиоуыэюя]", re.IGNORECASE)
_CONSONANT = re.compile("[бвгджзйклмнпрстфхцчшщ]", re.IGNORECASE)
_SHORT = frozenset(
    [
        "à",
        "é",
        "è",
        "ô",
        "ó",
        "À",
        "É",
        "в",
        "и",
        "с",
        "к",
        "у",
        "о",
        "а",
        "я",
        "на",
        "по",
        "не",
        "за",
        "от",
        "до",
        "из",
        "мы",
        "вы",
        "он",
        "её",
        "их",
        "же",
        "бы",
    ]
)
_MARKS = "«»„“”‘’–—…·•§°€£¥©®™±×÷½¼¾²³µ¡¿\xa0"
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f-\x9f\ue000-\uf8ff]")


@dataclass(frozen=True)
class _Old:
    """An encoding: Python's name, the usual one, its language's letters."""

    codec: str
    name: str
    letters: frozenset[str]
    script: str = "CJK"


_OLD = (
    _Old("cp932", "Shift_JIS", frozenset(_JAPANESE)),
    _Old("euc_jp", "EUC-JP", frozenset(_JAPANESE)),
    _Old("gb18030", "GB18030", frozenset(_SIMPLIFIED)),
    _Old("big5hkscs", "Big5", frozenset(_TRADITIONAL)),
    _Old("cp949", "EUC-KR", frozenset(_KOREAN)),
    _Old("cp1252", "Windows-1252 (Western European)", frozenset(_WESTERN), "LATIN"),
    _Old("cp1251", "Windows-1251 (Cyrillic)", frozenset(_RUSSIAN), "CYRILLIC"),
    _Old("koi8-r", "KOI8-R (Cyrillic)", frozenset(_RUSSIAN), "CYRILLIC"),
)


@dataclass(frozen=True)
class Decoding:
    """``text`` of bytes in the encoding ``name``, and the share of its letters that are typical."""

    name: str
    text: str
    share: float


class CannotTell(Exception):
    """Several encodings are as plausible; says which."""


def read_legacy(content: bytes) -> Decoding | None:
    """``content`` in the one encoding that makes usual letters of it; None where none does.

    Raises :class:`CannotTell` where two do.
    """
    readings = []
    for old in _OLD:
        try:
            text = content.decode(old.codec)
        except UnicodeDecodeError:
            continue
        if not _NO_TEXT.search(text):
            readings.append(Decoding(old.name, text, _share(text[:_SAMPLE], old)))
    readings.sort(key=lambda reading: -reading.share)
    if not readings or readings[0].share < _LEAST:
        return None
    best, *others = readings
    near = [
        one.name for one in others if one.share * _CLEARLY > best.share and one.text != best.text
    ]
    if near:
        raise CannotTell(say(" or ", "、または ").join([best.name, *near]))
    return best


def usual_japanese(text: str) -> bool:
    """Whether half of the letters of ``text`` are kana or usual kanji."""
    return _share(text, _OLD[0]) >= 0.5


def _share(text: str, old: _Old) -> float:
    """The share of the letters of ``text`` beyond ASCII that its language writes often."""
    if old.script != "CJK":
        return _share_in_words(text, old)
    letters = [letter for letter in text if letter > "\x7f" and letter.isalpha()]
    if not letters:
        return 0.0
    typical = sum(letter in old.letters for letter in letters)
    if old.codec in ("cp932", "euc_jp"):
        typical += len(_KANA.findall(text))
        # Other encodings are half-width kana by most of their bytes.
        return (typical + _half_width(text) * _HALF_AS_SURE) / len(letters)
    return typical / len(letters)


def _half_width(text: str) -> int:
    """Letters in half-width katakana that can be words: marks of voice stand behind what can be voiced."""
    runs = re.findall("[ｦ-ﾟ]+", text)
    words = [run for run in runs if _HALF_WIDTH.fullmatch(run) and not _WRONG_VOICE.search(run)]
    return sum(map(len, words)) if len(words) == len(runs) else 0


def _share_in_words(text: str, old: _Old) -> float:
    """Words of one script count, of all signs; a wrong table leaves signs and capitals inside of words."""
    typical = 0.0
    for word in _WORD.findall(text):
        beyond = [letter for letter in word if letter > "\x7f"]
        if not beyond or any(_script(letter) != old.script for letter in word):
            continue
        if old.script == "LATIN":
            usual = len(beyond) * 2 <= len(word) or word in _SHORT
        else:
            usual = word.lower() in _SHORT or bool(
                len(word) > 2 and _VOWEL.search(word) and _CONSONANT.search(word)
            )
        if usual and (word[1:] == word[1:].lower() or word.isupper()):
            # The two Cyrillic tables have each other's small letters as capitals.
            sure = _HALF_AS_SURE if word.isupper() and len(word) > 1 else 1.0
            typical += sure * sum(bool({one, one.lower()} & old.letters) for one in beyond)
    signs = [sign for sign in text if sign > "\x7f" and sign not in _MARKS]
    if not signs:
        return _LEAST_IN_WORDS if re.search("[a-z]", text) else 0.0
    share = typical / len(signs)
    return share if share >= _LEAST_IN_WORDS else 0.0


def _script(letter: str) -> str:
    return "LATIN" if letter < "\x80" else unicodedata.name(letter, "").partition(" ")[0]
