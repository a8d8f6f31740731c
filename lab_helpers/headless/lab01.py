"""Lab 01, transfer learning: its core steps in order."""

from pathlib import Path

import numpy as np

from lab_helpers.course.language import Text
from lab_helpers.course.record import Run
from lab_helpers.data.labelled import LabelledTexts, read_labelled_texts, shipped_texts
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.classification import bootstrap_interval
from lab_helpers.evaluation.similarity import fooled_by_overlap
from lab_helpers.evaluation.spans import gold_spans, scores_by_kind, span_scores
from lab_helpers.figures import plots
from lab_helpers.headless.steps import Step
from lab_helpers.models.encoders import load_tagger
from lab_helpers.runtime.hardware import detect
from lab_helpers.runtime.precision import FLOAT32, pick_precision
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning import spectrum
from lab_helpers.tuning.classifier import encoder_blocks, trainable_parameters
from lab_helpers.tuning.experiments import Outcome, cheap_curves, mean_at, trained, until_target
from lab_helpers.tuning.forgetting import OldSkill, paraphrase_pairs
from lab_helpers.tuning.tagging import KINDS, TAGS, EntityTagger, FeatureTagger
from lab_helpers.tuning.transfer import Replay, TextEncoder

LANGUAGES = ("en", "ja")


def text_encoder(run: Run) -> TextEncoder:
    """The run's encoder, ``--model`` or the profile's, with the device and precision that fit.

    The tiny profile stays on the CPU even beside a GPU, so that its numbers compare.
    """
    profile, machine = run.profile, detect()
    on_gpu = profile.name != "tiny" and machine.accelerator == "cuda"
    precision = pick_precision(machine, profile.precision) if on_gpu else FLOAT32
    device = "cuda" if on_gpu else "cpu"
    return TextEncoder(run.model or profile.encoder, profile.max_length, device, precision)


def settings(run: Run, task: str) -> dict:
    """Training settings of a task (``sentiment``, ``intent``, ``entity``) from the profile."""
    sizes = run.sizes
    return {
        "epochs": sizes[f"{task}_epochs"],
        "learning_rate": sizes[f"{task}_learning_rate"],
        "head_learning_rate": sizes["head_learning_rate"],
        "batch_size": sizes["batch_size"],
    }


def probe_curves(run: Run) -> None:
    """Learning curves of the two cheap methods, both tasks, both languages."""
    encoder, sizes = text_encoder(run), run.sizes
    panels = {}
    if run.data:
        data = read_labelled_texts(run.data, run.seed)
        panels[data.name] = cheap_curves(
            encoder, data, usable_sizes(data, sizes["sizes"]), sizes["seeds"]
        )
    else:
        for name in ("reviews", "requests"):
            for language in LANGUAGES:
                data = shipped_texts(name, language)
                panels[data.name] = cheap_curves(encoder, data, sizes["sizes"], sizes["seeds"])
        run.measured(**curve_metrics(panels))
    for name, rows in panels.items():
        run.table(f"curve {name}", rows)
    run.figure("curves", plots.learning_curves(panels))


def curve_metrics(panels: dict[str, list[dict]]) -> dict[str, float]:
    """The headline points of the four shipped learning curves."""
    points = (("sentiment", "reviews", 256), ("intent", "requests", 64))
    return {
        f"{task}_accuracy_{key}_{n}_{language}": mean_at(panels[f"{data}.{language}"], method, n)
        for task, data, n in points
        for language in LANGUAGES
        for key, method in (("probe", "probe"), ("tfidf", "tf-idf"))
    }


def usable_sizes(data: LabelledTexts, sizes: list[int]) -> list[int]:
    """The sizes that the training split can fill, or its own size if it is smaller than all."""
    available = len(data.split("train")[0])
    return [n for n in sizes if n <= available] or [available]


