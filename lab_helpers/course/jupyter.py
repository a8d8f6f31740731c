"""Start JupyterLab on the course, for this machine only."""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from lab_helpers.course.registry import LABS
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.language import language, say
from lab_helpers.runtime.paths import PACKAGE, labs_folder, writable

HOST = "127.0.0.1"


def launch(port: int, browser: bool) -> int:
    """Run JupyterLab in the foreground; its exit code. A taken port is a :class:`BadInput`."""
    command, folder = prepare(port, browser)
    environment = {**os.environ, "LAB_LANG": language()}
    try:
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0


def prepare(port: int, browser: bool) -> tuple[list[str], Path]:
    """The command that starts JupyterLab on the first lab, and the folder it serves, which is there afterwards."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise MissingDependency(
            say("JupyterLab is not installed", "JupyterLab がインストールされていません"),
            say("pip install jupyterlab", "次を実行してください: pip install jupyterlab"),
        )
    check_port(port)
    folder = prepare_workspace()
    first = Path("ja" if language() == "ja" else "", f"{LABS[0].name}.ipynb").as_posix()
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.ip={HOST}",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--LabApp.default_url=/lab/tree/{first}",
    ]
    # A container's only user is root; the server hears this machine only.
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command += [] if browser else ["--no-browser"]
    return command, folder


def check_port(port: int) -> None:
    """Refuse a port that is out of range or in use."""
    if not 1 <= port <= 65535:
        raise BadInput(
            say(
                f"port {port} is not between 1 and 65535",
                f"ポート番号 {port} は 1〜65535 の範囲にありません",
            ),
            say("For example: labs start --port 8890", "例: labs start --port 8890"),
        )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BadInput(
                say(
                    f"port {port} cannot be used ({error.strerror})",
                    f"ポート {port} を使用できません（{error.strerror}）",
                ),
                say(
                    f"Use another: labs start --port {port % 65000 + 1}",
                    f"別のポートを指定してください: labs start --port {port % 65000 + 1}",
                ),
            ) from None


def prepare_workspace() -> Path:
    """The folder to work in: the checkout's ``labs/``, or a copy of the shipped one the learner may change."""
    shipped = labs_folder()
    if not shipped.is_relative_to(PACKAGE):
        return shipped
    copy = writable(Path.cwd() / "llm-finetuning-labs")
    for notebook in shipped.rglob("*.ipynb"):
        target = copy / notebook.relative_to(shipped)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook, target)
    return copy
