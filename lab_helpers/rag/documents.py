"""Documents to search: the shipped ones, or a folder of .txt, .md, .html and .pdf files."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lab_helpers.data.duplicates import fingerprint
from lab_helpers.data.forms.control_tokens import is_blank
from lab_helpers.data.reading.not_data import is_pointer
from lab_helpers.data.shipped import load_shipped
from lab_helpers.rag.document_problems import DocumentProblem, Unusable
from lab_helpers.rag.legible import MOSTLY, rubbish
from lab_helpers.rag.parsers import PARSERS
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import content_key
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import track

LARGEST = 20_000_000
_TOLD = 5


@dataclass(frozen=True)
class Document:
    """A text under an id that stays the same when the text changes. ``source`` says where it is from."""

    id: str
    title: str
    text: str
    source: str = ""

    @property
    def digest(self) -> str:
        """Changes when title or text do."""
        return content_key(self.title, self.text)


class Reading(NamedTuple):
    """The usable ``documents`` of a folder in the order of their names, and every problem found."""

    documents: list[Document]
    problems: list[DocumentProblem]


def shipped_documents(language: str) -> list[Document]:
    """The 64 help pages and notes of Hoshizora Electric in ``"en"`` or ``"ja"``."""
    return [
        Document(row["id"], row["title"], row["text"], f"documents.{language}.jsonl")
        for row in load_shipped("documents", language)
    ]


def read_folder(path: Path | str, largest: int = LARGEST) -> Reading:
    """Every document under ``path`` (or the one file ``path``), and what is wrong with the rest.

    A document's id is its path inside the folder, with ``/``. Hidden files are passed over. Files
    above ``largest`` bytes, and what is mostly rubbish when read, are refused. Of documents with the same
    text the first is kept. Raises :class:`BadInput` where the folder is missing or nothing in it can be used.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise BadInput(
            say(f"no such folder: {path}", f"フォルダーがありません: {path}"),
            say(
                "Give a folder of .txt, .md, .html, .pdf files.",
                ".txt、.md、.html、.pdf ファイルの入ったフォルダーを指定してください。",
            ),
        )
    files = [path] if path.is_file() else sorted(_files(path))
    documents: list[Document] = []
    problems: list[DocumentProblem] = []
    seen: dict[int, str] = {}
    for file in track(files, say("read", "読み込み中"), len(files)):
        name = _printable(file.name if path.is_file() else file.relative_to(path).as_posix())
        try:
            document, warnings = _read(file, name, largest)
        except Unusable as reason:
            problems.append(DocumentProblem(name, reason.code, reason.detail))
            continue
        problems.extend(warnings)
        first = seen.setdefault(fingerprint(document.text), name)
        if first == name:
            documents.append(document)
        else:
            problems.append(DocumentProblem(name, "duplicate", first))
    if not documents:
        raise BadInput(
            _nothing_usable(path, problems),
            say(
                "Put .txt, .md, .html or .pdf files there.",
                ".txt、.md、.html、.pdf のいずれかのファイルを置いてください。",
            ),
        )
    return Reading(documents, problems)


def _files(folder: Path) -> Iterator[Path]:
    """All files below ``folder`` that are not hidden. Links to folders are not followed: no circles."""
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(where) / name for name in names if not name.startswith("."))


def _printable(name: str) -> str:
    """A file name that can be stored and shown: bytes that are not UTF-8 become ``\\udc..`` in letters."""
    return name.encode("utf-8", "backslashreplace").decode()


def _read(file: Path, name: str, largest: int) -> tuple[Document, list[DocumentProblem]]:
    parser = PARSERS.get(file.suffix.lower())
    if parser is None:
        raise Unusable(
            "unknown-type", file.suffix.lower() or say("without an extension", "拡張子なし")
        )
    try:
        if not file.is_file():
            raise Unusable(
                "unreadable",
                say(
                    "not a regular file, or a link that leads nowhere",
                    "通常のファイルではないか、リンク先がありません",
                ),
            )
        size = file.stat().st_size
        if size > largest:
            raise Unusable(
                "huge",
                say(
                    f"{size / 1e6:,.1f} MB, the limit is {largest / 1e6:,.1f} MB",
                    f"{size / 1e6:,.1f} MB、上限は {largest / 1e6:,.1f} MB",
                ),
            )
        content = file.read_bytes()
    except OSError as error:
        raise Unusable("unreadable", error.strerror or str(error)) from None
    if is_pointer(content):
        raise Unusable("pointer")
    parsed = parser(content)
    if is_blank(parsed.text):
        raise Unusable("empty")
    found = rubbish(parsed.text)
    if found.share >= MOSTLY:
        raise Unusable("garbled", str(found))
    warnings = [DocumentProblem(name, code, detail) for code, detail in parsed.warnings]
    if found.share:
        warnings.append(DocumentProblem(name, "partly-garbled", str(found)))
    title = " ".join(parsed.title.split()) or file.stem
    return Document(name, _printable(title), parsed.text, str(file)), warnings


def _nothing_usable(path: Path, problems: list[DocumentProblem]) -> str:
    errors = [
        say(f"{one.source} {one.message}", f"{one.source}: {one.in_japanese()[0]}")
        for one in problems
    ]
    if not errors:
        return say(f"{path} holds no documents", f"{path} に文書がありません")
    left, told = len(errors) - _TOLD, say("; ", "、").join(errors[:_TOLD])
    more = say(f"; and {left} more", f"、ほか {left} 件") if left > 0 else ""
    return say(
        f"nothing in {path} can be used: {told}{more}",
        f"{path} に使える文書がありません: {told}{more}",
    )
