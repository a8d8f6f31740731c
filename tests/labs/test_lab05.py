"""Lab 05: its cells on a tiny model, what they measure, pairs of the learner's own, and memory."""

import copy
import dataclasses
import json
import math
import re

import pytest
import torch

from lab_helpers.course.record import Run
from lab_helpers.course.registry import get_lab
from lab_helpers.course.running import run_program
from lab_helpers.course.session import Request
from lab_helpers.data.preferences import Pair, PairSet, shipped_pairs
from lab_helpers.evaluation.honesty import declines
from lab_helpers.labs.lab05 import memory
from lab_helpers.labs.lab05.displacement import (
    chosen_at_margin,
    displacement_rows,
    list_displacement_arms,
)
from lab_helpers.labs.lab05.lengths import length_row, list_length_arms, select_length_pairs
from lab_helpers.labs.lab05.loss_parity import measure_first_losses
from lab_helpers.labs.lab05.memory import (
    LORA_ARRANGEMENTS,
    count_bytes,
    full_row,
    measure_memory,
    memory_megabytes_rows,
    memory_metrics,
)
from lab_helpers.labs.lab05.own_data import check_own_data, measure_own_data, read_own_pairs
from lab_helpers.labs.lab05.pairs import pair_rows
from lab_helpers.labs.lab05.replies import ModelReplies, change_rows, judgement, score_right
from lab_helpers.labs.lab05.variants import list_variant_arms
from lab_helpers.labs.shared import preference_questions
from lab_helpers.labs.shared.preference_models import (
    load_start_model,
    make_dpo_config,
    make_lora_config,
    select_balanced_pairs,
    select_main_pairs,
)
from lab_helpers.labs.shared.preference_questions import (
    Questions,
    select_questions,
    train_judges,
)
from lab_helpers.labs.shared.refusal_pairs import answers_over_refusals
from lab_helpers.models.adapters import load_adapter
from lab_helpers.models.generation import Replies
from lab_helpers.models.known_configs import linear_shapes
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.paths import labs_folder
from lab_helpers.runtime.profiles import load_profile

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {
    "sft_rows": 24, "sft_epochs": 3, "sft_batch_size": 3, "pairs": 6, "answer_pairs": 2, "batch_size": 3,
    "questions": 4, "judge_pairs": 8, "parity_pairs": 3, "arm_pairs": 4, "arm_batch_size": 2,
    "arm_test": 4, "alike_pairs": 4, "length_pairs": 4, "length_questions": 2, "max_length": 1024,
    "validation_prompts": 4,
}  # fmt: skip


def small_profile(**sizes):
    profile = load_profile("tiny")
    tables = profile.tables | {"lab05": profile.lab("05") | SMALL | sizes}
    return dataclasses.replace(profile, tables=tables)


def run_of(folder, model, data=None, **sizes) -> Run:
    return Run("05", small_profile(**sizes), 0, folder, str(model), data)


