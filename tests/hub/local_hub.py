"""A small hub on 127.0.0.1 that speaks what huggingface_hub asks for, and fails as it is told.

Large files (here: safetensors) are LFS files, which a second server hands out on another port, as the real
hub's storage does: ``resolve`` answers with a redirect and the file's sha256. All others are handed out by
a redirect within the hub, under git's sha1.
"""

import hashlib
import json
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

MODEL = "hoshizora/tiny-chat"
ENCODER = "hoshizora/tiny-bert"
GOOD_TOKEN = "hf_good"
STRANGERS_TOKEN = "hf_stranger"


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Repository:
    """A model: its commits, each with its files, and the branches and tags that name them."""

    name: str
    commits: dict[str, dict[str, bytes]]
    refs: dict[str, str]
    gated: bool = False
    private: bool = False

    def commit_of(self, revision: str) -> str | None:
        return revision if revision in self.commits else self.refs.get(revision)


@dataclass
class Fault:
    """What goes wrong with the next ``times`` requests whose method and path match."""

    method: str
    part: str
    times: int = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None  # so many bytes, then the line is dead
    hold: float = 0.0  # seconds of silence before the line is cut
    stop_at: int | None = None  # so many bytes, as if that were the file
    change: Callable[[bytes], bytes] | None = None
    delay: float = 0.0
    ignore_range: bool = False


@dataclass
class Asked:
    """A request, and how many bytes of a body it got."""

    method: str
    path: str
    offset: int | None
    token: str | None
    sent: int = 0


class LocalHub:
    """``with LocalHub() as hub``: ``hub.address`` is the endpoint, ``hub.asked`` what came in."""

    def __init__(self):
        self.repositories: dict[str, Repository] = {}
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.lines: list[socket.socket] = []
        self.stopped = threading.Event()
        self._servers: list[_Server] = []

    def __enter__(self) -> "LocalHub":
        for role in ("hub", "storage"):
            handler = type("Handler", (_Handler,), {"hub": self, "role": role})
            server = _Server(("127.0.0.1", 0), handler)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            self._servers.append(server)
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        """Nobody answers from now on."""
        self.stopped.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for line in self.lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._servers, self.lines = [], []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def storage(self) -> str:
        return f"http://127.0.0.1:{self._servers[1].server_port}"

    def add(self, name: str, folder: Path | dict[str, bytes], **options) -> Repository:
        """A model with one commit: the files of ``folder``."""
        files = folder if isinstance(folder, dict) else read_files(folder)
        commit = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        made = Repository(name, {commit: files}, {"main": commit}, **options)
        self.repositories[name] = made
        return made

    def fail(self, method: str, part: str, **what) -> None:
        self.faults.append(Fault(method, part, **what))

    def bytes_sent(self, part: str) -> int:
        """Bytes of bodies that went out for paths with ``part``."""
        return sum(one.sent for one in self.asked if part in one.path and one.method == "GET")


