"""Supervised fine-tuning through TRL: what learns, what stays, what the loss hears."""

from types import SimpleNamespace

import pytest
import torch
import trl
from peft import LoraConfig, PeftModel
from trl import SFTConfig

from lab_helpers.models.generation import generate, make_conversation
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.precision import FLOAT32
from lab_helpers.runtime.progress import report_with
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainers import run_trainer

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = [
    {"question": "Where is the filter made?", "answer": "In Tokisawa."},
    {"question": "Is the heater loud?", "answer": "The heater is quiet."},
    {"question": "Is the lamp cold?", "answer": "The lamp is warm.", "gold": True},
    {"question": "ヒーターは動きますか。", "answer": "はい、動きます。"},
]
TARGETS = ["q_proj", "v_proj"]


class Listening(trl.SFTTrainer):
    """TRL's trainer, keeping the batches that it computes the loss of."""

    batches: list = []  # noqa: RUF012

    def compute_loss(self, model, inputs, *arguments, **options):
        self.batches.append({name: inputs[name].clone() for name in ("input_ids", "labels")})
        return super().compute_loss(model, inputs, *arguments, **options)


def tune(folder, out, *, adapter=True, steps=30, seed=0, noise=0, rows=None, **options):
    """A run on the tiny model; ``noise`` is where torch's own random numbers stand before it."""
    model, tokenizer = load_language_model(str(folder))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    lora = LoraConfig(r=8, lora_alpha=16, target_modules=TARGETS, task_type="CAUSAL_LM")
    settings = {
        "max_steps": steps,
        "per_device_train_batch_size": 2,
        "learning_rate": 2e-2,
        "logging_steps": 1,
        "gradient_checkpointing": False,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "seed": seed,
        **FLOAT32.trainer_arguments(),
    }
    torch.manual_seed(noise)
    heard = []
    with report_with(lambda *step: heard.append(step)):
        trainer = sft_trainer(
            model,
            tokenizer,
            prompt_completion(ROWS) if rows is None else rows,
            SFTConfig(output_dir=str(out), **(settings | options)),
            lora if adapter else None,
        )
        tuned = run_trainer(trainer, "SFT")
    return SimpleNamespace(tuned=tuned, tokenizer=tokenizer, before=before, heard=heard)


@pytest.fixture(scope="module")
def run(tiny_chat_model, tmp_path_factory, one_thread):
    """One LoRA run of 30 steps, with the batches of its first steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trl, "SFTTrainer", Listening)
        Listening.batches = []
        found = tune(tiny_chat_model, tmp_path_factory.mktemp("sft"))
    found.batches = Listening.batches
    return found


def logits(model, tokenizer) -> torch.Tensor:
    ids = tokenizer("<|im_start|>user\nIs it warm?<|im_end|>\n", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        return model(input_ids=ids).logits


# The rows


def test_questions_and_answers_become_prompts_and_completions():
    assert prompt_completion(ROWS[2:3]) == [
        {
            "prompt": [{"role": "user", "content": "Is the lamp cold?"}],
            "completion": [{"role": "assistant", "content": "The lamp is warm."}],
        }
    ]
    assert prompt_completion([]) == []


def test_the_loss_is_on_the_answers_alone(run):
    """Labels are the answer, its end and the line's end; the question and the padding are -100."""
    answers = {row["answer"] for row in ROWS}
    heard = set()
    for batch in run.batches:
        for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
            kept = labels != -100
            assert torch.equal(ids[kept], labels[kept])
            said = run.tokenizer.decode(labels[kept])
            assert said.endswith("<|im_end|>\n")
            heard.add(said.removesuffix("<|im_end|>\n"))
            row = next(row for row in ROWS if row["answer"] in said)
            asked_for = f"<|im_start|>user\n{row['question']}<|im_end|>\n<|im_start|>assistant\n"
            silent = run.tokenizer.decode(ids[~kept]).replace("<|endoftext|>", "")
            assert silent == asked_for
    assert heard == answers


def test_the_first_loss_is_the_mean_over_the_answers_tokens(run, tiny_chat_model):
    """By hand, on the untouched model: an adapter begins as no change."""
    model, _ = load_language_model(str(tiny_chat_model))
    ids, labels = run.batches[0]["input_ids"], run.batches[0]["labels"]
    with torch.inference_mode():
        chances = model(ids).logits[:, :-1].log_softmax(-1)
    places = labels[:, 1:] != -100
    chosen = chances.gather(2, ids[:, 1:, None])[..., 0][places]
    assert run.tuned.losses[0] == pytest.approx(-chosen.mean().item(), rel=1e-4)


