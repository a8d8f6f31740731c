"""The process of the tests, which are trusted: the program's function is a stand-in that asks the other process.

Nothing of the program's own runs here. Its answers arrive as plain values, the assertions compare
them with Python's own built-ins, and only this process holds the channel on which a verdict goes out.
"""

import builtins
import errno
import types

from . import wire

FILE_NAME = "<tests>"
OVER_A_LIMIT = (errno.EFBIG, errno.ENOSPC, errno.EMFILE, errno.EDQUOT)


class ProgramError(Exception):
    """An exception of the program's that is none of Python's built-in ones."""


class Ended(BaseException):
    """The program's process is gone, or it answers in no form that was agreed."""


class Untestable(BaseException):
    """The tests hand the function something that cannot be sent to another process."""


class RemoteProgram:
    """The stand-in: call it like the function, and the other process does the work."""

    def __init__(self, requests: int, replies: int):
        self.requests, self.replies = requests, replies
        self.tried: list[str] = []
        self.calls = 0
        self.gone: str | None = None
        self.raised: dict | None = None
        self.error: BaseException | None = None

    def __call__(self, *arguments, **keywords):
        self.calls += 1
        try:
            packed = {"arguments": wire.pack(list(arguments)), "keywords": wire.pack(keywords)}
        except wire.CannotSend as problem:
            raise Untestable(f"the tests hand over {problem}, which has no plain form") from None
        try:
            wire.send(self.requests, packed)
            answer = self.listen("value")
            if "raised" in answer:
                self.raised, self.error = answer, _exception(answer)
                raise self.error
            if "arguments" in answer:
                _mirror(list(arguments), wire.unpack(answer["arguments"]))
            return wire.unpack(answer["value"])
        except (wire.Closed, OSError) as problem:
            if problem is self.error:
                raise
            self.gone = str(problem)
            raise Ended(self.gone) from None

    def listen(self, awaited: str) -> dict:
        """The next frame that carries ``awaited`` or ``raised``; attempts on the way are noted."""
        while True:
            message = wire.receive(self.replies)
            if awaited in message or "raised" in message:
                return message
            if "tried" in message and len(self.tried) < 100:
                self.tried.append(str(message["tried"])[:200])


def examine(program: RemoteProgram, tests: dict | None) -> dict:
    """Wait for the program to load, run the tests on it: ``status``, ``detail`` and ``tried``."""
    try:
        status, detail = _loaded(program)
        if status == "finished" and tests:
            status, detail = _tested(program, tests)
    except Ended as problem:
        status, detail = "ended", str(problem)
    return {"status": status, "detail": detail[:1000], "tried": program.tried}


def _loaded(program: RemoteProgram) -> tuple[str, str]:
    try:
        answer = program.listen("loaded")
    except (wire.Closed, OSError) as problem:
        raise Ended(str(problem)) from None
    return _from_program(answer) if "raised" in answer else ("finished", "")


def _tested(program: RemoteProgram, tests: dict) -> tuple[str, str]:
    module = types.ModuleType("tests")
    names = module.__dict__
    try:
        exec(compile(tests["helpers"], "<prompt>", "exec"), names)
        names[tests["entry_point"]] = program
        exec(compile(tests["source"], FILE_NAME, "exec"), names)
        if "check" in names:
            names["check"](program)
    except Ended:
        raise
    except Untestable as problem:
        return "untestable", str(problem)
    except BaseException as problem:
        if problem is program.error and program.raised is not None:
            return _from_program(program.raised)
        return "failed", _described(problem, tests["source"])
    if program.gone is not None:
        raise Ended(program.gone)  # even if a bare ``except`` of the tests has swallowed it
    if program.calls == 0:
        return "failed", f"the tests never called {tests['entry_point']}"
    return "passed", ""


def _from_program(raised: dict) -> tuple[str, str]:
    kind, number = str(raised["raised"]), raised.get("errno")
    line = raised.get("line")
    where = f", line {line}" if isinstance(line, int) else ""
    detail = f"{kind}: {raised.get('text')}{where}"
    if kind == "MemoryError":
        return "out_of_memory", detail
    if kind == "SystemExit":
        return "exited", detail
    if number in (errno.EPERM, errno.EACCES):
        return "blocked", detail
    if number in OVER_A_LIMIT:
        return "over_limit", detail
    return "failed", detail


def _exception(raised: dict) -> BaseException:
    """The built-in exception of that name, so that a test may expect it; otherwise ``ProgramError``."""
    name, text = str(raised["raised"]), str(raised.get("text"))
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(text)
        except TypeError:
            pass
    return ProgramError(f"{name}: {text}")


def _mirror(ours: list, theirs: list) -> None:
    """Show the caller what the function changed in the lists, dicts and sets it was given."""
    for mine, other in zip(ours, theirs, strict=False):
        if type(mine) is not type(other) or not isinstance(mine, list | dict | set | bytearray):
            continue
        if isinstance(mine, list):
            _mirror(mine, other)
            same = [a if type(a) is type(b) and a == b else b for a, b in zip(mine, other, strict=False)]  # fmt: skip
            mine[:] = same + other[len(same) :]
        elif isinstance(mine, bytearray):
            mine[:] = other
        else:
            mine.clear()
            mine.update(other)


def _described(problem: BaseException, source: str) -> str:
    """The exception and the line of the tests that it came from."""
    line, trace = 0, problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE_NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    text = source.splitlines()[line - 1].strip() if line else ""
    said = f"{type(problem).__name__}: {problem}".rstrip(": ")
    return f"{said} at: {text}" if text else said
