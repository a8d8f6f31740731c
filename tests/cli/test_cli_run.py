"""``labs run``: what each option takes, what is refused before anything runs, what is handed on and shown."""

import json

import pytest

from lab_helpers.cli.run import _check_inputs, summary
from lab_helpers.course.registry import LABS, get_lab
from lab_helpers.data.forms.reading_options import ReadingOptions
from lab_helpers.models.kotori import shipped
from lab_helpers.runtime.errors import EXIT_OUTSIDE_BAND, BadInput


def record(lab: str, **more) -> dict:
    return {
        "lab": lab,
        "outside": [],
        "seconds": 1.0,
        "peak_rss_mb": 10,
        "metrics": {"score": 0.5, "score_ci": [0.25, 0.75]},
        "claims": [],
        "trainings": [],
        **more,
    }


@pytest.fixture
def begun(monkeypatch):
    """``(lab, request, data)`` of every run that would have begun; none does."""
    calls = []

    def run_one(lab, request, data):
        calls.append((lab, request, data))
        return record(lab.number if lab else "04")

    monkeypatch.setattr("lab_helpers.cli.run._run_one", run_one)
    return calls


@pytest.fixture
def run(labs, tmp_path):
    """``run("00")``: exit code, standard output, standard error of ``labs run``."""
    options = ["--profile", "tiny", "--out", tmp_path, "--json"]
    return lambda *arguments: labs("run", *arguments, *options)


@pytest.fixture
def refused(run, begun):
    """``refused("00", …)``: the one line with which it is refused, before anything has run."""

    def refuse(*arguments) -> str:
        code, out, error = run(*arguments)
        assert (code, out) == (2, ""), error
        assert len(error.strip().splitlines()) == 1, error
        assert begun == [], "nothing may run"
        return error

    return refuse


class TestModel:
    """``--model``: a language model where a lab takes one, an encoder elsewhere, never mixed."""

    @pytest.mark.parametrize("lab", ["base", "00", "02"])
    def test_a_language_model_where_one_is_used(self, run, begun, tiny_chat_model, lab):
        code, out, error = run(lab, "--model", tiny_chat_model)
        assert code == 0, error
        assert [(one.number, request.model) for one, request, _ in begun] == [
            (lab, str(tiny_chat_model))
        ]
        assert json.loads(out)["lab"] == lab

    @pytest.mark.parametrize("lab", ["01"])
    def test_an_encoder_where_one_is_used(self, run, begun, tiny_bert, lab):
        code, _, error = run(lab, "--model", tiny_bert)
        assert code == 0, error
        assert [(one.number, request.model) for one, request, _ in begun] == [(lab, str(tiny_bert))]

    @pytest.mark.parametrize("lab", ["base", "00"])
    @pytest.mark.parametrize("name", ["minilm", "nonsense"])
    def test_a_name_that_is_no_language_model_is_refused(self, refused, lab, name):
        error = refused(lab, "--model", name)
        assert f"unknown model '{name}'. Use kotori, " in error
        assert "Qwen/" in error

    @pytest.mark.parametrize("lab", ["01"])
    @pytest.mark.parametrize("name", ["kotori", "nonsense"])
    def test_a_name_that_is_no_encoder_is_refused(self, refused, lab, name):
        assert f"unknown model '{name}'. Use minilm, " in refused(lab, "--model", name)

    def test_one_model_cannot_serve_all_labs(self, refused, tiny_chat_model):
        error = refused("all", "--model", tiny_chat_model)
        assert "a language model in some of these labs and an encoder in others" in error
        assert "labs run 01 --model" in error

    def test_mixed_labs_are_refused_whatever_their_order(self, tiny_chat_model):
        for numbers in (("00", "01"), ("01", "base"), ("01", "00", "02")):
            with pytest.raises(BadInput, match="some of these labs"):
                _check_inputs([get_lab(n) for n in numbers], None, str(tiny_chat_model), None)

    def test_several_labs_of_one_kind_share_a_model(self, tiny_chat_model, tiny_bert):
        language, encoders = [get_lab("base"), get_lab("02")], [get_lab("01")]
        _check_inputs(language, None, str(tiny_chat_model), None)
        _check_inputs(encoders, None, str(tiny_bert), None)
        with pytest.raises(BadInput, match="Use kotori"):
            _check_inputs(language, None, "minilm", None)
        with pytest.raises(BadInput, match="Use minilm"):
            _check_inputs(encoders, None, "kotori", None)

    @pytest.mark.parametrize("lab", ["00", "base"])
    def test_a_folder_that_is_no_model_is_refused(self, refused, tmp_path, lab):
        assert "holds no config.json" in refused(lab, "--model", tmp_path)

    def test_a_shipped_model_by_name_is_verified_first(self, run, begun, monkeypatch, tmp_path):
        monkeypatch.setattr(shipped, "FOLDER", tmp_path)
        shipped.kotori_folder.cache_clear()
        code, _, error = run("00", "--model", "kotori")
        assert (code, begun) == (3, [])
        assert "Kotori's weights are missing" in error

    @pytest.mark.parametrize("lab", ["00", "base"])
    def test_missing_weights_end_a_run_with_one_line(self, run, monkeypatch, tmp_path, lab):
        monkeypatch.setattr(shipped, "FOLDER", tmp_path / "none")
        shipped.kotori_folder.cache_clear()
        code, out, error = run(lab)
        assert (code, out) == (3, "")
        assert "Kotori's weights are missing" in error
        assert "Traceback" not in error
        assert len(error.strip().splitlines()) == 1, error


