"""The second witness: what a real language model measured, beside your own run.

A claim that only a model of five million parameters confirms may be about its size. ``labs/results/small``
holds what :mod:`~lab_helpers.models.smollm2` measured in each lab, one JSON file a lab, written by
``labs build --keep``; a run of your own with ``--profile small`` takes its place.
"""

import json
from functools import lru_cache
from pathlib import Path

from lab_helpers.course.claims import NOT_MEASURED, Claim, load_claims, verdict_name
from lab_helpers.course.registry import LABS
from lab_helpers.course.runs import is_shipped, load_records
from lab_helpers.figures.display import cell
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import write_json
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import labs_folder

WITNESSES = {"tiny": "Kotori 5M", "small": "SmolLM2 135M", "t4": "T4", "gpu": "GPU"}
"""What the columns of the ledger are called, by profile."""

_KEPT = ("lab", "profile", "seed", "finished", "seconds", "peak_rss_mb", "versions", "metrics")


def results_file(lab: str, profile: str = "small") -> Path:
    return labs_folder() / "results" / profile / f"{lab}.json"


@lru_cache(maxsize=32)
def kept_record(lab: str, profile: str = "small") -> dict | None:
    """What the course keeps of a lab under ``profile``; None where it keeps nothing."""
    path = results_file(lab, profile)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def keep_record(lab: str, profile: str = "small", out: Path | None = None) -> Path:
    """For maintainers: the newest finished run of ``lab`` under ``profile`` becomes the kept one."""
    record = _newest_of(lab, profile, out)
    if record is None:
        raise BadInput(
            say(
                f"no finished run of lab {lab} under profile {profile}",
                f"プロファイル {profile} で完了したラボ {lab} の実行がありません",
            ),
            say(
                f"First: labs run {lab} --profile {profile}",
                f"先に実行してください: labs run {lab} --profile {profile}",
            ),
        )
    path = results_file(lab, profile)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {name: record[name] for name in _KEPT})
    kept_record.cache_clear()
    return path


def _newest_of(lab: str, profile: str, out: Path | None = None) -> dict | None:
    return _own_records(out).get((lab, profile))


def _own_records(out: Path | None = None) -> dict[tuple[str, str], dict]:
    """The newest run of each shipped lab under each profile."""
    return {(r["lab"], r["profile"]): r for r in load_records(out) if is_shipped(r)}


def witness_record(lab: str, profile: str, out: Path | None = None) -> dict | None:
    """Your own newest run of ``lab`` under ``profile``, else the one that the course keeps."""
    return _newest_of(lab, profile, out) or kept_record(lab, profile)


def ledger(out: Path | None = None) -> list[tuple[Claim, dict[str, tuple[str, str]]]]:
    """Every claim with ``{profile: (verdict, measured)}`` of each witness that measured its lab.

    ``tiny`` is always there: a claim that no run has measured yet reads so, one that needs no measurement
    has its verdict.
    """
    own, rows = _own_records(out), []
    for claim in load_claims():
        found = {"tiny": _judge(claim, own.get((claim.lab, "tiny")))}
        for profile in list(WITNESSES)[1:]:
            record = own.get((claim.lab, profile)) or kept_record(claim.lab, profile)
            if record and claim.metrics:
                found[profile] = _judge(claim, record)
        rows.append((claim, found))
    return rows


def _judge(claim: Claim, record: dict | None) -> tuple[str, str]:
    if not claim.metrics:
        built = not claim.lab or claim.lab in {lab.number for lab in LABS}
        return (claim.otherwise if built else NOT_MEASURED), ""
    metrics = record["metrics"] if record else {}
    return claim.verdict(metrics), claim.measured_text(metrics)


def metric_rows(names: tuple[str, ...], own: dict, kept: dict) -> list[dict]:
    """A row a metric: this run's and the witness's, with their intervals where there are some."""
    return [
        {
            "": name,
            say("this run", "この実行"): _with_interval(name, own),
            WITNESSES["small"]: _with_interval(name, kept),
        }
        for name in names
    ]


def _with_interval(name: str, metrics: dict) -> str:
    if metrics.get(name) is None:
        return "–"
    interval = metrics.get(f"{name}_ci")
    value = cell(metrics[name])
    return f"{value} [{', '.join(cell(end) for end in interval)}]" if interval else value


def verdict_rows(lab: str, own: dict, kept: dict) -> list[dict]:
    """A row for each claim of ``lab``: the verdict by this run's numbers and by the witness's."""
    rows = []
    for claim in load_claims():
        if claim.lab == lab and claim.metrics:
            verdicts = claim.verdict(own), claim.verdict(kept)
            rows.append(
                {
                    say("claim", "主張"): claim.id,
                    say("this run", "この実行"): verdict_name(verdicts[0]),
                    WITNESSES["small"]: verdict_name(verdicts[1]),
                    say("measured by it", "その実測"): claim.measured_text(kept),
                    "": _agreement(*verdicts),
                }
            )
    return rows


def _agreement(own: str, kept: str) -> str:
    if NOT_MEASURED in (own, kept):
        return ""
    return say("same", "同じ") if own == kept else say("differs", "異なる")


def provenance(record: dict) -> str:
    """One line that says where a kept record comes from."""
    used = ", ".join(f"{name} {record['versions'][name]}" for name in ("torch", "transformers"))
    asked = f"labs run {record['lab']} --profile {record['profile']}"
    return say(
        f"{WITNESSES[record['profile']]}: {asked}, seed {record['seed']}, {used}",
        f"{WITNESSES[record['profile']]}: {asked}、シード {record['seed']}、{used}",
    )
