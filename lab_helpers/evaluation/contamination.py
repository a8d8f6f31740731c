"""Has the model already read the test? Passages that a test item shares with the training texts.

The rule of GPT-3 (Brown et al. 2020, arXiv:2005.14165, §4 and appendix C): an item is contaminated when
13 words in a row of it stand in the training texts, or, where it is shorter, all of it. Punctuation, case
and white space do not count. Copies only: a paraphrase or a translation is not found, and 13 words in a
row may also be a common formula, so read the ``example`` of each hit.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from lab_helpers.data.reading.compressed import unpacked
from lab_helpers.data.reading.encoding import check_encoding
from lab_helpers.data.reading.files import BadRow, Row, read_rows
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

WORDS = 13
"""Words in a row that make a copy: the upper limit of GPT-3."""
CHARACTERS_PER_WORD = 2
"""Japanese is compared by characters, two for a word (MeCab's words in the shipped texts have 1.6 to 1.8)."""
SHORTEST = 4
"""Below so many words an item ("Yes.", a name) counts only where it is a whole training text."""

ITEM_COLUMNS = ("question", "質問", "問い合わせ", "prompt", "instruction", "input", "text")
"""Where the text of a test item stands: the first of these columns that it has."""

_CJK = "\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNIT = re.compile(f"[{_CJK}]|[^\\W{_CJK}]+")
_IS_CJK = re.compile(f"[{_CJK}]")


@dataclass(frozen=True)
class Overlap:
    """A contaminated test item and the training text that shares most of it.

    ``test_row`` and ``training_row`` count from 0 (lines from 1 in files); ``share`` is the part of the
    item's n-grams that the training text has, 0 < share ≤ 1; ``example`` the longest shared passage.
    """

    test_row: int
    training_row: int
    share: float
    example: str


def contaminated(
    test_texts: Sequence[str], training_texts: Iterable[str], n: int = WORDS
) -> list[Overlap]:
    """The test texts of which ``n`` words in a row (2n characters of Japanese) stand in a training text.

    A test text shorter than that must stand there as a whole; one below :data:`SHORTEST` words must be
    the whole training text. At most one :class:`Overlap` a test text, in their order. The training
    texts are read once and not kept.
    """
    if n < 1:
        raise BadInput(
            say(f"n-grams of {n} words", f"{n} 語の n-gram は調べられません"),
            say(
                "n must be at least 1; GPT-3 used 13.",
                "n を 1 以上にしてください。GPT-3 では 13 でした。",
            ),
        )
    items = [_Item.of(text, n) for text in test_texts]
    index = _Index(items)
    best: dict[int, tuple[int, int, frozenset[int]]] = {}
    for training_row, text in enumerate(training_texts):
        for test_row, places in index.shared(_units(text)).items():
            if test_row not in best or len(places) > best[test_row][0]:
                best[test_row] = (len(places), training_row, frozenset(places))
    return [
        Overlap(row, training_row, count / items[row].positions, items[row].longest(places))
        for row, (count, training_row, places) in sorted(best.items())
    ]


def contaminated_files(
    test_path: Path, training_path: Path, n: int = WORDS, column: str | None = None
) -> list[Overlap]:
    """:func:`contaminated` for two files: .jsonl, .json, .csv, .tsv, .parquet, .txt, each also as .gz.

    Of a test row the ``column`` is compared, the first of :data:`ITEM_COLUMNS` where None, all texts
    where it has none of these; of a training row all texts. A .txt is split at empty lines. Rows are the
    lines on which they stand. Raises :class:`BadInput` for a file or a line that cannot be read.
    """
    test = list(_texts(test_path, lambda row: _item_text(row, column)))
    training_lines: list[int] = []

    def training_texts():
        for line, text in _texts(training_path, lambda row: _all_text(row.values)):
            training_lines.append(line)
            yield text

    found = contaminated([text for _, text in test], training_texts(), n)
    return [
        replace(
            overlap,
            test_row=test[overlap.test_row][0],
            training_row=training_lines[overlap.training_row],
        )
        for overlap in found
    ]


def remove_leaks(rows, test_texts, n=WORDS):
    """The training rows (dicts of texts) that share no ``n`` words in a row with any test text."""
    kept = list(rows)
    while found := contaminated(test_texts, ["\n".join(row.values()) for row in kept], n):
        guilty = {overlap.training_row for overlap in found}
        kept = [row for number, row in enumerate(kept) if number not in guilty]
    return kept


def _units(text: str) -> list[str]:
    """Words in lower case without punctuation; every Japanese or Chinese character is a unit."""
    return _UNIT.findall(unicodedata.normalize("NFKC", text).casefold())


class _Item(NamedTuple):
    """A test text as its units, and the window of which every copy is looked for."""

    units: list[str]
    window: int
    whole: bool  # too short: only a training text that is the same counts
    by_characters: bool

    @classmethod
    def of(cls, text: str, n: int) -> "_Item":
        units = _units(text)
        by_characters = sum(map(bool, map(_IS_CJK.match, units))) * 2 > len(units)
        per_word = CHARACTERS_PER_WORD if by_characters else 1
        whole = len(units) < min(SHORTEST, n) * per_word
        return cls(units, min(n * per_word, len(units)), whole, by_characters)

    @property
    def positions(self) -> int:
        return len(self.units) - self.window + 1

    def longest(self, places: frozenset[int]) -> str:
        """The units of the longest run of neighbouring windows at ``places``."""
        runs = [(start, self._end(start, places)) for start in places if start - 1 not in places]
        start, end = max(runs, key=lambda run: (run[1] - run[0], -run[0]))
        return _joined(self.units[start:end])

    def _end(self, start: int, places: frozenset[int]) -> int:
        while start + 1 in places:
            start += 1
        return start + self.window


class _Index:
    """Finds in one pass over a training text which windows of which test items it contains."""

    def __init__(self, items: list[_Item]):
        self._items = items
        self._whole: defaultdict[tuple, list[int]] = defaultdict(list)
        # Size of the key -> key -> (test row, place of the window that begins with the key).
        self._keys: defaultdict[int, dict[tuple, list[tuple[int, int]]]] = defaultdict(dict)
        full = max((item.window for item in items if not item.by_characters), default=0)
        full_characters = max((item.window for item in items if item.by_characters), default=0)
        for row, item in enumerate(items):
            if not item.units:
                continue
            if item.whole:
                self._whole[tuple(item.units)].append(row)
                continue
            # Short items are filed under their first words, so that few sizes need a look.
            longest = full_characters if item.by_characters else full
            head = SHORTEST * (CHARACTERS_PER_WORD if item.by_characters else 1)
            size = item.window if item.window == longest else min(head, item.window)
            table = self._keys[size]
            for place in range(item.positions):
                key = tuple(item.units[place : place + size])
                table.setdefault(key, []).append((row, place))

    def shared(self, units: list[str]) -> dict[int, set[int]]:
        """Test row -> places of its windows that stand in ``units``."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        for row in self._whole.get(tuple(units), ()):
            found[row].add(0)
        for size, table in self._keys.items():
            grams = zip(*(units[i:] for i in range(size)), strict=False)
            for key in table.keys() & grams:
                for row, place in table[key]:
                    if self._goes_on(row, place, size, units):
                        found[row].add(place)
        return found

    def _goes_on(self, row: int, place: int, size: int, units: list[str]) -> bool:
        """Whether the whole window stands in ``units``, of which the first ``size`` units do."""
        item = self._items[row]
        if size == item.window:
            return True
        window = item.units[place : place + item.window]
        starts = (i for i, unit in enumerate(units) if unit == window[0])
        return any(units[i : i + item.window] == window for i in starts)


def _joined(units: list[str]) -> str:
    """Units as a readable text: spaces between words, none between Japanese characters."""
    text = " ".join(units)
    return re.sub(f"(?<=[{_CJK}]) (?=[{_CJK}])", "", text)


def _texts(path: Path, text_of) -> Iterator[tuple[int, str]]:
    """Line and text of every row of a file."""
    with unpacked(Path(path)) as plain:
        if plain.suffix.lower() == ".txt":
            yield from _paragraphs(plain)
            return
        for row in read_rows(plain):
            if isinstance(row, BadRow):
                raise BadInput(
                    say(
                        f"{Path(path).name}, line {row.line} {row.problem}",
                        f"{Path(path).name} の {row.line} 行目: {row.problem}",
                    ),
                    say(
                        "Mend the file or download it again: an unread line cannot be compared.",
                        "ファイルを直すか、もう一度ダウンロードしてください。読めない行は照合できません。",
                    ),
                )
            yield row.line, text_of(row)


def _paragraphs(path: Path) -> Iterator[tuple[int, str]]:
    if not path.is_file():
        raise BadInput(
            say(f"no such file: {path}", f"ファイルが見つかりません: {path}"),
            say("Give the path of a text file.", "テキストファイルのパスを指定してください。"),
        )
    check_encoding(path)
    lines: list[str] = []
    start = 1
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.strip():
            start = start if lines else number
            lines.append(line)
        elif lines:
            yield start, "\n".join(lines)
            lines = []


def _item_text(row: Row, column: str | None) -> str:
    values = row.values
    if column is not None and column not in values:
        raise BadInput(
            say(
                f"line {row.line} has no column '{column}'",
                f"{row.line} 行目に「{column}」という列がありません",
            ),
            say(f"It has: {', '.join(values)}.", f"この行にある列: {', '.join(values)}。"),
        )
    name = column or next((name for name in ITEM_COLUMNS if values.get(name)), None)
    return _all_text(values[name] if name else values)


def _all_text(value) -> str:
    """Every text in a row, a list or a conversation (without the names of the speakers), one a line."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = [inner for name, inner in value.items() if name not in ("role", "from")]
    return "\n".join(filter(None, map(_all_text, value))) if isinstance(value, list) else ""