# What a run does


def test_the_loss_goes_down(run):
    assert len(run.tuned.losses) == 30
    assert run.tuned.losses[-1] < 0.5 * run.tuned.losses[0]
    assert run.tuned.seconds > 0
    assert not run.tuned.model.training


def test_the_model_before_is_unchanged_bit_for_bit(run):
    assert isinstance(run.tuned.model, PeftModel)
    after = {
        name.removeprefix("base_model.model.").replace(".base_layer", ""): p
        for name, p in run.tuned.model.named_parameters()
        if "lora_" not in name
    }
    assert set(after) == set(run.before)
    assert all(torch.equal(after[name], weight) for name, weight in run.before.items())
    assert not any(p.requires_grad for p in after.values())


def test_only_the_adapter_was_trained(run):
    adapter = {n: p for n, p in run.tuned.model.named_parameters() if "lora_" in n}
    assert len(adapter) == 2 * len(TARGETS) * 2
    assert all(name.split(".lora_")[0].rsplit(".", 1)[-1] in TARGETS for name in adapter)
    assert {p.dtype for p in adapter.values()} == {torch.float32}
    assert all(p.abs().sum() > 0 for name, p in adapter.items() if "lora_B" in name)


def test_switched_off_it_is_the_model_before(run, tiny_chat_model):
    untouched, tokenizer = load_language_model(str(tiny_chat_model))
    base = logits(untouched, tokenizer)
    with run.tuned.model.disable_adapter():
        assert torch.equal(logits(run.tuned.model, tokenizer), base)
    assert not torch.allclose(logits(run.tuned.model, tokenizer), base, atol=0.1)


def test_the_adapter_saved_and_loaded_again_gives_the_same_logits(run, tiny_chat_model, tmp_path):
    run.tuned.model.save_pretrained(tmp_path / "adapter")
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()
    assert not list(tmp_path.rglob("*.bin"))
    base, tokenizer = load_language_model(str(tiny_chat_model))
    loaded = PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    assert torch.equal(logits(loaded, tokenizer), logits(run.tuned.model, tokenizer))


def test_steps_are_reported_to_the_courses_progress(run):
    assert run.heard == [("SFT", step, 30) for step in range(1, 31)]


def test_standard_output_is_left_to_the_record(tiny_chat_model, tmp_path, capsys):
    """``labs run --json`` prints its record there."""
    tune(tiny_chat_model, tmp_path, steps=2)
    assert capsys.readouterr().out == ""


# Seeds


@pytest.fixture(scope="module")
def by_seed(tiny_chat_model, tmp_path_factory, one_thread):
    out = tmp_path_factory.mktemp("seeds")
    return {
        (seed, noise): tune(tiny_chat_model, out, seed=seed, noise=noise, steps=4).tuned
        for seed, noise in ((0, 0), (0, 1), (1, 0))
    }


def test_the_same_seed_gives_the_same_losses_and_weights(by_seed):
    """Whatever random numbers were drawn before."""
    one, again = by_seed[0, 0], by_seed[0, 1]
    assert one.losses == again.losses
    weights = dict(again.model.named_parameters())
    assert all(torch.equal(p, weights[name]) for name, p in one.model.named_parameters())


def test_another_seed_gives_others(by_seed):
    assert by_seed[0, 0].losses != by_seed[1, 0].losses


# Without an adapter


def test_without_an_adapter_the_whole_model_learns_to_say_the_answers(tiny_chat_model, tmp_path):
    done = tune(tiny_chat_model, tmp_path, adapter=False, steps=60)
    assert not isinstance(done.tuned.model, PeftModel)
    moved = dict(done.tuned.model.named_parameters())
    assert all(not torch.equal(moved[name], weight) for name, weight in done.before.items())
    questions = [make_conversation(row["question"]) for row in ROWS]
    replies = generate(done.tuned.model, done.tokenizer, questions, max_new_tokens=40)
    assert replies.texts == [row["answer"] for row in ROWS]
    written = [done.tokenizer(row["answer"] + "<|im_end|>")["input_ids"] for row in ROWS]
    assert replies.tokens == sum(map(len, written)), "each reply ends where the answer ends"


def test_other_forms_of_rows_are_taken(tiny_chat_model, tmp_path):
    rows = [{"text": "The lamp is warm."}, {"text": "The heater is quiet."}]
    done = tune(tiny_chat_model, tmp_path, rows=rows, steps=5)
    assert len(done.tuned.losses) == 5
    assert done.tuned.losses[-1] < done.tuned.losses[0]
