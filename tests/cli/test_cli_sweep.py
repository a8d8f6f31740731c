"""``labs sweep``: every row counted, a study that goes on, settings that run as pasted, one line for bad input."""

import json
import sqlite3

import pytest

from lab_helpers.cli.sweep import _without
from lab_helpers.runtime.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED

pytestmark = pytest.mark.usefixtures("one_thread")
THINGS = ("lamp", "heater", "filter", "box")


def write_rows(path, count: int, answer: str = "The {} is warm, number {}.", bad: int = 0):
    rows = [
        {"question": f"Is the {THINGS[i % 4]} number {i} {i * 37} warm?", "answer": answer.format(THINGS[i % 4], i)}
        for i in range(count)
    ]  # fmt: skip
    rows += [{"question": f"Bad row {i}?", "answer": ""} for i in range(bad)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def mine(tmp_path):
    return write_rows(tmp_path / "mine.jsonl", 60, bad=3)


@pytest.fixture
def sweep(labs, mine, tiny_chat_model, tmp_path, short_trainings):
    """``labs sweep`` on these rows with trainings of two steps: exit code, standard output, standard error."""

    def run(*options, data=mine, study=tmp_path / "study.db"):
        usual = ["--data", data, "--model", tiny_chat_model, "--study", study, "--out", tmp_path / "out"]  # fmt: skip
        return labs("sweep", *usual, *options)

    return run


def test_settings_to_paste_that_run_and_every_row_counted(sweep, tmp_path):
    code, out, _ = sweep("--trials", 2, "--json")
    assert code == 0
    found = json.loads(out)
    rows = found["rows"]
    assert (rows["user_rows"], rows["user_rows_without_answer"]) == (63, 3)
    parts = ("user_train_rows", "user_validation_rows", "user_rows_set_aside")
    assert sum(rows[part] for part in parts) == 60
    assert [row["trial"] for row in found["trials"]] == [0, 1]
    assert found["usual_loss"] == found["trials"][0]["loss"]

    pasted: dict = {}
    exec(found["code"], pasted)
    best = found["best"]
    assert pasted["adapter"].r == best["r"]
    assert pasted["adapter"].lora_alpha == round(best["r"] * best["alpha_over_r"])
    assert pasted["training"].learning_rate == pytest.approx(best["learning_rate"], rel=0.01)
    names = {"settings.py", "trials.json", "settings.png", "losses.png"}
    assert {path.name for path in (tmp_path / "out").iterdir()} >= names
    assert (tmp_path / "out" / "settings.py").read_text(encoding="utf-8").strip() == found["code"]


def test_the_pasted_settings_train(tiny_chat_model, tmp_path):
    from peft import PeftModel

    from lab_helpers.models.language_models import load_language_model
    from lab_helpers.tuning.sft import prompt_completion, sft_trainer
    from lab_helpers.tuning.sweep_space import TARGETS, settings_code

    rows = prompt_completion([{"question": "Is the lamp warm?", "answer": "It is."}] * 4)
    for targets in TARGETS:
        drawn = {"r": 4, "alpha_over_r": 0.5, "targets": targets, "dropout": 0.05, "learning_rate": 1.234e-4}  # fmt: skip
        shared = {"max_steps": 1, "max_length": 64, "bf16": False, "use_cpu": True}
        pasted: dict = {}
        exec(settings_code(drawn, shared), pasted)
        model, tokenizer = load_language_model(str(tiny_chat_model))
        pasted["training"].output_dir = str(tmp_path)
        trainer = sft_trainer(model, tokenizer, rows, pasted["training"], pasted["adapter"])
        trainer.train()
        assert isinstance(trainer.model, PeftModel)


def test_the_same_command_goes_on(sweep):
    first = json.loads(sweep("--trials", 1, "--json")[1])["trials"]
    more = json.loads(sweep("--trials", 2, "--json")[1])["trials"]
    assert more[:1] == first
    assert len(more) == 2


def test_the_table_ends_with_the_code(sweep):
    code, out, _ = sweep("--trials", 1, "--lang", "ja")
    assert code == 0
    for words in ("試行", "ドロップアウト", "上回る試行はありませんでした", "そのまま貼り付けられます", "LoraConfig(", "SFTConfig("):  # fmt: skip
        assert words in out


def test_ctrl_c_keeps_the_study_and_the_broken_trial_is_tried_again(sweep, monkeypatch):
    from lab_helpers.tuning import sweep_training

    whole = sweep_training.finish_trial
    with monkeypatch.context() as patch:
        numbers = iter([True, False])

        def interrupted(trial, tuned, steps):
            if not next(numbers):
                raise KeyboardInterrupt
            return whole(trial, tuned, steps)

        patch.setattr(sweep_training, "finish_trial", interrupted)
        code, _, err = sweep("--trials", 2)
    assert code == EXIT_INTERRUPTED
    assert "study.db. The same command goes on with it" in err
    found = json.loads(sweep("--trials", 2, "--json")[1])
    assert [row["trial"] for row in found["trials"]] == [0, 2]


@pytest.mark.slow
def test_two_workers_share_the_study(labs, tiny_chat_model, tmp_path):
    rows = write_rows(tmp_path / "mine.jsonl", 40)
    where = tmp_path / "study.db"
    options = ["--data", rows, "--model", tiny_chat_model, "--study", where, "--trials", 4]
    code, out, err = labs("sweep", *options, "--workers", 2, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert len(found["trials"]) == 4
    assert found["still_running"] == 0


def test_workers_are_started_with_the_same_options():
    given = ["sweep", "--data", "a.jsonl", "--workers", "3", "--study=x.db", "--seed", "1", "--study", "y"]  # fmt: skip
    assert _without(given, "--workers", "--study") == ["sweep", "--data", "a.jsonl", "--seed", "1"]


# --- bad input ------------------------------------------------------------------------------------


def expect_refusal(result, *words):
    code, out, err = result
    assert code == EXIT_BAD_INPUT
    assert not out
    assert "Traceback" not in err
    for one in words:
        assert one in err


def test_other_rows_or_another_seed_need_another_study(sweep, tmp_path):
    assert sweep("--trials", 1, "--worker")[0] == 0
    other = write_rows(tmp_path / "other.jsonl", 60, answer="No {}: {}.")
    expect_refusal(sweep("--trials", 2, data=other), "about something else", "data: ")
    expect_refusal(sweep("--trials", 2, "--seed", 1), "about something else", "seed: 0 → 1")


def test_another_search_space_needs_another_study(sweep, monkeypatch):
    from lab_helpers.labs.shared import own_sweep

    assert sweep("--trials", 1, "--worker")[0] == 0
    monkeypatch.setattr(own_sweep, "RATE_SPAN", 100)
    expect_refusal(sweep("--trials", 2), "about something else", "space: ")


def test_too_few_rows(sweep, tmp_path):
    few = write_rows(tmp_path / "few.jsonl", 20, bad=4)
    expect_refusal(sweep(data=few), "20 of 24 rows are left", "30 are needed", "4 cannot be used")


def test_files_that_are_no_study(sweep, tmp_path):
    text = tmp_path / "notes.db"
    text.write_text("notes", encoding="utf-8")
    expect_refusal(sweep(study=text), "no SQLite file", "--study")
    with sqlite3.connect(tmp_path / "mails.db") as other:
        other.execute("CREATE TABLE mails (text TEXT)")
    expect_refusal(sweep(study=tmp_path / "mails.db"), "another program's database")
    expect_refusal(sweep(study="nothing://here"), "no address of a database")


def test_a_data_file_that_is_not_there(sweep, tmp_path):
    expect_refusal(sweep(data=tmp_path / "none.jsonl"), "none.jsonl")


def test_a_results_folder_that_cannot_be_written_to(sweep, mine):
    expect_refusal(sweep("--out", mine), "cannot write to")


def test_an_unknown_pruner_and_an_unknown_model(sweep, tmp_path):
    expect_refusal(sweep("--pruner", "guess"), "no pruner is called 'guess'")
    expect_refusal(sweep("--model", tmp_path / "no-model"), "no-model")
