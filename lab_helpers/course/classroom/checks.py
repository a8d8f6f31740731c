"""One machine of a class room: what would stop a learner there, found before the class comes."""

import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from lab_helpers.course.classroom.manifest import (
    find_faults,
    machine_words,
    read_manifest,
    this_machine,
)
from lab_helpers.course.doctor import Finding, check_machine
from lab_helpers.course.jupyter import HOST, check_port
from lab_helpers.models.hub.listing import is_whole
from lab_helpers.runtime.errors import LabError, MissingDependency
from lab_helpers.runtime.hardware import detect
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import data_folder, labs_folder

PORT = 8888
_SHOWN = 20
# A program that may speak to its own machine only, and asks the shipped model for a token.
_WITHOUT_NETWORK = """
import os, socket
os.environ["HF_HUB_OFFLINE"] = "1"
connect = socket.socket.connect
def local_only(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise SystemExit(f"tried to reach {address[0]}")
    return connect(self, address)
socket.socket.connect = local_only
from lab_helpers.models.generation import generate
from lab_helpers.models.language_models import load_language_model
model, tokenizer = load_language_model("kotori")
generate(model, tokenizer, [[{"role": "user", "content": "?"}]], max_new_tokens=1)
"""


def check_classroom(bundle: Path | None = None, profile: str | None = None) -> list[Finding]:
    """The doctor's findings, and those that matter to a room of machines; with a bundle, its files too."""
    findings = [
        Finding("machine", socket.gethostname()),
        *check_machine(profile),
        check_course_files(),
        check_loopback(),
        check_jupyter_port(),
        check_without_network(),
    ]
    return findings + (check_bundle(bundle) if bundle else [])


def check_course_files() -> Finding:
    """Notebooks and data are where the course looks for them."""
    notebooks, data = list(labs_folder().rglob("*.ipynb")), list(data_folder().rglob("*.*"))
    found = say(
        f"{len(notebooks)} notebooks, {len(data)} data files",
        f"ノートブック {len(notebooks)} 件、データ {len(data)} 件",
    )
    if notebooks and data:
        return Finding("course files", found)
    fix = say("Install the course again.", "講座をインストールし直してください。")
    return Finding("course files", found, "problem", fix)


def check_loopback() -> Finding:
    """JupyterLab, its kernels and the browser speak to each other through 127.0.0.1."""
    try:
        with (
            socket.create_server((HOST, 0)) as server,
            socket.create_connection(server.getsockname(), timeout=5),
        ):
            server.accept()[0].close()
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo("localhost", None)}
    except OSError as error:
        return Finding(
            "loopback", str(error), "problem",
            say("Let the firewall allow connections of this machine to itself (127.0.0.1).", "ファイアウォールで、このマシン自身への接続（127.0.0.1）を許可してください。"),
        )  # fmt: skip
    if not addresses <= {"127.0.0.1", "::1"}:
        return Finding(
            "loopback", f"localhost = {', '.join(sorted(addresses))}", "problem",
            say("Let 'localhost' mean 127.0.0.1 in the hosts file.", "hosts ファイルで localhost を 127.0.0.1 に割り当ててください。"),
        )  # fmt: skip
    return Finding("loopback", HOST)


def check_jupyter_port() -> Finding:
    """Whether ``labs start`` finds its port free."""
    try:
        check_port(PORT)
    except LabError as error:
        return Finding(f"port {PORT}", error.what, "note", error.fix)
    return Finding(f"port {PORT}", say("free", "使用できます"))


def check_without_network() -> Finding:
    """The shipped model answers in a process that may not leave this machine."""
    name = "without network"
    command = [sys.executable, "-c", _WITHOUT_NETWORK]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=300, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding(
            name, say("no answer in 5 minutes", "5 分たっても応答がありません"), "problem",
            say("Close other programs; see what takes the processor.", "ほかのプログラムを閉じ、CPU を占有しているものがないか確認してください。"),
        )  # fmt: skip
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["?"])[-1][:200]
        fix = say(
            "Install the course again from the bundle.",
            "バンドルから講座をインストールし直してください。",
        )
        return Finding(name, said, "problem", fix)
    return Finding(name, say("Kotori answers", "Kotori が応答します"))


