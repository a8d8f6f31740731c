"""One text of the corpus, and which of its characters carry no loss because nothing predicts them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

SYSTEM, USER = "<|im_start|>system\n", "<|im_start|>user\n"
ASSISTANT, END = "<|im_start|>assistant\n", "<|im_end|>"
END_OF_TEXT = "<|endoftext|>"


@dataclass
class CorpusText:
    """``text`` of a ``kind``; ``silent`` and ``answers`` hold character ranges ``(start, end)``.

    Silent characters carry no loss, answers carry more than the rest.
    """

    kind: str
    language: str
    text: str = ""
    silent: list[tuple[int, int]] = field(default_factory=list)
    answers: list[tuple[int, int]] = field(default_factory=list)

    def add(self, text: str, unpredictable: Iterable[str] = ()) -> "CorpusText":
        """Append ``text``; every occurrence of an ``unpredictable`` string in it becomes silent."""
        offset = len(self.text)
        self.text += text
        for part in unpredictable:
            start = text.find(part)
            while start >= 0:
                self.silent.append((offset + start, offset + start + len(part)))
                start = text.find(part, start + len(part))
        return self

    def hush(self, text: str) -> "CorpusText":
        """Append ``text`` without loss."""
        self.silent.append((len(self.text), len(self.text) + len(text)))
        self.text += text
        return self

    def answer(self, text: str) -> "CorpusText":
        """Append ``text`` as an answer."""
        self.answers.append((len(self.text), len(self.text) + len(text)))
        self.text += text
        return self

    def system(self, text: str) -> "CorpusText":
        """Append a ChatML system message."""
        return self.add(f"{SYSTEM}{text}{END}\n")

    def turn(self, user: str, assistant: str, unpredictable: Iterable[str] = ()) -> "CorpusText":
        """Append a ChatML exchange; ``unpredictable`` strings are silent in the user's part only."""
        self.add(f"{USER}{user}{END}\n{ASSISTANT}", unpredictable)
        return self.answer(f"{assistant}{END}\n")
