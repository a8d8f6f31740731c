"""Who and what a data set speaks about, and how often: tables of shares against an even spread."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import mean, median

from lab_helpers.data.duplicates import Key, texts_of
from lab_helpers.data.languages import detect_language

LENGTH_BUCKETS = ((0, "0-49"), (50, "50-99"), (100, "100-199"), (200, "200-499"), (500, "500+"))
OPENING_WORDS = 4
OPENING_CHARACTERS = 10
# fmt: off
GENDERED = {
    "female": (
        "she", "her", "hers", "herself", "woman", "women", "girl", "girls", "wife", "mother", "mum",
        "mom", "daughter", "sister", "grandmother", "aunt", "lady", "ladies", "housewife", "mrs", "ms",
        "彼女", "女性", "女の子", "女子", "妻", "母", "娘", "姉", "妹", "祖母", "おばあ", "主婦", "奥様", "奥さん",
    ),
    "male": (
        "he", "him", "his", "himself", "man", "men", "boy", "boys", "husband", "father", "dad", "son",
        "brother", "grandfather", "uncle", "gentleman", "gentlemen", "mr",
        "彼", "男性", "男の子", "男子", "夫", "父", "息子", "兄", "弟", "祖父", "おじい", "旦那", "主人",
    ),
}
# Words that contain one of the Japanese words above and mean something else.
NOT_GENDERED = (
    "夫婦", "父母", "兄弟", "姉妹", "工夫", "大丈夫", "丈夫", "酵母", "母音", "母国", "分母", "母体", "航空母艦", "主人公",
    "彼方", "彼岸", "彼ら",
)
# fmt: on
_MODEL_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,4}-\d{2,5}[A-Z]?(?![A-Za-z0-9])")
_JAPANESE = re.compile("[ぁ-ゖァ-ヺ一-鿿]")


def bias_report(
    rows: Sequence[dict], text_key: Key, group_key: str | None = None, products: Sequence[str] = ()
) -> list[dict]:
    """One dict for each group of each view: ``{"view", "group", "rows", "share", "ratio", "length"}``.

    Views: the column ``group_key`` (if given), language, length, gendered words, product (names in
    ``products``, or else model codes such as NW-800) and opening (the ten most frequent). ``share``
    is of all rows. ``ratio`` compares it with an even spread over the groups of the view: 2.0 is
    twice as many rows as its even part; it is None for openings, which have no even spread. ``length``
    is the median number of characters. A row that mentions two products counts for both, as
    ``group_key`` says nothing about them. ``text_key`` is a column or a function from a row to a text.
    """
    texts = texts_of(rows, text_key)
    views: dict[str, list[list[str]]] = {}
    if group_key:
        views[group_key] = [[str(row.get(group_key, "(none)"))] for row in rows]
    views["language"] = [[detect_language(text)] for text in texts]
    views["length"] = [[length_bucket(len(text))] for text in texts]
    views["gendered words"] = [[gender_of(text)] for text in texts]
    views["product"] = [_products_in(text, products) or ["(none)"] for text in texts]
    table = []
    for view, groups in views.items():
        table += _shares(view, groups, texts)
    return table + top_openings(texts)


def length_by_group(rows: Sequence[dict], text_key: Key, group_key: str) -> list[dict]:
    """``{"group", "rows", "mean", "median"}`` of the text lengths of each group, longest first."""
    lengths: defaultdict[str, list[int]] = defaultdict(list)
    for row, text in zip(rows, texts_of(rows, text_key), strict=True):
        lengths[str(row.get(group_key, "(none)"))].append(len(text))
    table = [
        {"group": group, "rows": len(found), "mean": round(mean(found), 1), "median": median(found)}
        for group, found in lengths.items()
    ]
    return sorted(table, key=lambda row: -row["mean"])


def top_openings(texts: Sequence[str], most: int = 10) -> list[dict]:
    """The ``most`` frequent openings (4 words, or 10 Japanese characters) of two texts and more."""
    groups = [opening(text) for text in texts]
    frequent = {g for g, count in Counter(groups).most_common(most) if count > 1}
    table = _shares("opening", [[g] if g in frequent else [] for g in groups], texts)
    return [{**row, "ratio": None} for row in table]


def opening(text: str) -> str:
    """The first 4 words in lower case, or the first 10 characters of a Japanese text."""
    text = " ".join(text.split())
    if _JAPANESE.search(text[: 2 * OPENING_CHARACTERS]):
        return text[:OPENING_CHARACTERS]
    return " ".join(text.lower().split()[:OPENING_WORDS])


def gender_of(text: str) -> str:
    """``"female"``, ``"male"``, ``"both"`` or ``"(none)"``: whose words the text uses.

    Words, not people: a text about a nurse without a pronoun is ``"(none)"``. English words are whole
    words; Japanese ones are parts of the text, after words such as 大丈夫 and 兄弟 are taken out.
    """
    lowered = text.lower()
    words = set(re.findall(r"[a-z]+", lowered))
    for other in NOT_GENDERED:
        lowered = lowered.replace(other, " ")
    lowered_without_her = lowered.replace("彼女", " ")
    female = any(w in words if w.isascii() else w in lowered for w in GENDERED["female"])
    male = any(w in words if w.isascii() else w in lowered_without_her for w in GENDERED["male"])
    return "both" if female and male else "female" if female else "male" if male else "(none)"


def length_bucket(length: int) -> str:
    """The name of the bucket of :data:`LENGTH_BUCKETS` that ``length`` characters fall into."""
    return [name for least, name in LENGTH_BUCKETS if length >= least][-1]


def _products_in(text: str, products: Sequence[str]) -> list[str]:
    if products:
        return [product for product in products if product.lower() in text.lower()]
    return sorted(set(_MODEL_CODE.findall(text)))


def _shares(view: str, groups: Sequence[list[str]], texts: Sequence[str]) -> list[dict]:
    lengths: defaultdict[str, list[int]] = defaultdict(list)
    for found, text in zip(groups, texts, strict=True):
        for group in found:
            lengths[group].append(len(text))
    mentions = sum(map(len, lengths.values()))
    return [
        {
            "view": view,
            "group": group,
            "rows": len(found),
            "share": round(len(found) / len(texts), 4),
            "ratio": round(len(found) * len(lengths) / mentions, 2),
            "length": median(found),
        }
        for group, found in sorted(lengths.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
