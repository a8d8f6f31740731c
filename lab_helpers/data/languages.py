"""Which language a text is in, as far as this course must know: English, Japanese, another."""

import re
from functools import lru_cache

_KANA = re.compile("[ぁ-ゖァ-ヺｦ-ﾝ]")
_HAN = re.compile("[一-鿿㐀-䶿々]")
_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile("[A-Za-zÀ-ɏ]")
_LONGEST = 2000
# The candidates among Latin-script languages. Fewer candidates make short texts safer.
_CANDIDATES = [
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "fi",
    "pl",
    "cs",
    "tr",
    "vi",
    "id",
    "ro",
    "hu",
]
_SURE_ENGLISH = 0.4
_SURE_OTHER = 0.7
_SURE_CHINESE = 0.98


def detect_language(text: str) -> str:
    """``"en"``, ``"ja"``, ``"other"`` or ``"unknown"``.

    Kana decide for Japanese when at least a tenth of the letters are kana, or a fifth kana and kanji
    together: Japanese support mail is full of Latin product names. Kanji without kana may be
    Japanese or Chinese; only surely Chinese ones are ``"other"``. Latin script is left to py3langid
    among 17 languages. A text of one or two words, a number or a code is often ``"unknown"``.
    """
    text = text[:_LONGEST]
    letters = len(_LETTER.findall(text))
    if not letters:
        return "unknown"
    if is_japanese(text):
        return "ja"
    han = len(_HAN.findall(text))
    if han * 2 > letters:
        language, probability = _classifier("ja", "zh").classify(text)
        return "other" if language == "zh" and probability >= _SURE_CHINESE else "unknown"
    if len(_LATIN.findall(text)) * 2 < letters:
        return "other"  # Cyrillic, Hangul, Arabic, …
    language, probability = _classifier(*_CANDIDATES).classify(text)
    if language == "en":
        return "en" if probability >= _SURE_ENGLISH else "unknown"
    return "other" if probability >= _SURE_OTHER else "unknown"


def is_japanese(text: str) -> bool:
    """Whether :func:`detect_language` says so; at once, since it asks no classifier."""
    text = text[:_LONGEST]
    letters, kana, han = (len(kind.findall(text)) for kind in (_LETTER, _KANA, _HAN))
    return bool(kana) and (kana * 10 >= letters or (kana + han) * 5 >= letters)


@lru_cache(maxsize=4)
def _classifier(*languages: str):
    """py3langid's own model (3 MB, inside its wheel), restricted to ``languages``."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(languages))
    return identifier
