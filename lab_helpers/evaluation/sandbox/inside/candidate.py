"""The process of the program that nobody trusts: load it, then answer calls with plain values."""

import contextlib
import io
import os
import sys
import threading
import types

from . import wire

FILE_NAME = "<program>"
MOST_ATTEMPTS = 20
WATCHED = (
    "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.kill",
    "os.killpg", "os.chmod", "os.chown", "os.utime", "os.remove", "os.rename", "os.link",
    "subprocess.Popen", "socket.__new__", "socket.connect", "socket.bind", "socket.sendto",
    "ctypes.dlopen", "pty.spawn", "signal.pthread_kill",
)  # fmt: skip


def serve(job: dict, requests: int, replies: int) -> None:
    """Run the program, say how that went, then call its function as often as asked.

    Frames out: ``loaded`` or ``raised`` once, then ``value`` (with ``arguments`` that the call has
    changed) or ``raised`` for each frame ``{arguments, keywords}`` in; ``tried`` at any time.
    """
    say = _speaker(replies)
    readable = tuple([*job["readable"], job["folder"]])
    sys.argv[:] = [FILE_NAME]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    os.environ.clear()
    module = types.ModuleType("program")
    sys.modules["program"] = module
    sys.addaudithook(_watch(say, readable))
    try:
        exec(compile(job["source"], FILE_NAME, "exec"), module.__dict__)
        _flush()
        say({"loaded": True})
    except BaseException as problem:
        _flush()
        say(_raised(problem))
        return
    while True:
        try:
            request = wire.receive(requests)
        except wire.Closed:
            return
        answer = _answer(module, job["entry_point"], request)
        _flush()
        say(answer)


def _flush() -> None:
    """What it printed so far goes out: the process may be ended right after its answer."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # the program may have closed or replaced it
            continue


def _answer(module: types.ModuleType, name: str, request: dict) -> dict:
    arguments = wire.unpack(request["arguments"])
    keywords = wire.unpack(request["keywords"])
    try:
        value = getattr(module, name)(*arguments, **keywords)
        answer = {"value": wire.pack(value)}
        after = wire.pack(arguments)
        if after != request["arguments"]:
            answer["arguments"] = after
        return answer
    except BaseException as problem:
        return _raised(problem)


def _raised(problem: BaseException) -> dict:
    """What went wrong, as text: the kind, the message, the last line of the program that was reached."""
    line, trace = None, problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE_NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        text = str(problem)[:500]
    except BaseException:
        text = ""
    number = problem.errno if isinstance(problem, OSError) else None
    return {"raised": type(problem).__name__, "text": text, "errno": number, "line": line}


def _speaker(replies: int):
    turn = threading.Lock()
    printed = sys.stdout

    def say(message: dict) -> None:
        with turn:
            with contextlib.suppress(Exception):
                printed.flush()
            wire.send(replies, message)

    return say


def _watch(say, readable: tuple[str, ...]):
    """An audit hook that reports what a program tries. It informs and protects nothing: the layers do."""
    told: set[str] = set()
    busy = threading.local()

    def hook(event: str, arguments: tuple) -> None:
        if len(told) >= MOST_ATTEMPTS or getattr(busy, "now", False):
            return
        busy.now = True
        try:
            what = _attempt(event, arguments, readable)
            if what and what not in told:
                told.add(what)
                say({"tried": what})
        except Exception:
            pass
        finally:
            busy.now = False

    return hook


def _attempt(event: str, arguments: tuple, readable: tuple[str, ...]) -> str | None:
    if event == "open":
        path = arguments[0]
        if not isinstance(path, str | bytes):
            return None
        path = os.path.abspath(os.fsdecode(path))
        return None if path.startswith(readable) else f"open {path}"[:200]
    if event not in WATCHED:
        return None
    plain = [str(a) for a in arguments if isinstance(a, str | int | bytes | tuple | list)]
    return f"{event} {' '.join(plain)}"[:200].strip()
