"""``labs run``: a lab's cells headless, a learner's own copy, or a lab's measurements on own data."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab_helpers.cli.options import (
    Ignore,
    Language,
    MaxLength,
    Out,
    Profile,
    Shape,
    speak,
    stderr_console,
)
from lab_helpers.course.registry import BASE, LABS, Lab, get_lab
from lab_helpers.data.forms.reading_options import AS_FOUND, ReadingOptions
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_OUTSIDE_BAND, BadInput
from lab_helpers.runtime.language import say

if TYPE_CHECKING:
    from lab_helpers.course.session import Request

TAKES_DATA = tuple(lab for lab in LABS if lab.own_data)
ENCODER_LABS = [lab.number for lab in LABS if lab.model_kind == "encoder"]
DATA_HELP = say("; ", "、").join(
    say(f"{lab.own_data.en} ({lab.number})", f"{lab.own_data.ja}（{lab.number}）")
    for lab in TAKES_DATA
    if lab.own_data
)


def run(
    lab: Annotated[
        str,
        typer.Argument(
            help=say(
                "Number of a lab, all, base (the base model's skills), or a copy of a lab "
                "that you have edited (.ipynb or .py).",
                "ラボの番号、all、base（ベースモデルの技能）、または自分で編集したラボのコピー（.ipynb か .py）。",
            )
        ),
    ],
    profile: Profile = None,
    model: Annotated[
        str | None,
        typer.Option(
            help=say(
                f"A local folder or a hub name: an encoder for labs {', '.join(ENCODER_LABS)}, "
                "a language model for the others.",
                f"ローカルフォルダーかハブのモデル名。ラボ {'、'.join(ENCODER_LABS)} はエンコーダー、"
                "ほかのラボは言語モデルを指定します。",
            )
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help=say(f"Your own data: {DATA_HELP}.", f"自分のデータ: {DATA_HELP}。")),
    ] = None,
    shape: Shape = None,
    ignore: Ignore = None,
    max_length: MaxLength = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help=say(
                "A step of cleaning to leave out: html, spelling, personal-data or near-duplicates; "
                "may be given several times.",
                "省くクリーニングの工程。html、spelling、personal-data、near-duplicates のいずれか。複数回指定できます。",
            )
        ),
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(
            help=say(
                "How a benchmark file names right choices: 0-based, 1-based, letters or texts.",
                "ベンチマークのファイルでの正解の書き方。0-based、1-based、letters、texts のいずれか。",
            )
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help=say("Seed of every random choice.", "乱数のシード。"))
    ] = 0,
    out: Out = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help=say(
                "Train anew what is remembered from earlier runs.",
                "以前の実行で保存された学習結果を使わず、学習し直します。",
            ),
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help=say(
                "Print the record as one JSON object, last line.",
                "記録を 1 つの JSON オブジェクトとして最後の行に出力します。",
            ),
        ),
    ] = False,
    lang: Language = None,
) -> None:
    """Run a lab's cells without Jupyter; finished trainings are remembered, so an interrupted run goes on."""
    from lab_helpers.course.session import Request
    from lab_helpers.runtime.profiles import choose_profile

    speak(lang)
    copy = Path(lab) if Path(lab).suffix in (".ipynb", ".py") else None
    labs = [] if copy else list(LABS) if lab == "all" else [get_lab(lab)]
    chosen = choose_profile(profile)
    options = ReadingOptions(shape, tuple(ignore or ()), max_length, tuple(keep or ()), answers)
    _check_inputs(labs, copy, model, data, options)
    request = Request(chosen, seed, out, model, copy, fresh, options)
    records = []
    wanted: list[Lab | None] = [*labs] or [None]
    for one in wanted:
        request.opened = None
        records.append(_run_one(one, request, data))
        if as_json:
            print(json.dumps(records[-1], ensure_ascii=False), flush=True)
        else:
            show_record(records[-1], stderr_console())
    if lab == "all" and as_json:
        print(json.dumps(summary(records, chosen.name, seed), ensure_ascii=False), flush=True)
    outside = any(record["outside"] for record in records)
    sys.exit(EXIT_OUTSIDE_BAND if outside else EXIT_DONE)


def _check_inputs(
    labs: list[Lab],
    copy: Path | None,
    model: str | None,
    data: Path | None,
    options: ReadingOptions = AS_FOUND,
) -> None:
    """Refuse what would fail only after minutes."""
    if copy and (data or model):
        raise BadInput(
            say(
                "a copy of a lab takes no --data and no --model",
                "ラボのコピーには --data も --model も指定できません",
            ),
            say("Write them into the copy's cells.", "コピーのセルに直接書いてください。"),
        )
    if data and (len(labs) != 1 or not labs[0].own_data):
        numbers = ", ".join(lab.number for lab in TAKES_DATA)
        raise BadInput(
            say(f"--data works with lab {numbers}", f"--data を使えるのはラボ {numbers} です"),
            say("For example: labs run 04 --data FILE", "例: labs run 04 --data FILE"),
        )
    _check_options(labs[0] if data else None, options)
    if data:
        labs[0].module("own_data").check_own_data(data, options)
    if model:
        _check_model(labs, model)


