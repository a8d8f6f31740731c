"""Run the hostile programs, and look for proof of an escape outside, not in what they say."""

import secrets
import socket
import tempfile
from pathlib import Path

from lab_helpers.evaluation.sandbox.hostile import Hostile, hostile_programs
from lab_helpers.evaluation.sandbox.limits import Limits, Verdict
from lab_helpers.evaluation.sandbox.protections import Confirm, active_layers, require_leave
from lab_helpers.evaluation.sandbox.running import run_behind
from lab_helpers.runtime.progress import track

QUICK = Limits(wall_seconds=2.0, cpu_seconds=1.0)


def escapes(confirm: Confirm | None = None, limits: Limits = QUICK) -> list[dict]:
    """Every hostile program in the sandbox: name, what it tries, status, detail, ``escaped``."""
    require_leave(confirm)
    programs = hostile_programs()
    rows = []
    for program in track(programs, "sandbox", len(programs)):
        verdict, traces = attempt(program, active_layers(), limits)
        rows.append({
            "program": program.name, "tries": program.tries, "status": verdict.status,
            "detail": verdict.detail, "escaped": bool(traces), "traces": traces,
        })  # fmt: skip
    return rows


def attempt(
    program: Hostile, layers: tuple[str, ...], limits: Limits = QUICK
) -> tuple[Verdict, list[str]]:
    """One program behind ``layers``: its verdict, and the traces of an escape that were found."""
    with tempfile.TemporaryDirectory() as folder, Listener() as listener:
        secret = Path(folder) / "secret.txt"
        word, marker = secrets.token_hex(8), secrets.token_hex(8)
        secret.write_text(word, encoding="utf-8")
        source = program.source.format(outside=folder, secret=secret, port=listener.port, marker=marker)  # fmt: skip
        verdict = run_behind(layers, source, program.tests or None, "f", "", limits)
        found = {
            "a file outside": {p.name for p in Path(folder).iterdir()} - {"secret.txt"},
            "a file deleted": not secret.exists(),
            "a secret read": word in verdict.stdout or "root:x:" in verdict.stdout,
            "a connection": listener.heard(),
            "a process left": _left_behind(marker),
            "a forged result": bool(program.tests) and verdict.passed,
        }
    return verdict, [trace for trace, seen in found.items() if seen]


class Listener:
    """A TCP and a UDP port on 127.0.0.1 that remember whether anybody came."""

    def __enter__(self) -> "Listener":
        self._stream = socket.create_server(("127.0.0.1", 0))
        self.port = self._stream.getsockname()[1]
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(("127.0.0.1", self.port))
        for one in (self._stream, self._datagrams):
            one.settimeout(0.05)
        return self

    def heard(self) -> bool:
        """Whether a connection or a datagram has arrived."""
        for wait in (self._stream.accept, lambda: self._datagrams.recv(16)):
            try:
                wait()
                return True
            except TimeoutError:
                continue
        return False

    def __exit__(self, *_) -> None:
        self._stream.close()
        self._datagrams.close()


def _left_behind(marker: str) -> bool:
    """Whether a process with ``marker`` in its command line is alive; it is ended."""
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if marker in " ".join(process.info["cmdline"] or []):
            process.kill()
            return True
    return False
