"""The first process of a run: starts the tests and the program apart, ends both, reports how they ended.

Channels: 0 brings the job (one frame) and then the tests (a second frame, which only the tests'
process reads: the program's memory never holds them); 1 carries reports to the laboratory; 2 is what
the program prints.
"""

import os
import signal
import sys

from . import candidate, layers, spaces, tester, wire

REPORTS = 1


def main() -> None:
    """Read a job from channel 0 and do it."""
    job = wire.receive(0)
    if "probe" in job:
        from . import probes

        wire.send(REPORTS, {"probes": probes.all_of(job)})
    elif hasattr(os, "fork") and job["fork"]:
        _two_forks(job)
    else:
        from . import without_fork

        without_fork.run(job)


def _two_forks(job: dict) -> None:
    if layers.NAMESPACES in job["layers"]:
        _or_refuse(spaces.enter)
    requests, replies = os.pipe(), os.pipe()
    # The tests' process is the first of the new process namespace: when it ends, the kernel ends all others.
    examiner = os.fork()
    if examiner == 0:
        _be_tester(job, requests[1], replies[0], close=(requests[0], replies[1]))
    program = os.fork()
    if program == 0:
        _be_candidate(job, requests[0], replies[1])
    for descriptor in (*requests, *replies, 0, 2):
        os.close(descriptor)
    _watch_over(program, examiner, job["limits"]["wall_seconds"])


def _be_tester(job: dict, requests: int, replies: int, close: tuple[int, int]) -> None:
    reports = os.dup(REPORTS)
    tests = wire.receive(0)
    for descriptor in close:
        os.close(descriptor)
    _to_nowhere(0, 1, 2)
    _or_refuse(lambda: layers.surround(job, None), reports)
    verdict = tester.examine(tester.RemoteProgram(requests, replies), tests.get("tests"))
    wire.send(reports, {"verdict": verdict})
    os._exit(0)


def _be_candidate(job: dict, requests: int, replies: int) -> None:
    _to_nowhere(0)
    reports = os.dup(REPORTS)
    os.dup2(2, 1)
    _or_refuse(lambda: layers.surround(job, job["folder"]), reports)
    for descriptor in range(3, max(requests, replies, reports) + 8):
        if descriptor not in (requests, replies):
            try:
                os.close(descriptor)
            except OSError:
                continue
    candidate.serve(job, requests, replies)
    os._exit(0)


def _watch_over(program: int, examiner: int, seconds: float) -> None:
    """Kill the program when its time is up or its tests are done; report how it ended and what it used."""
    late, ended = [], {}

    def time_is_up(*_) -> None:
        late.append(True)
        _kill(program)

    signal.signal(signal.SIGALRM, time_is_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    waiting = {program, examiner}
    while waiting:
        who, status, used = os.wait4(-1, 0)
        waiting.discard(who)
        if who == examiner and program in waiting:
            _kill(program)
        if who == program:
            memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            ended = {
                "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
                "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
                "cpu_seconds": used.ru_utime + used.ru_stime,
                "memory_bytes": memory,
                "timed_out": bool(late),
            }
    # Not before the tests' process has ended: two long frames at once could mix in the channel.
    wire.send(REPORTS, {"ended": ended})


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return  # it has ended by itself


def _to_nowhere(*descriptors: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _or_refuse(step, reports: int = REPORTS) -> None:
    """Do the step; where it fails, report it and end: no program runs behind a layer that is not there."""
    try:
        step()
    except BaseException as problem:
        wire.send(reports, {"refused": f"{type(problem).__name__}: {problem}"})
        os._exit(3)