@pytest.fixture(scope="module")
def whole(tiny_chat_model, tmp_path_factory, one_thread) -> Run:
    """Every cell on the tiny model, both languages."""
    folder = tmp_path_factory.mktemp("lab05")
    asked = Request(small_profile(second_language=True), out=folder, model=str(tiny_chat_model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(folder))
        run_program(get_lab("05").source, asked)
    return asked.opened.run


def test_the_headline_metrics_are_all_measured(whole):
    wanted = {
        "dpo_loss_abs_diff", "dpo_first_loss", "win_rate_dpo_vs_sft", "judge_win_rate_dpo_vs_sft",
        "chosen_logp_change", "longer_margin_biased", "refusal_rate_sft", "refusal_rate_dpo", "refusal_rate_change",
        "tone_drawn_dpo", "safety_accuracy_own", "judgement_dpo", "hand_training_abs_diff",
    }  # fmt: skip
    assert wanted <= set(whole.metrics)
    assert all(math.isfinite(whole.metrics[name]) for name in wanted)
    assert json.loads(json.dumps(whole.metrics)) == whole.metrics


def test_another_language_has_metrics_of_its_own(whole):
    assert {"win_rate_dpo_vs_sft_ja", "tone_compliance_sft_ja", "train_seconds_ja"} <= set(
        whole.metrics
    )
    assert "replies_ja" in whole.tables


def test_hand_and_library_agree_and_the_start_is_ln_2(whole):
    assert whole.metrics["dpo_loss_abs_diff"] <= 1e-5
    assert whole.metrics["dpo_first_loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert abs(whole.metrics["dpo_first_loss_wrong_reference"] - math.log(2)) > 1e-4


def test_the_steps_by_hand_are_the_librarys(whole):
    assert whole.metrics["hand_training_abs_diff"] <= 1e-3
    assert whole.metrics["ipo_first_loss"] == pytest.approx(25)


def test_every_claim_of_the_lab_gets_a_verdict(whole):
    verdicts = {row["id"]: row["verdict"] for row in whole.record()["claims"]}
    assert set(verdicts) == {"29", "30", "32"}
    assert "not measured yet" not in verdicts.values()


def test_figures_and_tables_are_kept(whole):
    for name in ("lengths", "way_to_dpo", "displacement", "reply_lengths", "memory"):
        assert (whole.folder / f"{name}.png").is_file()
    tables = {
        "pairs", "losses by hand", "rates", "before and after", "replies", "win rates", "judgement", "safety",
        "variants", "displacement", "reply lengths", "memory",
    }  # fmt: skip
    assert tables <= set(whole.tables)


def test_the_saved_adapter_is_sft_and_dpo_on_the_untouched_base(whole, tiny_chat_model):
    base, _ = load_language_model(str(tiny_chat_model))
    ids = torch.tensor([[5, 8, 13]])
    with torch.inference_mode():
        untouched = base(ids).logits
        loaded = load_adapter(base, whole.folder / "adapter")
        both = loaded(ids).logits
        started, _ = load_start_model(whole)
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


def test_full_fine_tuning_is_counted_as_it_is_measured(whole):
    """Where it is too large to run, the row is the same as where it runs."""
    rows = {row["method"]: row for row in whole.tables["memory"]}
    run = run_of(whole.folder, whole.model)
    elements = linear_shapes(run.model_name)[1]
    [counted] = memory_megabytes_rows([full_row(elements, 4 * elements)])
    for use in ("policy MB", "reference MB", "gradients MB", "optimizer MB"):
        assert counted[use] == pytest.approx(rows["DPO, full"][use], abs=0.02)


def test_the_larger_profiles_count_full_fine_tuning(whole, monkeypatch):
    ran = []
    row = dict.fromkeys(("policy", "gradients", "optimizer"), 1) | {"models": 1, "reference": 5}
    monkeypatch.setattr(
        memory,
        "measure_arrangement",
        lambda run, pairs, name: ran.append(name) or row | {"method": f"DPO, {name}"},
    )
    run = run_of(whole.folder, whole.model, memory_full=False)
    found = memory_metrics(measure_memory(run, shipped_pairs("en")))
    assert ran == list(LORA_ARRANGEMENTS)
    assert found["models_dpo_full"] == 2
    assert found["held_ratio_full"] > 2
    for name in ("t4", "gpu"):
        assert load_profile(name).lab("05")["memory_full"] is False


def test_the_wrong_reference_costs_no_third_model_and_leaves_the_policy_as_it_is(whole):
    model, tokenizer = load_start_model(whole)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    copies = []
    deepcopy = copy.deepcopy
    some = [pair.row() for pair in shipped_pairs("en").train[:3]]
    config = make_dpo_config(whole, model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copy, "deepcopy", lambda x, *m: copies.append(type(x)) or deepcopy(x, *m))
        found = measure_first_losses(model, tokenizer, some, config, make_lora_config())
    assert type(model) not in copies
    assert abs(found["dpo_first_loss_wrong_reference"] - math.log(2)) > 1e-4
    assert all(torch.equal(before[name], weight) for name, weight in model.named_parameters())


def test_the_memory_runs_are_not_remembered_and_the_others_are(whole):
    """Loaded weights need no memory for gradients, so those two steps are always taken."""
    main = 1 + 1 + 3 + 1  # the SFT start, six steps, three rates, the chosen one once more
    others = 2 + 2  # balanced and chosen only; two for safety
    arms = 6 + 5 + 4
    assert (
        len(whole.trainings) == main + others + arms + 1 + 3
    )  # the other language: the start and three


def test_bytes_are_counted_once_for_shared_weights():
    shared = torch.nn.Parameter(torch.zeros(10))
    assert count_bytes([shared, shared, torch.nn.Parameter(torch.zeros(5))]) == 60


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
        patch.setattr(preference_questions, "load_model", lambda run: (None, None))
        patch.setattr(preference_questions, "choose_max_length", lambda *_: 256)
        patch.setattr(preference_questions, "RewardJudge", Judge)
        found = train_judges(run, pairs)
    policy = [pair.row() for pair in select_balanced_pairs(run, pairs)]
    assert list(found) == ["judge", "naive_judge"]
    assert len(policy) == 96
    assert len(seen) > 2 * 96
    assert not [row for row in policy if row in seen]


def test_both_main_trainings_have_as_many_pairs():
    run = run_of(None, "kotori", pairs=40, answer_pairs=10)
    pairs = shipped_pairs("en")
    main, balanced = select_main_pairs(pairs, 40), select_balanced_pairs(run, pairs)
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


def test_known_is_what_the_gold_answer_does_not_decline():
    questions = select_questions(shipped_pairs("en"), 60)
    assert len({p.question for p in questions.pairs}) == len(questions.pairs) == 60
    for pair, known in zip(questions.pairs, questions.known, strict=True):
        if pair.reason == "honesty":
            assert not known
    assert 0 < sum(questions.known) < 60


def test_arms_differ_in_what_they_are_named_for(tmp_path):
    run = run_of(tmp_path, "kotori", arm_pairs=8, alike_pairs=8, length_pairs=8)
    pairs = shipped_pairs("en")
    arms = {arm.name: arm for arm in list_variant_arms(run, pairs.of("tone", "honesty"))}
    assert list(arms) == ["beta 0.02", "beta 0.1", "beta 0.5", "ipo", "noisy sigmoid", "noisy robust"]  # fmt: skip
    robust, noisy = arms["noisy robust"].settings, arms["noisy sigmoid"].settings
    assert robust == noisy | {"loss_type": ["robust"], "label_smoothing": 0.25}
    changed = [a != b for a, b in zip(arms["noisy sigmoid"].pairs, arms["ipo"].pairs, strict=True)]
    assert sum(changed) == 2
    lengths = {arm.name: arm for arm in list_length_arms(run, pairs)}
    assert lengths["biased"].pairs == lengths["ld_alpha"].pairs == lengths["sigmoid_norm"].pairs
    assert [p.reason for p in lengths["balanced"].pairs] == ["tone"] * 4 + ["length"] * 4
    assert lengths["balanced"].pairs[:4] == lengths["biased"].pairs[:4], "the wish stays"
    longer = [p.length_ratio > 1 for p in lengths["balanced"].pairs[4:]]
    assert sum(longer) == 2, "as often the shorter as the longer one"
    near = list_displacement_arms(run, pairs, 1e-3)
    assert [arm.name for arm in near] == ["alike, 0.001", "unlike, 0.001", "alike, 0.003", "unlike, 0.003", "alike, 0.003, with sft"]  # fmt: skip
    assert near[0].pairs == near[2].pairs == near[4].pairs
    assert {p.reason for p in near[0].pairs} == {"fact"}
    assert len(near[0].pairs) == len(near[1].pairs)
    assert min(p.likeness for p in near[0].pairs) > max(p.likeness for p in near[1].pairs) + 0.2


def test_validation_prompts_are_in_no_training_and_in_no_judge():
    run = run_of(None, "kotori", pairs=96, judge_pairs=96, answer_pairs=24)
    for language in ("en", "ja"):
        shipped = shipped_pairs(language)
        pairs = shipped.hold_out(24, "tone", "honesty")
        held = {p.question for p in pairs.validation}
        assert len(held) == 24
        assert not held & {p.question for p in pairs.train + pairs.test}
        assert not held & {p.question for p in select_balanced_pairs(run, pairs)}
        main = pairs.of("tone", "honesty")
        assert main.validation == pairs.validation
        assert len(main.train) >= 96 + 96, "policy and judges share no pair"
        assert {p.reason for p in pairs.validation} == {"tone", "honesty"}
        assert pairs.test == shipped.test


def test_the_cells_numbers_are_those_of_own_data():
    """The cells write them out; --data takes them from the profile."""
    source = (labs_folder() / "source" / "05_dpo.py").read_text(encoding="utf-8")
    for profile in ("tiny", "small", "t4", "gpu"):
        table = load_profile(profile).lab("05")
        for argument, key, nth in (
            ("num_train_epochs", "sft_epochs", 0),
            ("per_device_train_batch_size", "sft_batch_size", 0),
            ("learning_rate", "sft_learning_rate", 0),
            ("per_device_train_batch_size", "batch_size", 1),
        ):
            picked = re.findall(rf"{argument}=lab\.pick\(([^)]*)\)", source)[nth]
            values = {k: float(v) for k, v in re.findall(r"(\w+)=([\d.e-]+)", picked)}
            order = {"gpu": ("gpu", "t4", "tiny"), "tiny": ("tiny",)}.get(
                profile, (profile, "tiny")
            )
            assert next(values[k] for k in order if k in values) == table[key], (profile, key)


# What is measured


def test_the_chosen_answers_are_read_between_two_steps_where_the_margin_was_reached():
    curve = {"steps": [0, 1, 2], "chosen": [0.0, -1.0, -5.0], "rejected": [0.0, -3.0, -13.0]}
    assert chosen_at_margin(curve, 2) == -1
    assert chosen_at_margin(curve, 5) == -3
    assert chosen_at_margin(curve, 99) == -5


def test_alike_and_unlike_are_compared_at_the_smaller_of_their_margins():
    fast = {"steps": [0, 1], "chosen": [0.0, -4.0], "rejected": [0.0, -12.0]}
    slow = {"steps": [0, 1], "chosen": [0.0, 1.0], "rejected": [0.0, -1.0]}
    rows = displacement_rows({"alike, 0.1": fast, "unlike, 0.1": slow})
    assert [row["same margin"] for row in rows] == [2, 2]
    assert [row["chosen at the same margin"] for row in rows] == [-1, 1]
    assert [row["margin"] for row in rows] == [8, 2]


def test_only_replies_that_ended_in_both_have_a_length():
    before = Replies(["aaaa", "aaaa", "aa"], 0, 1, [], [True, True, False])
    after = Replies(["aaaaaa", "a" * 500, "aa"], 0, 1, [], [True, False, True])
    row = length_row("arm", before, after)
    assert (row["cut off"], row["compared"], row["characters"], row["ratio"]) == (1, 1, 6, 1.5)


def test_pairs_without_reasons_have_a_bias_and_no_wish():
    pairs = [Pair([], [{"content": "a" * n}], [{"content": "b"}]) for n in (1, 9, 5)]
    found = select_length_pairs(pairs, None, 2)
    assert found.wish == []
    assert [len(p.answer()) for p in found.longer] == [9, 5]


def _asked(known):
    return Questions([None] * len(known), known, "en")


NO, YES = "We do not have this information.", "It costs 5 yen."


def test_judgement_is_the_difference_of_both_refusal_rates():
    asked = _asked([True, True, False, False])
    assert judgement(asked, [YES, YES, NO, NO])["judgement"] == 1
    assert judgement(asked, [NO, NO, NO, NO])["judgement"] == 0
    assert judgement(asked, [NO, NO, YES, YES])["judgement"] == -1
    better = judgement(asked, [YES, YES, NO, NO], [YES, NO, NO, NO])
    assert better["judgement"] == 0.5
    assert better["interval"][0] <= 0.5 <= better["interval"][1]


def test_changes_are_paired_and_count_who_changed_sides():
    asked = _asked([True, False, False])
    before = ModelReplies([YES, YES, YES], [[YES, YES, NO]] * 3, 1.0)
    after = ModelReplies([NO, NO, NO], [[YES, NO, NO]] * 3, 1.0)
    assert score_right(asked, before)["unknown: declines, drawn"].tolist() == [0, 1]
    rows = {row["measure"]: row for row in change_rows(asked, before, after)}
    unknown, known = rows["unknown: declines, greedy"], rows["known: answers, greedy"]
    assert (unknown["before"], unknown["after"], unknown["wrong → right"]) == (0, 1, 2)
    assert (known["difference"], known["right → wrong"]) == (-1, 1)
    assert rows["unknown: declines, drawn"]["wrong → right"] == ""


# Pairs of the learner's own


def own_file(folder, count=40):
    rows = [
        {"prompt": f"Is lamp {i // 2} warm?", "chosen": f"Lamp {i} is warm and quiet.", "rejected": f"No idea {i}!"}
        for i in range(count)
    ]  # fmt: skip
    path = folder / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_everything_but_the_houses_rules_is_measured_on_pairs_of_ones_own(
    tiny_chat_model, tmp_path
):
    run = run_of(tmp_path / "run", tiny_chat_model, own_file(tmp_path))
    measure_own_data(run)
    for name in ("dpo_loss_abs_diff", "win_rate_dpo_vs_sft", "win_rate_chosen_only_vs_sft", "judge_win_rate_dpo_vs_sft", "chosen_logp_change", "longer_margin_biased", "held_ratio_full"):  # fmt: skip
        assert math.isfinite(run.metrics[name])
    assert "tone_compliance_dpo" not in run.metrics, "the house's rules are not the learner's"
    assert "refusal_rate_dpo" not in run.metrics
    assert not [name for name in run.metrics if "dpo_balanced" in name]
    tables = {"pairs", "losses by hand", "replies", "variants", "displacement", "reply lengths", "memory"}  # fmt: skip
    assert tables <= set(run.tables)
    assert {"sft_adapter", "adapter", "displacement.png", "memory.png"} <= set(run.artifacts)
    assert len(run.sections) == 8
    verdicts = {row["id"]: row["verdict"] for row in run.record()["claims"]}
    assert verdicts["32"] == "not measured yet"
    assert verdicts["30"] != "not measured yet"


def test_a_file_that_holds_no_preferences_is_refused_before_anything_runs(tmp_path):
    path = tmp_path / "chat.jsonl"
    path.write_text('{"question": "?", "answer": "!"}\n' * 40, encoding="utf-8")
    with pytest.raises(BadInput, match="needs preferences"):
        check_own_data(path)


def test_prompts_longer_than_the_context_are_refused(tiny_chat_model, tmp_path):
    rows = [
        {"prompt": f"{i} " + "warm " * 3000, "chosen": "yes", "rejected": "no"} for i in range(40)
    ]
    path = tmp_path / "long.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(BadInput, match="longer than 1,024 tokens: none of their answers is left"):
        measure_own_data(run_of(tmp_path / "run", tiny_chat_model, path))


@pytest.mark.parametrize("count", [1, 6])
def test_pairs_that_are_too_long_are_left_out_and_counted(tiny_chat_model, tmp_path, count):
    path = own_file(tmp_path)
    long = [
        {"prompt": f"{i} " + "warm " * 3000, "chosen": "yes", "rejected": "no"}
        for i in range(count)
    ]
    with path.open("a", encoding="utf-8") as stream:
        stream.write("\n" + "\n".join(map(json.dumps, long)))
    run = run_of(tmp_path / "run", tiny_chat_model, path)
    pairs = read_own_pairs(run)
    assert len(pairs.train) + len(pairs.test) == 40
    assert run.metrics["user_rows"] == 40 + count
    assert run.metrics["user_pairs"] == 40
    assert run.metrics["user_pairs_too_long"] == count


def test_rows_that_are_no_pairs_are_counted(tiny_chat_model, tmp_path):
    path = own_file(tmp_path)
    with path.open("a", encoding="utf-8") as stream:
        stream.write("\n" + json.dumps({"prompt": "?", "chosen": "a", "rejected": "a"}))
    run = run_of(tmp_path / "run", tiny_chat_model, path)
    read_own_pairs(run)
    assert run.metrics["user_pairs_unusable"] == 1
    assert run.tables["problems"] == [{"problem": "same-answers", "rows": 1, "first line": 41}]


def test_without_the_sft_model_what_builds_on_it_says_what_is_missing(tiny_chat_model, tmp_path):
    with pytest.raises(BadInput, match="Run the cell that trains the SFT model first"):
        load_start_model(run_of(tmp_path, tiny_chat_model))


def test_the_start_of_another_base_is_refused(whole, tiny_chat_model, tmp_path):
    """An SFT adapter is good for the base it was trained on and for no other."""
    model, tokenizer = load_language_model(str(tiny_chat_model))
    with torch.no_grad():
        model.get_input_embeddings().weight.add_(1.0)
    model.save_pretrained(tmp_path / "other")
    tokenizer.save_pretrained(tmp_path / "other")
    run = run_of(whole.folder, tmp_path / "other")
    with pytest.raises(BadInput, match="another base"):
        load_start_model(run)


def test_a_set_without_reasons_shows_one_row():
    turns = [{"role": "assistant", "content": "a"}], [{"role": "assistant", "content": "bb"}]
    pair = Pair([{"role": "user", "content": "?"}], *turns)
    assert [row["reason"] for row in pair_rows(PairSet([pair], [pair]))] == ["-"]
