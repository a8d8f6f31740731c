"""Make a bundle: everything a room without internet needs, in one folder, hashed; run again, it goes on."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab_helpers import __version__
from lab_helpers.course.classroom.course_wheel import (
    checkout,
    course_key,
    data_packages,
    make_course_wheel,
    write_constraints,
)
from lab_helpers.course.classroom.guide import guide
from lab_helpers.course.classroom.manifest import (
    GUIDE,
    MANIFEST,
    is_as_noted,
    this_machine,
    write_manifest,
)
from lab_helpers.course.classroom.model_folders import WantedModel, bring_model, wanted_models
from lab_helpers.course.classroom.wheels import (
    collect_wheels,
    find_wheel,
    packages_from,
    packages_to,
    remove_other_wheels,
    resolve_packages,
)
from lab_helpers.models.hub.room import is_full
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import hash_of, read_json, write_text
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import PACKAGE, data_folder, labs_folder
from lab_helpers.runtime.progress import report

CONSTRAINTS = "constraints.txt"


@dataclass(frozen=True)
class BundleOrder:
    """What a bundle is to hold beside the notebooks and the data."""

    models: tuple[str, ...] = ()
    profile: str | None = None
    wheels: bool = True
    dependencies: bool = True


def make_bundle(folder: Path, order: BundleOrder) -> dict:
    """Make or complete the bundle in ``folder``; its manifest.

    What is there and right stays, models of earlier calls too. A wrong name, a folder that cannot be
    written and too little room are a :class:`BadInput`; what is finished then is kept.
    """
    models = wanted_models(list(order.models), order.profile)
    _check_folder(folder)
    with _plain_writing_errors(folder), _alone(folder):
        earlier = read_json(folder / MANIFEST, {})
        noted = earlier.get("files", {}) if isinstance(earlier, dict) else {}
        about = _about(earlier if noted else {})
        _copy_course(folder)
        _bring_models(folder, [*models, *_to_mend(folder, models, about, noted)], about)
        if order.wheels:
            _bring_wheels(folder, order, about, noted)
        write_text(folder / GUIDE, guide(about))
        return write_manifest(folder, about, _files_of(folder, about))


def _about(earlier: dict) -> dict:
    """What the manifest says beside the files; models of earlier calls stay in it."""
    return {
        "course": __version__,
        "made": time.strftime("%Y-%m-%d"),
        "made_for": this_machine(),
        "models": earlier.get("models", []),
        "wheels": earlier.get("wheels", {}),
    }


def _check_folder(folder: Path) -> None:
    """Create ``folder``, and prove that it can be written to."""
    place = folder.expanduser().resolve()
    inside_course = [data_folder(), labs_folder(), PACKAGE]
    root = checkout()
    if place == root or any(place.is_relative_to(own.resolve()) for own in inside_course):
        raise BadInput(
            say(f"{folder} is a folder of the course itself", f"{folder} は講座自体のフォルダーです"),
            say("Give a folder of its own, for example: labs bundle ../classroom", "別のフォルダーを指定してください。例: labs bundle ../classroom"),
        )  # fmt: skip
    if folder.exists() and not folder.is_dir():
        raise BadInput(
            say(f"{folder} is a file", f"{folder} はファイルです"),
            say("Give a folder, or a name that is free.", "フォルダーか、使われていない名前を指定してください。"),
        )  # fmt: skip
    probe = folder / ".write-test"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise BadInput(
            say(f"cannot write to {folder} ({error.strerror or error})", f"{folder} に書き込めません（{error.strerror or error}）"),
            say("Choose a folder of your own, on a disk with room.", "自分が書き込める、空きのあるディスクのフォルダーを指定してください。"),
        ) from None  # fmt: skip


@contextmanager
def _plain_writing_errors(folder: Path) -> Iterator[None]:
    """A full disk, or a stick that was pulled out, as one message; what is finished stays."""
    try:
        yield
    except (OSError, BadInput) as told:
        error = told if isinstance(told, OSError) else told.__context__
        if not isinstance(error, OSError) or error.errno is None:
            raise  # it says something else, and says it well
        place = error.filename2 or error.filename or folder
        what = (
            say(f"the disk of {folder} became full", f"{folder} のディスクの空きがなくなりました")
            if is_full(error)
            else say(
                f"cannot write {place} ({error.strerror or error})",
                f"{place} に書き込めません（{error.strerror or error}）",
            )
        )
        raise BadInput(
            what,
            say(
                "Mend that, or choose another disk, and run the same command again: what is finished is kept.",
                "原因を取り除くか別のディスクを選び、同じコマンドをもう一度実行してください。完了した分は残ります。",
            ),
        ) from None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(str(folder / ".labs-bundle.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BadInput(
            say(f"another `labs bundle` is writing to {folder}", f"別の labs bundle が {folder} に書き込み中です"),
            say("Wait until it has finished.", "終わるまで待ってください。"),
        ) from None  # fmt: skip
    try:
        for leftover in folder.glob(".collecting-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def _copy_course(folder: Path) -> None:
    """The notebooks and the data as plain files, for whoever wants to look without installing."""
    report(say("notebooks and data", "ノートブックとデータ"), 0, 1)
    for source in (labs_folder(), data_folder()):
        target = folder / "course" / source.name
        for path in source.rglob("*"):
            copy = target / path.relative_to(source)
            if path.is_file() and "__pycache__" not in path.parts and not _is_same(path, copy):
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
    write_constraints(folder / CONSTRAINTS)


def _is_same(source: Path, copy: Path) -> bool:
    return copy.is_file() and hash_of(copy) == hash_of(source)


def _to_mend(folder: Path, asked: list[WantedModel], about: dict, noted: dict) -> list[WantedModel]:
    """Models of earlier calls with a file that is not as it was: a hub's is fetched again, by itself."""
    again = []
    for model in about["models"]:
        place, named = model["folder"], {f"models/{one.folder}" for one in asked}
        files = {path: one for path, one in noted.items() if path.startswith(f"{place}/")}
        if place in named or all(is_as_noted(folder / path, one) for path, one in files.items()):
            continue
        if not model["revision"]:
            raise BadInput(
                say(f"{folder / place} is damaged", f"{folder / place} が壊れています"),
                say(
                    "Name the folder that it was copied from once more: --models FOLDER",
                    "コピー元のフォルダーを --models でもう一度指定してください。",
                ),
            )
        source = f"{model['name']}@{model['revision']}"
        again.append(WantedModel(source, place.removeprefix("models/")))
    return again


