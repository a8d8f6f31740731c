"""One self-contained HTML page of all runs: verdicts, numbers, tables, figures."""

import base64
from pathlib import Path

from lab_helpers.course.claims import NOT_MEASURED, verdict_name
from lab_helpers.course.registry import LABS
from lab_helpers.course.runs import load_records
from lab_helpers.course.witnesses import WITNESSES, ledger
from lab_helpers.figures.display import cell
from lab_helpers.runtime.files import write_text
from lab_helpers.runtime.language import language, say
from lab_helpers.runtime.lexicon import term

_MOST_ROWS = 40


def write_report(path: Path, out: Path | None = None) -> Path:
    """Write the page for the newest run of each lab (and of each of the learner's own files)."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    environment = Environment(
        loader=PackageLoader("lab_helpers.course"), autoescape=select_autoescape()
    )
    environment.filters["cell"] = cell
    environment.filters["term"] = term
    records = _newest(load_records(out))
    page = environment.get_template("report.html").render(
        language=language(),
        title=say("What you measured", "あなたの測定結果"),
        say=say,
        claims=_claim_rows(out),
        runs=[_run_view(record) for record in records],
    )
    return write_text(path, page)


def _newest(records: list[dict]) -> list[dict]:
    """The newest record of each lab, source, model and data, in the labs' order."""
    newest = {
        (r["lab"], r["profile"], r.get("source"), r.get("model"), r.get("data")): r for r in records
    }
    return sorted(
        newest.values(), key=lambda r: (r["lab"], r.get("source", ""), r.get("data") or "")
    )


def _claim_rows(out: Path | None) -> list[dict]:
    rows = []
    for claim, said in ledger(out):
        verdict, measured = said["tiny"]
        rows.append(
            {
                "id": claim.id,
                "quote": claim.quote,
                "gloss": str(claim.gloss),
                "note": str(claim.note),
                "source": claim.source,
                "lab": claim.lab,
                "verdict": verdict_name(verdict),
                "open": verdict == NOT_MEASURED,
                "measured": measured,
                "others": [
                    (WITNESSES[profile], verdict_name(one), text)
                    for profile, (one, text) in said.items()
                    if profile != "tiny"
                ],
            }
        )
    return rows


def _run_view(record: dict) -> dict:
    title = next((str(lab.title) for lab in LABS if lab.number == record["lab"]), "")
    pictures = [Path(name) for name in record.get("artifacts", []) if name.endswith(".png")]
    return {
        "heading": f"{record['lab']} {title}",
        "facts": _facts(record),
        "metrics": [(name, _metric(value)) for name, value in sorted(record["metrics"].items())],
        "tables": [
            (name, list(rows[0]), rows[:_MOST_ROWS])
            for name, rows in record.get("tables", {}).items()
            if rows
        ],
        "pictures": [_embedded(path) for path in pictures if path.is_file()],
        "outside": record.get("outside", []),
    }


def _facts(record: dict) -> str:
    source = (
        say("notebook", "ノートブック")
        if record.get("source") == "notebook"
        else say("headless", "ヘッドレス")
    )
    facts = [
        record["profile"],
        say(f"seed {record['seed']}", f"シード {record['seed']}"),
        source,
        record["finished"],
        say(f"{record['seconds']} s", f"{record['seconds']} 秒"),
        f"{record['peak_rss_mb']} MB",
    ]
    return " · ".join([*facts, *(str(record[k]) for k in ("model", "data") if record.get(k))])


def _metric(value) -> str:
    return " – ".join(cell(v) for v in value) if isinstance(value, list) else cell(value)


def _embedded(path: Path) -> tuple[str, str]:
    return path.stem, "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
