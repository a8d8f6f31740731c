"""Preference pairs for lab 05: the shipped ones or the learner's own, and the traps inside them."""

from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from pathlib import Path
from random import Random

from lab_helpers.data.conversations import preference_parts
from lab_helpers.data.shipped import load_shipped
from lab_helpers.runtime.errors import BadInput

FEWEST = 24
Turns = list[dict[str, str]]


@dataclass(frozen=True)
class Pair:
    """A prompt and two answers as turns; ``reason`` is why one is preferred, empty where nobody says."""

    prompt: Turns
    chosen: Turns
    rejected: Turns
    reason: str = ""

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

    def row(self) -> dict[str, Turns]:
        """The pair in TRL's conversational form."""
        return {"prompt": self.prompt, "chosen": self.chosen, "rejected": self.rejected}


@dataclass(frozen=True)
class PairSet:
    """Pairs to train on and held-out ones; ``language`` is ``None`` for pairs of the learner's own.

    Shuffled by a seed; no prompt of ``test`` stands in ``train``.
    """

    train: list[Pair]
    test: list[Pair]
    language: str | None = None
    reasons: tuple[str, ...] = field(default=())

    def of(self, *reasons: str) -> "PairSet":
        """Only the pairs of these reasons; all of them where the pairs carry no reasons."""
        if self.language is None:
            return self
        train, test = ([p for p in part if p.reason in reasons] for part in (self.train, self.test))
        return PairSet(train, test, self.language, reasons)


def shipped_pairs(language: str, seed: int = 0) -> PairSet:
    """The course's pairs: ``tone``, ``fact``, ``honesty``, ``length``."""
    splits = {}
    for split in ("train", "test"):
        rows = load_shipped("preferences", language, split)
        found = [Pair(**preference_parts(row), reason=row["reason"]) for row in rows]
        Random(f"{seed}-{split}").shuffle(found)
        splits[split] = found
    return PairSet(splits["train"], splits["test"], language, ("tone", "fact", "honesty", "length"))


def own_pairs(path: Path, seed: int = 0, held_out: float = 0.25) -> PairSet:
    """The learner's preference file, split by prompt; rows that cannot be used are left out.

    Raises :class:`BadInput` for a file that holds no preferences, or fewer than :data:`FEWEST` usable ones.
    """
    from lab_helpers.data.validation import load_conversations

    rows, report = load_conversations(path)
    if report.shape != "preference":
        raise BadInput(
            f"{path.name} holds {report.shape} rows, and DPO needs preferences",
            "Give a file with prompt, chosen and rejected: two answers to the same prompt.",
        )
    pairs = [Pair(**row) for row in rows]
    by_prompt: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_prompt.setdefault(str(pair.prompt), []).append(pair)
    if len(pairs) < FEWEST or len(by_prompt) < 8:
        raise BadInput(
            f"{path.name} has {len(pairs)} usable pairs on {len(by_prompt)} prompts, too few to "
            f"train and to measure (needed: {FEWEST} pairs on 8 prompts)",
            f"`labs data check {path.name}` lists unusable rows by line.",
        )
    prompts = sorted(by_prompt)
    Random(seed).shuffle(prompts)
    cut = max(1, round(held_out * len(prompts)))
    test = [pair for prompt in prompts[:cut] for pair in by_prompt[prompt]]
    train = [pair for prompt in prompts[cut:] for pair in by_prompt[prompt]]
    Random(seed).shuffle(train)
    return PairSet(train, test)


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
    return [
        {"prompt": pair.prompt, "completion": rng.choice((pair.chosen, pair.rejected))}
        for pair in pairs
    ]
