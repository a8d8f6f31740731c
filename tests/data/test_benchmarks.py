"""The course's benchmarks: choices and answers, arithmetic that is right, programs that pass."""

import importlib
import json
import re
import subprocess
import sys
from collections import Counter

import pytest

from lab_helpers.data.near_duplicates import near_duplicates
from lab_helpers.data.shipped import load_shipped
from lab_helpers.models.kotori import planted
from lab_helpers.runtime.paths import data_folder

both_languages = pytest.mark.parametrize("language", ["en", "ja"])
STEP = re.compile(r"([\d.+\-*/() ]+) = <<([^=<>]+)=([^<>]+)>>([\d.]+)")
RUN_ALL = """
import doctest, json, sys
passed, doctests = [], []
for row in json.load(sys.stdin):
    space = {}
    try:
        exec(row["prompt"] + row["solution"] + "\\n" + row["test"], space)
        space["check"](space[row["entry_point"]])
        passed.append(row["task_id"])
    except Exception:
        continue
    finder = doctest.DocTestFinder()
    runner = doctest.DocTestRunner(verbose=False)
    for case in finder.find(space[row["entry_point"]], row["entry_point"], globs=space):
        failed, tried = runner.run(case, out=lambda text: None)
        if tried and not failed:
            doctests.append(row["task_id"])
json.dump([passed, doctests], sys.stdout)
"""


def making(name: str):
    """A module of datasets_small/making, which is no package."""
    folder = str(data_folder() / "making")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def run_all(rows: list[dict], solution: str | None = None) -> tuple[list[str], list[str]]:
    """Tasks that pass their test, and those whose own examples come out; in a process of its own."""
    programs = [row | {"solution": solution or row["canonical_solution"]} for row in rows]
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUN_ALL],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    passed, doctests = json.loads(done.stdout)
    return passed, doctests


def alike(rows: list[str]) -> list[tuple]:
    return [(rows[i], rows[j], s) for i, j, s in near_duplicates(rows, rows, 0.5) if i < j]


# --- mmlu ------------------------------------------------------------------------------------------


@both_languages
def test_multiple_choice_rows_are_sound(language):
    rows = load_shipped("mmlu", language)
    assert len(rows) >= 300
    assert {tuple(row) for row in rows} == {("id", "question", "subject", "choices", "answer")}
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({row["question"] for row in rows}) == len(rows)
    for row in rows:
        assert len(set(row["choices"])) == 4, row
        assert row["answer"] in range(4), row
        assert all(choice.strip() for choice in row["choices"]), row


@both_languages
def test_no_place_of_the_right_choice_is_favoured(language):
    rows = load_shipped("mmlu", language)
    places = Counter(row["answer"] for row in rows)
    assert all(0.2 < places[i] / len(rows) < 0.3 for i in range(4)), places


@both_languages
def test_questions_about_the_company_are_answered_by_its_table(language):
    right = {fact.question: fact.answer for fact in planted.company_facts(language)}
    rows = [row for row in load_shipped("mmlu", language) if row["subject"] == "company"]
    assert len(rows) == making("mmlu").COMPANY
    for row in rows:
        assert row["choices"][row["answer"]] == right[row["question"]], row


@both_languages
def test_the_maker_reproduces_the_shipped_file(language, tmp_path):
    mmlu, made = making("mmlu"), tmp_path / "mmlu.jsonl"
    mmlu.write(made, mmlu.make(language))
    assert made.read_bytes() == (data_folder() / f"mmlu.{language}.jsonl").read_bytes()


# --- gsm8k -----------------------------------------------------------------------------------------


@both_languages
def test_word_problems_are_enough_unique_and_not_alike(language):
    rows = load_shipped("gsm8k", language)
    assert len(rows) >= 150
    assert {tuple(row) for row in rows} == {("question", "answer")}
    questions = [row["question"] for row in rows]
    assert len(set(questions)) == len(rows)
    assert alike(questions) == []


@both_languages
def test_every_step_of_the_arithmetic_is_right(language):
    for row in load_shipped("gsm8k", language):
        *lines, last = row["answer"].split("\n")
        steps = [step for line in lines for step in STEP.findall(line)]
        assert len(steps) == row["answer"].count("<<") >= 1, row
        for before, expression, value, after in steps:
            assert re.fullmatch(r"[\d.+\-*/()]+", expression), row
            assert before.strip().endswith(expression), row
            result = eval(expression, {"__builtins__": {}})
            assert abs(result - float(value)) < 1e-9, (row, result)
            assert after.rstrip(".") == value, row
        assert re.fullmatch(r"#### \d+", last), row
        assert last == f"#### {steps[-1][2]}", row


@both_languages
def test_problems_that_name_one_product_and_buy_it_use_its_price(language):
    """A price of five digits or more in such a problem is the table's, or a sum of money at hand."""
    prices = {product["price"] for product in planted.table()["product"]}
    at_hand = {
        "en": {80000, 100000, 10000, 12000, 42000, 31500, 26300, 16500},
        "ja": {80000, 10000, 12000, 15000, 16500, 23000},
    }
    for row in load_shipped("gsm8k", language):
        if not any(p["name"][language] in row["question"] for p in planted.table()["product"]):
            continue
        unit = r"([\d,]{6,})(?:-yen| yen)" if language == "en" else r"([\d,]{6,})円"
        named = {int(n.replace(",", "")) for n in re.findall(unit, row["question"])}
        assert named <= prices | at_hand[language], (row, named - prices)


# --- humaneval -------------------------------------------------------------------------------------


@both_languages
def test_programming_tasks_are_enough_and_unique(language):
    rows = load_shipped("humaneval", language)
    assert len(rows) >= 40
    columns = ("task_id", "prompt", "entry_point", "canonical_solution", "test")
    assert {tuple(row) for row in rows} == {columns}
    for key in ("task_id", "prompt", "entry_point"):
        assert len({row[key] for row in rows}) == len(rows)
    assert alike([row["prompt"] for row in rows]) == []
    for row in rows:
        assert f"def {row['entry_point']}(" in row["prompt"]


@both_languages
def test_canonical_solutions_pass_and_so_do_the_examples_in_the_prompts(language):
    rows = load_shipped("humaneval", language)
    passed, doctests = run_all(rows)
    every = [row["task_id"] for row in rows]
    assert passed == every
    assert doctests == every


@both_languages
def test_an_empty_body_passes_nothing(language):
    assert run_all(load_shipped("humaneval", language), "    pass\n") == ([], [])


def test_both_languages_have_the_same_code():
    english, japanese = load_shipped("humaneval", "en"), load_shipped("humaneval", "ja")
    for one, other in zip(english, japanese, strict=True):
        for key in ("task_id", "entry_point", "canonical_solution", "test"):
            assert one[key] == other[key]
        examples = [re.findall(r"^ *>>>.*\n.*$", row["prompt"], re.M) for row in (one, other)]
        assert examples[0] == examples[1]
        assert one["prompt"] != other["prompt"]