def sentiment(run: Run) -> None:
    """Pretrained against scratch at 256 labels; the English model's ΔW is kept for later steps."""
    encoder = text_encoder(run)
    if run.data:
        return user_comparison(run, encoder, run.data)
    for language in LANGUAGES:
        data = shipped_texts("reviews", language)
        for start in ("pretrained", "scratch"):
            outcome = trained(
                encoder,
                data,
                256,
                run.seed,
                pretrained=start == "pretrained",
                label=f"{language} {start}",
                **settings(run, "sentiment"),
            )
            run.measured(**outcome_metrics(f"sentiment_accuracy_{start}_256_{language}", outcome))
            if (language, start) == ("en", "pretrained"):
                layers(run, encoder, outcome)
                run.table("forgetting", [forgetting_row(encoder, outcome)])
        run.measured(**gap(run.metrics, "sentiment", 256, language))


def outcome_metrics(key: str, outcome: Outcome) -> dict:
    """Accuracy under ``key`` and its bootstrap interval under ``key_ci``."""
    return {key: outcome.accuracy, f"{key}_ci": outcome.interval}


def gap(metrics: dict, task: str, n: int, language: str) -> dict[str, float]:
    """Pretrained minus the better of the two that start from nothing: random weights and TF-IDF."""
    best = max(metrics[f"{task}_accuracy_{rival}_{n}_{language}"] for rival in ("scratch", "tfidf"))
    return {
        f"{task}_gap_{n}_{language}": metrics[f"{task}_accuracy_pretrained_{n}_{language}"] - best
    }


def forgetting_row(encoder: TextEncoder, outcome: Outcome) -> dict:
    """New and old skill of a finished full fine-tuning, as a row of the forgetting table."""
    skill = OldSkill(encoder, paraphrase_pairs("en", "test"))
    return {
        "method": "full",
        "new_skill": outcome.accuracy,
        "old_skill": skill.accuracy(outcome.model.encoder),
        "steps": len(outcome.history.losses),
        "trainable": trainable_parameters(outcome.model),
    }


def user_comparison(run: Run, encoder: TextEncoder, path: Path) -> None:
    """The same comparison on the user's own file, at the largest size it allows."""
    data = read_labelled_texts(path, run.seed)
    n = usable_sizes(data, run.sizes["sizes"])[-1]
    for start in ("pretrained", "scratch"):
        outcome = trained(
            encoder,
            data,
            n,
            run.seed,
            pretrained=start == "pretrained",
            label=start,
            **settings(run, "sentiment"),
        )
        run.measured(**outcome_metrics(f"user_accuracy_{start}", outcome))
    rows = run.tables[f"curve {data.name}"]
    run.measured(
        user_accuracy_probe=mean_at(rows, "probe", n),
        user_accuracy_tfidf=mean_at(rows, "tf-idf", n),
        user_rows=n,
    )


def layers(run: Run, encoder: TextEncoder, outcome: Outcome) -> None:
    """How far each matrix moved in full fine-tuning."""
    before = spectrum.matrices(encoder.load())
    delta = spectrum.deltas(before, spectrum.matrices(outcome.model.encoder))
    rows = spectrum.relative_change(before, delta)
    run.table("weight change", rows)
    run.measured(**top_over_bottom(rows))
    run.figure("weight_change", plots.weight_change(rows))


def top_over_bottom(rows: list[dict]) -> dict[str, float]:
    """Mean ‖ΔW‖/‖W‖ of the top two blocks over that of the bottom two."""
    blocks = sorted({row["block"] for row in rows})
    mean = {b: np.mean([row["change"] for row in rows if row["block"] == b]) for b in blocks}
    top, bottom = np.mean([mean[b] for b in blocks[-2:]]), np.mean([mean[b] for b in blocks[:2]])
    return {"delta_w_top": top, "delta_w_bottom": bottom, "delta_w_top_over_bottom": top / bottom}


def intents(run: Run) -> None:
    """Ten intents from 64 labels: scratch, full, and the top blocks only, over seeds."""
    if run.data:
        return
    encoder, data = text_encoder(run), shipped_texts("requests", "en")
    rows = intent_rows(run, encoder, data)
    run.table("intent", rows)
    for start in ("pretrained", "scratch"):
        run.measured(**{f"intent_accuracy_{start}_64_en": mean_at(rows, start, 64)})
    run.measured(**gap(run.metrics, "intent", 64, "en"))
    frozen = freezing(run, encoder, data)
    run.table("freezing", frozen)
    run.figure("freezing", plots.freezing(frozen, trainable_blocks=2))


