"""Run one program in the sandbox, with or without tests."""

import signal
import sys
from dataclasses import asdict

from lab_helpers.evaluation.sandbox.limits import Limits, Verdict
from lab_helpers.evaluation.sandbox.processes import Conversation, converse
from lab_helpers.evaluation.sandbox.protections import Confirm, active_layers, require_leave
from lab_helpers.runtime.errors import MissingDependency
from lab_helpers.runtime.language import say

FAULTS = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS")


def run_program(
    source: str,
    *,
    tests: str | None = None,
    entry_point: str = "",
    helpers: str = "",
    limits: Limits = Limits(),
    confirm: Confirm | None = None,
) -> Verdict:
    """Run Python that nobody has read, and say how it ended.

    With ``tests``, the function ``entry_point`` is tested by them: ``tests`` run in another process
    than ``source``. There, ``entry_point`` and the ``candidate`` that ``check`` gets are stand-ins that
    send the arguments over and get the result back as plain values. Nothing that the program prints,
    patches or exits with can make it ``passed``: only the tests' process can say so.

    Args:
        source: the program; the standard library is there, installed packages are not.
        tests: trusted code with ``check(candidate)``, or plain assertions that call ``entry_point``.
        entry_point: the name of the function to test.
        helpers: trusted code whose names the tests may use.
        limits: time, memory, output, files.
        confirm: asks the user where the sandbox is weaker (see ``protections``).

    Raises:
        BadInput: the sandbox is weaker here, and nobody agreed to that.
        MissingDependency: the sandbox could not be set up.
    """
    require_leave(confirm)
    return run_behind(active_layers(), source, tests, entry_point, helpers, limits)


def run_behind(
    names: tuple[str, ...],
    source: str,
    tests: str | None,
    entry_point: str,
    helpers: str,
    limits: Limits,
    fork: bool = True,
) -> Verdict:
    """:func:`run_program` behind the layers named, and no others: for tests of the sandbox itself."""
    job = {"source": source, "entry_point": entry_point, "layers": names, "fork": fork}
    job |= {"limits": asdict(limits)}
    examined = {"source": tests, "entry_point": entry_point, "helpers": helpers}
    frames = {"tests": examined if tests is not None else None}
    return _judged(converse(job, frames, limits.output_bytes, limits.wall_seconds), limits)


def _judged(found: Conversation, limits: Limits) -> Verdict:
    """The status, from what the trusted processes reported; what the program printed has no say."""
    refused = found.report("refused")
    if refused is not None:
        raise MissingDependency(
            say(
                f"the sandbox could not be set up: {refused}",
                f"サンドボックスを用意できませんでした: {refused}",
            ),
            say(
                "Nothing was run. Show this message to the course's authors, with the output of labs doctor.",
                "何も実行していません。このメッセージと labs doctor の出力を講座の作者に知らせてください。",
            ),
        )
    verdict = found.report("verdict") or {"status": "ended", "detail": "", "tried": []}
    ended = found.report("ended") or {}
    status, detail = verdict["status"], verdict["detail"]
    if found.flooded:
        status, detail = (
            "too_much_output",
            say(f"more than {limits.output_bytes:,} bytes", f"{limits.output_bytes:,} バイト超"),
        )
    elif found.overfull:
        status, detail = "over_limit", say("its folder holds too much", "専用フォルダーの容量超過")
    elif status != "passed" and (found.late or ended.get("timed_out")):
        status, detail = (
            "timed_out",
            say(f"after {limits.wall_seconds:g} seconds", f"{limits.wall_seconds:g} 秒経過"),
        )
    elif status == "ended":
        status, detail = _left(ended, limits)
    return Verdict(
        status=status,
        detail=detail,
        seconds=found.seconds,
        stdout=found.output.decode("utf-8", errors="replace"),
        attempts=tuple(verdict["tried"]),
        cpu_seconds=ended.get("cpu_seconds", 0.0),
        memory_bytes=ended.get("memory_bytes", 0),
    )


def _left(ended: dict, limits: Limits) -> tuple[str, str]:
    """Why a program's process is gone before its tests were done."""
    number, code = ended.get("signal"), ended.get("code")
    if ended.get("cpu_seconds", 0.0) >= limits.cpu_seconds - 0.5 and number is not None:
        return "timed_out", say(
            f"after {limits.cpu_seconds:g} seconds of computing",
            f"計算時間が {limits.cpu_seconds:g} 秒に到達",
        )
    if number is not None:
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = say(f"signal {number}", f"シグナル {number}")
        return ("crashed" if name in FAULTS else "killed"), name
    if code is None:
        return "killed", say("no report of how it ended", "終了状態の報告なし")
    if sys.platform == "win32" and code >= 0xC0000000:
        return "crashed", hex(code)
    return "exited", say(f"exit code {code}", f"終了コード {code}")
