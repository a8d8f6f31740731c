"""What Kotori can and cannot do before any tuning: ``labs run base``."""

from lab_helpers.course.record import Run
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.models import generation
from lab_helpers.models.kotori import planted, skills
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import LANGUAGES, Text

TEXT_KINDS = ("facts", "passages", "service", "stories")


def measure_knowledge(model, tokenizer) -> dict:
    """Known facts, in usual and in new wording, and planted ones, by choice among four."""
    found: dict = {"planted_fact_chance": 0.25}
    for language in LANGUAGES:
        hits, _ = skills.scores(model, tokenizer, skills.known_facts(language))
        found |= interval_metrics(f"known_fact_accuracy_{language}", hits)
        hits, _ = skills.scores(model, tokenizer, skills.known_facts(language, unseen_wording=True))
        found |= interval_metrics(f"known_fact_accuracy_new_wording_{language}", hits)
        company = planted.company_facts(language)
        chosen = skills.chosen_correctly(model, tokenizer, company, language)
        found |= interval_metrics(f"planted_fact_accuracy_{language}", chosen)
        questions = [skills.make_question(fact.question, fact.answer, language) for fact in company]
        hits, _ = skills.scores(model, tokenizer, questions)
        found[f"planted_fact_recall_{language}"] = hits.mean()
        withheld = planted.withheld_facts(language)
        chosen = skills.chosen_correctly(model, tokenizer, withheld, language)
        found |= interval_metrics(f"withheld_fact_accuracy_{language}", chosen)
    return found


def measure_reading(model, tokenizer, size: int) -> dict:
    """Copying an answer out of an unseen passage, and following the form of examples."""
    found: dict = {}
    for language in LANGUAGES:
        for count in (1, 2, 4):
            hits, _ = skills.scores(model, tokenizer, skills.copying(language, count, size))
            found |= interval_metrics(f"copy_accuracy_{count}_{language}", hits)
        unseen = skills.copying(language, 1, size, held_out=True)
        hits, _ = skills.scores(model, tokenizer, unseen)
        found |= interval_metrics(f"copy_accuracy_1_new_attribute_{language}", hits)
        hits, _ = skills.scores(model, tokenizer, skills.few_shot(language, size))
        found |= interval_metrics(f"few_shot_accuracy_{language}", hits)
    return found


def measure_perplexity(model, tokenizer) -> dict:
    """Perplexity on held-out texts of several kinds."""
    found: dict = {}
    for spoken in LANGUAGES:
        for kind in TEXT_KINDS:
            value = skills.perplexity(model, tokenizer, spoken, kind)
            found[f"perplexity_{kind}_{spoken}"] = value
    return found


def measure_service(model, tokenizer) -> dict:
    """Tone, refusals and speed on the company's held-out questions."""
    found: dict = {}
    for spoken in LANGUAGES:
        rows = gold_rows(spoken, "test")
        questions = [generation.make_conversation(row["question"]) for row in rows]
        replies = generation.generate(model, tokenizer, questions, max_new_tokens=64)
        found |= interval_metrics(
            f"tone_compliance_{spoken}", tone_compliance(replies.texts, spoken)
        )
        found[f"refusal_rate_{spoken}"] = declines(replies.texts, spoken).mean()
        if spoken == "en":
            found["tokens_per_second"] = replies.tokens_per_second
    return found


def measure_base_model(run: Run) -> None:
    """Facts, copying, perplexity, and the company's questions, in both languages."""
    model, tokenizer = load_model(run)
    with run.section(str(Text("Known and planted facts", "既知の事実と伏せた事実"))):
        run.measured(**measure_knowledge(model, tokenizer))
    with run.section(str(Text("Reading and copying", "読んで書き写す"))):
        run.measured(**measure_reading(model, tokenizer, run.settings["passages"]))
    with run.section(
        str(Text("Perplexity on held-out text", "学習に使っていない文章でのパープレキシティ"))
    ):
        run.measured(**measure_perplexity(model, tokenizer))
    with run.section(str(Text("Tone, refusals, speed", "口調・回答の差し控え・速さ"))):
        run.measured(**measure_service(model, tokenizer))
