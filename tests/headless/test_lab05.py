"""Lab 05: the steps on a tiny model, what they measure, files of the learner's own, and memory."""

import dataclasses
import json
import math

import pytest
import torch

from lab_helpers.cli.run import _check_data
from lab_helpers.course.record import Run
from lab_helpers.data.preferences import Pair, PairSet, answers_over_refusals, shipped_pairs
from lab_helpers.evaluation.honesty import declines
from lab_helpers.labs.lab05 import memory as lab05_memory
from lab_helpers.labs.lab05 import scoring as lab05
from lab_helpers.labs.lab05 import variants as lab05_arms
from lab_helpers.labs.shared import preference_models as lab05_start
from lab_helpers.models.adapters import load_adapter
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.profiles import load_profile

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {
    "sft_rows": 6, "sft_epochs": 1, "sft_batch_size": 3, "pairs": 6, "answer_pairs": 2, "batch_size": 3,
    "questions": 4, "judge_pairs": 8, "parity_pairs": 3, "arm_pairs": 4, "arm_batch_size": 2,
    "arm_test": 4, "alike_pairs": 4, "length_pairs": 4, "length_questions": 2, "max_length": 1024,
}  # fmt: skip


def run_of(folder, model, data=None, **sizes) -> Run:
    profile = load_profile("tiny")
    tables = profile.tables | {"lab05": profile.lab("05") | SMALL | sizes}
    return Run("05", dataclasses.replace(profile, tables=tables), 0, folder, str(model), data)


@pytest.fixture(scope="module")
def whole(tiny_chat_model, tmp_path_factory, one_thread):
    """Every step on the tiny model."""
    run = run_of(tmp_path_factory.mktemp("lab05"), tiny_chat_model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lab05_start, "NEW_TOKENS", 8)
        for step in lab05.STEPS:
            step.work(run)
    return run


def test_the_headline_metrics_are_all_measured(whole):
    wanted = {
        "dpo_loss_abs_diff", "dpo_first_loss", "win_rate_dpo_vs_sft", "judge_win_rate_dpo_vs_sft",
        "chosen_logp_change", "length_ratio", "refusal_rate_sft", "refusal_rate_dpo", "refusal_rate_change",
    }  # fmt: skip
    assert wanted <= set(whole.metrics)
    assert all(math.isfinite(whole.metrics[name]) for name in wanted)
    assert json.loads(json.dumps(whole.metrics)) == whole.metrics


