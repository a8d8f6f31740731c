"""Lab 04 on the user's own file: check, clean, split without leakage, tune, and compare on what was held out."""

from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.data.cleaning import clean, edit, normalise, strip_html
from lab_helpers.data.duplicates import remove_duplicates
from lab_helpers.data.pii import mask_pii
from lab_helpers.data.shapes import to_prompt_completion
from lab_helpers.data.splitting import split_without_leakage
from lab_helpers.data.validation import load_conversations
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.labs.lab04.training import make_lora_config
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.sft_configs import make_steps_config
from lab_helpers.models.adapters import save_adapter
from lab_helpers.models.generation import generate
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.intervals import scored
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.sft import sft_trainer

FEWEST_ROWS = 10
ALIKE = 0.8
SAMPLES = 8


def read_own_rows(path: Path) -> tuple[list[dict], dict[str, int]]:
    """The usable rows of a file of any shape as prompt and completion, and what became of the rest."""
    rows, report = load_conversations(path)
    pairs = []
    for row in rows:
        try:
            pairs.append(
                to_prompt_completion(row, "preference" if "chosen" in row else "openai-chat")
            )
        except BadInput:
            continue  # the last turn is the customer's: counted below
    if len(pairs) < FEWEST_ROWS:
        raise BadInput(
            f"{path.name}: {len(pairs)} of {report.rows} rows have an answer to learn from, and "
            f"{FEWEST_ROWS} are needed",
            f"labs data check {path} lists what is wrong, line by line.",
        )
    return pairs, {"user_rows": report.rows, "user_rows_without_answer": report.rows - len(pairs)}


def clean_own_rows(pairs: list[dict]) -> tuple[list[dict], dict[str, int]]:
    """HTML, spelling and personal data repaired, near-duplicates taken out."""
    both = ("prompt", "completion")
    steps = [
        edit("HTML", strip_html, *both),
        edit("spelling", normalise, *both),
        edit("personal data", mask_pii, *both),
    ]
    kept, report = clean(pairs, steps)
    kept = [row for row in kept if row["completion"][0]["content"].strip()]
    unique, _ = remove_duplicates(kept, join_prompt, ALIKE)
    return unique, {
        "user_rows_repaired": sum(step.changed for step in report.steps),
        "user_near_duplicates": len(kept) - len(unique),
        "user_rows_clean": len(unique),
    }


def join_prompt(row: dict) -> str:
    """Everything that was said before the answer."""
    return "\n".join(turn["content"] for turn in row["prompt"])


def check_own_data(path: Path) -> None:
    """Read the file once; :class:`BadInput` says what is wrong with it."""
    read_own_rows(path)


def measure_own_data(run: Run) -> None:
    """Held-out loss and replies before and after tuning on the user's rows; the adapter is kept."""
    assert run.data is not None
    with run.section(str(Text("Check, clean, split", "検査・掃除・分割"))):
        pairs, counts = read_own_rows(run.data)
        rows, cleaned = clean_own_rows(pairs)
        run.measured(**counts, **cleaned)
        shares = {"train": 0.8, "test": 0.2}
        split = split_without_leakage(rows, join_prompt, shares, run.seed)
        train, test = split["train"], split["test"][: run.settings["own_test"]]
        run.measured(user_train_rows=len(train), user_test_rows=len(test))
    with run.section(str(Text("Before", "学習前"))):
        model, tokenizer = load_model(run)
        length = run.settings["own_max_length"]
        before = answer_loss(model, tokenizer, test, max_length=length)
        asked_for = [row["prompt"] for row in test[:SAMPLES]]
        first = generate(model, tokenizer, asked_for).texts
    with run.section(str(Text("Training", "学習"))):
        config = make_steps_config(run, run.settings["own_steps"], max_length=length)
        adapter = make_lora_config(run.settings["rank"])
        tuned = run.train(sft_trainer(model, tokenizer, train, config, adapter))
    with run.section(str(Text("After", "学習後"))):
        replies = generate(tuned.model, tokenizer, [row["prompt"] for row in test])
        run.measured(
            user_loss_before=before,
            user_loss_after=answer_loss(tuned.model, tokenizer, test, max_length=length),
            train_seconds=tuned.seconds,
            adapter_bytes=save_adapter(tuned.model, run.folder / "adapter"),
            **scored("runaway_rate_user", [float(not ended) for ended in replies.ended]),
        )
        run.artifact(run.folder / "adapter")
        run.table("samples", sample_rows(test, first, replies.texts))


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
