"""Lab 04 on the user's own file: every row is learned, or counted with its reason."""

import dataclasses
import json

import pytest

from lab_helpers.course.record import Run
from lab_helpers.data.forms.reading_options import AS_FOUND, ReadingOptions
from lab_helpers.labs.lab04.own_data import check_own_data, measure_own_data, runaway_line
from lab_helpers.labs.shared.own_files import column_rows, problem_rows, report_lines
from lab_helpers.labs.shared.own_rows import (
    OwnRows,
    prepare_own_rows,
    read_own_rows,
)
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.profiles import load_profile
from lab_helpers.runtime.progress import report_with

pytestmark = pytest.mark.usefixtures("one_thread")
SHORT = {"batch_size": 4, "rank": 8, "own_steps": 20, "own_test": 4}


def short_profile():
    profile = load_profile("tiny")
    return dataclasses.replace(
        profile, tables=profile.tables | {"lab04": profile.lab("04") | SHORT}
    )


def pairs(count: int) -> list[dict]:
    things = ("lamp", "heater", "filter", "box")
    return [
        {"question": f"Is the {things[i % 4]} number {i} {i * 37} warm?", "answer": f"The {things[i % 4]} is warm, number {i}."}
        for i in range(count)
    ]  # fmt: skip


SHAPES = {
    "question-answer.jsonl": lambda row: row,
    "alpaca.jsonl": lambda row: {"instruction": row["question"], "input": "", "output": row["answer"]},
    "sharegpt.jsonl": lambda row: {"conversations": [{"from": "human", "value": row["question"]}, {"from": "gpt", "value": row["answer"]}]},
    "chat.jsonl": lambda row: {"messages": [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]},
    "preference.jsonl": lambda row: {"prompt": row["question"], "chosen": row["answer"], "rejected": "No."},
}  # fmt: skip


def write(folder, name: str, rows: list[dict]):
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_pairs(tmp_path, shape):
    path = write(tmp_path, shape, [SHAPES[shape](row) for row in pairs(12)])
    rows, report = read_own_rows(path, AS_FOUND)
    assert (report.rows, len(rows)) == (12, 12)
    assert rows[3]["prompt"] == [{"role": "user", "content": pairs(12)[3]["question"]}]
    assert rows[3]["line"] == 4
    assert rows[3]["completion"] == [{"role": "assistant", "content": pairs(12)[3]["answer"]}]


def test_rows_without_an_answer_are_counted_and_a_file_of_them_refused(tmp_path):
    empty = [row | {"answer": ""} for row in pairs(5)]
    rows, report = read_own_rows(write(tmp_path, "some.jsonl", empty + pairs(12)), AS_FOUND)
    assert (len(rows), report.counts["empty-answer"]) == (12, 5)
    assert [row["line"] for row in rows] == list(range(6, 18))
    assert problem_rows(report)[0] == {"problem": "empty-answer", "rows": 5, "first line": 1}
    assert "5 of 17 rows cannot be used" in report_lines(report)[0]
    with pytest.raises(
        BadInput, match=r"0 of 15 rows are left.*15 cannot be used.*labs data check"
    ):
        read_own_rows(write(tmp_path, "none.jsonl", empty * 3), AS_FOUND)


@pytest.fixture(scope="module")
def own_run(tiny_chat_model, tmp_path_factory, one_thread):
    folder = tmp_path_factory.mktemp("own")
    path = write(folder, "mine.jsonl", pairs(40))
    run = Run("04", short_profile(), 0, folder, model=str(tiny_chat_model), data=path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(folder))
        measure_own_data(run)
    return run


def test_the_users_rows_are_learned(own_run):
    metrics = own_run.metrics
    assert (
        metrics["user_train_rows"] + metrics["user_test_rows"] <= metrics["user_rows_clean"] == 40
    )
    assert metrics["user_loss_after"] < 0.8 * metrics["user_loss_before"]
    assert 0 <= metrics["runaway_rate_user"] <= 1
    assert "tone_compliance_sft" not in metrics, "the shipped data are another lesson"


def test_the_users_adapter_and_samples_are_kept(own_run, tiny_chat_model):
    samples = own_run.tables["samples"]
    assert [set(row) for row in samples] == [{"question", "wanted", "before", "after"}] * len(
        samples
    )
    assert own_run.artifacts == ["adapter"]
    from lab_helpers.models.adapters import load_adapter

    base, _ = load_language_model(str(tiny_chat_model))
    load_adapter(base, own_run.folder / "adapter")


def test_a_file_is_read_before_anything_runs(tmp_path):
    check_own_data(write(tmp_path, "good.jsonl", pairs(12)), AS_FOUND)
    for name, rows, said in (
        ("few.jsonl", pairs(3), "3 of 3 rows are left to learn from, and 10 are needed"),
        ("labels.jsonl", [{"text": "warm", "label": "good"}] * 20, "no known shape fits"),
    ):
        with pytest.raises(BadInput, match=said):
            check_own_data(write(tmp_path, name, rows), AS_FOUND)
    with pytest.raises(BadInput, match="no such file"):
        check_own_data(tmp_path / "none.jsonl", AS_FOUND)


