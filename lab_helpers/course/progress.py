"""What the learner has done: one local JSON file, no account."""

from lab_helpers.runtime.files import read_json, write_json
from lab_helpers.runtime.paths import home


def _path():
    return home() / "progress.json"


def load() -> dict:
    """``{"01": {"exercises": {name: "passed"}, "predictions": {…}, "quiz": {…}, "finished": true}}``."""
    return read_json(_path(), {})


def note(lab: str, kind: str, name: str, value) -> None:
    """Remember one event. Progress is a convenience: where it cannot be saved, the lab goes on."""
    from lab_helpers.runtime.errors import LabError

    progress = load()
    progress.setdefault(lab, {}).setdefault(kind, {})[name] = value
    try:
        write_json(_path(), progress)
    except LabError:
        return


def summary(lab: str, exercise_names: list[str]) -> str:
    """For example ``"2/4 exercises"``."""
    passed = load().get(lab, {}).get("exercises", {})
    return f"{sum(passed.get(name) == 'passed' for name in exercise_names)}/{len(exercise_names)}"
