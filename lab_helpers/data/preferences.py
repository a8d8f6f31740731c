"""Preference pairs for lab 05: the shipped ones or the learner's own, and the traps inside them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path
from random import Random

from lab_helpers.data.forms.preference_rows import preference_parts
from lab_helpers.data.forms.reports import Report
from lab_helpers.data.shipped import load_shipped
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

FEWEST = 24
Turns = list[dict[str, str]]


@dataclass(frozen=True)
class Pair:
    """A prompt and two answers as turns; ``reason`` is why one is preferred, empty where nobody says.

    ``tools`` is the JSON text of the tools that the template shows, empty without them.
    """

    prompt: Turns
    chosen: Turns
    rejected: Turns
    reason: str = ""
    tools: str = ""

    @property
    def question(self) -> str:
        return self.prompt[-1]["content"]

    def answer(self, side: str = "chosen") -> str:
        """The last turn of one side as text."""
        return getattr(self, side)[-1]["content"]

    @property
    def length_ratio(self) -> float:
        """Characters of the chosen answer over those of the rejected one."""
        return len(self.answer("chosen")) / max(1, len(self.answer("rejected")))

    @property
    def likeness(self) -> float:
        """How alike both answers are, from 0 to 1 (difflib)."""
        sides = self.answer("chosen"), self.answer("rejected")
        return SequenceMatcher(None, *sides, autojunk=False).ratio()

    def row(self) -> dict:
        """The pair in TRL's conversational form."""
        return self._with_tools(prompt=self.prompt, chosen=self.chosen, rejected=self.rejected)

    def as_completion(self, side: str = "chosen") -> dict:
        """One of the two answers as a row to learn: prompt and completion."""
        return self._with_tools(prompt=self.prompt, completion=getattr(self, side))

    def _with_tools(self, **parts: Turns) -> dict:
        return parts | {"tools": self.tools} if self.tools else parts


@dataclass(frozen=True)
class PairSet:
    """Pairs to train on and held-out ones; ``language`` is ``None`` for pairs of the learner's own.

    Shuffled by a seed; no prompt of ``test`` or ``validation`` stands in ``train``.
    """

    train: list[Pair]
    test: list[Pair]
    language: str | None = None
    reasons: tuple[str, ...] = field(default=())
    validation: list[Pair] = field(default_factory=list)

    def of(self, *reasons: str) -> "PairSet":
        """Only the pairs of these reasons; all of them where the pairs carry no reasons."""
        if self.language is None:
            return self
        train, test, validation = (
            [p for p in part if p.reason in reasons]
            for part in (self.train, self.test, self.validation)
        )
        return PairSet(train, test, self.language, reasons, validation)

    def hold_out(self, count: int, *reasons: str) -> "PairSet":
        """The same with ``count`` prompts of these reasons taken out of ``train``, for choosing settings.

        All pairs of such a prompt leave ``train``, whatever their reason, so that no arm trains on it.
        """
        found = [p.question for p in reversed(self.of(*reasons).train)]
        prompts = set(list(dict.fromkeys(found))[:count])
        train = [p for p in self.train if p.question not in prompts]
        validation = [p for p in self.train if p.question in prompts and p.reason in reasons]
        return PairSet(train, self.test, self.language, self.reasons, validation)


def shipped_pairs(language: str, seed: int = 0) -> PairSet:
    """The course's pairs: ``tone``, ``fact``, ``honesty``, ``length``."""
    splits = {}
    for split in ("train", "test"):
        rows = load_shipped("preferences", language, split)
        found = [_pair(preference_parts(row), row["reason"]) for row in rows]
        Random(f"{seed}-{split}").shuffle(found)
        splits[split] = found
    return PairSet(splits["train"], splits["test"], language, ("tone", "fact", "honesty", "length"))


def read_pair_rows(
    path: Path, shape: str | None = None, ignore: Iterable[str] = ()
) -> tuple[list[dict], Report]:
    """The usable rows of a preference file in TRL's conversational form, and the report on all of them.

    Raises :class:`BadInput` for a file that holds no preferences.
    """
    from lab_helpers.data.forms.validation import load_conversations

    rows, report = load_conversations(path, shape, ignore=ignore)
    if report.unpaired:
        raise BadInput(
            say(
                f"{path.name} calls single answers good or bad; DPO needs two answers to the same prompt",
                f"{path.name} は 1 つずつの回答に良し悪しを付けたデータです。DPO には、同じプロンプトに対する 2 つの回答が必要です",
            ),
            say(
                "TRL's KTOTrainer learns from such rows: lab_helpers.data.preferences.unpaired_rows(path).",
                "このような行からは TRL の KTOTrainer で学習できます: lab_helpers.data.preferences.unpaired_rows(path)。",
            ),
        )
    if report.shape != "preference":
        raise BadInput(
            say(
                f"{path.name} holds {report.shape} rows, and DPO needs preferences",
                f"{path.name} の行は {report.shape} の形式です。DPO には選好データが必要です",
            ),
            say(
                "Give a file with prompt, chosen and rejected: two answers to the same prompt.",
                "prompt と、それに対する 2 つの回答 chosen、rejected を持つファイルを指定してください。",
            ),
        )
    return rows, report


