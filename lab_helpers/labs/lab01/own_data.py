"""Lab 01, transfer learning: its core steps in order."""

from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.course.running import Step
from lab_helpers.data.labelled import read_labelled_texts, shipped_texts
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.spans import gold_spans, scores_by_kind, span_scores
from lab_helpers.figures import plots
from lab_helpers.labs.lab01.entities import fit_tagger, majority_tagger
from lab_helpers.labs.lab01.forgetting import (
    forgetting_arm,
    forgetting_row,
    forgotten,
    limits_of_old_skill,
    probe_row,
)
from lab_helpers.labs.lab01.old_skill import OldSkill, paraphrase_pairs
from lab_helpers.labs.lab01.training import (
    both_starts,
    curve_metrics,
    freezing,
    gap,
    intent_rows,
    outcome_metrics,
    text_encoder,
    top_over_bottom,
    usable_sizes,
)
from lab_helpers.labs.shared.classifiers import Outcome, cheap_curves, mean_at
from lab_helpers.runtime.intervals import bootstrap_interval
from lab_helpers.runtime.language import LANGUAGES, Text
from lab_helpers.tuning import spectrum
from lab_helpers.tuning.tagging import KINDS, FeatureTagger
from lab_helpers.tuning.transfer import TextEncoder


def probe_curves(run: Run) -> None:
    """Learning curves of the two cheap methods, both tasks, both languages."""
    encoder, sizes = load_text_encoder(run), run.settings
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


def sentiment(run: Run) -> None:
    """Pretrained against scratch at 256 labels; the English model's ΔW is kept for later steps."""
    encoder = load_text_encoder(run)
    if run.data:
        return user_comparison(run, encoder, run.data)
    for language in LANGUAGES:
        data = shipped_texts("reviews", language)
        for start, _, outcome in both_starts(
            run, encoder, data, 256, "sentiment", [run.seed], language
        ):
            run.measured(**outcome_metrics(f"sentiment_accuracy_{start}_256_{language}", outcome))
            if (language, start) == ("en", "pretrained"):
                layers(run, encoder, outcome)
                run.table("forgetting", [forgetting_row(encoder, outcome)])
        run.measured(**gap(run.metrics, "sentiment", 256, language))


def user_comparison(run: Run, encoder: TextEncoder, path: Path) -> None:
    """The same comparison on the user's own file, at the largest size it allows."""
    data = read_labelled_texts(path, run.seed)
    n = usable_sizes(data, run.settings["sizes"])[-1]
    for start, _, outcome in both_starts(run, encoder, data, n, "sentiment", [run.seed]):
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


def intents(run: Run) -> None:
    """Ten intents from 64 labels: scratch, full, and the top blocks only, over seeds."""
    if run.data:
        return
    encoder, data = load_text_encoder(run), shipped_texts("requests", "en")
    rows = intent_rows(run, encoder, data)
    run.table("intent", rows)
    for start in ("pretrained", "scratch"):
        run.measured(**{f"intent_accuracy_{start}_64_en": mean_at(rows, start, 64)})
    run.measured(**gap(run.metrics, "intent", 64, "en"))
    frozen = freezing(run, encoder, data)
    run.table("freezing", frozen)
    run.figure("freezing", plots.freezing(frozen, trainable_blocks=2))


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


def forgetting(run: Run) -> None:
    """LoRA and replay, stopped at the same new skill as full fine-tuning, and the probe."""
    if run.data:
        return
    encoder, data = load_text_encoder(run), shipped_texts("reviews", "en")
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