def _check_options(lab: Lab | None, options: ReadingOptions) -> None:
    """Options of reading need a file to read, and a lab that knows them."""
    for name in options.given():
        if lab is None or name not in lab.data_options:
            numbers = ", ".join(one.number for one in LABS if name in one.data_options)
            raise BadInput(
                say(
                    f"--{name.replace('_', '-')} works with --data and lab {numbers}",
                    f"--{name.replace('_', '-')} は --data と一緒に、ラボ {numbers} で使います",
                ),
                say(
                    f"For example: labs run {numbers[:2]} --data FILE --{name.replace('_', '-')} …",
                    f"例: labs run {numbers[:2]} --data FILE --{name.replace('_', '-')} …",
                ),
            )


def _check_model(labs: list[Lab], model: str) -> None:
    kinds = {lab.model_kind for lab in labs}
    if len(kinds) > 1:
        raise BadInput(
            say(
                "--model is a language model in some of these labs and an encoder in others",
                "--model は、ラボによって言語モデルのものとエンコーダーのものがあります",
            ),
            say(
                "Run them one at a time: labs run 01 --model FOLDER",
                "ラボを 1 つずつ実行してください: labs run 01 --model FOLDER",
            ),
        )
    if kinds == {"encoder"}:
        from lab_helpers.models.encoders import encoder_source

        encoder_source(model)
    else:
        from lab_helpers.models.language_models import language_model_source

        language_model_source(model)


def _run_one(lab: Lab | None, request: "Request", data: Path | None) -> dict:
    """One lab, or the copy that ``request`` names, with progress on the terminal."""
    from lab_helpers.course.running import run_measurement, run_program
    from lab_helpers.runtime.progress import report_with

    with (
        _TerminalProgress(lab.number if lab else str(request.copy)) as progress,
        report_with(progress),
    ):
        if lab is None:
            assert request.copy is not None
            return run_program(request.copy, request)
        if data:
            return run_measurement(lab, lab.measure_own_data(), request, data)
        if lab is BASE:
            return run_measurement(lab, lab.module("skills").measure_base_model, request)
        return run_program(lab.source, request)


class _TerminalProgress:
    """Two lines: the section, and what inside it takes long. A reporter of ``runtime.progress``."""

    def __init__(self, name: str):
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._name = say(f"lab {name}", f"ラボ {name}")
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())  # fmt: skip
        self._bars = Progress(*columns, console=stderr_console(), transient=True)
        self._sections = self._bars.add_task(self._name)
        self._inner = self._bars.add_task("")

    def __enter__(self) -> "_TerminalProgress":
        self._bars.start()
        return self

    def __exit__(self, *_) -> None:
        self._bars.stop()

    def note(self, text: str) -> None:
        self._bars.console.print(text, markup=False)

    def section(self, title: str, done: int, total: int) -> None:
        self._bars.update(self._sections, description=f"{self._name}: {title}", completed=done, total=total or None)  # fmt: skip
        self._bars.update(self._inner, description="", completed=0)

    def __call__(self, label: str, done: int, total: int) -> None:
        self._bars.update(self._inner, description=f"   {label}", completed=done, total=total)


def show_record(record: dict, console) -> None:
    """The record for a person: metrics, verdicts, what is outside its band."""
    from rich.table import Table

    from lab_helpers.course.claims import verdict_name
    from lab_helpers.figures.display import cell

    title = say(
        f"lab {record['lab']}: {record['seconds']} s, {record['peak_rss_mb']} MB",
        f"ラボ {record['lab']}: {record['seconds']} 秒、{record['peak_rss_mb']} MB",
    )
    table = Table(title=title)
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
    loaded = sum(training["came"] == "loaded" for training in record["trainings"])
    if loaded:
        console.print(
            say(
                f"{loaded} of {len(record['trainings'])} trainings were loaded from earlier runs; --fresh trains anew.",
                f"学習 {len(record['trainings'])} 件のうち {loaded} 件は以前の結果を読み込みました。--fresh で学習し直せます。",
            )
        )
    for row in record["claims"]:
        console.print(
            say("claim", "主張"),
            row["id"],
            f"[bold]{verdict_name(row['verdict'])}[/]",
            row["measured"],
        )
    for item in record["outside"]:
        console.print(
            f"[yellow]{say('outside its band', '想定の範囲外')}[/]: {item['metric']} = {item['value']}{say('. ', '。')}{item['why']}"
        )


def summary(records: list[dict], profile: str, seed: int) -> dict:
    """The last line of ``labs run all --json``."""
    return {
        "lab": "all",
        "profile": profile,
        "seed": seed,
        "seconds": round(sum(record["seconds"] for record in records), 1),
        "peak_rss_mb": max(record["peak_rss_mb"] for record in records),
        "labs": [record["lab"] for record in records],
        "outside": sum(len(record["outside"]) for record in records),
    }