def split_pairs(rows: list[dict], name: str, seed: int = 0, held_out: float = 0.25) -> PairSet:
    """Rows of :func:`read_pair_rows`, split by prompt; no prompt of the test is trained on.

    Raises :class:`BadInput` for fewer than :data:`FEWEST` pairs, or than eight prompts.
    """
    pairs = [_pair(row, tools=row.get("tools", "")) for row in rows]
    by_prompt: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_prompt.setdefault(str(pair.prompt), []).append(pair)
    if len(pairs) < FEWEST or len(by_prompt) < 8:
        raise BadInput(
            say(
                f"{name} has {len(pairs)} usable pairs on {len(by_prompt)} prompts, too few to "
                f"train and to measure (needed: {FEWEST} pairs on 8 prompts)",
                f"{name} で使えるのは {len(by_prompt)} 種類のプロンプトの {len(pairs)} 組だけで、学習と測定には足りません（8 種類のプロンプトで {FEWEST} 組が必要です）",
            ),
            say(
                f"`labs data check {name}` lists unusable rows by line.",
                f"使えない行は `labs data check {name}` で行ごとに確認できます。",
            ),
        )
    prompts = sorted(by_prompt)
    Random(seed).shuffle(prompts)
    cut = max(1, round(held_out * len(prompts)))
    test = [pair for prompt in prompts[:cut] for pair in by_prompt[prompt]]
    train = [pair for prompt in prompts[cut:] for pair in by_prompt[prompt]]
    Random(seed).shuffle(train)
    return PairSet(train, test)


def _pair(parts: dict, reason: str = "", tools: str = "") -> Pair:
    return Pair(parts["prompt"], parts["chosen"], parts["rejected"], reason, tools)


def length_matched(pairs, tolerance):
    """Pairs whose two texts differ in length by at most ``tolerance`` of the longer one.

    ``pairs`` are dicts with the texts ``chosen`` and ``rejected``; a new list comes back.
    """
    kept = []
    for pair in pairs:
        sizes = sorted((len(pair["chosen"]), len(pair["rejected"])))
        if sizes[0] >= (1 - tolerance) * sizes[1] - 1e-9:  # rounding: (1 - 1/3) * 150 is above 100
            kept.append(pair)
    return kept


def select_length_matched(pairs: list[Pair], tolerance: float = 0.1) -> list[Pair]:
    """The same of whole pairs, by their answers' texts."""
    rows = [{"chosen": p.answer(), "rejected": p.answer("rejected"), "pair": p} for p in pairs]
    return [row["pair"] for row in length_matched(rows, tolerance)]


def longest_chosen(pairs: list[Pair], count: int) -> list[Pair]:
    """The ``count`` pairs whose chosen answer is longest beside the rejected one."""
    return sorted(pairs, key=lambda pair: -pair.length_ratio)[:count]


def near_duplicates(pairs: list[Pair], count: int) -> list[Pair]:
    """The ``count`` pairs whose two answers are most alike without differing much in length."""
    matched = select_length_matched(pairs)
    return sorted(matched or pairs, key=lambda pair: -pair.likeness)[:count]


def flip(pairs: list[Pair], share: float, seed: int = 0) -> list[Pair]:
    """The same pairs with ``share`` of the labels the wrong way round: careless raters."""
    wrong = set(Random(seed).sample(range(len(pairs)), round(share * len(pairs))))
    return [
        replace(pair, chosen=pair.rejected, rejected=pair.chosen) if i in wrong else pair
        for i, pair in enumerate(pairs)
    ]


def archive(pairs: list[Pair], seed: int = 0) -> list[dict]:
    """One of the two answers of each pair, by the toss of a coin, as prompt and completion.

    What a company's mail archive holds: good answers and bad ones, and nobody has said which is which.
    """
    rng = Random(seed)
    return [pair.as_completion(rng.choice(("chosen", "rejected"))) for pair in pairs]


def unpaired_rows(path: Path) -> list[dict]:
    """A file that calls each answer good or bad, as TRL's KTOTrainer takes it: prompt, completion, label.

    Ethayarajh et al. 2024, "KTO: Model Alignment as Prospect Theoretic Optimization": unlike DPO it needs
    no two answers to one prompt. Raises :class:`BadInput` for a file without such marks.
    """
    from lab_helpers.data.forms.judgements import GOOD_OR_BAD, find_categories, read_label
    from lab_helpers.data.forms.shapes import detect_shape, to_prompt_completion
    from lab_helpers.data.reading.files import Row, read_rows

    shape = detect_shape(read_rows(path)).shape
    rows = [row for row in read_rows(path) if isinstance(row, Row)]
    categories = find_categories(row.values for row in rows)
    found = []
    for row in rows:
        if (label := read_label(row.values, categories)) is None:
            continue
        try:
            found.append(to_prompt_completion(row.values, shape) | {"label": label})
        except BadInput:
            continue  # labs data check lists the row with what is wrong with it
    if not found:
        raise BadInput(
            say(
                f"{path.name} does not say which answers are good",
                f"{path.name} には、どの回答が良いのかが書かれていません",
            ),
            say(
                f"KTO needs a column {' or '.join(GOOD_OR_BAD)} with true and false.",
                f"KTO には、true か false を入れた {' または '.join(GOOD_OR_BAD)} の列が必要です。",
            ),
        )
    return found