def _bring_models(folder: Path, models: list[WantedModel], about: dict) -> None:
    for model in models:
        report(model.source, 0, 1)
        noted = bring_model(model, folder / "models" / model.folder)
        others = [one for one in about["models"] if one["folder"] != noted["folder"]]
        about["models"] = [*others, noted]


def _bring_wheels(folder: Path, order: BundleOrder, about: dict, noted: dict) -> None:
    """The course's wheel and its dependencies; asked anew only where something has changed."""
    report(say("packages", "パッケージ"), 0, 1)
    wheels = folder / "wheels"
    wheels.mkdir(exist_ok=True)
    by_name = {path.rpartition("/")[2]: one for path, one in noted.items() if path.startswith("wheels/")}  # fmt: skip
    key, known = course_key(), about["wheels"]
    course = wheels / known.get("course", "-")
    if known.get("key") != key or not is_as_noted(course, by_name.get(course.name, {"bytes": -1})):
        course = make_course_wheel(wheels)
    alone = data_packages() if order.dependencies else []
    asked = {
        "key": key,
        "made_for": about["made_for"],
        "dependencies": order.dependencies,
        "alone": alone,
    }
    if asked == {name: known.get(name) for name in asked}:
        packages = packages_from(known["packages"])
    else:
        report(say("look up the packages", "パッケージの依存関係を確認"), 0, 1)
        constraints = folder / CONSTRAINTS
        packages = resolve_packages(course, constraints, alone) if order.dependencies else []
    collect_wheels(packages, wheels, by_name)
    kept = {found.name for one in packages if (found := find_wheel(one, wheels, by_name))}
    remove_other_wheels(wheels, {course.name, *kept})
    about["wheels"] = asked | {"course": course.name, "packages": packages_to(packages)}


def _files_of(folder: Path, about: dict) -> list[str]:
    """Every file that belongs to the bundle, and nothing else that may lie in the folder."""
    report(say("hash everything", "ハッシュを計算"), 0, 1)
    rooms = ["course", *(["wheels"] if about["wheels"] else [])]
    rooms += [model["folder"] for model in about["models"]]
    files = [path for room in rooms for path in (folder / room).rglob("*") if path.is_file()]
    files += [folder / GUIDE, folder / CONSTRAINTS]
    return [path.relative_to(folder).as_posix() for path in files]