def check_bundle(folder: Path) -> list[Finding]:
    """A bundle's files by their hashes, whether it was made for such a machine, and whether it installs."""
    try:
        manifest = read_manifest(folder)
    except LabError as error:
        return [Finding("bundle", error.what, "problem", error.fix)]
    faults = find_faults(folder, manifest)
    size = sum(entry["bytes"] for entry in manifest["files"].values()) / 1e9
    count = len(manifest["files"])
    found = [
        Finding(
            "bundle",
            say(
                f"{count} files, {size:.2f} GB, sha256 verified",
                f"{count} ファイル、{size:.2f} GB、sha256 検証済み",
            ),
        )
    ]
    if faults:
        again = say(
            "Copy the bundle to this machine again.",
            "このマシンにバンドルをコピーし直してください。",
        )
        found = [
            Finding(f"bundle: {fault.path}", str(fault).rpartition(": ")[2], "problem", again)
            for fault in faults[:_SHOWN]
        ]
        if len(faults) > _SHOWN:
            more = say(
                f"{len(faults) - _SHOWN} more files", f"ほかに {len(faults) - _SHOWN} ファイル"
            )
            found.append(Finding("bundle", more, "problem", again))
    found += [_check_model(folder, model) for model in manifest["models"]]
    if manifest["wheels"]:
        found.append(_check_made_for(manifest))
        if found[-1].level == "ok" and not faults and manifest["wheels"]["dependencies"]:
            found.append(_check_installs(folder))
    return found


def _check_model(folder: Path, model: dict) -> Finding:
    """Whether a model's folder is whole, and small enough for this machine's memory."""
    place = folder / model["folder"]
    if not is_whole(place, "whole") and not (place / "adapter_config.json").is_file():
        again = say(
            "Copy the bundle to this machine again.",
            "このマシンにバンドルをコピーし直してください。",
        )
        return Finding(
            model["folder"], say("not whole", "ファイルがそろっていません"), "problem", again
        )
    size = sum(path.stat().st_size for path in place.rglob("*.safetensors")) / 1e9
    machine = detect()
    room = machine.memory_gb if machine.accelerator == "cuda" else machine.ram_gb
    value = f"{size:.1f} GB"
    if 2 * size > room:
        return Finding(
            model["folder"], value, "note",
            say(f"Hardly fits into {room:.0f} GB: `labs fit {place}` says what needs the memory.", f"{room:.0f} GB のメモリーにはほぼ収まりません。必要な量は labs fit {place} で確認できます。"),
        )  # fmt: skip
    return Finding(model["folder"], value)


def _check_made_for(manifest: dict) -> Finding:
    wanted, here = manifest["made_for"], this_machine()
    if wanted == here:
        return Finding("packages for", machine_words(wanted))
    return Finding(
        "packages for",
        say(f"{machine_words(wanted)}; this is {machine_words(here)}", f"{machine_words(wanted)}（このマシンは {machine_words(here)}）"),
        "problem",
        say("Make a bundle on a machine like this one: labs bundle FOLDER", "このマシンと同じ構成のマシンで labs bundle FOLDER を実行し、バンドルを作ってください。"),
    )  # fmt: skip


def _check_installs(folder: Path) -> Finding:
    """pip's own answer, without installing anything and without an index."""
    from lab_helpers.course.classroom.wheels import COURSE, EXTRA, run_pip

    if find_spec("pip") is None:
        return Finding("packages", "pip?", "note", "python -m ensurepip")
    places = (
        "--find-links",
        str(folder / "wheels"),
        "--constraint",
        str(folder / "constraints.txt"),
    )
    try:
        run_pip(
            "install",
            "--dry-run",
            "--ignore-installed",
            "--no-index",
            "--isolated",
            *places,
            f"{COURSE}{EXTRA}",
        )
    except MissingDependency as error:
        return Finding(
            "packages",
            error.what,
            "problem",
            say(
                "Make the bundle again where there is network: labs bundle FOLDER",
                "ネットワークのある環境で labs bundle FOLDER をもう一度実行してください。",
            ),
        )
    return Finding(
        "packages", say("install without network", "ネットワークなしでインストールできます")
    )
