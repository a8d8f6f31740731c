"""What Kotori can and cannot do before any tuning: ``labs run base``."""

from lab_helpers.course.record import Run
from lab_helpers.course.running import Step
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.models import generation
from lab_helpers.models.kotori import planted, skills
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.intervals import scored
from lab_helpers.runtime.language import LANGUAGES, Text

TEXT_KINDS = ("facts", "passages", "service", "stories")


def knowledge(run: Run) -> None:
    """Known facts, in usual and in new wording, and planted ones, by choice among four."""
    model, tokenizer = load_model(run)
    run.measured(planted_fact_chance=0.25)
    for language in LANGUAGES:
        hits, _ = skills.scores(model, tokenizer, skills.known_facts(language))
        run.measured(**scored(f"known_fact_accuracy_{language}", hits))
        hits, _ = skills.scores(model, tokenizer, skills.known_facts(language, unseen_wording=True))
        run.measured(**scored(f"known_fact_accuracy_new_wording_{language}", hits))
        company = planted.company_facts(language)
        chosen = skills.chosen_correctly(model, tokenizer, company, language)
        run.measured(**scored(f"planted_fact_accuracy_{language}", chosen))
        questions = [skills.asked(fact.question, fact.answer, language) for fact in company]
        run.measured(
            **{
                f"planted_fact_recall_{language}": skills.scores(model, tokenizer, questions)[
                    0
                ].mean()
            }
        )
        withheld = planted.withheld_facts(language)
        chosen = skills.chosen_correctly(model, tokenizer, withheld, language)
        run.measured(**scored(f"withheld_fact_accuracy_{language}", chosen))


def reading(run: Run) -> None:
    """Copying an answer out of an unseen passage, and following the form of examples."""
    model, tokenizer = load_model(run)
    size = run.settings["passages"]
    for language in LANGUAGES:
        for count in (1, 2, 4):
            hits, _ = skills.scores(model, tokenizer, skills.copying(language, count, size))
            run.measured(**scored(f"copy_accuracy_{count}_{language}", hits))
        unseen = skills.copying(language, 1, size, held_out=True)
        hits, _ = skills.scores(model, tokenizer, unseen)
        run.measured(**scored(f"copy_accuracy_1_new_attribute_{language}", hits))
        hits, _ = skills.scores(model, tokenizer, skills.few_shot(language, size))
        run.measured(**scored(f"few_shot_accuracy_{language}", hits))


def language(run: Run) -> None:
    """Perplexity on held-out texts of several kinds."""
    model, tokenizer = load_model(run)
    for spoken in LANGUAGES:
        for kind in TEXT_KINDS:
            value = skills.perplexity(model, tokenizer, spoken, kind)
            run.measured(**{f"perplexity_{kind}_{spoken}": value})


def service(run: Run) -> None:
    """Tone, refusals and speed on the company's held-out questions."""
    model, tokenizer = load_model(run)
    for spoken in LANGUAGES:
        rows = [row for row in load_shipped("support", spoken, "test") if row["gold"]]
        questions = [generation.asked(row["question"]) for row in rows]
        replies = generation.generate(model, tokenizer, questions, max_new_tokens=64)
        run.measured(
            **scored(f"tone_compliance_{spoken}", tone_compliance(replies.texts, spoken)),
            **{f"refusal_rate_{spoken}": declines(replies.texts, spoken).mean()},
        )
        if spoken == "en":
            run.measured(tokens_per_second=replies.tokens_per_second)


STEPS = (
    Step("knowledge", Text("Known and planted facts", "既知の事実と伏せた事実"), knowledge),
    Step("reading", Text("Reading and copying", "読んで書き写す"), reading),
    Step("language", Text("Perplexity on held-out text", "未使用のテキストでのパープレキシティ"), language),
    Step("service", Text("Tone, refusals, speed", "口調・回答の差し控え・速さ"), service),
)  # fmt: skip
