"""Lab 01 on the user's own labelled texts: learning curves, and pretrained against scratch."""

from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.data.forms.reading_options import AS_FOUND, ReadingOptions
from lab_helpers.data.labelled import LabelledTexts, read_labelled_texts
from lab_helpers.figures import transfer as figures
from lab_helpers.labs.lab01.curves import (
    WORDS,
    measure_probe_curve,
    measure_word_curve,
    probe_name,
    without_hits,
)
from lab_helpers.labs.lab01.scoring import mean_accuracy
from lab_helpers.labs.lab01.training import task_settings, train_both_starts
from lab_helpers.labs.shared.models import load_text_encoder
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import Text


def select_sizes(data: LabelledTexts, sizes: list[int]) -> list[int]:
    """The sizes that the training split can fill, or its own size if it is smaller than all."""
    available = len(data.split("train")[0])
    return [n for n in sizes if n <= available] or [available]


def check_own_data(path: Path, options: ReadingOptions = AS_FOUND) -> None:
    """Read the file once; :class:`BadInput` says what is wrong with it."""
    read_labelled_texts(path)


def measure_own_data(run: Run) -> None:
    """The curves of the two cheap methods, then full fine-tuning at the largest size the file allows."""
    assert run.data is not None
    encoder, data = load_text_encoder(run), read_labelled_texts(run.data, run.seed)
    sizes = select_sizes(data, run.settings["sizes"])
    with run.section(
        str(Text("Learning curves of a frozen encoder", "凍結したエンコーダーの学習曲線"))
    ):
        seeds = run.settings["seeds"]
        curve = measure_probe_curve(encoder, data, sizes, seeds)
        curve += measure_word_curve(data, sizes, seeds)
        run.table(f"curve {data.name}", without_hits(curve))
        run.figure("curves", figures.learning_curves({data.name: curve}))
    with run.section(str(Text("Pretrained against scratch", "事前学習あり・なし"))):
        n, training = sizes[-1], task_settings(run.settings, "sentiment")
        for start, outcome in train_both_starts(encoder, data, n, run.seed, **training):
            run.measured(**interval_metrics(f"user_accuracy_{start}", outcome.hits))
        run.measured(
            user_accuracy_probe=mean_accuracy(curve, probe_name(encoder), n),
            user_accuracy_tfidf=mean_accuracy(curve, WORDS, n),
            user_rows=n,
        )