def intent_rows(run: Run, encoder: TextEncoder, data: LabelledTexts) -> list[dict]:
    """Pretrained and scratch on 64 labels, every seed: ``{"method", "n", "seed", "accuracy"}``."""
    rows = []
    for start in ("pretrained", "scratch"):
        for seed in run.sizes["seeds"]:
            outcome = trained(
                encoder,
                data,
                64,
                seed,
                pretrained=start == "pretrained",
                label=start,
                **settings(run, "intent"),
            )
            rows.append({"method": start, "n": 64, "seed": seed, "accuracy": outcome.accuracy})
    return rows


def freezing(run: Run, encoder: TextEncoder, data: LabelledTexts) -> list[dict]:
    """Accuracy at 64 labels when only the top k blocks train: ``{"blocks", "accuracy", "trainable"}``.

    No block at all is the frozen probe of the learning curves.
    """
    probe = run.metrics["intent_accuracy_probe_64_en"]
    rows = [{"blocks": 0, "accuracy": probe, "trainable": data_width(encoder) * len(data.labels)}]
    available = len(encoder_blocks(encoder.load()))
    for blocks in (number for number in run.sizes["freezing_blocks"] if number <= available):
        outcome = trained(
            encoder,
            data,
            64,
            run.seed,
            blocks=blocks,
            label=f"top {blocks}",
            **settings(run, "intent"),
        )
        rows.append(
            {
                "blocks": blocks,
                "accuracy": outcome.accuracy,
                "trainable": trainable_parameters(outcome.model),
            }
        )
    return rows


def data_width(encoder: TextEncoder) -> int:
    """Length of the encoder's text vectors."""
    return encoder.embed(["width"]).shape[1]


def entities(run: Run) -> None:
    """Spans: majority tagger, hand-made features, and the encoder from scratch and pretrained."""
    if run.data:
        return
    train_rows, test_rows = (
        load_shipped("entities", "en", "train"),
        load_shipped("entities", "en", "test"),
    )
    texts, gold = [row["text"] for row in test_rows], [gold_spans(row) for row in test_rows]
    traditional = FeatureTagger().fit(train_rows).spans(texts)
    taggers = {
        start: fit_tagger(run, train_rows, pretrained=start == "pretrained")
        for start in ("pretrained", "scratch")
    }
    spans = {start: tagger.spans(texts) for start, tagger in taggers.items()}
    scores = {
        name: span_scores(found, gold)["f1"]
        for name, found in {**spans, "traditional": traditional}.items()
    }
    run.measured(
        entity_f1_pretrained=scores["pretrained"],
        entity_f1_scratch=scores["scratch"],
        entity_f1_traditional=scores["traditional"],
        entity_gap_traditional=scores["pretrained"] - scores["traditional"],
        **majority_tagger(taggers["pretrained"], test_rows),
    )
    by_kind = scores_by_kind(spans["pretrained"], gold, KINDS)
    run.table("entities by kind", by_kind)
    run.figure("entities", plots.entity_scores(by_kind, scores))


def fit_tagger(run: Run, rows: list[dict], pretrained: bool) -> EntityTagger:
    """The run's encoder fine-tuned as an entity tagger, from trained or random weights."""
    encoder = text_encoder(run)
    seed_everything(run.seed)
    model = load_tagger(encoder.name, list(TAGS), pretrained).to(encoder.device)
    tagger = EntityTagger(model, encoder.tokenizer, encoder.max_length, encoder.precision)
    tagger.fit(rows, seed=run.seed, **settings(run, "entity"))
    return tagger


def majority_tagger(tagger: EntityTagger, rows: list[dict]) -> dict[str, float]:
    """Token accuracy and entity F1 of the tagger that always says O."""
    from lab_helpers.tuning.tagging import tags_for

    encoded = tagger.encode([row["text"] for row in rows])
    tags = []
    for offsets, row in zip(encoded["offset_mapping"], rows, strict=True):
        real = [span for span in offsets if span[1] > span[0]]
        tags += tags_for(real, row["entities"])
    gold = [gold_spans(row) for row in rows]
    return {
        "o_tagger_token_accuracy": float(np.mean([tag == "O" for tag in tags])),
        "o_tagger_entity_f1": span_scores([[] for _ in rows], gold)["f1"],
    }


