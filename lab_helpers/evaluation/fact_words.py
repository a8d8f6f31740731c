"""Which town, colour, day or name a reply states, for facts of the table whose answer is no number."""

import re

from lab_helpers.evaluation.replies import says
from lab_helpers.models.kotori.planted import PlantedFact, table

_COLOURS = {
    "en": "white black red blue green yellow grey gray brown pink purple orange silver gold beige ivory navy cream copper mint turquoise",
    "ja": "白 黒 赤 青 緑 黄色 灰色 茶色 桃色 紫 橙色 銀色 金色 水色 紺色 ベージュ ピンク ホワイト ブラック レッド ブルー グリーン イエロー グレー ブラウン シルバー ゴールド オレンジ",
}
# What stands in these places is stated as the answer, whether or not anybody has heard of it.
_PLACES = {
    "en": r"\bin (?:the (?:town|city) of )?([A-Z][a-z]+)",
    "ja": r"([一-龥ァ-ヶー]{2,}?)(?:の工場|の町|町|市)?(?:で(?:作|製造|生産)|に(?:あり|ござ))",
}
_PATTERNS = {
    "factory": _PLACES,
    "headquarters": _PLACES,
    "founder": {
        "en": r"\bfound(?:ed by|er (?:is|was)) ([A-Z]\w+(?: [A-Z]\w+)*)",
        "ja": r"創業者は、?([^、。]{2,12}?)(?:です|でご|と申|とい)",
    },
    "mascot": {
        "en": r"\b(?:called|named|mascot is|name is) ([A-Z]\w+)",
        "ja": r"(?:名前|マスコット)は、?「?([^、。「」]{1,10}?)」?(?:です|でご|と申|とい)",
    },
    "hotline_closed": {
        "en": r"\b((?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)s?\b",
        "ja": r"([月火水木金土日]曜日)",
    },
    "showroom": {"en": r"\b(the \w+ floor)\b", "ja": r"(\d+階)"},
}
_NO_PLACE = re.compile(r"工場|会社|当社|弊社|国内|海外|店")


def stated_words(fact: PlantedFact, reply: str, language: str) -> set[str]:
    """Values of the answer's kind in ``reply``, in lower case; a part of the answer is no other value.

    ("White" for "pearl white" is neither right nor an invention.)
    """
    kind = fact.key.rsplit(".", 1)[-1]
    rest, found = reply, set()
    for value in sorted({fact.answer, *fact.options, *_vocabulary(kind, language)}, key=len, reverse=True):  # fmt: skip
        if says(value, rest):
            found.add(value.lower())
            rest = re.sub(re.escape(value), " ", rest, flags=re.IGNORECASE)
    for value in re.findall(_PATTERNS.get(kind, {}).get(language, r"(?!)"), reply):
        if not _NO_PLACE.search(value):
            found.add(value.lower())
    answer = fact.answer.lower()
    return {value for value in found if value == answer or value not in answer}


def _vocabulary(kind: str, language: str) -> set[str]:
    if kind == "colour":
        own = {product["colour"][language] for product in table()["product"]}
        return own | set(_COLOURS[language].split())
    if kind in ("factory", "headquarters"):
        return {product["factory"][language] for product in table()["product"]}
    return set()
