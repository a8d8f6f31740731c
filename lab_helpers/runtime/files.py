"""Writing files so that a crash or a full disk leaves either the old file or the new one, never half."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


def write_bytes(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` in one step (temporary file, then rename)."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise BadInput(
            say(
                f"cannot write {path} ({error.strerror or error})",
                f"{path} に書き込めません（{error.strerror or error}）",
            ),
            say(
                "Free some disk space or choose another folder with --out DIR or LAB_HOME.",
                "ディスクの空き容量を増やすか、--out DIR または環境変数 LAB_HOME で別のフォルダーを指定してください。",
            ),
        ) from None
    return path


def write_text(path: Path, text: str) -> Path:
    """Write ``text`` as UTF-8 in one step."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value) -> Path:
    """Write ``value`` as readable JSON in one step."""
    return write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def read_json(path: Path, default):
    """The JSON in ``path``, or ``default`` where the file is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return default


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def hash_of(path: Path) -> str:
    """Changes with a file's content, or with the names and contents of all files of a folder."""
    if not path.is_dir():
        return sha256_of(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return content_key([(file.relative_to(path).as_posix(), _hash_or_none(file)) for file in files])


def _hash_or_none(file: Path) -> str | None:
    """None for a file that may not be read: whoever needs its content says so."""
    try:
        return sha256_of(file)
    except OSError:
        return None


def content_key(*parts) -> str:
    """A short stable key for a cache entry: the hash of ``parts`` written as JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