def forgetting(run: Run) -> None:
    """LoRA and replay, stopped at the same new skill as full fine-tuning, and the probe."""
    if run.data:
        return
    encoder, data = text_encoder(run), shipped_texts("reviews", "en")
    skill = OldSkill(encoder, paraphrase_pairs("en", "test"))
    base_hits = skill.hits(encoder.load())
    base = float(base_hits.mean())
    rows = list(run.tables["forgetting"])
    rows += [forgetting_arm(run, encoder, data, skill, method) for method in ("lora", "replay")]
    rows.append(probe_row(run.metrics, base))
    run.measured(
        **forgotten(rows, base),
        old_skill_base=base,
        old_skill_base_ci=bootstrap_interval(base_hits),
    )
    run.measured(**limits_of_old_skill(encoder))
    run.table("forgetting", rows)
    run.figure("forgetting", plots.forgetting(rows, base))


def limits_of_old_skill(encoder: TextEncoder) -> dict[str, float]:
    """Where the old skill ends: Japanese, and a distractor that shares the anchor's words."""
    pretrained = encoder.load()
    japanese = OldSkill(encoder, paraphrase_pairs("ja", "test")).accuracy(pretrained)
    triples = load_shipped("similarity", "en", "test")
    columns = [
        encoder.embed([row[k] for row in triples], pretrained)
        for k in ("anchor", "paraphrase", "distractor")
    ]
    return {
        "old_skill_base_ja": japanese,
        "fooled_by_overlap": float(fooled_by_overlap(*columns).mean()),
    }


def probe_row(metrics: dict, base: float) -> dict:
    """The frozen probe in the forgetting table: it cannot forget, its encoder never changed."""
    new_skill = metrics["sentiment_accuracy_probe_256_en"]
    return {
        "method": "probe",
        "new_skill": new_skill,
        "old_skill": base,
        "steps": 0,
        "trainable": 0,
    }


def forgotten(rows: list[dict], base: float) -> dict[str, float]:
    """Add the column ``forgotten`` to the rows, and return it as metrics by method."""
    for row in rows:
        row["forgotten"] = base - row["old_skill"]
    return {f"forgetting_{row['method']}": row["forgotten"] for row in rows}


def forgetting_arm(
    run: Run, encoder: TextEncoder, data: LabelledTexts, skill: OldSkill, method: str
) -> dict:
    """One method of the forgetting comparison: ``lora`` or ``replay``."""
    from peft import LoraConfig, get_peft_model

    def prepare(model) -> None:
        if method == "lora":
            config = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
            model.encoder = get_peft_model(model.encoder, config)

    sizes = run.sizes
    return until_target(
        encoder,
        data,
        skill,
        prepare,
        method=method,
        target=sizes["forgetting_target"],
        seed=run.seed,
        n=256,
        epochs=sizes["forgetting_epochs"],
        learning_rate=sizes[
            "lora_learning_rate" if method == "lora" else "sentiment_learning_rate"
        ],
        head_learning_rate=sizes["head_learning_rate"],
        batch_size=sizes["batch_size"],
        replay=Replay(paraphrase_pairs("en", "train")) if method == "replay" else None,
    )


STEPS = (
    Step(
        "curves",
        Text("Learning curves of a frozen encoder", "凍結したエンコーダーの学習曲線"),
        probe_curves,
    ),
    Step(
        "sentiment",
        Text("Sentiment: pretrained against scratch", "感情分析: 事前学習あり・なし"),
        sentiment,
    ),
    Step(
        "intents",
        Text("Intents from 64 labels; freezing", "64 件のラベルで意図分類、層の凍結"),
        intents,
    ),
    Step("entities", Text("Entities and span F1", "固有表現とスパン F1"), entities),
    Step(
        "forgetting",
        Text("What is forgotten, and replay", "何を忘れるか、リプレイの効果"),
        forgetting,
    ),
)
