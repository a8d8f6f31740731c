"""Lab 00, start here: ask, instruct, show examples, tune, and switch the tuning off and on.

Kotori answers customers of Hoshizora Electric. Its answers should keep the house tone: three rules
that a program can check. Prompts ask for the tone, an adapter learns it.
"""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lab_helpers.course.record import Run
from lab_helpers.course.running import Step
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.replies import facts_right
from lab_helpers.evaluation.tone import HOUSE, tone_compliance
from lab_helpers.figures import plots
from lab_helpers.models.adapters import save_adapter
from lab_helpers.models.generation import Conversation, Replies, generate
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.intervals import scored
from lab_helpers.runtime.language import LANGUAGES, Text, metric_suffix
from lab_helpers.tuning.sft import Tuned, prompt_completion, supervised_fine_tune
from lab_helpers.tuning.trainer_config import trainer_config

INSTRUCTIONS = {
    "en": (
        "You answer customers of Hoshizora Electric. Begin with “{opening}” and end with “{closing}”. "
        "In between, write one or two calm, complete sentences without exclamation marks."
    ),
    "ja": (
        "あなたは星空電機のお客様に答えます。「{opening}」で始め、「{closing}」で終えてください。"
        "あいだには、感嘆符を使わない丁寧な文を一つか二つ書いてください。"
    ),
}
JSON_INSTRUCTIONS = {
    "en": 'Reply as a JSON object: {"reply": "..."}',
    "ja": '次の形の JSON で答えてください: {"reply": "..."}',
}


def gold(language: str, split: str) -> list[dict]:
    """The hand-written support questions and answers of one split."""
    return [row for row in load_shipped("support", language, split) if row["gold"]]


def questions(run: Run, language: str) -> list[str]:
    """The held-out questions that every way of asking is measured on."""
    return [row["question"] for row in gold(language, "test")[: run.settings["questions"]]]


# --- prompting ------------------------------------------------------------------------------------


def plain(question: str) -> Conversation:
    """The question and nothing else."""
    return [{"role": "user", "content": question}]


def instructed(question: str, language: str) -> Conversation:
    """Zero-shot: the rules of the tone as a system message."""
    house = HOUSE[language]
    rules = INSTRUCTIONS[language].format(opening=house.opening, closing=house.closing)
    return [{"role": "system", "content": rules}, *plain(question)]


def shown(question: str, examples: list[dict]) -> Conversation:
    """Few-shot: earlier exchanges in the right tone, then the question."""
    before: Conversation = []
    for row in examples:
        before += [*plain(row["question"]), {"role": "assistant", "content": row["answer"]}]
    return before + plain(question)


def as_json(question: str, language: str, examples: list[dict]) -> Conversation:
    """Few-shot with each answer wrapped in a JSON object, and a system message that asks for it."""
    wrapped = [
        row | {"answer": json.dumps({"reply": row["answer"]}, ensure_ascii=False)}
        for row in examples
    ]
    return [{"role": "system", "content": JSON_INSTRUCTIONS[language]}, *shown(question, wrapped)]