def read_files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path in it."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address) -> None:
        """A line that a test has cut is no error."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LocalHub
    role: str

    def setup(self) -> None:
        super().setup()
        self.hub.lines.append(self.connection)

    def log_message(self, *_) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        split = urlsplit(self.path)
        self._path, self._query = unquote(split.path), parse_qs(split.query)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        offset = self.headers.get("Range", "").removeprefix("bytes=").partition("-")[0]
        self._asked = Asked(self.command, self._path, int(offset) if offset else None, token)
        self.hub.asked.append(self._asked)
        self._fault = self._next_fault()
        if self._fault.delay:
            self.hub.stopped.wait(self._fault.delay)
        try:
            if self._fault.status:
                self._say(self._fault.status, {"error": "as told"}, self._fault.headers)
            elif self.role == "storage":
                self._hand_out_stored()
            elif self._path == "/api/models":
                self._search()
            elif self._path.startswith("/api/models/"):
                self._describe()
            elif "/resolve/" in self._path:
                self._resolve()
            elif self._path.startswith("/api/resolve-cache/"):
                self._hand_out_plain()
            else:
                self._say(404, {"error": "no such page"})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _next_fault(self) -> Fault:
        for fault in self.hub.faults:
            if fault.times and fault.method == self.command and fault.part in self._path:
                fault.times -= 1
                return fault
        return Fault("", "")

    # --- what the hub says ------------------------------------------------------------------------

    def _say(self, status: int, value, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _say_page(self, page: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._say(status, {"error": message}, {"X-Error-Code": code, "X-Error-Message": message})

    def _known(self, name: str) -> Repository | None:
        """The repository, or an answer as the real hub's: it tells strangers nothing of what is not theirs."""
        token, found = self._asked.token, self.hub.repositories.get(name)
        if token not in (None, GOOD_TOKEN, STRANGERS_TOKEN):
            message = "Invalid credentials in Authorization header"
            self._say(401, {"error": message}, {"X-Error-Message": message})
        elif found is None or (found.private and token != GOOD_TOKEN):
            if token is None:
                self._refuse(401, "RepoNotFound", "Invalid username or password.")
            else:
                self._refuse(404, "RepoNotFound", "Repository not found")
        else:
            return found
        return None

    def _search(self) -> None:
        words = [value.lower() for value in self._query.get("search", [])]
        owners = [value.lower() for value in self._query.get("author", [])]
        names = [
            name
            for name in self.hub.repositories
            if all(word in name.lower() for word in words)
            and all(name.lower().startswith(f"{owner}/") for owner in owners)
        ]
        self._say(200, [{"id": name, "modelId": name} for name in names])

    def _describe(self) -> None:
        parts = self._path.removeprefix("/api/models/").split("/")
        found = self._known("/".join(parts[:2]))
        if found is None:
            return
        revision = "/".join(parts[3:]) if parts[2:3] in (["revision"], ["tree"]) else "main"
        commit = found.commit_of(revision)
        if commit is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        files = found.commits[commit]
        if parts[2:3] == ["tree"]:
            self._say(200, [_tree_entry(path, content) for path, content in files.items()])
            return
        siblings = [_sibling(path, files[path], "blobs" in self._query) for path in sorted(files)]
        info = {"id": found.name, "modelId": found.name, "sha": commit, "siblings": siblings}
        self._say(
            200, info | {"private": found.private, "gated": found.gated and "auto", "tags": []}
        )

    def _resolve(self) -> None:
        name, _, rest = self._path.lstrip("/").partition("/resolve/")
        revision, _, path = rest.partition("/")
        found = self._known(name)
        if found is None:
            return
        if found.gated and self._asked.token != GOOD_TOKEN:
            status = 401 if self._asked.token is None else 403
            self._refuse(status, "GatedRepo", f"Access to model {name} is restricted.")
            return
        commit = found.commit_of(revision)
        content = found.commits.get(commit or "", {}).get(path)
        if commit is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif content is None:
            self._say(404, {}, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit})
        elif is_large(path):
            sha = hashlib.sha256(content).hexdigest()
            self._redirect(
                302, f"{self.hub.storage}/{sha}/{path}?signature=x", commit, sha, content
            )
        else:
            place = f"/api/resolve-cache/models/{name}/{commit}/{path}"
            self._redirect(307, place, commit, git_sha1(content), content)

    def _redirect(self, status: int, to: str, commit: str, etag: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Location", to)
        self.send_header("X-Repo-Commit", commit)
        self.send_header("X-Linked-Etag" if status == 302 else "ETag", f'"{etag}"')
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    # --- what is handed out -----------------------------------------------------------------------

    def _hand_out_plain(self) -> None:
        owner, model, commit, path = self._path.removeprefix("/api/resolve-cache/models/").split(
            "/", 3
        )
        content = self.hub.repositories[f"{owner}/{model}"].commits[commit][path]
        self._hand_out(content, {"X-Repo-Commit": commit, "ETag": f'"{git_sha1(content)}"'})

    def _hand_out_stored(self) -> None:
        sha, _, path = self._path.lstrip("/").partition("/")
        for repository in self.hub.repositories.values():
            for files in repository.commits.values():
                if path in files and hashlib.sha256(files[path]).hexdigest() == sha:
                    self._hand_out(files[path], {"ETag": f'"{sha}"'})
                    return
        self._say(404, {"error": "not stored here"})

    def _hand_out(self, content: bytes, headers: dict[str, str]) -> None:
        fault, start = self._fault, 0 if self._fault.ignore_range else self._asked.offset or 0
        if fault.change:
            content = fault.change(content)
        if fault.stop_at is not None:
            content = content[: fault.stop_at]
        if start >= len(content) and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        body = content[start:]
        if fault.cut_at is not None:
            body = body[: max(0, fault.cut_at - start)]
            self.close_connection = True
        self.wfile.write(body)
        self._asked.sent += len(body)
        if fault.hold:
            self.hub.stopped.wait(fault.hold)


def is_large(path: str) -> bool:
    """Whether the hub keeps the file in its storage for large files."""
    return path.endswith((".safetensors", ".bin", ".gguf"))


def _sibling(path: str, content: bytes, with_sizes: bool) -> dict:
    told: dict = {"rfilename": path}
    if with_sizes:
        told |= {"size": len(content), "blobId": git_sha1(content)}
        if is_large(path):
            sha = hashlib.sha256(content).hexdigest()
            told["lfs"] = {"sha256": sha, "size": len(content), "pointerSize": 134}
    return told


def _tree_entry(path: str, content: bytes) -> dict:
    entry = {"type": "file", "path": path, "size": len(content), "oid": git_sha1(content)}
    if is_large(path):
        sha = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"oid": sha, "size": len(content), "pointerSize": 134}
    return entry