class TestData:
    """``--data``: for one lab that measures a learner's own."""

    @pytest.mark.parametrize("lab", ["base", "00", "02", "03", "all"])
    def test_it_is_refused_where_no_lab_takes_it(self, refused, tmp_path, lab):
        assert "--data works with lab 01, 04, 05, 06, 07" in refused(lab, "--data", tmp_path)

    @pytest.mark.parametrize("lab", ["01", "04", "05", "06", "07"])
    def test_a_missing_file_is_refused(self, refused, tmp_path, lab):
        assert "no such" in refused(lab, "--data", tmp_path / "none.jsonl")

    @pytest.mark.parametrize(
        ("lab", "option", "value"),
        [("07", "--shape", "alpaca"), ("05", "--keep", "html"), ("04", "--answers", "letters")],
    )
    def test_options_of_reading_need_a_lab_that_knows_them(
        self, refused, tmp_path, lab, option, value
    ):
        error = refused(lab, "--data", tmp_path, option, value)
        assert f"{option} works with --data and lab" in error

    def test_options_of_reading_need_data(self, refused):
        assert "--max-length works with --data" in refused("04", "--max-length", "64")

    def test_they_are_handed_on(self, run, begun, tmp_path):
        path = tmp_path / "mine.jsonl"
        rows = [{"question": f"Where is {n}?", "answer": "Here.", "prompt": "x", "completion": "y"} for n in range(40)]  # fmt: skip
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert "ambiguous" in run("04", "--data", path)[2]
        options = (
            "--shape",
            "question-answer",
            "--ignore",
            "id",
            "--max-length",
            "64",
            "--keep",
            "html",
        )
        code, _, error = run("04", "--data", path, *options)
        assert code == 0, error
        [(_, request, _)] = begun
        assert request.options == ReadingOptions("question-answer", ("id",), 64, ("html",))

    def test_it_is_handed_on(self, run, begun, tmp_path):
        path = tmp_path / "mine.jsonl"
        rows = [{"question": f"Where is box {n}?", "answer": f"In row {n}."} for n in range(40)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        code, _, error = run("04", "--data", path)
        assert code == 0, error
        assert [(lab.number, data) for lab, _, data in begun] == [("04", path)]


class TestCopy:
    """A learner's own copy of a lab."""

    @pytest.mark.parametrize("name", ["my_04.ipynb", "my_04.py"])
    def test_it_is_run_in_place_of_a_lab(self, run, begun, tmp_path, name):
        code, out, error = run(tmp_path / name)
        assert code == 0, error
        assert [(lab, request.copy) for lab, request, _ in begun] == [(None, tmp_path / name)]
        assert json.loads(out)["lab"] == "04"

    @pytest.mark.parametrize("option", ["--data", "--model"])
    def test_it_takes_no_data_and_no_model(self, refused, tmp_path, option):
        error = refused(tmp_path / "my_04.ipynb", option, tmp_path)
        assert "a copy of a lab takes no --data and no --model" in error
        assert "cells" in error

    @pytest.mark.parametrize("name", ["none.ipynb", "none.py"])
    def test_an_unknown_file_is_one_line(self, run, tmp_path, name):
        code, out, error = run(tmp_path / name)
        assert (code, out) == (2, "")
        assert "no such file" in error
        assert name in error
        assert "Traceback" not in error
        assert len(error.strip().splitlines()) == 1, error

    def test_what_is_neither_a_lab_nor_a_notebook_is_an_unknown_lab(self, refused):
        assert "unknown lab 'my_04.txt'" in refused("my_04.txt")


def test_without_a_model_all_labs_run_but_not_base(run, begun):
    code, out, error = run("all")
    assert code == 0, error
    assert [(lab.number, request.model) for lab, request, _ in begun] == [
        (lab.number, None) for lab in LABS
    ]
    assert json.loads(out.splitlines()[-1])["labs"] == [lab.number for lab in LABS]


@pytest.mark.parametrize(("options", "fresh"), [([], False), (["--fresh"], True)])
def test_fresh_is_handed_on(run, begun, options, fresh):
    code, _, error = run("00", *options)
    assert code == 0, error
    assert [request.fresh for _, request, _ in begun] == [fresh]


def test_seed_folder_and_profile_are_handed_on(run, begun, tmp_path):
    run("00", "--seed", 7)
    ((_, request, data),) = begun
    assert (request.seed, request.out, request.profile.name) == (7, tmp_path, "tiny")
    assert data is None


def test_a_measurement_outside_its_band_ends_with_1(run, monkeypatch):
    outside = {"metric": "score", "value": 0.5, "why": "Another version rounds differently."}
    monkeypatch.setattr(
        "lab_helpers.cli.run._run_one",
        lambda lab, request, data: record(lab.number, outside=[outside]),
    )
    code, out, _ = run("00")
    assert code == EXIT_OUTSIDE_BAND
    assert json.loads(out)["outside"] == [outside]


def test_for_a_person_the_record_is_on_standard_error_with_what_was_loaded(labs, monkeypatch):
    trainings = [{"came": "loaded"}, {"came": "trained"}]
    monkeypatch.setattr(
        "lab_helpers.cli.run._run_one",
        lambda lab, request, data: record(lab.number, trainings=trainings),
    )
    code, out, error = labs("run", "00", "--profile", "tiny")
    assert (code, out) == (0, "")
    assert "0.500  [0.250, 0.750]" in error
    assert "1 of 2 trainings were loaded from earlier runs; --fresh trains anew." in error


def test_the_summary_adds_up():
    outside = [{"metric": "score"}]
    found = summary([record("00"), record("01", outside=outside, peak_rss_mb=30)], "tiny", 3)
    assert found == {
        "lab": "all",
        "profile": "tiny",
        "seed": 3,
        "seconds": 2.0,
        "peak_rss_mb": 30,
        "labs": ["00", "01"],
        "outside": 1,
    }
