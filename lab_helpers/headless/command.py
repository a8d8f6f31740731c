"""``labs run``: progress on the terminal, records on standard output, the exit code."""

import json
from pathlib import Path

from lab_helpers.course.registry import LABS, Lab, get_lab
from lab_helpers.headless.steps import run_steps, start_run
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_OUTSIDE_BAND, BadInput
from lab_helpers.runtime.profiles import Profile, choose_profile
from lab_helpers.runtime.progress import report_with

USES_DATA = ("01", "04", "05", "06", "07")
USES_LANGUAGE_MODEL = ("base", "00", "03", "04", "05", "06", "07")


def run_labs(
    wanted: str,
    profile_name,
    model,
    data: Path | None,
    seed: int,
    out: Path | None,
    as_json: bool,
    console,
) -> int:
    """Run one lab or all; the exit code: 1 when any measurement is outside its band, else 0."""
    labs = list(LABS) if wanted == "all" else [get_lab(wanted)]
    profile = choose_profile(profile_name)
    _check_inputs(labs, model, data)
    records = []
    for lab in labs:
        record = _run_one(lab, profile, model, data, seed, out, console)
        records.append(record)
        if as_json:
            print(json.dumps(record, ensure_ascii=False), flush=True)
        else:
            show_record(record, console)
    if wanted == "all" and as_json:
        print(json.dumps(summary(records, profile, seed), ensure_ascii=False), flush=True)
    return EXIT_OUTSIDE_BAND if any(record["outside"] for record in records) else EXIT_DONE


def _check_inputs(labs: list[Lab], model: str | None, data: Path | None) -> None:
    """Refuse what would fail only after minutes."""
    if data and any(lab.number not in USES_DATA for lab in labs):
        raise BadInput(
            f"--data works with lab {', '.join(USES_DATA)}", "For example: labs run 04 --data FILE"
        )
    if data:
        _check_data(labs[0].number, data)
    if model and all(lab.number in USES_LANGUAGE_MODEL for lab in labs):
        from lab_helpers.models.language_models import language_model_source

        language_model_source(model)
    elif model and any(lab.number in USES_LANGUAGE_MODEL for lab in labs):
        raise BadInput(
            "--model is a language model in some of these labs and an encoder in others",
            "Run them one at a time: labs run 01 --model FOLDER",
        )
    elif model:
        from lab_helpers.models.encoders import encoder_source

        encoder_source(model)


def _check_data(number: str, data: Path) -> None:
    """Read the file once in the shape that the lab needs."""
    if number == "04":
        from lab_helpers.headless.lab04_own import read_own_rows

        read_own_rows(data)
    elif number == "05":
        from lab_helpers.data.preferences import own_pairs

        own_pairs(data)
    elif number == "06":
        from lab_helpers.headless.lab06_benchmarks import check_benchmark

        check_benchmark(data)
    elif number == "07":
        from lab_helpers.headless.lab07_own import read_own

        read_own(data)
    else:
        from lab_helpers.data.labelled import read_labelled_texts

        read_labelled_texts(data)


def _run_one(lab: Lab, profile: Profile, model, data, seed: int, out, console) -> dict:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    run, final = start_run(lab.number, profile, seed, out, model, data)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        steps = progress.add_task(f"lab {lab.number}")
        inner = progress.add_task("")

        def on_step(title: str, done: int, total: int) -> None:
            progress.update(
                steps, description=f"lab {lab.number}: {title}", completed=done, total=total
            )

        def on_track(label: str, done: int, total: int) -> None:
            progress.update(inner, description=f"   {label}", completed=done, total=total)

        with report_with(on_track):
            return run_steps(lab, run, final, on_step)


def show_record(record: dict, console) -> None:
    """The record for a person: metrics, verdicts, what is outside its band, where the files lie."""
    from rich.table import Table

    from lab_helpers.course.claims import verdict_name
    from lab_helpers.course.display import cell
    from lab_helpers.course.language import say

    table = Table(title=f"lab {record['lab']}: {record['seconds']} s, {record['peak_rss_mb']} MB")
    table.add_column(say("metric", "指標"))
    table.add_column(say("measured", "実測"), justify="right")
    for name, value in sorted(record["metrics"].items()):
        if not name.endswith("_ci"):
            interval = record["metrics"].get(f"{name}_ci")
            table.add_row(
                name,
                cell(value) + (f"  [{cell(interval[0])}, {cell(interval[1])}]" if interval else ""),
            )
    console.print(table)
    for row in record["claims"]:
        console.print(
            say("claim", "主張"),
            row["id"],
            f"[bold]{verdict_name(row['verdict'])}[/]",
            row["measured"],
        )
    for item in record["outside"]:
        console.print(
            f"[yellow]{say('outside its band', '想定の範囲外')}[/]: {item['metric']} = {item['value']}. {item['why']}"
        )


def summary(records: list[dict], profile: Profile, seed: int) -> dict:
    """The last line of ``labs run all --json``."""
    return {
        "lab": "all",
        "profile": profile.name,
        "seed": seed,
        "seconds": round(sum(record["seconds"] for record in records), 1),
        "peak_rss_mb": max(record["peak_rss_mb"] for record in records),
        "labs": [record["lab"] for record in records],
        "outside": sum(len(record["outside"]) for record in records),
    }
