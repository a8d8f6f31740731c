"""What can be wrong with a row of training data: one code, one sentence and one way out for each.

The sentences stand here in both languages so that they can be compared; choosing the language is
the business of whoever shows them.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of problem; ``{detail}`` in a sentence is where it was found, or what."""

    severity: str
    en: str
    ja: str
    fix_en: str
    fix_ja: str


# fmt: off
KINDS = {
    "unreadable": Kind("error", "the line {detail}", "読み取れない行です：{detail}",
        "Mend the line or export the file again.", "その行を直すか、ファイルを書き出し直してください。"),
    "missing-column": Kind("error", "{detail} is missing", "列がありません：{detail}",
        "Add the column, or take the row out.", "列を補うか、行を取り除いてください。"),
    "other-shape": Kind("error", "the row has the shape '{detail}', unlike the rest of the file", "この行だけ形式が異なります：{detail}",
        "Keep one shape in a file.", "1つのファイルには1つの形式だけを入れてください。"),
    "not-a-string": Kind("error", "{detail} is not a text", "文字列ではありません：{detail}",
        "Write the value as a text in quotation marks.", "値を引用符で囲んだ文字列にしてください。"),
    "not-messages": Kind("error", "{detail} is not a list of turns", "発言のリストではありません：{detail}",
        "Give a list of objects, one for each turn.", "発言ごとに1つのオブジェクトを並べたリストにしてください。"),
    "bad-turn": Kind("error", "{detail} lacks who speaks or what is said", "話者または本文がありません：{detail}",
        "Each turn needs a role and a text.", "各発言には役割と本文が必要です。"),
    "unknown-role": Kind("error", "unknown role in {detail}", "役割が不明です：{detail}",
        "Use system, user and assistant (ShareGPT: system, human, gpt).", "system、user、assistant（ShareGPTではsystem、human、gpt）を使ってください。"),
    "system-not-first": Kind("error", "the system message is not the first ({detail})", "systemの発言が先頭にありません：{detail}",
        "Move it to the beginning; only one is allowed.", "先頭に移してください。1つだけ使えます。"),
    "roles-not-alternating": Kind("error", "{detail} speaks twice in a row, or first", "話者が交互になっていません：{detail}",
        "Join the two turns; the user speaks first.", "続いた発言を1つにまとめ、userから始めてください。"),
    "last-not-assistant": Kind("error", "the last turn is not the assistant's: there is no answer to learn", "最後の発言がassistantではなく、学ぶ答えがありません",
        "Take the last turn out, or add the answer.", "最後の発言を取り除くか、答えを加えてください。"),
    "empty-answer": Kind("error", "{detail} is empty", "答えが空です：{detail}",
        "Write the answer, or take the row out.", "答えを書くか、行を取り除いてください。"),
    "empty-question": Kind("error", "{detail} is empty", "問いが空です：{detail}",
        "Write the question, or take the row out.", "問いを書くか、行を取り除いてください。"),
    "same-answers": Kind("error", "chosen and rejected are the same", "chosenとrejectedが同じです",
        "A preference needs two different answers.", "選好データには異なる2つの答えが必要です。"),
    "null-byte": Kind("error", "{detail} contains a null byte", "NULL文字を含みます：{detail}",
        "Remove it; cleaning.normalise does.", "取り除いてください（cleaning.normaliseで消えます）。"),
    "control-character": Kind("error", "{detail} contains a control character", "制御文字を含みます：{detail}",
        "Remove it; cleaning.normalise does.", "取り除いてください（cleaning.normaliseで消えます）。"),
    "mojibake": Kind("error", "{detail} was read in the wrong encoding", "文字化けしています：{detail}",
        "Export the source again as UTF-8.", "元のデータをUTF-8で書き出し直してください。"),
    "too-long": Kind("warning", "{detail} is very long and will be cut in training", "とても長く、学習時に切り詰められます：{detail}",
        "Shorten it, or raise the maximum length.", "短くするか、最大長を増やしてください。"),
    "duplicate": Kind("warning", "the row says the same as an earlier one", "前にある行と同じ内容です",
        "Keep one; duplicates.remove_duplicates does.", "1つだけ残してください（duplicates.remove_duplicatesが行います）。"),
}
# fmt: on


@dataclass(frozen=True)
class Problem:
    """One finding about one line. ``severity`` is ``"error"`` (unusable) or ``"warning"``."""

    line: int
    code: str
    message: str
    severity: str
    detail: str = ""

    def fix(self) -> str:
        """The way out, in English."""
        return KINDS[self.code].fix_en

    def in_japanese(self) -> tuple[str, str]:
        """Message and way out in Japanese."""
        kind = KINDS[self.code]
        return kind.ja.format(detail=self.detail), kind.fix_ja


def problem(line: int, code: str, detail: str = "") -> Problem:
    """The problem ``code`` (a key of :data:`KINDS`) on ``line``."""
    kind = KINDS[code]
    return Problem(line, code, kind.en.format(detail=detail), kind.severity, detail)
