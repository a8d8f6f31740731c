"""What hostile programs aim at, set up so that it shows whether they hit."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from lab_helpers.evaluation.sandbox import limits

CROWD = 100
"""So many processes below ours are a fork bomb at work; the sandbox itself starts three a run."""
LOOK_SECONDS = 0.1


class Canaries:
    """A file, listeners, a process and a count of processes that remember what was done to them."""

    def __enter__(self) -> "Canaries":
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.outside = Path(self._folder.name)
        self.secret = self.outside / "secret.txt"
        self.word, self.marker = secrets.token_hex(8), secrets.token_hex(8)
        self.secret.write_text(self.word, encoding="utf-8")
        self._before = self._state()
        self.listeners = Listeners(self.outside.parent / f"{self.outside.name}.socket")
        waiting = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
        self.victim = subprocess.Popen(waiting, env=os.environ | {"CANARY": self.word})
        self._crowd, self._done = False, threading.Event()
        self._counting = threading.Thread(target=self._count_processes, daemon=True)
        self._counting.start()
        return self

    def targets(self, many: int, much: int) -> dict:
        """The values for the placeholders of a hostile program."""
        return {
            "outside": self.outside, "secret": self.secret, "port": self.listeners.port,
            "socket": self.listeners.path, "victim": self.victim.pid, "course": limits.__file__,
            "home": Path.home(), "marker": self.marker, "many": many, "much": much,
        }  # fmt: skip

    def traces(self, output: str) -> list[str]:
        """What was hit, after a program that printed ``output`` has ended."""
        self._done.set()
        self._counting.join()
        found = {
            "a file outside": {p.name for p in self.outside.iterdir()} != {"secret.txt"},
            "a file changed": self._state() != self._before,
            "a secret read": self.word in output,
            "a file read": self._knows_files(output),
            "a connection": self.listeners.heard(),
            "a process killed": self.victim.poll() is not None,
            "a process left": _left_behind(self.marker),
            "a crowd of processes": self._crowd,
        }
        return [trace for trace, seen in found.items() if seen]

    def _state(self) -> tuple | None:
        """Mode, length and time of the secret, and its second names; ``None`` once it is deleted."""
        if not self.secret.exists():
            return None
        found = self.secret.stat()
        return found.st_mode, found.st_size, found.st_mtime, found.st_nlink

    def _knows_files(self, output: str) -> bool:
        """Whether the list of users, the home folder or (outside the Python installation) the course was printed."""
        at_home = any(repr(name) in output for name in _names_in(Path.home()))
        course = (limits.__doc__ or "") in output and not _part_of_python(limits.__file__)
        return "root:x:" in output or at_home or course

    def _count_processes(self) -> None:
        import psutil

        while not self._done.wait(LOOK_SECONDS):
            self._crowd |= len(psutil.Process().children(recursive=True)) > CROWD

    def __exit__(self, *_) -> None:
        self._done.set()
        self.victim.kill()
        self.victim.wait()
        self.listeners.close()
        self._folder.cleanup()


class Listeners:
    """A TCP and a UDP port on 127.0.0.1 and a Unix socket at ``path`` that remember whether anybody came."""

    def __init__(self, path: Path):
        self.path = path
        # Both protocols need the same port: try others where one of them is taken.
        for _ in range(20):
            stream = socket.create_server(("127.0.0.1", 0))
            self.port = stream.getsockname()[1]
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                datagrams.bind(("127.0.0.1", self.port))
                break
            except OSError:
                stream.close()
                datagrams.close()
        self._all = [stream, datagrams]
        if hasattr(socket, "AF_UNIX"):
            local = socket.socket(socket.AF_UNIX)
            local.bind(str(path))
            local.listen()
            self._all.append(local)
        for one in self._all:
            one.settimeout(0.02)

    def heard(self) -> bool:
        """Whether a connection or a datagram has arrived."""
        return any(self._came(one) for one in self._all)

    @staticmethod
    def _came(listener: socket.socket) -> bool:
        try:
            if listener.type == socket.SOCK_DGRAM:
                listener.recv(16)
            else:
                listener.accept()[0].close()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        for one in self._all:
            one.close()
        self.path.unlink(missing_ok=True)


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # it is not ours to read either
        return []


def _part_of_python(path: str) -> bool:
    from lab_helpers.evaluation.sandbox.processes import readable_places

    return os.path.realpath(path).startswith(tuple(readable_places()))


def _left_behind(marker: str) -> bool:
    """Whether a process with ``marker`` in its command line is alive; it is ended."""
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if marker in " ".join(process.info["cmdline"] or []):
            process.kill()
            return True
    return False
