"""The ledger: every checkable claim of the article, and the verdict that your own numbers give it.

The claims and their rules are data (``claims.toml``). A rule is a comparison such as
``sentiment_gap_256_en >= 0.15``, or several joined by ``and``; the first that holds decides.
"""

import operator
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lab_helpers.runtime.language import Text, language, say

NOT_MEASURED = "not measured yet"
VERDICTS = {
    "true": "正しい",
    "false": "誤り",
    "conditional": "条件つき",
    "outdated": "古い",
    "ambiguous": "あいまい",
    "misleading": "誤解を招く",
    "overclaimed": "言い過ぎ",
    "unmeasurable": "測れない",
    "not decided": "決着せず",
    "dropped": "対象外",
    NOT_MEASURED: "未測定",
}
_OPERATORS = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}
_COMPARISON = re.compile(r"(\w+)\s*(>=|<=|==|>|<)\s*(-?[\d.]+(?:e-?\d+)?)")


@dataclass(frozen=True)
class Claim:
    """One claim: the article's words, what the source says, and how a run decides it."""

    id: str
    quote: str
    gloss: Text
    source: str
    note: Text
    lab: str
    hardware: str
    metrics: tuple[str, ...]
    rules: tuple[tuple[str, str], ...]
    otherwise: str
    measured: Text

    def verdict(self, metrics: dict) -> str:
        """The verdict that ``metrics`` give; ``not measured yet`` while one of them is missing."""
        if any(metrics.get(name) is None for name in self.metrics):
            return NOT_MEASURED
        for condition, verdict in self.rules:
            if holds(condition, metrics):
                return verdict
        return self.otherwise

    def measured_text(self, metrics: dict) -> str:
        """The measured values in words, or an empty string where there are none."""
        if not self.metrics or any(metrics.get(name) is None for name in self.metrics):
            return ""
        return self.measured.format(**metrics)


def holds(condition: str, metrics: dict) -> bool:
    """Whether a rule's condition is true: comparisons of a metric with a number, joined by "and"."""
    for part in condition.split(" and "):
        match = _COMPARISON.fullmatch(part.strip())
        if not match:
            raise ValueError(f"cannot read the rule '{condition}'")
        name, sign, number = match.groups()
        if not _OPERATORS[sign](metrics[name], float(number)):
            return False
    return True


@lru_cache(maxsize=1)
def load_claims() -> tuple[Claim, ...]:
    """All claims of ``claims.toml`` in order."""
    text = Path(__file__).with_name("claims.toml").read_text(encoding="utf-8")
    return tuple(_claim(entry) for entry in tomllib.loads(text)["claim"])


def _claim(entry: dict) -> Claim:
    quote = entry["quote"]
    return Claim(
        id=entry["id"],
        quote=quote if isinstance(quote, str) else " … ".join(quote),
        gloss=Text(entry["gloss"], entry["claim_ja"]),
        source=entry["source"],
        note=Text(entry["note_en"], entry["note_ja"]),
        lab=entry["lab"],
        hardware=entry["hardware"],
        metrics=tuple(entry["metrics"]),
        rules=tuple((condition, verdict) for condition, verdict in entry["rules"]),
        otherwise=entry["otherwise"],
        measured=Text(entry.get("measured_en", ""), entry.get("measured_ja", "")),
    )


def verdict_name(verdict: str) -> str:
    """A verdict word in the current language."""
    return say(verdict, VERDICTS[verdict])


def verdicts(lab: str, metrics: dict) -> list[dict]:
    """The verdicts of one lab's claims: ``[{"id": "15", "verdict": "true", "measured": "…"}]``."""
    return [
        {
            "id": claim.id,
            "verdict": claim.verdict(metrics),
            "measured": claim.measured_text(metrics),
        }
        for claim in load_claims()
        if claim.lab == lab
    ]


def verdict_table(record: dict) -> str:
    """The verdicts of a record as a Markdown table, with the article's words and what was measured."""
    known = {claim.id: claim for claim in load_claims()}
    head = say(
        "| claim | the article | verdict | measured |", "| 番号 | 記事の主張 | 判定 | 実測 |"
    )
    lines = [head, "|---|---|---|---|"]
    for row in record["claims"]:
        claim = known[row["id"]]
        stated = f"「{claim.quote}」" + (f"<br>{claim.gloss.en}" if language() == "en" else "")
        measured = claim.measured_text(record["metrics"])
        lines.append(f"| {claim.id} | {stated} | **{verdict_name(row['verdict'])}** | {measured} |")
    return "\n".join(lines)
