"""Lab 06 on the user's own benchmark file: base, SFT and DPO take it."""

from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.data.forms.reading_options import AS_FOUND, ReadingOptions
from lab_helpers.evaluation.benchmarks.answers import check_reading
from lab_helpers.labs.lab06.benchmarks import (
    check_benchmark,
    measure_file,
    result_metrics,
    result_rows,
)
from lab_helpers.labs.lab06.models import load_compared_models, train_dpo, train_sft
from lab_helpers.runtime.language import Text


def check_own_data(path: Path, options: ReadingOptions = AS_FOUND) -> None:
    """Read the file once; :class:`BadInput` says what is wrong with it."""
    check_benchmark(path, check_reading(options.answers))


def measure_own_data(run: Run) -> None:
    """SFT and DPO are trained, then all three models are asked every item of the file."""
    assert run.data is not None
    with run.section(str(Text("The models: SFT and DPO", "モデル: SFT と DPO"))):
        sft, dpo = train_sft(run), train_dpo(run)
        run.measured(train_seconds_sft=sft.seconds, train_seconds_dpo=dpo.seconds)
    with run.section(str(Text("Your benchmark", "手元のベンチマーク"))):
        settings = run.settings
        found = measure_file(
            load_compared_models(run),
            run.data,
            settings["own_items"],
            settings["chat"],
            settings["own_new_tokens"],
            answers=check_reading(run.options.answers),
        )
        named = {f"own_{way}" if way else "own": results for way, results in found.items()}
        run.table("benchmarks", result_rows(named))
        run.measured(**result_metrics(named))