def test_hand_and_library_agree_and_the_start_is_ln_2(whole):
    assert whole.metrics["dpo_loss_abs_diff"] <= 1e-5
    assert whole.metrics["dpo_first_loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert abs(whole.metrics["dpo_first_loss_wrong_reference"] - math.log(2)) > 1e-4


def test_every_claim_of_the_lab_gets_a_verdict(whole):
    verdicts = {row["id"]: row["verdict"] for row in whole.record()["claims"]}
    assert set(verdicts) == {"29", "30", "32"}
    assert "not measured yet" not in verdicts.values()


def test_figures_and_tables_are_kept(whole):
    for name in ("lengths", "curves", "displacement", "reply_lengths", "memory"):
        assert (whole.folder / f"{name}.png").is_file()
    tables = {"pairs", "losses by hand", "replies", "variants", "displacement", "reply lengths", "memory"}  # fmt: skip
    assert tables <= set(whole.tables)


def test_the_saved_adapter_is_sft_and_dpo_on_the_untouched_base(whole, tiny_chat_model):
    base, _ = load_language_model(str(tiny_chat_model))
    ids = torch.tensor([[5, 8, 13]])
    with torch.inference_mode():
        untouched = base(ids).logits
        loaded = load_adapter(base, whole.folder / "adapter")
        both = loaded(ids).logits
        started, _ = lab05_start.start_model(whole)
        sft = started(ids).logits
        dpo = load_adapter(started, whole.folder / "dpo_only")(ids).logits
    assert torch.allclose(both, dpo, atol=1e-4)
    assert not torch.allclose(sft, untouched, atol=1e-3)
    assert not torch.allclose(dpo, sft, atol=1e-5)


def test_memory_counts_models_and_bytes(whole):
    rows = {row["method"]: row for row in whole.tables["memory"]}
    models = {name: row["models"] for name, row in rows.items()}
    assert models == {
        "DPO, LoRA, adapter off": 1,
        "DPO, LoRA, precomputed": 1,
        "DPO, LoRA, loaded reference": 2,
        "DPO, full": 2,
        "PPO, full (counted)": 4,
    }
    off, copy = rows["DPO, LoRA, adapter off"], rows["DPO, LoRA, loaded reference"]
    full = rows["DPO, full"]
    assert off["reference MB"] == 0 < copy["reference MB"]
    assert off["gradients MB"] < full["gradients MB"]
    assert full["optimizer MB"] == pytest.approx(2 * full["gradients MB"], rel=0.05, abs=0.02)
    assert whole.metrics["held_ratio_loaded_reference"] > 1.3
    assert whole.metrics["held_ratio_ppo"] > whole.metrics["held_ratio_full"] > 2


def test_bytes_are_counted_once_for_shared_weights():
    shared = torch.nn.Parameter(torch.zeros(10))
    assert lab05_memory.bytes_of([shared, shared, torch.nn.Parameter(torch.zeros(5))]) == 60


# What is trained on what


def test_policy_and_judge_never_share_a_pair():
    run = run_of(None, "kotori", pairs=96, judge_pairs=96, answer_pairs=34)
    pairs = shipped_pairs("en")
    seen = []

    class Judge:
        def __init__(self, *_):
            pass

        def learn(self, rows):
            seen.extend(rows)
            return self

        train_another = learn

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lab05_start, "load_language_model", lambda name: (None, None))
        patch.setattr(lab05_start, "max_length", lambda *_: 256)
        patch.setattr(lab05_start, "RewardJudge", Judge)
        found = lab05_start.judges(run, pairs)
    policy = [pair.row() for pair in lab05_start.balanced_pairs(run, pairs)]
    assert list(found) == ["judge", "naive_judge"]
    assert len(policy) == 96
    assert len(seen) > 2 * 96
    assert not [row for row in policy if row in seen]


def test_both_main_trainings_have_as_many_pairs():
    run = run_of(None, "kotori", pairs=40, answer_pairs=10)
    pairs = shipped_pairs("en")
    main, balanced = lab05_start.main_pairs(run, pairs), lab05_start.balanced_pairs(run, pairs)
    assert len(main) == len(balanced) == 40
    assert {p.reason for p in main} == {"tone", "honesty"}
    assert sum(p.reason == "answer" for p in balanced) == 10


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_answer_beats_a_refusal_about_the_same_product(language):
    pairs = answers_over_refusals(shipped_pairs(language).train, language)
    assert len(pairs) >= 50
    assert not declines([p.answer() for p in pairs], language).any()
    assert declines([p.answer("rejected") for p in pairs], language).all()
    assert len({p.question for p in pairs}) == len(pairs)
    test = {p.question for p in shipped_pairs(language).test}
    assert not test & {p.question for p in pairs}


def test_known_is_what_the_gold_answer_does_not_decline(tmp_path):
    run = run_of(tmp_path, "kotori", questions=60)
    questions = lab05_start.held_out_questions(run, shipped_pairs("en"))
    assert len({p.question for p in questions.pairs}) == len(questions.pairs) == 60
    for pair, known in zip(questions.pairs, questions.known, strict=True):
        if pair.reason == "honesty":
            assert not known
    assert 0 < sum(questions.known) < 60