def json_reply(text: str) -> str | None:
    """The reply inside a JSON answer; ``None`` where it does not parse or has no such key."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    reply = value.get("reply") if isinstance(value, dict) else None
    return reply if isinstance(reply, str) else None


def examples_for_prompt(language: str, count: int) -> list[dict]:
    """The shortest training answers: what one would paste into a prompt."""
    rows = sorted(gold(language, "train"), key=lambda row: len(row["question"] + row["answer"]))
    return rows[:count]


def ways(language: str, examples: list[dict]) -> dict[str, Callable[[str], Conversation]]:
    """The ways of asking, by name."""
    return {
        "plain": plain,
        "zero_shot": lambda question: instructed(question, language),
        "few_shot": lambda question: shown(question, examples),
        "json": lambda question: as_json(question, language, examples),
    }


def measure(model, tokenizer, conversations: list[Conversation], language: str, way: str):
    """Replies to ``conversations`` and their metrics: tone, prompt tokens, and for JSON its validity."""
    replies = generate(model, tokenizer, conversations, max_new_tokens=72)
    texts, found = replies.texts, {}
    if way == "json":
        inner = [json_reply(text) for text in texts]
        found = scored(
            f"json_valid{metric_suffix(language)}", [reply is not None for reply in inner]
        )
        texts = [reply or "" for reply in inner]
    found |= scored(
        f"tone_compliance_{way}{metric_suffix(language)}", tone_compliance(texts, language)
    )
    found |= {
        f"prompt_tokens_{way}{metric_suffix(language)}": float(np.mean(replies.prompt_tokens))
    }
    return replies, found


def prompting(run: Run) -> None:
    """Every way of asking, in both languages, on the same held-out questions."""
    model, tokenizer = load_model(run)
    for language in LANGUAGES:
        examples = examples_for_prompt(language, run.settings["few_shot"])
        for way, ask in ways(language, examples).items():
            asked = [ask(question) for question in questions(run, language)]
            _, found = measure(model, tokenizer, asked, language, way)
            run.measured(**found)


# --- the adapter ----------------------------------------------------------------------------------


def lora_config():
    """LoRA as the field writes it: rank 8 on the query and value projections."""
    from peft import LoraConfig

    return LoraConfig(
        r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )


def sft_config(run: Run, folder: Path):
    """TRL's settings for a minute of training on this profile's hardware."""
    from trl import SFTConfig

    return trainer_config(
        SFTConfig,
        run,
        output_dir=str(folder),
        num_train_epochs=run.settings["epochs"],
        per_device_train_batch_size=run.settings["batch_size"],
        learning_rate=run.settings["learning_rate"],
        lr_scheduler_type="cosine",
    )


def train_adapter(run: Run, language: str) -> tuple[Tuned, object]:
    """A LoRA adapter trained on the gold answers of one language; with its tokenizer."""
    model, tokenizer = load_model(run)
    rows = prompt_completion(gold(language, "train"))
    config = sft_config(run, run.folder / "sft")
    return supervised_fine_tune(model, tokenizer, rows, config, lora_config()), tokenizer


def off_and_on(model, tokenizer, untouched, question: str) -> dict[str, float]:
    """Largest difference of the logits to an untouched model, adapter off and on."""
    ids = tokenizer.apply_chat_template(plain(question), return_tensors="pt", return_dict=True)
    ids = ids.to(model.device)
    with torch.inference_mode():
        base = untouched(**ids).logits
        with model.disable_adapter():
            off = model(**ids).logits
        on = model(**ids).logits
    return {
        "adapter_off_max_abs_diff": float((off - base).abs().max()),
        "adapter_on_max_abs_diff": float((on - base).abs().max()),
    }


def fact_accuracy(rows: list[dict], replies: list[str], ending: str = "") -> dict:
    """Share of replies that hold every number of the right answer, over the rows that have one."""
    return scored(f"fact_accuracy_adapter{ending}", facts_right(rows, replies))


def adapter(run: Run) -> None:
    """An adapter in each language, the same questions again, the English one off, on and saved."""
    for language in LANGUAGES:
        tuned, tokenizer = train_adapter(run, language)
        asked = [plain(question) for question in questions(run, language)]
        replies, found = measure(tuned.model, tokenizer, asked, language, "adapter")
        run.measured(**found, **{f"train_seconds{metric_suffix(language)}": tuned.seconds})
        run.measured(
            **fact_accuracy(gold(language, "test"), replies.texts, metric_suffix(language))
        )
        if language == "en":
            untouched, _ = load_model(run)
            run.measured(
                **off_and_on(tuned.model, tokenizer, untouched, asked[0][0]["content"]),
                adapter_bytes=keep_adapter(run, tuned.model),
            )
    run.measured(**gain(run.metrics))
    run.figure("prompting_or_tuning", comparison_figure(run.metrics))


def gain(metrics: dict) -> dict[str, float]:
    """Tone with the adapter minus tone by the better of the two prompts."""
    best = max(metrics["tone_compliance_zero_shot"], metrics["tone_compliance_few_shot"])
    return {"tone_gain": metrics["tone_compliance_adapter"] - best}


def comparison_figure(metrics: dict):
    """Tone compliance of every way to get it, with intervals."""
    names = [
        n
        for n in ("plain", "zero_shot", "few_shot", "adapter")
        if f"tone_compliance_{n}" in metrics
    ]
    values = {name.replace("_", "-"): metrics[f"tone_compliance_{name}"] for name in names}
    intervals = {name.replace("_", "-"): metrics[f"tone_compliance_{name}_ci"] for name in names}
    return plots.bars(values, intervals, ylabel=plots.words("tone compliance", "口調の遵守率"))


def keep_adapter(run: Run, model) -> int:
    """Save the adapter among the run's artifacts; its weight file's size in bytes."""
    folder = run.folder / "adapter"
    run.artifact(folder)
    return save_adapter(model, folder)


def answer(model, tokenizer, question: str, adapter_on: bool = True) -> str:
    """One reply, with the adapter on or off."""
    with nullcontext() if adapter_on else model.disable_adapter():
        replies: Replies = generate(model, tokenizer, [plain(question)], max_new_tokens=72)
    return replies.texts[0]


# --- costs ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Prices:
    """What the learner fills in for the break-even sheet; every number is theirs, none is ours.

    ``per_million_tokens`` and ``gpu_per_hour`` in one currency; ``tokens_per_call`` counts prompt
    and answer; ``gpu_calls_per_hour`` is the throughput of the own machine.
    """

    per_million_tokens: float = 1.0
    tokens_per_call: float = 800.0
    gpu_per_hour: float = 0.5
    gpu_calls_per_hour: float = 3600.0
    gpu_always_on: bool = True


def break_even(prices: Prices) -> float:
    """Calls a month from which the own GPU is cheaper than the API; ``inf`` where it never is.

    It is so as long as one GPU is enough; a second one may turn it round again. An always-on GPU costs 730 hours a month whatever the volume; otherwise only the hours it works.
    """
    api_call = prices.per_million_tokens * prices.tokens_per_call / 1e6
    if not api_call or not prices.gpu_calls_per_hour:
        return float("inf")
    if prices.gpu_always_on:
        needed = 730 * prices.gpu_per_hour / api_call
        return needed if needed <= 730 * prices.gpu_calls_per_hour else float("inf")
    return 0.0 if prices.gpu_per_hour / prices.gpu_calls_per_hour < api_call else float("inf")


def cost_curves(prices: Prices, volumes: list[float]) -> dict[str, list[tuple[float, float]]]:
    """Monthly cost by calls a month: API, and own GPU (more machines when one is full)."""
    full = 730 * prices.gpu_calls_per_hour
    api = [(v, v * prices.per_million_tokens * prices.tokens_per_call / 1e6) for v in volumes]
    machine = 730 * prices.gpu_per_hour
    own = [
        (
            v,
            machine * max(1, -(-v // full))
            if prices.gpu_always_on
            else v / prices.gpu_calls_per_hour * prices.gpu_per_hour,
        )
        for v in volumes
    ]
    return {"API": api, "GPU": own}


def costs(run: Run) -> None:
    """The break-even sheet with its example prices."""
    prices = Prices()
    run.measured(break_even_calls_per_month=break_even(prices))
    run.figure("break_even", cost_figure(prices))


def cost_figure(prices: Prices):
    volumes = [float(v) for v in np.logspace(3, 7, 30)]
    labels = (
        plots.words("calls a month", "月間呼び出し回数"),
        plots.words("cost a month", "月額費用"),
    )
    return plots.lines(cost_curves(prices, volumes), *labels, logx=True, logy=True)


STEPS = (
    Step(
        "prompting",
        Text("Ask, instruct, show examples", "質問する・指示する・例を見せる"),
        prompting,
    ),
    Step(
        "adapter", Text("A LoRA adapter trained live", "その場で学習する LoRA アダプター"), adapter
    ),
    Step("costs", Text("Break-even sheet", "損益分岐点の計算"), costs),
)
