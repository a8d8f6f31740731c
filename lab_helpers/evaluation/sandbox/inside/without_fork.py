"""The same run where the system cannot fork (Windows): the program in an interpreter of its own."""

import os
import subprocess
import sys
import threading

from . import candidate, layers, tester, wire

START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from inside.without_fork import answer; answer()"
)


def run(job: dict) -> None:
    """Be the tests' process, with the program in a child process."""
    binary(0, 1)
    reports = os.dup(1)
    tests = wire.receive(0)
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", START, os.path.dirname(os.path.dirname(__file__))]  # fmt: skip
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=job["folder"]
    )
    assert child.stdin is not None
    assert child.stdout is not None
    late: list[bool] = []

    def time_is_up() -> None:
        late.append(True)
        child.kill()

    alarm = threading.Timer(job["limits"]["wall_seconds"], time_is_up)
    alarm.daemon = True
    alarm.start()
    wire.send(child.stdin.fileno(), job)
    stand_in = tester.RemoteProgram(child.stdin.fileno(), child.stdout.fileno())
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    verdict = tester.examine(stand_in, tests.get("tests"))
    wire.send(reports, {"verdict": verdict})
    if child.poll() is None and verdict["status"] != "ended":
        child.kill()
    code = child.wait()
    ended: dict = {"signal": -code if code < 0 else None, "code": code if code >= 0 else None}
    ended |= {"cpu_seconds": 0.0, "memory_bytes": 0, "timed_out": bool(late)}
    wire.send(reports, {"ended": ended})
    os._exit(0)


def answer() -> None:
    """Be the program's process: the job comes first on channel 0, then the calls."""
    binary(0, 1)
    job = wire.receive(0)
    requests, replies = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    layers.surround(job, job["folder"])
    candidate.serve(job, requests, replies)
    os._exit(0)


def binary(*descriptors: int) -> None:
    """On Windows, channels translate line ends unless told otherwise."""
    if sys.platform == "win32":
        import msvcrt

        for descriptor in descriptors:
            msvcrt.setmode(descriptor, os.O_BINARY)
