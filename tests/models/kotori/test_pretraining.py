"""The pre-training loop: resumable to the bit, one folder one model, a log without ghosts."""

import json
import math
import shutil
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import batches, pretraining
from lab_helpers.models.kotori.pretraining import (
    LOG,
    STATE,
    Pretraining,
    PretrainingSettings,
    read_settings,
)
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.hardware import detect

STEPS = 6
TOML = """
seed = 0
vocab_size = 600
tokenizer_documents = 200
learning_rate = 2e-3
final_learning_rate = 1e-4
warmup_steps = 2
weight_decay = 0.05
checkpoint_every = 1000
watch_every = 2
sizes = {{ {sizes} }}

[[phase]]
steps = 4
rows = 2
length = 64
drill_share = 0.5
drill_longest = 8
answer_weight = 3.0

[[phase]]
steps = 2
rows = 2
length = 96
drill_share = 0.0
drill_longest = 8
answer_weight = 10.0
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory, small_sizes) -> PretrainingSettings:
    path = tmp_path_factory.mktemp("settings") / "tiny.toml"
    sizes = ", ".join(f"{name} = {value}" for name, value in small_sizes.items())
    path.write_text(TOML.format(sizes=sizes), encoding="utf-8")
    return read_settings(path)


@pytest.fixture(scope="module")
def trained_tokenizer(settings, tmp_path_factory):
    """A folder that holds only the tokenizer of the runs below."""
    folder = tmp_path_factory.mktemp("tokenizer")
    pretraining.prepare(folder, settings)
    return folder / "tokenizer"


@pytest.fixture(autouse=True)
def small_and_on_the_cpu(monkeypatch):
    """No compiler, no GPU, and the watched skills cost nothing."""
    monkeypatch.setattr(pretraining, "can_compile", lambda: False)
    monkeypatch.setattr(pretraining, "detect", lambda: replace(detect(), accelerator="cpu"))
    monkeypatch.setattr(pretraining.skills, "watched", lambda model, tokenizer: {"repetition": 0.5})


@pytest.fixture
def folder(tmp_path, trained_tokenizer):
    """``folder(name)``: a folder for a run, its tokenizer trained already."""

    def fresh(name: str = "run"):
        shutil.copytree(trained_tokenizer, tmp_path / name / "tokenizer")
        return tmp_path / name

    return fresh


@pytest.fixture
def uninterrupted(folder, settings) -> Pretraining:
    run = Pretraining(folder("uninterrupted"), settings)
    run.run()
    return run


def optimizer_state(run: Pretraining) -> dict[str, torch.Tensor]:
    names = {parameter: name for name, parameter in run.model.named_parameters()}
    return {
        f"{names[parameter]}.{key}": value
        for optimizer in run.optimizers
        for parameter, state in optimizer.state.items()
        for key, value in state.items()
    }


def assert_same_model(one: Pretraining, two: Pretraining) -> None:
    """To the bit, and also what the optimizers remember."""
    for ours, theirs in (
        (dict(one.model.named_parameters()), dict(two.model.named_parameters())),
        (optimizer_state(one), optimizer_state(two)),
    ):
        assert set(ours) == set(theirs)
        assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    assert len(optimizer_state(one)) >= len(list(one.model.parameters()))


def log_rows(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / LOG).read_text(encoding="utf-8").splitlines()]


# Resume


@pytest.mark.parametrize("stop", [1, 3, 4, 5])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(stop, folder, settings, uninterrupted):
    place = folder()
    Pretraining(place, settings).run(until=stop)
    resumed = Pretraining(place, settings)
    assert (resumed.step, resumed.tokens) == (stop, 128 * min(stop, 4) + 192 * max(0, stop - 4))
    resumed.run()
    assert (resumed.step, resumed.tokens) == (uninterrupted.step, uninterrupted.tokens)
    assert resumed.step == STEPS
    assert_same_model(resumed, uninterrupted)


def test_ctrl_c_saves_first(folder, settings, uninterrupted, monkeypatch):
    place, real = folder(), batches.batch

    def interrupted(step, *args):
        if step == 3:
            raise KeyboardInterrupt
        return real(step, *args)

    monkeypatch.setattr(pretraining.batches, "batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Pretraining(place, settings).run()
    monkeypatch.setattr(pretraining.batches, "batch", real)
    resumed = Pretraining(place, settings)
    assert resumed.step == 3
    resumed.run()
    assert_same_model(resumed, uninterrupted)


def test_a_killed_run_goes_on_from_its_last_checkpoint(
    folder, settings, uninterrupted, monkeypatch
):
    """Killed: nothing is saved at the end."""
    place = folder()
    killed = Pretraining(place, replace(settings, checkpoint_every=3))
    real = killed.save
    monkeypatch.setattr(killed, "save", lambda: killed.step == 3 and real())
    killed.run(until=5)
    (place / "settings.json").unlink()  # the interval of the checkpoints is one of the settings
    resumed = Pretraining(place, settings)
    assert resumed.step == 3
    assert [row["step"] for row in log_rows(place)] == [0, 2], "the row of step 4 is dropped"
    resumed.run()
    assert_same_model(resumed, uninterrupted)
    assert [row["step"] for row in log_rows(place)] == [0, 2, 4, 6]


def test_a_finished_run_stays_as_it_is(folder, settings, uninterrupted):
    before = (uninterrupted.folder / STATE).read_bytes()
    again = Pretraining(uninterrupted.folder, settings)
    rows = log_rows(uninterrupted.folder)
    again.run()
    assert again.step == STEPS
    assert log_rows(uninterrupted.folder) == rows
    assert (uninterrupted.folder / STATE).read_bytes() == before


def test_another_seed_is_another_model(folder, settings, uninterrupted):
    other = Pretraining(folder(), replace(settings, seed=1))
    other.run()
    one, two = uninterrupted.model.state_dict(), other.model.state_dict()
    assert not torch.equal(one["model.embed_tokens.weight"], two["model.embed_tokens.weight"])


def test_training_changes_every_weight(folder, settings):
    run = Pretraining(folder(), settings)
    before = {name: p.detach().clone() for name, p in run.model.named_parameters()}
    run.run()
    still = [name for name, p in run.model.named_parameters() if torch.equal(p, before[name])]
    assert still == []
    assert all(torch.isfinite(p).all() for p in run.model.parameters())


def test_the_loss_falls(folder, settings):
    """Measured on batch 0 before and after 25 steps on such batches."""
    longer = replace(settings, phases=({**settings.phases[0], "steps": 25},))
    run = Pretraining(folder(), longer)
    ids, weights = map(torch.from_numpy, batches.batch(0, 0, longer.shape(0), run.tokenizer))

    def loss() -> float:
        with torch.no_grad():
            return float(run._loss(ids, weights))

    before = loss()
    run.run()
    assert loss() < before - 0.5
    row = next(row for row in log_rows(run.folder) if "loss" in row)
    assert row["step"] == 20
    assert math.isfinite(row["loss"])


def test_the_loss_is_the_weighted_mean_over_what_is_heard(folder, settings):
    run = Pretraining(folder(), settings)
    ids, weights = map(torch.from_numpy, batches.batch(4, 0, settings.shape(4), run.tokenizer))
    with torch.no_grad():
        logits = run.model(input_ids=ids).logits[:, :-1].float()
        each = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), ids[:, 1:], reduction="none"
        )
        expected = (each * weights[:, 1:]).sum() / weights[:, 1:].sum()
        assert float(run._loss(ids, weights)) == pytest.approx(float(expected), rel=0.02)


# What is refused


@pytest.mark.parametrize("changes", [{"seed": 1}, {"learning_rate": 1e-3}, {"vocab_size": 700}])
def test_other_settings_in_the_same_folder_are_refused(changes, folder, settings):
    place = folder()
    Pretraining(place, settings).run(until=1)
    before = (place / STATE).read_bytes()
    with pytest.raises(BadInput, match="other settings") as caught:
        Pretraining(place, replace(settings, **changes))
    assert "--out" in caught.value.fix
    assert (place / STATE).read_bytes() == before
    assert Pretraining(place, settings).step == 1, "the folder still belongs to the first run"


@pytest.mark.parametrize("kept", [0, 7, 100, 5_000])
def test_a_damaged_state_is_refused_with_a_way_out(kept, folder, settings):
    place = folder()
    Pretraining(place, settings).run(until=1)
    content = (place / STATE).read_bytes()
    (place / STATE).write_bytes(content[:kept])
    with pytest.raises(BadInput, match=STATE) as caught:
        Pretraining(place, settings)
    assert "Delete it" in caught.value.fix
    (place / STATE).unlink()
    assert Pretraining(place, settings).step == 0


def test_a_loss_that_diverged_stops_the_run(folder, settings):
    run = Pretraining(folder(), settings)
    run.model.model.norm.weight.data[0] = math.nan
    with pytest.raises(BadInput, match="diverged at step 0") as caught:
        run.run()
    assert "learning_rate" in caught.value.fix


def test_a_half_written_state_is_never_taken_for_a_whole_one(folder, settings, monkeypatch):
    place = folder()
    Pretraining(place, settings).run(until=2)
    (place / (STATE + ".new")).write_bytes(b"half")
    resumed = Pretraining(place, settings)
    assert resumed.step == 2
    resumed.run(until=3)
    assert not (place / (STATE + ".new")).exists()


# The log


def test_log_rows_after_the_saved_step_are_dropped(folder, settings):
    place = folder()
    Pretraining(place, settings).run(until=3)
    rows = log_rows(place)
    with (place / LOG).open("a", encoding="utf-8") as log:
        log.write('{"step": 4, "loss": 1.0}\n{"step": 5, "loss": 1.0}\n')
    Pretraining(place, settings)
    assert log_rows(place) == rows


def test_a_half_written_log_row_is_dropped(folder, settings):
    place = folder()
    Pretraining(place, settings).run(until=3)
    with (place / LOG).open("a", encoding="utf-8") as log:
        log.write('{"step": 4, "lo')
    assert Pretraining(place, settings).step == 3


def test_a_log_without_a_state_belongs_to_no_run(folder, settings):
    place = folder()
    (place / LOG).write_text('{"step": 20}\n')
    Pretraining(place, settings)
    assert not (place / LOG).exists()


def test_every_watched_step_is_logged_once_however_often_the_run_is_taken_up(folder, settings):
    place, reported = folder(), []
    for stop in (2, 3, 4, 6, 6):
        Pretraining(place, settings, reported.append).run(until=stop)
    assert [row["step"] for row in log_rows(place)] == [0, 2, 4, 6]
    assert reported == log_rows(place)
    assert [row["tokens"] for row in reported] == [0, 256, 512, 896]
    assert all(row["repetition"] == 0.5 for row in reported)


def test_the_last_step_is_watched_whatever_the_interval(folder, settings):
    run = Pretraining(folder(), replace(settings, watch_every=1000))
    run.run()
    assert [row["step"] for row in log_rows(run.folder)] == [0, STEPS]


def test_a_run_until_step_0_trains_nothing(folder, settings):
    run = Pretraining(folder(), settings)
    run.run(until=0)
    assert run.step == 0


# Tokenizer and model


def test_the_tokenizer_is_trained_once_and_kept(trained_tokenizer, settings, monkeypatch):
    def again(*args):
        raise AssertionError("trained a second time")

    monkeypatch.setattr(pretraining.tokenizer, "train", again)
    kept = pretraining.prepare(trained_tokenizer.parent, settings)
    assert len(kept) == settings.vocab_size
    assert pretraining.configuration(kept, settings).vocab_size == settings.vocab_size


def test_the_model_ends_turns_and_pads_with_the_tokenizers_tokens(folder, settings, small_sizes):
    run = Pretraining(folder(), settings)
    assert run.model.config.eos_token_id == run.tokenizer.eos_token_id
    assert run.model.config.pad_token_id == run.tokenizer.pad_token_id
    assert {name: getattr(run.model.config, name) for name in small_sizes} == small_sizes


def test_every_weight_has_one_optimizer_and_only_matrices_decay(folder, settings):
    run = Pretraining(folder(), settings)
    groups = [group for optimizer in run.optimizers for group in optimizer.param_groups]
    trained = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(trained) == sorted(id(parameter) for parameter in run.model.parameters())
    decayed = [p for group in groups if group["weight_decay"] for p in group["params"]]
    assert {group["weight_decay"] for group in groups} == {0, settings.weight_decay}
    assert {parameter.dim() for parameter in decayed} == {2}


def test_every_optimizer_follows_the_schedule(folder, settings):
    run = Pretraining(folder(), settings)
    run.run(until=3)
    rates = {group["lr"] for optimizer in run.optimizers for group in optimizer.param_groups}
    assert rates == {settings.rate(2)}


# Settings


def test_the_shape_of_a_batch_follows_the_phases(settings):
    lengths = [settings.shape(step).length for step in range(STEPS)]
    assert settings.steps == STEPS
    assert lengths == [64, 64, 64, 64, 96, 96]
    assert [settings.shape(step).answer_weight for step in (3, 4)] == [3, 10]
    with pytest.raises(IndexError):
        settings.shape(STEPS)


@given(step=st.integers(0, 999), warmup=st.integers(0, 50))
def test_the_learning_rate_rises_in_a_line_and_falls_in_half_a_cosine(settings, step, warmup):
    plan = replace(settings, phases=({"steps": 1000},), warmup_steps=warmup)
    rate = plan.rate(step)
    top, bottom = plan.learning_rate, plan.final_learning_rate
    if step < warmup:
        assert rate == pytest.approx(top * (step + 1) / warmup)
    else:
        done = (step - warmup) / (1000 - warmup)
        assert rate == pytest.approx(bottom + (top - bottom) * math.cos(math.pi * done / 2) ** 2)
        assert rate >= plan.rate(step + 1)
    assert 0 < rate <= top * (1 + 1e-9)


def test_the_learning_rate_begins_and_ends_where_it_should(settings):
    plan = replace(settings, phases=({"steps": 1000},), warmup_steps=100)
    assert plan.rate(0) == pytest.approx(plan.learning_rate / 100)
    assert plan.rate(99) == plan.rate(100) == pytest.approx(plan.learning_rate)
    assert plan.rate(550) == pytest.approx((plan.learning_rate + plan.final_learning_rate) / 2)
    assert plan.rate(999) == pytest.approx(plan.final_learning_rate, rel=0.01)


def test_the_published_settings_can_be_read():
    published = read_settings()
    for step in (0, published.steps // 2, published.steps - 1):
        shape = published.shape(step)
        assert shape.rows * (1 - shape.drill_share) >= 1
        assert shape.length <= 1024
    assert published.steps < 1_000_000, "the seeds of two runs do not meet"
    assert not published.sizes
    assert read_settings(seed=5).seed == 5


def test_settings_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"no such file: .*none\.toml"):
        read_settings(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = ", "mine.toml is not TOML"),
        ("seed = 0", "missing"),
        (TOML.format(sizes="") .replace("seed = 0", "sed = 0"), "sed"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_refused(tmp_path, text, message):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        read_settings(tmp_path / "mine.toml")
    assert caught.value.fix
