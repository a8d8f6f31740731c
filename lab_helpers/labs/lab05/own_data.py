"""Lab 05 on the user's own pairs: everything the lab measures, without what only the house's pairs have."""

from dataclasses import replace
from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.data.forms.reading_options import AS_FOUND, ReadingOptions
from lab_helpers.data.preferences import PairSet, read_pair_rows, split_pairs
from lab_helpers.figures import preferences as figures
from lab_helpers.labs.lab05.displacement import (
    displacement_metrics,
    displacement_rows,
    list_displacement_arms,
    train_displacement_arms,
)
from lab_helpers.labs.lab05.lengths import length_metrics, list_length_arms, train_length_arms
from lab_helpers.labs.lab05.loss_parity import (
    measure_first_losses,
    measure_loss_parity,
    parity_metrics,
)
from lab_helpers.labs.lab05.memory import measure_memory, memory_megabytes_rows, memory_metrics
from lab_helpers.labs.lab05.pairs import length_ratios, pair_metrics, pair_rows
from lab_helpers.labs.lab05.training import train_track
from lab_helpers.labs.lab05.variants import list_variant_arms, train_variants, variant_metrics
from lab_helpers.labs.shared.own_files import (
    column_rows,
    keep_tables,
    problem_rows,
    report_lines,
)
from lab_helpers.labs.shared.preference_models import (
    load_start_model,
    make_dpo_config,
    make_lora_config,
    train_start_model,
)
from lab_helpers.models.language_models import load_chat_tokenizer, read_context
from lab_helpers.runtime.language import Text
from lab_helpers.runtime.progress import note
from lab_helpers.tuning.row_lengths import choose_length, select_fitting_rows
from lab_helpers.tuning.template_checks import (
    count_unused_parts,
    select_rendered_rows,
    template_lines,
)

MAX_LENGTH = (
    1024  # tokens that a pair may have at least; the house's pairs are short, others are not
)


def check_own_data(path: Path, options: ReadingOptions = AS_FOUND) -> None:
    """Read the file once; :class:`BadInput` says what is wrong with it."""
    rows, _ = read_pair_rows(path, options.shape, options.ignore)
    split_pairs(rows, path.name)


def read_own_pairs(run: Run) -> PairSet:
    """The user's pairs that the model can read and its template can write; the others are counted.

    What stays is allowed up to ``--max-length`` tokens, else :data:`MAX_LENGTH`.
    """
    assert run.data is not None
    options, tokenizer = run.options, load_chat_tokenizer(run.model_name)
    usual = max(MAX_LENGTH, run.settings["max_length"])
    length = choose_length(read_context(run.model_name), options.max_length, usual)
    settings = run.settings | {"max_length": length}
    run.profile = replace(run.profile, tables=run.profile.tables | {"lab05": settings})

    rows, report = read_pair_rows(run.data, options.shape, options.ignore)
    rendered, lost_turns = select_rendered_rows(rows, tokenizer)
    fitting, lengths = select_fitting_rows(rendered, tokenizer, length)
    run.measured(
        user_rows=report.rows,
        user_pairs=len(fitting),
        user_pairs_unusable=report.rows - len(rows),
        user_pairs_not_in_template=len(rows) - len(rendered),
        user_pairs_too_long=lengths.lost,
        user_pairs_cut=lengths.cut,
    )
    keep_tables(run, {"problems": problem_rows(report), "columns": column_rows(report)})
    said = (
        report_lines(report),
        template_lines(lost_turns, count_unused_parts(rendered, tokenizer)),
        lengths.lines(),
    )
    for line in (line for lines in said for line in lines):
        note(line)
    return split_pairs(fitting, run.data.name, run.seed)


def measure_own_data(run: Run) -> None:
    """The pairs, the SFT start, the losses by hand, DPO and its rivals, and what goes wrong."""
    pairs = read_own_pairs(run)
    with run.section(str(Text("The pairs and their lengths", "選好ペアとその長さ"))):
        run.table("pairs", pair_rows(pairs))
        run.measured(**pair_metrics(pairs))
        run.figure("lengths", figures.length_bias(length_ratios(pairs)))
    with run.section(str(Text("The SFT model to start from", "出発点となる SFT モデル"))):
        train_start_model(run, pairs)
    with run.section(str(Text("The loss by hand against TRL's", "手書きの損失と TRL の損失"))):
        compare_losses(run, pairs)
    with run.section(str(Text("DPO, before and after", "DPO の前後比較"))):
        train_track(run, pairs)
    with run.section(str(Text("Beta, IPO, robust DPO", "β、IPO、ロバスト DPO"))):
        rows = train_variants(run, pairs, list_variant_arms(run, pairs))
        run.table("variants", rows)
        run.measured(**variant_metrics(rows))
    with run.section(str(Text("Likelihood displacement", "尤度の変位"))):
        curves = train_displacement_arms(run, pairs, list_displacement_arms(run, pairs))
        rows = displacement_rows(curves)
        run.table("displacement", rows)
        run.measured(**displacement_metrics(rows))
        run.figure("displacement", figures.displacement(curves))
    with run.section(str(Text("Longer and longer replies", "長くなっていく回答"))):
        rows = train_length_arms(run, pairs, list_length_arms(run, pairs))
        run.table("reply lengths", rows)
        run.measured(**length_metrics(rows))
        run.figure("reply_lengths", figures.reply_lengths(rows))
    with run.section(str(Text("Models in memory", "メモリ上のモデル"))):
        rows = measure_memory(run, pairs)
        run.table("memory", memory_megabytes_rows(rows))
        run.measured(**memory_metrics(rows))
        run.figure("memory", figures.memory(memory_megabytes_rows(rows)))


def compare_losses(run: Run, pairs: PairSet) -> None:
    """Every loss by hand against TRL's on one batch, and the first loss under two references."""
    model, tokenizer = load_start_model(run, pairs.language)
    batch = [pair.row() for pair in pairs.train[: run.settings["parity_pairs"]]]
    config, adapter = make_dpo_config(run, model), make_lora_config()
    rows = measure_loss_parity(model, tokenizer, batch, config, adapter)
    run.table("losses by hand", rows)
    run.measured(**parity_metrics(rows))
    run.measured(**measure_first_losses(model, tokenizer, batch, config, adapter))
