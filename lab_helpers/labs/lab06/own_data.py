"""Lab 06, evaluation: what a number about a model is worth.

Base, SFT and DPO of lab 05 are examined by everything the field uses, and every ruler is examined first.
"""

from lab_helpers.course.record import Run
from lab_helpers.course.running import Step
from lab_helpers.evaluation.latency import latency_rows
from lab_helpers.figures import dashboard as dashboard_figures
from lab_helpers.figures import evaluation as figures
from lab_helpers.labs.lab06 import benchmarks, leaks
from lab_helpers.labs.lab06 import customers as house
from lab_helpers.labs.lab06 import dashboard as boards
from lab_helpers.labs.lab06 import judges as judging
from lab_helpers.labs.lab06 import texts as text
from lab_helpers.labs.lab06.dashboard_page import write_dashboard
from lab_helpers.labs.lab06.models import base_model, candidates, train_dpo, train_sft
from lab_helpers.runtime.allocator import give_back_freed_memory
from lab_helpers.runtime.language import Text, language


def models(run: Run) -> None:
    """SFT and DPO, as adapters of one base."""
    run.measured(train_seconds_sft=train_sft(run).seconds, train_seconds_dpo=train_dpo(run).seconds)


def words(run: Run) -> None:
    """BLEU, ROUGE and METEOR by hand and by library; Japanese; what they do not see."""
    run.table("metrics by hand", text.pair_rows(*text.ONE_PAIR[run.settings["language"]], run.settings["language"]))  # fmt: skip
    run.measured(**text.largest_differences(run))
    japanese = text.japanese_rows()
    run.table("Japanese", japanese)
    run.measured(**text.japanese_summary(japanese))
    run.figure("japanese", figures.tokenizers(japanese))
    rows, found = text.blindness(run)
    run.table("wrong number, right fact", rows)
    run.measured(**found)


def customers(run: Run) -> None:
    """The house's questions: tone, overlap, declining as a classifier, invented facts, significance."""
    asked, examined = house.questions(run), candidates(run)
    replies = house.all_replies(examined, asked)
    run.table("replies", house.reply_rows(asked, replies))
    run.measured(**house.reply_metrics(asked, replies))
    right, done = house.decisions(asked, replies)
    run.table("declining", house.decision_rows(right, done))
    run.measured(**house.decision_metrics(right, done))
    run.figure("declining", figures.confusion(house.decision_matrices(right, done)))
    facts = house.all_facts(run, examined)
    run.table("facts", house.fact_rows(facts))
    run.measured(**house.fact_metrics(facts))
    run.figure("hallucination", figures.categories(house.fact_shares(facts)))
    rows = house.comparison_rows(house.per_item(asked, replies, facts))
    run.table("dpo minus sft", rows)
    run.measured(**house.comparison_metrics(rows))
    run.figure("differences", figures.differences(rows))
    judges(run, asked, replies)
    speed(run, asked, examined)


def judges(run: Run, asked, replies) -> None:
    """Three judges against gold; the best of them on DPO against SFT."""
    jury = judging.jury(run)
    verdicts = judging.read_all(jury, judging.gold(run))
    found = judging.judge_metrics(verdicts)
    run.measured(**found)
    run.table("judges", judging.judge_rows(found))
    run.table("judges by length", judging.length_rows(verdicts))
    run.figure("judges", figures.judges(judging.judge_rows(found), judging.length_rows(verdicts)))
    best = jury[judging.best_judge(found)]
    run.measured(**judging.win_metrics(best, asked, replies["dpo"], replies["sft"]))


def speed(run: Run, asked, examined) -> None:
    """One reply at a time: half within, 95 % within, first token, tokens a second."""
    found = boards.latencies(run, examined, asked)
    run.table("latency", latency_rows(found))
    run.measured(**boards.latency_metrics(found))


def sandbox(run: Run) -> None:
    """Hostile programs; nothing where the user has not agreed to a weaker sandbox."""
    refusal = benchmarks.sandbox_refusal()
    if refusal:
        run.table("sandbox", [{"not run": refusal}])
        return
    rows = benchmarks.hostile_rows()
    run.table("sandbox", rows)
    run.measured(**benchmarks.hostile_metrics(rows))


def exams(run: Run) -> None:
    """MMLU asked in two ways, GSM8K and HumanEval, of all three models; the learner's own file."""
    examined = candidates(run)
    shipped = benchmarks.shipped_results(run, examined)
    rows = benchmarks.group_rows(shipped)
    run.table("mmlu by group", rows)
    run.measured(**benchmarks.two_ways_metrics(shipped), **benchmarks.drops(shipped))
    run.figure("mmlu", figures.two_ways(rows, shipped["mmlu"]["base"].chance))
    own = benchmarks.own_results(run, examined)
    run.table("benchmarks", benchmarks.result_rows(shipped | own))
    run.measured(**benchmarks.result_metrics(shipped | own))


def leak(run: Run) -> None:
    """Half of the test leaks into training; the score, the fresh half, and the n-gram check."""
    give_back_freed_memory()
    items = leaks.halves(run)
    model, tokenizer = load_model(run)
    before = leaks.both_halves(run, model, tokenizer, items)
    tuned, _ = leaks.train_leaked(run, items.leaked)
    after = leaks.both_halves(run, tuned.model, tokenizer, items)
    rows = leaks.leak_rows(items, before, after)
    run.table("leak", rows)
    run.measured(**leaks.leak_metrics(before, after), train_seconds_leak=tuned.seconds)
    run.figure("leak", figures.leak(rows))
    found = leaks.detection_rows(run, items)
    run.table("leaks found", found)
    run.measured(**leaks.detection_metrics(run, found), **leaks.mended(run, items))


def board(run: Run) -> None:
    """Everything about base, SFT and DPO on one page."""
    found = boards.lab_dashboard(run.metrics)
    run.table("dashboard", found.rows(language()))
    run.figure("bars", dashboard_figures.bars(found))
    run.figure("radar", dashboard_figures.radar(found))
    run.artifact(write_dashboard(run.folder / "dashboard.html", found, boards.NOTES))


STEPS = (
    Step("models", Text("The models: SFT and DPO", "モデル: SFT と DPO"), models),
    Step("words", Text("BLEU, ROUGE, METEOR", "BLEU・ROUGE・METEOR"), words),
    Step("customers", Text("Customers' questions, judges, speed", "お客様の質問・審査員・速さ"), customers),
    Step("sandbox", Text("Hostile programs in the sandbox", "サンドボックスと敵対的なプログラム"), sandbox),
    Step("exams", Text("MMLU, GSM8K, HumanEval", "MMLU・GSM8K・HumanEval"), exams),
    Step("leak", Text("A leaked test", "テストの混入"), leak),
    Step("board", Text("The dashboard", "ダッシュボード"), board),
)  # fmt: skip