# What is not learned, and why


class Heard:
    """A listener of progress that keeps the lines somebody should see."""

    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)

    def __call__(self, label, done, total):
        pass


def as_chat(rows: list[dict]) -> list[dict]:
    """Rows of question and answer as conversations; other columns stay."""
    return [
        row
        if "messages" in row
        else SHAPES["chat.jsonl"](row)
        | {k: v for k, v in row.items() if k not in ("question", "answer")}
        for row in rows
    ]


def spoken(i: int) -> list[dict]:
    row = pairs(i + 1)[i]
    return [{"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]  # fmt: skip


def calling(i: int) -> list[dict]:
    asked, answer = spoken(i)
    call = {"type": "function", "function": {"name": "price", "arguments": {}}}
    return [asked, {**answer, "content": None, "tool_calls": [call]}]


def prepared(folder, model, rows, **options):
    path = write(folder, "mine.jsonl", rows)
    run = Run(
        "04",
        short_profile(),
        0,
        folder,
        model=str(model),
        data=path,
        options=ReadingOptions(**options),
    )
    heard = Heard()
    with report_with(heard):
        own = prepare_own_rows(run)
    return own, run, heard.lines


def test_every_row_is_learned_or_counted(tmp_path, tiny_chat_model):
    rows = pairs(20)
    others = [
        rows[0] | {"answer": ""},
        rows[1] | {"label": False},
        rows[2] | {"answer": "It is.<|im_end|>"},
        pairs(30)[29] | {"question": "Is it? " * 400},
        {"messages": calling(30)},
        rows[3],
    ]
    own, run, lines = prepared(tmp_path, tiny_chat_model, as_chat(rows + others), max_length=120)
    found = run.metrics
    assert found["user_rows"] == 26
    assert found["user_rows_without_answer"] == 3
    assert found["user_rows_not_in_template"] == 1
    assert found["user_near_duplicates"] == 1
    assert found["user_rows_too_long"] == 1
    assert len(own.train) + found["user_test_rows"] <= 20
    assert run.tables["problems"][0]["rows"] == 1
    assert [row["row"] for row in run.tables["removed"]] == [26]
    said = "\n".join(lines)
    assert "3 of 26 rows cannot be used" in said
    assert "'tool_calls'" in said
    assert "left out: 120 tokens" in said


def test_columns_that_are_not_used_are_said(tmp_path):
    rows = [row | {"images": ["x.png"], "system": "Be kind."} for row in pairs(12)]
    _, report = read_own_rows(write(tmp_path, "mine.jsonl", rows), AS_FOUND)
    assert column_rows(report) == [
        {"column": "system", "rows": 12, "use": "used"},
        {"column": "images", "rows": 12, "use": "not used"},
    ]
    assert "columns not used: images" in report_lines(report)


def test_answers_that_are_all_cut_are_refused_before_the_model_is_loaded(tmp_path, tiny_chat_model):
    rows = [row | {"answer": row["answer"] * 40} for row in pairs(20)]
    with pytest.raises(BadInput, match="never learn to stop"):
        prepared(tmp_path, tiny_chat_model, rows, max_length=60)


def test_too_few_rows_are_refused_with_what_became_of_the_others(tmp_path, tiny_chat_model):
    rows = [{"messages": calling(i)} for i in range(12)] + [{"messages": spoken(20)}] * 4
    with pytest.raises(BadInput, match="12 have parts that the chat template does not write"):
        prepared(tmp_path, tiny_chat_model, rows)


def test_a_step_of_cleaning_can_be_left_out(tmp_path, tiny_chat_model):
    rows = [*pairs(20), pairs(20)[3]]
    assert prepared(tmp_path, tiny_chat_model, rows)[1].metrics["user_near_duplicates"] == 1
    kept = prepared(tmp_path, tiny_chat_model, rows, keep=("near-duplicates",))[1].metrics
    assert "user_near_duplicates" not in kept
    assert kept["user_rows_clean"] == 21
    with pytest.raises(BadInput, match="no cleaning step 'all'"):
        read_own_rows(tmp_path / "mine.jsonl", ReadingOptions(keep=("all",)))


def test_a_model_that_does_not_stop_is_said_aloud_with_its_likely_cause():
    rows = [{}] * 4
    assert runaway_line(0.5, OwnRows(rows, rows, 64, 3)) is None
    assert "100% of the replies never end. Train on" in runaway_line(
        1.0, OwnRows(rows, rows, 64, 0)
    )
    assert "3 rows lost the end" in runaway_line(0.9, OwnRows(rows, rows, 64, 3))