def test_arms_differ_in_what_they_are_named_for(tmp_path):
    run = run_of(tmp_path, "kotori", arm_pairs=8, alike_pairs=8, length_pairs=8)
    pairs = shipped_pairs("en")
    arms = {arm.name: arm for arm in lab05_arms.variant_arms(run, pairs.of("tone", "honesty"))}
    assert list(arms) == ["beta 0.02", "beta 0.1", "beta 0.5", "ipo", "noisy sigmoid", "noisy robust"]  # fmt: skip
    robust, noisy = arms["noisy robust"].settings, arms["noisy sigmoid"].settings
    assert robust == noisy | {"loss_type": ["robust"], "label_smoothing": 0.25}
    changed = [a != b for a, b in zip(arms["noisy sigmoid"].pairs, arms["ipo"].pairs, strict=True)]
    assert sum(changed) == 2
    lengths = {arm.name: arm for arm in lab05_arms.length_arms(run, pairs)}
    assert all(p.reason == "length" for p in lengths["biased"].pairs)
    assert all(0.9 <= p.length_ratio <= 1 / 0.9 for p in lengths["matched"].pairs)
    assert {len(arm.pairs) for arm in lengths.values()} == {8}
    near = lab05_arms.displacement_arms(run, pairs)
    assert near[0].pairs == near[1].pairs
    assert {p.reason for p in near[0].pairs} == {"fact"}


# Pairs of the learner's own


def own_file(folder, count=40):
    rows = [
        {"prompt": f"Is lamp {i // 2} warm?", "chosen": f"Lamp {i} is warm and quiet.", "rejected": f"No idea {i}!"}
        for i in range(count)
    ]  # fmt: skip
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_a_file_of_ones_own_runs_through_every_step(tiny_chat_model, tmp_path, monkeypatch):
    monkeypatch.setattr(lab05_start, "NEW_TOKENS", 8)
    run = run_of(tmp_path / "run", tiny_chat_model, own_file(tmp_path))
    for step in lab05.STEPS:
        step.work(run)
    for name in ("win_rate_dpo_vs_sft", "judge_win_rate_dpo_vs_sft", "chosen_logp_change", "length_ratio"):  # fmt: skip
        assert math.isfinite(run.metrics[name])
    assert "tone_compliance_dpo" not in run.metrics, "the house's rules are not the learner's"
    assert "refusal_rate_dpo" not in run.metrics
    verdicts = {row["id"]: row["verdict"] for row in run.record()["claims"]}
    assert verdicts["32"] == "not measured yet"
    assert verdicts["30"] != "not measured yet"


def test_a_file_that_holds_no_preferences_is_refused_before_anything_runs(tmp_path):
    path = tmp_path / "chat.jsonl"
    path.write_text('{"question": "?", "answer": "!"}\n' * 40, encoding="utf-8")
    with pytest.raises(BadInput, match="needs preferences"):
        _check_data("05", path)


def test_prompts_longer_than_the_context_are_refused(tiny_chat_model, tmp_path):
    rows = [
        {"prompt": f"{i} " + "warm " * 3000, "chosen": "yes", "rejected": "no"} for i in range(40)
    ]
    path = tmp_path / "long.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(BadInput, match="even the shortest prompt has"):
        lab05.start(run_of(tmp_path / "run", tiny_chat_model, path))


def test_without_the_first_step_the_others_say_what_is_missing(tiny_chat_model, tmp_path):
    with pytest.raises(BadInput, match="Run the step that trains the SFT model first"):
        lab05.loss(run_of(tmp_path, tiny_chat_model))


def test_the_start_of_another_base_is_refused(whole, tiny_chat_model, tmp_path):
    """An SFT adapter is good for the base it was trained on and for no other."""
    model, tokenizer = load_language_model(str(tiny_chat_model))
    with torch.no_grad():
        model.get_input_embeddings().weight.add_(1.0)
    model.save_pretrained(tmp_path / "other")
    tokenizer.save_pretrained(tmp_path / "other")
    run = run_of(whole.folder, tmp_path / "other")
    with pytest.raises(BadInput, match="another base"):
        lab05_start.start_model(run)


def test_a_set_without_reasons_shows_one_row():
    turns = [{"role": "assistant", "content": "a"}], [{"role": "assistant", "content": "bb"}]
    pair = Pair([{"role": "user", "content": "?"}], *turns)
    assert [row["reason"] for row in lab05_start.pair_table(PairSet([pair], [pair]))] == ["-"]
