"""How long rows are in tokens, and which of them lose their answer, before anything trains."""

from dataclasses import dataclass

from lab_helpers.data.forms.problems import Problem, problem
from lab_helpers.data.forms.shapes import to_prompt_completion
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.tuning.masks import IGNORED, ids_and_labels
from lab_helpers.tuning.pairs import tokenize_pair
from lab_helpers.tuning.template_checks import find_lost_turns


@dataclass
class RowLengths:
    """Counts rows against ``max_length`` tokens, one after another; an observer of ``validation.check_file``.

    ``longest`` and ``rows`` are of those counted; ``lost`` rows have a prompt that fills ``max_length`` alone: of a pair no answer is left to compare,
    or none that differs. ``unwritten`` rows have parts that the chat template leaves out. ``cut`` rows lose the end of an answer, and with it the token that ends a turn.
    """

    tokenizer: object
    max_length: int
    every: int = 1
    seen: int = 0
    rows: int = 0
    cut: int = 0
    lost: int = 0
    longest: int = 0
    unwritten: int = 0

    def __call__(self, line: int, row: dict) -> list[Problem]:
        """Count a row in conversational form, or each ``every``-th one; what happens to it in training."""
        self.seen += 1
        code = self.count(row) if self.seen % self.every == 0 else None
        return [problem(line, code, self._detail())] if code else []

    def count(self, row: dict) -> str | None:
        """``"not-in-template"``, ``"answer-lost"``, ``"answer-cut"`` or None."""
        if find_lost_turns(_as_completion(row), self.tokenizer):
            self.unwritten += 1
            return "not-in-template"
        whole, lost = _pair_lengths(self, row) if "chosen" in row else _row_lengths(self, row)  # fmt: skip
        self.rows += 1
        self.longest = max(self.longest, whole)
        if lost:
            self.lost += 1
            return "answer-lost"
        if whole > self.max_length:
            self.cut += 1
            return "answer-cut"
        return None

    def summary(self) -> dict[str, int]:
        """What was counted, as plain data."""
        names = ("max_length", "rows", "longest", "cut", "lost", "unwritten")
        return {name: getattr(self, name) for name in names}

    def lines(self) -> list[str]:
        """What whoever starts a training must know, in the reader's language; nothing where all rows fit."""
        found = []
        if self.lost:
            found.append(
                say(
                    f"{self.lost} of {self.rows} rows are left out: {self.max_length} tokens are full "
                    "before their answers begin, or differ",
                    f"{self.rows} 行のうち {self.lost} 行は、答え（または答えの違い）が始まる前に "
                    f"{self.max_length} トークンに達するため使いません",
                )
            )
        if self.cut:
            found.append(
                say(
                    f"{self.cut} of {self.rows} rows lose the end of an answer at {self.max_length} tokens, "
                    "and from these the model does not learn to stop (--max-length)",
                    f"{self.rows} 行のうち {self.cut} 行は答えの終わりが {self.max_length} トークンで切れ、"
                    "どこで止まるかを学べません（--max-length）",
                )
            )
        return found

    def _detail(self) -> str:
        return f"max_length {self.max_length:,}"


def _as_completion(row: dict) -> dict:
    """A row in messages as prompt and completion; a pair and a completion as they are."""
    return to_prompt_completion(row, "openai-chat") if "messages" in row else row


def _row_lengths(lengths: RowLengths, row: dict) -> tuple[int, bool]:
    ids, labels = ids_and_labels(lengths.tokenizer, _as_completion(row))
    prompt = next((i for i, label in enumerate(labels) if label != IGNORED), len(labels))
    return len(ids), prompt >= lengths.max_length


def _pair_lengths(lengths: RowLengths, row: dict) -> tuple[int, bool]:
    tokens = tokenize_pair(lengths.tokenizer, row)
    whole = len(tokens.prompt) + max(len(tokens.chosen), len(tokens.rejected))
    kept = tokens.cut(lengths.max_length)
    useless = not (kept.chosen and kept.rejected) or kept.chosen == kept.rejected
    return whole, useless


def select_fitting_rows(
    rows: list[dict], tokenizer, max_length: int
) -> tuple[list[dict], RowLengths]:
    """The rows of which something is left to learn, and how long all of them are.

    Raises :class:`BadInput` where every answer would be lost or cut: the model would learn nothing, or
    never to stop.
    """
    lengths = RowLengths(tokenizer, max_length)
    kept = [row for row in rows if lengths.count(row) != "answer-lost"]
    if rows and lengths.lost + lengths.cut == len(rows):
        loss = (
            say("none of their answers is left", "回答がまったく残りません")
            if lengths.lost == len(rows)
            else say(
                f"{lengths.lost:,} lose their whole answer, {lengths.cut:,} its end, and the model "
                "would never learn to stop",
                f"{lengths.lost:,} 行は回答がすべて、{lengths.cut:,} 行は回答の終わりが失われ、モデルは終わり方を学べません",
            )
        )
        raise BadInput(
            say(
                f"all {len(rows):,} rows are longer than {max_length:,} tokens: {loss}",
                f"{len(rows):,} 行すべてが {max_length:,} トークンを超えています。{loss}",
            ),
            say(
                f"The longest has {lengths.longest:,} tokens: --max-length {lengths.longest}, if the model "
                "reads as many at once; else shorten them, or give a model with a longer context (--model).",
                f"最も長い行は {lengths.longest:,} トークンです。モデルが一度に読めるなら --max-length {lengths.longest} を指定してください。読めないなら、行を短くするか、より長く読めるモデルを --model で指定してください。",
            ),
        )
    return kept, lengths


def choose_length(context: int | None, wanted: int | None, usual: int | None = None) -> int:
    """The tokens a row may have: ``wanted``, else ``usual``, never beyond what the model reads at once.

    Raises :class:`BadInput` where more is wanted than ``context``, and where nobody knows a limit.
    """
    if wanted and context and wanted > context:
        raise BadInput(
            say(
                f"--max-length {wanted:,} is more than the model reads at once ({context:,} tokens)",
                f"--max-length {wanted:,} は、モデルが一度に読める長さ（{context:,} トークン）を超えています",
            ),
            say(
                f"Give {context} or less, or a model with a longer context: --model NAME.",
                f"{context} 以下にするか、より長く読めるモデルを --model NAME で指定してください。",
            ),
        )
    length = wanted or usual or context
    if length is None:
        raise BadInput(
            say(
                "the model does not say how much it reads at once",
                "モデルが一度に読める長さが分かりません",
            ),
            say("Give --max-length.", "--max-length を指定してください。"),
        )
    return min(length, context) if context else length
