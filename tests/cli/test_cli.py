"""The command line: what it prints, its exit codes, and one clear line for every bad input."""

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab_helpers.course.registry import LABS

LABS_COMMAND = [sys.executable, "-m", "lab_helpers.cli"]


def run(*arguments, **options) -> subprocess.CompletedProcess:
    """``labs`` in a process of its own."""
    return subprocess.run(
        [*LABS_COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", **options},
        timeout=300,
        check=False,
    )


@pytest.fixture
def refused(labs):
    """``refused(2, "run", "77")``: the one line on standard error with which a bad input is refused."""

    def refuse(code, *arguments) -> str:
        got, _, error = labs(*arguments)
        assert got == code, error
        assert len(error.strip().splitlines()) == 1, error
        assert "Traceback" not in error
        return error

    return refuse


class TestBadInput:
    def test_unknown_lab(self, refused):
        assert "unknown lab '77'. Use one of: 00, 01, 02" in refused(2, "run", "77")

    def test_unknown_profile(self, refused):
        assert "Use one of: tiny, small, t4, gpu" in refused(2, "run", "02", "--profile", "huge")

    def test_gpu_profile_without_a_gpu(self, refused, monkeypatch):
        from lab_helpers.runtime import hardware

        monkeypatch.setattr(
            hardware, "detect", lambda: hardware.Hardware("cpu", "x", 0, None, 2, 8)
        )
        assert "needs a CUDA GPU" in refused(3, "run", "02", "--profile", "t4")

    def test_unknown_model(self, refused):
        assert "unknown model 'nonsense'" in refused(2, "run", "01", "--model", "nonsense")

    def test_hub_model_without_network(self, refused):
        error = refused(3, "run", "01", "--model", "intfloat/multilingual-e5-small")
        assert "cannot load 'intfloat/multilingual-e5-small'" in error
        assert "--model" in error

    def test_unknown_command_and_option(self, refused):
        assert "No such command 'teach'" in refused(2, "teach")
        assert "No such option" in refused(2, "run", "00", "--speed", "9")

    def test_out_cannot_be_written(self, refused, tmp_path):
        (tmp_path / "file").write_text("in the way")
        assert "cannot write to" in refused(2, "run", "00", "--out", tmp_path / "file" / "x")

    def test_out_does_not_exist_for_reading(self, refused, tmp_path):
        assert "no such folder" in refused(2, "claims", "--out", tmp_path / "none")

    @pytest.mark.parametrize(
        ("name", "content", "complaint"),
        [
            ("missing.csv", "body_text,label\nx,a\n", "has no text column"),
            ("latin.csv", "text,label\nnaïve,a\n".encode("latin-1"), "is not UTF-8"),
            ("sjis.csv", "text,label\n洗濯機,良い\n".encode("shift_jis"), "Shift_JIS"),
            ("empty.csv", "text,label\nfine,a\n,b\nok,a\nno,b\n", "line 3: empty text"),
            (
                "unknown.csv",
                "text,label,split\nx,a,train\ny,b,train\nz,a,train\nu,b,train\nv,c,test\nw,c,test\n",
                "unknown label 'c'",
            ),
            ("half.jsonl", '{"text": "x", "label": "a"}\n{"text": "y", "la', "line 2 is not JSON"),
        ],
    )
    def test_bad_user_data(self, refused, tmp_path, name, content, complaint):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        assert complaint in refused(2, "run", "01", "--data", path)

    def test_port_in_use(self, refused):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            assert f"port {port} cannot be used" in refused(2, "start", "--port", port)

    def test_altered_minilm_is_refused(self, refused, monkeypatch):
        from lab_helpers.models import minilm, sources

        minilm.minilm_folder.cache_clear()
        monkeypatch.setattr(sources, "sha256_of", lambda path: "0" * 64)
        assert "were altered" in refused(3, "run", "01")
        minilm.minilm_folder.cache_clear()


def test_import_is_light():
    code = "import sys, lab_helpers, lab_helpers.cli.main; print([m for m in ('torch', 'transformers', 'peft', 'bitsandbytes', 'matplotlib', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_lists_exactly_the_commands_that_exist(labs):
    exist = {
        *("start", "list", "run", "doctor", "claims", "report", "chat", "fit", "eval", "data"),
        *("rag", "bundle", "build", "pretrain", "bench", "sweep"),
    }
    code, out, _ = labs("--help")
    rows = [line.split() for line in out[out.index("Commands") :].splitlines()]
    assert code == 0
    assert {row[1] for row in rows if len(row) > 2 and row[0] == "│"} == exist


def test_list_names_every_lab_in_both_languages(labs):
    for lang in ("en", "ja"):
        _, out, _ = labs("list", "--lang", lang)
        for lab in LABS:
            assert getattr(lab.title, lang)[:6] in out


def test_doctor_finds_this_machine_ready(labs):
    code, out, _ = labs("doctor")
    assert code == 0
    assert "sha256 verified" in out


def test_doctor_judges_the_machine_by_a_profile_that_is_asked_for(labs, monkeypatch):
    from lab_helpers.course import doctor
    from lab_helpers.runtime.hardware import Hardware

    monkeypatch.setattr(doctor, "detect", lambda: Hardware("cpu", "x86_64", 0.0, None, 2, 8.0))
    code, out, _ = labs("doctor", "--profile", "t4", "--json")
    problems = {f["name"]: f["fix"] for f in json.loads(out)["findings"] if f["level"] == "problem"}
    assert code == 3
    assert "CUDA GPU" in problems["profile"]
    assert "11 GB" in problems["memory"]
    code, _, error = labs("doctor", "--profile", "huge")
    assert (code, "unknown profile 'huge'" in error) == (2, True)


def test_start_serves_this_machine_only(monkeypatch):
    from lab_helpers.course import jupyter

    monkeypatch.setattr(jupyter, "check_port", lambda port: None)
    command, folder = jupyter.prepare(8899, browser=False)
    assert "--ServerApp.ip=127.0.0.1" in command
    assert "--ServerApp.port_retries=0" in command
    assert (folder / "00_start_here.ipynb").is_file()


def test_build_check_is_clean(labs):
    code, out, _ = labs("build", "--check")
    assert (code, out.strip()) == (0, "All notebooks are what their sources build.")


def test_claims_lists_all_44(labs):
    code, out, _ = labs("claims", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["id"] for row in rows] == [str(i) for i in range(1, 45)]
    future = [row for row in rows if row["lab"] > LABS[-1].number]
    assert future
    assert {row["verdict"] for row in future} == {"not measured yet"}


TWO_TRAININGS = """# %%
from pathlib import Path

from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from lab_helpers import open_lab
from lab_helpers.models.language_models import load_language_model

lab = open_lab("00")
rows = [{"text": f"The parcel {n} is on its way."} for n in range(8)]
from datasets import Dataset

for rank, steps in ((2, 20), (3, 150)):
    model, tokenizer = load_language_model("kotori")
    settings = lab.machine | {"max_steps": steps, "per_device_train_batch_size": 4}
    trainer = SFTTrainer(
        model,
        args=SFTConfig(**settings),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=rank, target_modules="all-linear"),
    )
    Path("MARKER").write_text(str(rank))
    lab.train(trainer)
"""


@pytest.mark.lab
def test_interrupted_run_says_so_and_goes_on_where_it_stopped(tmp_path):
    """Ctrl-C after the first training: exit code 130, one line; the next run loads that training."""
    if os.name == "nt":
        pytest.skip("Windows has no SIGINT for a single child process")
    runs, copy = tmp_path / "runs", tmp_path / "two_trainings.py"
    begun = tmp_path / "begun.txt"  # a signal in the middle of a library's hashing may be swallowed
    copy.write_text(TWO_TRAININGS.replace("MARKER", str(begun)))
    command = [*LABS_COMMAND, "run", str(copy), "--profile", "tiny", "--out", str(runs), "--json"]
    # A test run in the background ignores SIGINT, and its children would inherit that.
    listen = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    said = tmp_path / "said.txt"  # a pipe that nobody reads would fill up and stop the run
    with said.open("w") as stderr:
        process = subprocess.Popen(
            command, preexec_fn=listen, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
    try:
        deadline = time.monotonic() + 240
        while not (begun.is_file() and begun.read_text() == "3"):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    error = said.read_text()
    assert (process.returncode, printed) == (130, ""), error
    assert "Interrupted" in error
    assert "Traceback" not in error
    finished = run("run", copy, "--profile", "tiny", "--out", runs, "--json")
    assert finished.returncode == 0, finished.stderr
    record = json.loads(finished.stdout.splitlines()[-1])
    first, second = (training["came"] for training in record["trainings"])
    assert (first, second in ("resumed", "trained")) == ("loaded", True)
    assert {
        "lab",
        "profile",
        "seed",
        "seconds",
        "peak_rss_mb",
        "versions",
        "metrics",
        "claims",
        "artifacts",
    } <= set(record)
    assert all(Path(name).exists() for name in record["artifacts"])
    assert [path.name for path in runs.iterdir()] == ["00-tiny-seed0-two_trainings"], (
        "nothing is left over"
    )


@pytest.mark.lab
def test_user_data_runs_end_to_end(labs, tmp_path):
    """A small CSV of one's own: curves and the comparison, no claim judged, no band applied."""
    from lab_helpers.data.shipped import load_shipped

    lines = ["text,label"]
    for row in load_shipped("requests", "en"):
        if row["label"] in ("delivery", "human") and len(lines) < 61:
            lines.append('"' + row["text"].replace('"', '""') + f'",{row["label"]}')
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    options = ["--profile", "tiny", "--data", path, "--out", tmp_path, "--json"]
    code, out, _ = labs("run", "01", *options)
    record = json.loads(out.splitlines()[-1])
    assert code == 0
    assert 0 <= record["metrics"]["user_accuracy_pretrained"] <= 1
    assert {row["verdict"] for row in record["claims"]} == {"not measured yet"}


@pytest.mark.lab
@pytest.mark.usefixtures("short_trainings")
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_a_model_of_ones_own_runs_every_lab(labs, tmp_path, tiny_bert, tiny_chat_model, lab):
    """A local folder as ``--model``: every step works, and no band judges it."""
    model = tiny_bert if lab.model_kind == "encoder" else tiny_chat_model
    options = ["--profile", "tiny", "--model", model, "--out", tmp_path, "--json"]
    code, out, error = labs("run", lab.number, *options)
    assert code == 0, error
    record = json.loads(out.splitlines()[-1])
    assert record["model"] == str(model)
    assert record["outside"] == []
    assert all(Path(name).exists() for name in record["artifacts"])
