"""Lab 04 on the user's own file: check, clean, split without leakage, tune, and compare on what was held out."""

import warnings
from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.data.forms.reading_options import AS_FOUND, ReadingOptions
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.labs.lab04.training import make_lora_config
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.own_rows import OwnRows, prepare_own_rows, read_own_rows
from lab_helpers.labs.shared.sft_configs import make_steps_config
from lab_helpers.models.adapters import save_adapter
from lab_helpers.models.generation import Replies, generate
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import Text, say
from lab_helpers.runtime.progress import note
from lab_helpers.tuning.masks import read_tools
from lab_helpers.tuning.sft import sft_trainer

SAMPLES = 8
FEWEST_NEW_TOKENS = 96
RUNAWAY = 0.8
ROWS_A_STEP = 8


def check_own_data(path: Path, options: ReadingOptions = AS_FOUND) -> None:
    """Read the file once; :class:`BadInput` says what is wrong with it."""
    read_own_rows(path, options)


def measure_own_data(run: Run) -> None:
    """Held-out loss and replies before and after tuning on the user's rows; the adapter is kept."""
    with run.section(str(Text("Check, clean, split", "検査・掃除・分割"))):
        rows = prepare_own_rows(run)
    with run.section(str(Text("Before", "学習前"))):
        model, tokenizer = load_model(run)
        before = answer_loss(model, tokenizer, rows.test, max_length=rows.max_length)
        first = reply_to_rows(model, tokenizer, rows.test[:SAMPLES])
    with run.section(str(Text("Training", "学習"))):
        config = make_steps_config(
            run,
            run.settings["own_steps"],
            max_length=rows.max_length,
            gradient_accumulation_steps=max(1, ROWS_A_STEP // run.settings["batch_size"]),
        )
        adapter = make_lora_config(run.settings["rank"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # long rows have been counted and said
            trainer = sft_trainer(model, tokenizer, rows.train, config, adapter)
        tuned = run.train(trainer)
    with run.section(str(Text("After", "学習後"))):
        asked = rows.test[: run.settings["own_test"]]
        replies = reply_to_rows(tuned.model, tokenizer, asked)
        after = answer_loss(tuned.model, tokenizer, rows.test, max_length=rows.max_length)
        going_on = [float(not ended) for ended in replies.ended]
        run.measured(
            user_loss_before=before,
            user_loss_after=after,
            train_seconds=tuned.seconds,
            adapter_bytes=save_adapter(tuned.model, run.folder / "adapter"),
            **interval_metrics("runaway_rate_user", going_on),
        )
        run.artifact(run.folder / "adapter")
        run.table("samples", sample_rows(asked, first.texts, replies.texts))
        if line := runaway_line(run.metrics["runaway_rate_user"], rows):
            note(line)


def reply_to_rows(model, tokenizer, rows: list[dict]) -> Replies:
    """Replies to the rows' prompts, with room for half as much again as the longest answer of the file."""
    answers = [row["completion"][0]["content"] for row in rows]
    longest = max(len(ids) for ids in tokenizer(answers, add_special_tokens=False)["input_ids"])
    return generate(
        model,
        tokenizer,
        [row["prompt"] for row in rows],
        max_new_tokens=max(FEWEST_NEW_TOKENS, longest + longest // 2),
        tools=[read_tools(row) for row in rows],
    )


def sample_rows(test: list[dict], before: list[str], after: list[str]) -> list[dict]:
    """Question, the file's answer, and both replies."""
    return [
        {
            "question": row["prompt"][-1]["content"],
            "wanted": row["completion"][0]["content"],
            "before": old,
            "after": new,
        }
        for row, old, new in zip(test, before, after, strict=False)
    ]


def runaway_line(rate: float, rows: OwnRows) -> str | None:
    """What to say of a model that does not stop, with what there is to try; its loss may look fine."""
    if rate < RUNAWAY:
        return None
    cut = say(
        f"{rows.cut} rows lost the end of their answer at {rows.max_length} tokens (--max-length). ",
        f"{rows.cut} 行は答えの終わりが {rows.max_length} トークンで切れています（--max-length）。",
    )
    return say(
        f"{rate:.0%} of the replies never end. {cut if rows.cut else ''}"
        "Train on more rows, or look at the samples: the answers may have no common end.",
        f"回答の {rate:.0%} が終わりません。{cut if rows.cut else ''}"
        "学習する行を増やすか、samples の表を見て、答えの終わり方がそろっているか確かめてください。",
    )
