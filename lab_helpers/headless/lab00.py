"""Lab 00, start here: describe, show examples, tune, and switch the tuning off and on.

The encoder stands in for a language model here: it reads a customer's message and picks one of
ten intents. "Zero-shot" compares with a description of each intent, "few-shot" with a few examples
of each, and the adapter is LoRA, trained live.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch

from lab_helpers.course.language import Text
from lab_helpers.course.record import Run
from lab_helpers.data.labelled import LabelledTexts, shipped_texts
from lab_helpers.evaluation.classification import bootstrap_interval
from lab_helpers.figures import plots
from lab_helpers.headless.lab01 import text_encoder
from lab_helpers.headless.steps import Step
from lab_helpers.tuning.classifier import EncoderClassifier
from lab_helpers.tuning.experiments import hits_on
from lab_helpers.tuning.transfer import TextEncoder, fine_tune

DESCRIPTIONS = {
    "account": "I have a question about logging in, my password, my membership or my mail address.",
    "delivery": "Where is my parcel, and can the delivery date or address be changed?",
    "how_to": "How do I use, set or clean this appliance?",
    "human": "I want to talk to a real person, please call me back.",
    "payment": "I have a question about an invoice, a card payment, instalments or a double charge.",
    "recycling": "How can I dispose of my old appliance or the packaging?",
    "repair": "My appliance is broken and needs a repair.",
    "return": "I want to send this back, get my money back or exchange it.",
    "spare_parts": "I want to buy a spare part such as a filter, a lid or a remote control.",
    "warranty": "How long is the warranty and what does it cover?",
}


def nearest_label(vectors: np.ndarray, references: np.ndarray, labels: list[int]) -> np.ndarray:
    """For every vector the label of its nearest reference by cosine; shapes (n, w), (m, w) → (n,)."""
    unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)  # noqa: E731
    return np.array(labels)[(unit(vectors) @ unit(references).T).argmax(axis=1)]


def few_shot_examples(
    data: LabelledTexts, per_label: int, seed: int
) -> tuple[list[str], list[int]]:
    """``per_label`` training examples of each label: what one would paste into a prompt."""
    return data.sample(per_label * len(data.labels), seed)


def prompting(run: Run) -> None:
    """Zero-shot and few-shot on held-out requests, and the tokens each call reads."""
    encoder = text_encoder(run)
    pretrained = encoder.load()
    for language in ("en", "ja"):
        data = shipped_texts("requests", language)
        texts, gold = data.split("test")
        vectors = encoder.embed(texts, pretrained)
        examples, example_labels = few_shot_examples(data, run.sizes["few_shot"], run.seed)
        shown = nearest_label(vectors, encoder.embed(examples, pretrained), example_labels)
        run.measured(
            **scored(f"intent_accuracy_few_shot{suffix(language)}", shown == np.array(gold))
        )
        if language == "en":
            described = encoder.embed([DESCRIPTIONS[label] for label in data.labels], pretrained)
            zero = nearest_label(vectors, described, list(range(len(data.labels))))
            run.measured(**scored("intent_accuracy_zero_shot", zero == np.array(gold)))
            run.measured(**prompt_tokens(encoder, texts, list(DESCRIPTIONS.values()), examples))


def suffix(language: str) -> str:
    return "" if language == "en" else f"_{language}"


def scored(name: str, hits) -> dict:
    """A rate and its bootstrap interval under ``name`` and ``name_ci``."""
    hits = np.asarray(hits, dtype=float)
    return {name: hits.mean(), f"{name}_ci": bootstrap_interval(hits)}


def prompt_tokens(
    encoder: TextEncoder, texts: list[str], descriptions: list[str], examples: list[str]
) -> dict[str, float]:
    """Mean tokens a call would read if the help travelled in the prompt, as it does with an LLM."""
    question = np.mean([len(ids) for ids in encoder.tokenize(texts)])
    count = lambda rows: sum(len(ids) for ids in encoder.tokenize(rows))  # noqa: E731
    return {
        "prompt_tokens_zero_shot": float(question) + count(descriptions),
        "prompt_tokens_few_shot": float(question) + count(examples),
        "prompt_tokens_adapter": float(question),
    }


@dataclass
class Adapted:
    """A classifier whose encoder carries a LoRA adapter, and how long its training took."""

    model: EncoderClassifier
    seconds: float
    losses: list[float]


def train_adapter(
    encoder: TextEncoder, data: LabelledTexts, config, sizes: dict, seed: int
) -> Adapted:
    """Train a LoRA adapter (PEFT ``config``) and a linear head on ``sizes["train_rows"]`` requests."""
    from peft import get_peft_model

    model = encoder.classifier(len(data.labels), seed)
    model.encoder = get_peft_model(model.encoder, config)
    texts, labels = data.sample(sizes["train_rows"], seed)
    started = time.perf_counter()
    history = fine_tune(
        model,
        encoder,
        texts,
        labels,
        epochs=sizes["epochs"],
        learning_rate=sizes["learning_rate"],
        head_learning_rate=sizes["head_learning_rate"],
        batch_size=sizes["batch_size"],
        seed=seed,
        label="LoRA",
    )
    return Adapted(model, time.perf_counter() - started, history.losses)


def off_and_on(
    encoder: TextEncoder, model: EncoderClassifier, texts: list[str]
) -> dict[str, float]:
    """Largest difference to the untouched encoder with the adapter off, and with it on."""
    untouched = encoder.embed(texts, encoder.load())
    with model.encoder.disable_adapter():
        off = encoder.embed(texts, model.encoder)
    on = encoder.embed(texts, model.encoder)
    return {
        "adapter_off_max_abs_diff": float(np.abs(off - untouched).max()),
        "adapter_on_max_abs_diff": float(np.abs(on - untouched).max()),
    }


def adapter(run: Run) -> None:
    """LoRA trained live on English requests, switched off and on, and saved."""
    from peft import LoraConfig

    encoder, data = text_encoder(run), shipped_texts("requests", "en")
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
    adapted = train_adapter(encoder, data, config, run.sizes, run.seed)
    run.measured(
        train_seconds=adapted.seconds,
        **scored("intent_accuracy_adapter", hits_on(encoder, adapted.model, data)),
        **off_and_on(encoder, adapted.model, data.split("test")[0][:16]),
        adapter_bytes=save_adapter(run, adapted.model),
    )
    run.measured(**gain(run.metrics))
    run.figure("prompting_or_tuning", comparison_figure(run.metrics))


def gain(metrics: dict) -> dict[str, float]:
    """Accuracy with the adapter minus accuracy by description."""
    difference = metrics["intent_accuracy_adapter"] - metrics["intent_accuracy_zero_shot"]
    return {"intent_accuracy_gain": difference}


def comparison_figure(metrics: dict):
    """Accuracy of the three ways to get help into the model, with intervals."""
    names = ("zero_shot", "few_shot", "adapter")
    values = {name.replace("_", "-"): metrics[f"intent_accuracy_{name}"] for name in names}
    intervals = {name.replace("_", "-"): metrics[f"intent_accuracy_{name}_ci"] for name in names}
    return plots.bars(values, intervals)


def save_adapter(run: Run, model: EncoderClassifier) -> int:
    """Save the adapter among the run's artifacts; its weight file's size in bytes."""
    folder = run.folder / "adapter"
    model.encoder.save_pretrained(folder)
    run.artifact(folder)
    return (folder / "adapter_model.safetensors").stat().st_size


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

    An always-on GPU costs 730 hours a month whatever the volume; otherwise only the hours it works.
    """
    api_call = prices.per_million_tokens * prices.tokens_per_call / 1e6
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


def answer(
    encoder: TextEncoder,
    model: EncoderClassifier,
    labels: tuple[str, ...],
    text: str,
    adapter_on: bool = True,
) -> list[dict]:
    """The three likeliest intents for one message, with the adapter on or off."""
    from contextlib import nullcontext

    with nullcontext() if adapter_on else model.encoder.disable_adapter():
        scores = torch.softmax(torch.tensor(encoder.logits(model, [text])[0]), dim=-1)
    best = scores.argsort(descending=True)[:3].tolist()
    return [{"intent": labels[i], "probability": float(scores[i])} for i in best]


STEPS = (
    Step(
        "prompting",
        Text(
            "Describe and show: zero-shot and few-shot", "説明と例示: ゼロショットとフューショット"
        ),
        prompting,
    ),
    Step(
        "adapter", Text("A LoRA adapter trained live", "その場で学習する LoRA アダプター"), adapter
    ),
    Step("costs", Text("Break-even sheet", "損益分岐点の計算"), costs),
)
