"""``labs bundle`` and ``labs doctor --classroom``: what they print, and their exit codes."""

import json

import pytest

from lab_helpers.course.classroom import checks, course_wheel


@pytest.fixture
def made(labs, tmp_path, monkeypatch, tiny_chat_model):
    """A bundle of the real notebooks and data with one model, made by the command."""
    code, out, error = labs("bundle", tmp_path / "b", "--no-wheels", "--models", tiny_chat_model)
    assert code == 0, error
    return tmp_path / "b", out


def test_what_is_made_is_told_with_the_way_on(made):
    folder, out = made
    assert "each with its SHA-256" in out
    assert "models/chat" in out
    assert "labs doctor --classroom --bundle ." in out
    assert str(folder / "README.txt") in out
    assert (folder / "course/labs/00_start_here.ipynb").is_file()
    assert (folder / "course/datasets_small/reviews.en.jsonl").is_file()


def test_verify_finds_a_whole_bundle_whole(labs, made):
    code, out, _ = labs("bundle", "--verify", made[0])
    assert code == 0
    assert "files are as they were made" in out


def test_verify_names_every_faulty_file_and_says_3(labs, made):
    folder, _ = made
    (folder / "models/chat/model.safetensors").write_bytes(b"half")
    (folder / "course/datasets_small/reviews.en.jsonl").unlink()
    code, out, error = labs("bundle", "--verify", folder)
    assert code == 3
    assert out.splitlines() == [
        "course/datasets_small/reviews.en.jsonl: missing",
        "models/chat/model.safetensors: damaged",
    ]
    assert len(error.strip().splitlines()) == 1
    assert "Copy them again" in error
    assert "壊れています" in labs("bundle", "--verify", folder, "--lang", "ja")[1]


def test_run_again_it_mends_what_it_can_and_names_the_rest(labs, made, tiny_chat_model):
    folder, _ = made
    (folder / "models/chat/model.safetensors").write_bytes(b"half")
    (folder / "course/datasets_small/reviews.en.jsonl").unlink()
    code, _, error = labs("bundle", folder, "--no-wheels")
    assert code == 2
    assert f"{folder / 'models/chat'} is damaged" in error
    assert "--models FOLDER" in error
    code, _, error = labs("bundle", folder, "--no-wheels", "--models", tiny_chat_model)
    assert code == 0, error
    assert labs("bundle", "--verify", folder)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("{file}",), "is a file"),
        (("{new}", "--models", "nonsense"), "unknown model 'nonsense'"),
        (("{new}", "--profile", "huge"), "unknown profile 'huge'"),
        (("--verify", "{empty}"), "is no bundle"),
        (("--verify", "{new}"), "is no bundle"),
        ((), "Missing argument"),
    ],
)
def test_bad_input_is_one_line_and_2(labs, tmp_path, arguments, complaint):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    places = {name: str(tmp_path / name) for name in ("file", "empty", "new")}
    code, _, error = labs("bundle", *(argument.format(**places) for argument in arguments))
    assert code == 2
    assert complaint in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_ctrl_c_is_130_and_one_line(labs, tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(course_wheel, "run_pip", interrupted)
    code, _, error = labs("bundle", tmp_path / "b")
    assert code == 130
    assert "run the same command again to go on" in error


@pytest.fixture
def quick(monkeypatch):
    """The class room's checks without the minute's work."""
    monkeypatch.setattr(checks, "check_machine", lambda profile: [])
    for name in ("check_without_network", "check_jupyter_port"):
        monkeypatch.setattr(checks, name, lambda: checks.Finding("quick", "ok"))


def test_a_machine_of_a_class_room_is_judged_with_its_bundle(labs, made, quick):
    folder, _ = made
    code, out, _ = labs("doctor", "--classroom", "--bundle", folder)
    assert code == 0
    assert "sha256 verified" in out
    (folder / "models/chat/config.json").write_text("?")
    code, out, _ = labs("doctor", "--classroom", "--bundle", folder)
    assert code == 3
    assert "models/chat/config.json" in out


def test_one_line_can_be_collected_from_every_machine(labs, made, quick):
    code, out, _ = labs("doctor", "--classroom", "--bundle", made[0], "--json")
    told = json.loads(out)
    assert (code, told["ready"]) == (0, True)
    assert len(out.strip().splitlines()) == 1
    assert told["findings"][0]["name"] == "machine"


def test_a_bundle_without_a_class_room_is_refused(labs, made):
    code, _, error = labs("doctor", "--bundle", made[0])
    assert code == 2
    assert "--classroom" in error
