"""``labs pretrain`` on a very small model: watched lines, resume, export, the two pictures."""

import json
import shutil
import tomllib

import numpy as np
import pytest
from typer.testing import CliRunner

from lab_helpers.bench.pretraining import EXAMPLE, measure_first_attention
from lab_helpers.cli.main import app
from lab_helpers.cli.pretrain import loss_line, skills_line
from lab_helpers.models.kotori import architecture, pretraining, skills
from lab_helpers.runtime.files import sha256_of

pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = 20  # the log has a loss every 20 steps
WATCHED = {"repetition": 0.25, "known_facts_en": 0.5, "known_facts_ja": 1.0, "copy_1_en": 0.125}


def toml(table: dict) -> str:
    """Plain values, ``[sizes]`` and ``[[phase]]`` as TOML."""
    lines = [f"{k} = {json.dumps(v)}" for k, v in table.items() if not isinstance(v, dict | list)]
    lines += ["[sizes]", *(f"{k} = {json.dumps(v)}" for k, v in table["sizes"].items())]
    for phase in table["phase"]:
        lines += ["[[phase]]", *(f"{k} = {json.dumps(v)}" for k, v in phase.items())]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """The package's settings, made small."""
    table = tomllib.loads(pretraining.SETTINGS_FILE.read_text(encoding="utf-8"))
    table |= {
        "vocab_size": 700,
        "tokenizer_documents": 200,
        "warmup_steps": 2,
        "checkpoint_every": 8,
        "watch_every": 1000,
    }
    table["phase"] = [table["phase"][0] | {"steps": STEPS, "rows": 2, "length": 64, "drill_longest": 8}]  # fmt: skip
    table["sizes"] = {
        "hidden_size": 128,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "num_hidden_layers": 5,
        "intermediate_size": 64,
    }
    path = tmp_path_factory.mktemp("settings") / "small.toml"
    path.write_text(toml(table), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """No compiler, and skills that need no measuring."""
    quickly(monkeypatch)


def quickly(patch):
    patch.setattr(pretraining, "can_compile", lambda: False)
    patch.setattr(skills, "watched", lambda model, tokenizer: dict(WATCHED))


def invoke(*arguments):
    return CliRunner().invoke(app, ["pretrain", *map(str, arguments)])


@pytest.fixture(scope="module")
def finished(settings, tmp_path_factory, one_thread):
    """The folder of a run in two parts, and what each part said."""
    folder = tmp_path_factory.mktemp("pretrain") / "run"
    with pytest.MonkeyPatch.context() as patch:
        quickly(patch)
        parts = [
            invoke("--out", folder, "--settings", settings, "--until", 3),
            invoke("--out", folder, "--settings", settings),
        ]
    return folder, parts


@pytest.fixture
def refused(labs):
    """``refused("--out", …)``: what ``labs pretrain`` says on standard error when it ends with 2."""

    def run(*arguments) -> str:
        code, _, error = labs("pretrain", *arguments)
        assert code == 2, error
        assert "Traceback" not in error
        return error

    return run


# Lines


def test_a_watched_line_has_the_step_and_every_skill():
    row = {"step": 400, "tokens": 9, "seconds": 1.5, "repetition": 0.987, "copy_1_en": 0.5}
    assert skills_line(row) == "step 400: repetition 0.99, copy_1_en 0.50"


def test_a_watched_line_without_skills():
    assert skills_line({"step": 0, "tokens": 0, "seconds": 0.0}) == "step 0: "


def test_a_loss_line_has_the_loss_and_the_throughput_so_far():
    row = {"step": 20, "tokens": 4000, "seconds": 2.0, "loss": 6.125}
    assert loss_line(row) == "loss 6.12, 2,000 tokens/s"
    assert loss_line(row | {"seconds": 0.0}) == "loss 6.12, 0 tokens/s"


# The command


def test_it_stops_where_it_is_told_and_goes_on_from_there(finished):
    folder, (first, second) = finished
    assert (first.exit_code, second.exit_code) == (0, 0), (first.exception, second.exception)
    rows = [json.loads(line) for line in (folder / pretraining.LOG).open(encoding="utf-8")]
    assert [row["step"] for row in rows] == [0, STEPS, STEPS]
    assert [("loss" in row, "repetition" in row) for row in rows] == [(False, True), (True, False), (False, True)]  # fmt: skip
    assert {p.name for p in folder.iterdir()} == {
        "settings.json",
        "tokenizer",
        pretraining.LOG,
        pretraining.STATE,
    }


def test_skills_loss_and_throughput_are_shown_on_standard_error(finished):
    _, (first, second) = finished
    line = skills_line({"step": 0} | WATCHED)
    assert line in first.stderr.replace("\n", " ").replace("  ", " ")
    assert f"3/{STEPS}" in second.stderr or f"{STEPS}/{STEPS}" in second.stderr
    assert "tokens/s" in second.stderr
    assert "loss " in second.stderr
    assert first.stdout == second.stdout == ""


def test_a_finished_run_does_nothing_more(finished, settings):
    folder, _ = finished
    before = sha256_of(folder / pretraining.STATE)
    log = (folder / pretraining.LOG).read_text()
    assert invoke("--out", folder, "--settings", settings).exit_code == 0
    assert sha256_of(folder / pretraining.STATE) == before
    assert (folder / pretraining.LOG).read_text() == log


def test_an_unfinished_run_is_not_exported(settings, finished, tmp_path):
    folder, _ = finished
    shutil.copytree(folder / "tokenizer", tmp_path / "run" / "tokenizer")
    done = invoke(
        "--out", tmp_path / "run", "--settings", settings, "--until", 1, "--export", tmp_path / "out"
    )  # fmt: skip
    assert done.exit_code == 0, done.exception
    assert not (tmp_path / "out").exists()


def test_missing_settings_are_one_line(refused, tmp_path):
    error = refused("--out", tmp_path / "run", "--settings", tmp_path / "no.toml")
    assert "no such file" in error
    assert not (tmp_path / "run").exists()


def test_damaged_settings_are_one_line(refused, tmp_path):
    (tmp_path / "bad.toml").write_text("seed = ")
    error = refused("--out", tmp_path / "run", "--settings", tmp_path / "bad.toml")
    assert "bad.toml is not TOML" in error


def test_a_folder_is_not_gone_on_with_under_other_settings(refused, finished, settings, tmp_path):
    folder, _ = finished
    other = tmp_path / "other.toml"
    other.write_text(settings.read_text().replace("warmup_steps = 2", "warmup_steps = 3"))
    error = refused("--out", folder, "--settings", other)
    assert "holds a pre-training with other settings" in error


# The finished model's files


def test_a_run_with_settings_of_its_own_can_be_exported(finished, settings, tmp_path):
    folder, _ = finished
    done = invoke("--out", folder, "--settings", settings, "--export", tmp_path / "out")
    assert done.exit_code == 0, done.exception


def test_the_export_is_a_model_with_its_curve_and_pictures(finished, settings, tmp_path):
    from lab_helpers.models.language_models import load_language_model

    folder, _ = finished
    out = tmp_path / "out"
    done = invoke("--out", folder, "--settings", settings, "--export", out)
    assert done.exit_code == 0, done.exception
    assert f"sha256 {sha256_of(out / 'model.safetensors')}" in done.stderr.replace("\n", " ")
    assert {p.name for p in out.iterdir()} >= {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "training_curve.json",
        "training_curve.png",
        "induction_head.png",
    }
    assert not list(out.glob("*.bin"))
    for name in ("training_curve.png", "induction_head.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
        assert (out / name).stat().st_size > 5000
    curve = json.loads((out / "training_curve.json").read_text())
    assert curve["loss"]["step"] == [STEPS]
    assert curve["skills"]["step"] == [0, STEPS]
    assert curve["skills"]["repetition"] == [0.25, 0.25]
    model, tokenizer = load_language_model(str(out))
    assert model.config.vocab_size == len(tokenizer) == 700

    previous, induction, tokens = measure_first_attention(out)
    n = len(tokens)
    assert "".join(tokens) == EXAMPLE
    for weights in (previous, induction):
        assert weights.shape == (n, n)
        assert weights.sum(axis=1) == pytest.approx(np.ones(n), abs=1e-5)
        assert np.triu(weights, k=1).max() == 0, "nobody reads ahead"
    back = architecture.PREVIOUS_TOKEN_HEADS[0]
    assert previous.argmax(axis=1)[back:].tolist() == list(range(n - back))
