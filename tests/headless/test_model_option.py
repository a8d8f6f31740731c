"""``labs run --model``: a language model where a lab takes one, an encoder elsewhere, never mixed."""

import json
import sys

import pytest

from lab_helpers.cli import main as cli
from lab_helpers.cli import run as command
from lab_helpers.course.registry import LABS, get_lab
from lab_helpers.models.kotori import shipped
from lab_helpers.runtime.errors import BadInput


@pytest.fixture
def begun(monkeypatch):
    """The labs that would have run, with the model they were handed."""
    calls = []

    def run_one(lab, profile, model, data, seed, out, console):
        calls.append((lab.number, model))
        return {"lab": lab.number, "outside": [], "seconds": 1.0, "peak_rss_mb": 10}

    monkeypatch.setattr(command, "_run_one", run_one)
    return calls


@pytest.fixture
def labs(capsys, monkeypatch, tmp_path):
    """``labs("run", "00")`` in this process: exit code, standard output, standard error."""

    def run(*arguments):
        words = ["labs", *map(str, arguments), "--profile", "tiny", "--out", str(tmp_path), "--json"]  # fmt: skip
        monkeypatch.setattr(sys, "argv", words)
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def refused(labs, begun, *arguments) -> str:
    code, out, error = labs("run", *arguments)
    assert code == 2, error
    assert out == ""
    assert len(error.strip().splitlines()) == 1, error
    assert begun == [], "nothing may run before the model is known to be one"
    return error


@pytest.mark.parametrize("lab", ["base", "00"])
def test_a_language_model_where_one_is_used(labs, begun, tiny_chat_model, lab):
    code, out, error = labs("run", lab, "--model", tiny_chat_model)
    assert code == 0, error
    assert begun == [(lab, str(tiny_chat_model))]
    assert json.loads(out)["lab"] == lab


@pytest.mark.parametrize("lab", ["01", "02"])
def test_an_encoder_where_one_is_used(labs, begun, tiny_bert, lab):
    code, _, error = labs("run", lab, "--model", tiny_bert)
    assert code == 0, error
    assert begun == [(lab, str(tiny_bert))]


@pytest.mark.parametrize("lab", ["base", "00"])
@pytest.mark.parametrize("name", ["minilm", "nonsense"])
def test_a_name_that_is_no_language_model_is_refused_before_anything_runs(labs, begun, lab, name):
    error = refused(labs, begun, lab, "--model", name)
    assert f"unknown model '{name}'. Use kotori, " in error
    assert "Qwen/" in error


@pytest.mark.parametrize("lab", ["01", "02"])
@pytest.mark.parametrize("name", ["kotori", "nonsense"])
def test_a_name_that_is_no_encoder_is_refused_before_anything_runs(labs, begun, lab, name):
    error = refused(labs, begun, lab, "--model", name)
    assert f"unknown model '{name}'. Use minilm, " in error


def test_one_model_cannot_serve_all_labs(labs, begun, tiny_chat_model):
    error = refused(labs, begun, "all", "--model", tiny_chat_model)
    assert "a language model in some of these labs and an encoder in others" in error
    assert "labs run 01 --model" in error


def test_mixed_labs_are_refused_whatever_their_order(tiny_chat_model):
    for numbers in (("00", "01"), ("02", "base"), ("01", "00", "02")):
        with pytest.raises(BadInput, match="some of these labs"):
            command._check_inputs([get_lab(n) for n in numbers], str(tiny_chat_model), None)


def test_several_labs_of_one_kind_share_a_model(tiny_chat_model, tiny_bert):
    language, encoders = [get_lab("base"), get_lab("00")], [get_lab("01"), get_lab("02")]
    command._check_inputs(language, str(tiny_chat_model), None)
    command._check_inputs(encoders, str(tiny_bert), None)
    with pytest.raises(BadInput, match="Use kotori"):
        command._check_inputs(language, "minilm", None)
    with pytest.raises(BadInput, match="Use minilm"):
        command._check_inputs(encoders, "kotori", None)


def test_without_a_model_all_labs_run_but_not_base(labs, begun):
    code, out, error = labs("run", "all")
    assert code == 0, error
    assert begun == [(lab.number, None) for lab in LABS]
    assert json.loads(out.splitlines()[-1])["labs"] == [lab.number for lab in LABS]


@pytest.mark.parametrize("lab", ["00", "base"])
def test_a_folder_that_is_no_model_is_refused_before_anything_runs(labs, begun, tmp_path, lab):
    assert "holds no config.json" in refused(labs, begun, lab, "--model", tmp_path)


def test_a_shipped_model_by_name_is_verified_first(labs, begun, monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    shipped.kotori_folder.cache_clear()
    code, _, error = labs("run", "00", "--model", "kotori")
    assert (code, begun) == (3, [])
    assert "Kotori's weights are missing" in error


@pytest.mark.parametrize("lab", ["00", "base"])
def test_missing_weights_end_a_run_with_one_line(labs, monkeypatch, tmp_path, lab):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "none")
    shipped.kotori_folder.cache_clear()
    code, out, error = labs("run", lab)
    assert (code, out) == (3, "")
    assert "Kotori's weights are missing" in error
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1, error


@pytest.mark.parametrize("lab", ["base", "00", "02"])
def test_data_is_for_lab_01_only(labs, begun, tmp_path, lab):
    assert "--data works with lab 01" in refused(labs, begun, lab, "--data", tmp_path / "x.csv")
