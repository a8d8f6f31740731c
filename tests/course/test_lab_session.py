"""The notebook's ``lab`` object, driven without a notebook."""

import json

import pytest

from lab_helpers import open_lab
from lab_helpers.course import progress
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import metric_suffix, speaking
from lab_helpers.runtime.paths import home
from lab_helpers.runtime.progress import install_reporter


@pytest.fixture
def lab(monkeypatch):
    monkeypatch.setenv("LAB_PROFILE", "tiny")
    yield open_lab("02")
    install_reporter(None)


def unanswered(x, W, A, B, alpha, r): ...


def wrong(x, W, A, B, alpha, r):
    return x @ W.T


def right(x, W, A, B, alpha, r):
    return x @ W.T + alpha / r * x @ A.T @ B.T


def test_an_unanswered_exercise_goes_on_with_the_reference(lab, capsys):
    reference = lab.exercises["lora_forward"].reference
    assert lab.check("lora_forward", unanswered) is reference
    assert lab.check("lora_forward", wrong) is reference
    assert lab.check("lora_forward", right) is right
    printed = capsys.readouterr().out
    assert str(lab.exercises["lora_forward"].prompt) in printed
    assert "Not answered yet" in printed
    assert "lab.hint('lora_forward')" in printed
    assert progress.load()["02"]["exercises"]["lora_forward"] == "passed"


def test_hints_come_one_by_one(lab, capsys):
    for _ in range(4):
        lab.hint("merge")
    printed = capsys.readouterr().out
    assert [f"Hint {i} of 3" in printed for i in (1, 2, 3, 4)] == [True, True, True, False]


def test_a_prediction_is_compared_with_the_measurement(lab, capsys):
    lab.predict("energy", 30)
    lab.measured(energy_top_8=0.5)
    lab.compare("energy")
    assert "You predicted 30 %; measured: 50 %" in capsys.readouterr().out


def test_comparing_before_measuring_is_explained(lab):
    with pytest.raises(BadInput, match="Run the cells above"):
        lab.compare("energy")


def test_a_prediction_that_is_no_number_is_refused(lab):
    with pytest.raises(BadInput, match="not a number"):
        lab.predict("energy", "many")


def test_unknown_names_list_the_known_ones(lab):
    with pytest.raises(BadInput, match="lora_forward"):
        lab.check("lora_backward", right)


def test_quiz_answers_are_explained_and_kept(lab, capsys):
    question = lab.questions[0]
    lab.answer(1, "abc"[question.answer])
    assert "✅" in capsys.readouterr().out
    assert progress.load()["02"]["quiz"]["1"] is True
    with pytest.raises(BadInput, match="no answer"):
        lab.answer(9, "a")


def test_verdict_writes_the_record(lab, capsys):
    lab.measured(hand_lora_max_abs_diff=0.0)
    lab.verdict()
    record = json.loads((home() / "runs" / "02-tiny-seed0-notebook" / "record.json").read_text())
    assert record["source"] == "notebook"
    assert {row["id"]: row["verdict"] for row in record["claims"]}["5"] == "false"


def test_progress_that_cannot_be_saved_stops_nothing(lab, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "file"))
    assert lab.check("lora_forward", right) is right


def test_a_training_is_remembered_from_one_session_to_the_next(lab, tiny_chat_model, tmp_path):
    from peft import LoraConfig
    from trl import SFTConfig

    from lab_helpers.models.language_models import load_language_model
    from lab_helpers.tuning.sft import prompt_completion, sft_trainer
    from lab_helpers.tuning.trainer_config import trainer_config

    def trainer(session):
        model, tokenizer = load_language_model(str(tiny_chat_model))
        rows = prompt_completion([{"question": "Is it warm?", "answer": "It is."}] * 4)
        config = trainer_config(SFTConfig, session.machine, max_steps=6, learning_rate=1e-3)
        adapter = LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM")
        return sft_trainer(model, tokenizer, rows, config, adapter)

    first = lab.train(trainer(lab))
    again = open_lab("02")
    second = again.train(trainer(again))
    assert (first.came, second.came) == ("trained", "loaded")
    assert second.losses == first.losses
    assert [t["came"] for t in again.finish()["trainings"]] == ["loaded"]
    fresh = open_lab("02", fresh=True)
    assert fresh.train(trainer(fresh)).came == "trained"


def test_a_value_for_each_profile_is_picked_in_the_cell(lab):
    import dataclasses

    assert lab.pick(tiny=1, small=2, t4=3) == 1
    for name, wanted in (("small", 2), ("t4", 3), ("gpu", 3)):
        lab.run.profile = dataclasses.replace(lab.run.profile, name=name)
        assert lab.pick(tiny=1, small=2, t4=3) == wanted
        assert lab.pick(tiny=1) == 1
    with pytest.raises(BadInput, match="no value for profile 'gpu'"):
        lab.pick(small=2)


@pytest.fixture
def reporter_of_before():
    """Opening a lab installs a notebook's reporter; the tests after this one have none."""
    yield
    install_reporter(None)


@pytest.mark.usefixtures("reporter_of_before")
def test_the_main_experiment_is_in_the_editions_language_where_the_model_reads_it():
    with speaking("ja"):
        tiny = open_lab("00", profile="tiny")
        assert (tiny.language, tiny.other_language) == ("ja", "en")
        assert (metric_suffix("ja"), metric_suffix("en"), metric_suffix(None)) == ("", "_en", "")
        small = open_lab("00", profile="small")
        assert (small.language, small.other_language) == ("en", None)
    english = open_lab("00", profile="tiny")
    assert (english.language, english.other_language) == ("en", "ja")
    assert (metric_suffix("en"), metric_suffix("ja")) == ("", "_ja")
    assert english.finish()["language"] == "en"
