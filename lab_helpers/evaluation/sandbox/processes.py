"""Start the sandbox's first process, talk to it, and end it with everything it started."""

import contextlib
import os
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from lab_helpers.evaluation.sandbox.inside import layers, wire
from lab_helpers.evaluation.sandbox.inside.spaces import FILES_IN_FOLDER

START = "import sys; sys.path.insert(0, sys.argv[1]); from inside.supervisor import main; main()"
GRACE_SECONDS = 1.5
LOOK_SECONDS = 0.05
"""The supervisor keeps the time itself; so much later we end it from outside."""
SYSTEM_LIBRARIES = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/nix/store", "/etc/ld.so.cache", "/etc/localtime",
    "/usr/share/zoneinfo", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
)  # fmt: skip
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
"""Where the interpreter finds its libraries. The program's own environment is empty."""


@dataclass
class Conversation:
    """All that came back from one start."""

    reports: list[dict] = field(default_factory=list)
    output: bytes = b""
    flooded: bool = False
    overfull: bool = False
    late: bool = False
    seconds: float = 0.0

    def report(self, kind: str) -> dict | None:
        """The first report of a kind: ``verdict``, ``ended``, ``refused`` or ``probes``."""
        return next((r[kind] for r in self.reports if kind in r), None)


def readable_places() -> list[str]:
    """What a program may read: the Python installation's library and the system's."""
    prefixes = {os.path.realpath(p) for p in (sys.base_prefix, sys.base_exec_prefix)}
    folders = [os.path.join(prefix, name) for prefix in prefixes for name in ("lib", "lib64")]
    folders += [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    if sys.platform == "win32":
        folders += [os.path.join(prefix, "DLLs") for prefix in prefixes]
    return list(dict.fromkeys([*filter(os.path.exists, folders), *SYSTEM_LIBRARIES]))


def converse(job: dict, tests: dict, output_bytes: int, wall_seconds: float) -> Conversation:
    """Run one job in a fresh interpreter, in a temporary folder that is deleted afterwards.

    Args:
        job: for ``inside.supervisor``, without ``folder``, ``home`` and ``readable``, which are filled in.
        tests: the second frame.
        output_bytes: kept of what the program prints; more ends it.
        wall_seconds: after this and :data:`GRACE_SECONDS`, everything is killed from here.
    """
    begun, found = time.perf_counter(), Conversation()
    with tempfile.TemporaryDirectory(prefix="sandbox-", ignore_cleanup_errors=True) as folder:
        inside = os.path.join(os.path.realpath(folder), "own")
        os.mkdir(inside)
        job = job | {"folder": inside, "home": str(Path.home()), "readable": readable_places()}
        process = _start(inside)
        try:
            if layers.SMALL_FOLDER not in job.get("layers", ()) and "probe" not in job:
                _start_watching(process, found, inside, job["limits"])
            _exchange(process, [job, tests], found, output_bytes, wall_seconds + GRACE_SECONDS)
        finally:
            end_with_all(process)
    found.seconds = time.perf_counter() - begun
    return found


def _start(folder: str) -> subprocess.Popen:
    interpreter = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    command = [interpreter, "-I", "-S", "-X", "utf8", "-c", START, str(Path(__file__).parent)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
        start_new_session=True,
        bufsize=0,
    )


def _exchange(
    process: subprocess.Popen,
    frames: list[dict],
    found: Conversation,
    output_bytes: int,
    seconds: float,
) -> None:
    # Channels are read by threads: Windows cannot wait for two pipes at once.
    reading = threading.Thread(target=_read_reports, args=(process, found), daemon=True)
    printing = threading.Thread(
        target=_read_output, args=(process, found, output_bytes), daemon=True
    )
    talking = threading.Thread(target=_write_frames, args=(process, frames), daemon=True)
    for thread in (reading, printing, talking):
        thread.start()
    reading.join(seconds)
    found.late = reading.is_alive()
    end_with_all(process)
    for thread in (reading, printing, talking):
        thread.join(GRACE_SECONDS)


def _write_frames(process: subprocess.Popen, frames: list[dict]) -> None:
    assert process.stdin is not None
    try:
        for frame in frames:
            wire.send(process.stdin.fileno(), frame)
    except (OSError, ValueError):
        pass  # it ended before it read all; its reports say why


def _read_reports(process: subprocess.Popen, found: Conversation) -> None:
    assert process.stdout is not None
    try:
        while True:
            found.reports.append(wire.receive(process.stdout.fileno()))
    except (wire.Closed, OSError, ValueError):
        pass


def _read_output(process: subprocess.Popen, found: Conversation, most: int) -> None:
    parts, length = [], 0
    assert process.stderr is not None  # a pipe: see _start
    try:
        while length <= most and (part := process.stderr.read(min(1 << 16, most + 1 - length))):
            parts.append(part)
            length += len(part)
    except (OSError, ValueError):
        pass
    found.output, found.flooded = b"".join(parts)[:most], length > most
    if found.flooded:
        end_with_all(process)


def _start_watching(
    process: subprocess.Popen, found: Conversation, folder: str, limits: dict
) -> None:
    """Where the folder is no small file system of its own, look into it again and again, and end who fills it."""

    def watch() -> None:
        while process.returncode is None:
            if _overfull(folder, limits["folder_bytes"]):
                found.overfull = True
                end_with_all(process)
                return
            time.sleep(LOOK_SECONDS)

    threading.Thread(target=watch, daemon=True).start()


def _overfull(folder: str, most_bytes: int) -> bool:
    size, files = 0, 0
    for place, folders, names in os.walk(folder):
        files += len(folders) + len(names)
        for name in names:
            with contextlib.suppress(OSError):  # deleted while we looked
                size += os.lstat(os.path.join(place, name)).st_size
        if size > most_bytes or files > FILES_IN_FOLDER:
            return True
    return False


def end_with_all(process: subprocess.Popen) -> None:
    """Kill a process and everything it started, and wait for it."""
    if process.returncode is not None:
        return  # its number may be another process's by now
    if os.name == "posix":
        import signal

        with contextlib.suppress(ProcessLookupError, PermissionError):  # all of them have ended
            os.killpg(process.pid, signal.SIGKILL)
    else:
        import psutil

        try:
            family = psutil.Process(process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            family = []
        process.kill()
        for child in family:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
    process.wait()
