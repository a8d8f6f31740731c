"""Files that only pretend to hold rows: pointers, web pages, a server's error, another program's export."""

import json
import re
from pathlib import Path
from typing import Any

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

_SAMPLE = 4096
_POINTER = b"version https://git-lfs.github.com/spec/"
_PAGE = re.compile(rb"<(?:(?:!doctype\s+html|html|head|body|\?xml)\b|!--)", re.IGNORECASE)
_HTML = re.compile(rb"<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_ERROR = {"error", "errors", "detail", "message"}
_BESIDE_AN_ERROR = _ERROR | {
    *("code", "status", "statusCode", "status_code", "documentation_url", "request_id"),
    *("path", "timestamp", "type", "title", "cause", "success", "error_description"),
}


def check_start(path: Path) -> None:
    """Raise :class:`BadInput` when the first bytes of ``path`` show a Git LFS pointer or a web page."""
    with path.open("rb") as stream:
        start = stream.read(_SAMPLE).removeprefix(b"\xef\xbb\xbf").lstrip()
    if is_pointer(start):
        raise BadInput(
            say(
                f"{path.name} is a Git LFS pointer: it only says where the data is",
                f"{path.name} は Git LFS のポインターで、データの置き場所しか書かれていません",
            ),
            say(
                "Fetch the file itself: git lfs pull, or the download button of its page.",
                "ファイルそのものを取得してください（git lfs pull、または配布ページのダウンロードボタン）。",
            ),
        )
    if _PAGE.match(start):
        raise BadInput(
            say(
                f"{path.name} is a web page (HTML or XML), not data",
                f"{path.name} はデータではなくウェブページ（HTML または XML）です",
            ),
            say(
                "The download saved a page about the file, or an error. Download the raw file again "
                "(on the Hugging Face hub the address has /resolve/, not /blob/).",
                "ファイルの紹介ページかエラーページが保存されています。ファイルそのものをダウンロードし直してください（Hugging Face hub では、URL に /blob/ ではなく /resolve/ が入ります）。",
            ),
        )


def is_pointer(start: bytes) -> bool:
    """Whether a file that begins with ``start`` is a Git LFS pointer, not the file that it stands for."""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_POINTER)


def is_html(start: bytes) -> bool:
    """Whether a file that begins with ``start`` is a whole web page; Markdown may hold parts of one."""
    return _HTML.match(start.removeprefix(b"\xef\xbb\xbf").lstrip()) is not None


def check_object(value: Any, name: str) -> None:
    """Raise :class:`BadInput` when ``value``, the only or first one of a JSON file, is known to be no row.

    These are the error that a server sent in place of the file, a ChatGPT export and a table by columns.
    """
    if not isinstance(value, dict):
        return
    if is_chatgpt_export(value):
        raise BadInput(
            say(
                f"{name} is a ChatGPT export: each conversation is a tree of messages with branches",
                f"{name} は ChatGPT から書き出したファイルで、各会話が枝分かれした木になっています",
            ),
            say(
                'Write out the branches you want, one {"messages": [{"role": …, "content": …}, …]} a line.',
                '使う枝を、1 行に 1 つずつ {"messages": [{"role": …, "content": …}, …]} の形で書き出してください。',
            ),
        )


def check_only_object(value: dict, name: str) -> None:
    """:func:`check_object` for an object that is all the file holds."""
    check_object(value, name)
    if set(value) & _ERROR and set(value) <= _BESIDE_AN_ERROR:
        said = next(value[key] for key in ("error", "errors", "detail", "message") if key in value)
        said = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        raise BadInput(
            say(
                f"{name} is an error message of a server ({said[:80]!r}), not data",
                f"{name} はデータではなくサーバーのエラーメッセージ（{said[:80]!r}）です",
            ),
            say(
                "Download the file again; a private or gated file needs a login or a token.",
                "ダウンロードし直してください。非公開のファイルや利用申請が必要なファイルには、ログインかトークンが要ります。",
            ),
        )
    if _is_by_columns(value):
        raise BadInput(
            say(
                f"{name} is a table by columns ({', '.join(value)}), not by rows",
                f"{name} は行ごとではなく列ごと（{', '.join(value)}）の表です",
            ),
            say(
                'Write it by rows; in pandas: to_json(path, orient="records", lines=True, force_ascii=False).',
                '行ごとに書き出してください。pandas では to_json(path, orient="records", lines=True, force_ascii=False) です。',
            ),
        )


def is_chatgpt_export(value: dict) -> bool:
    """Whether ``value`` is a conversation of ChatGPT's ``conversations.json``: a tree of nodes."""
    tree = value.get("mapping")
    return (
        isinstance(tree, dict)
        and bool(tree)
        and all(
            isinstance(node, dict) and ("message" in node or "children" in node)
            for node in tree.values()
        )
    )


def _is_by_columns(value: dict) -> bool:
    """``{"question": {"0": …, "1": …}, …}`` or ``{"question": […], "answer": […]}`` of plain values."""
    columns = list(value.values())
    if len(columns) < 2:
        return False
    if all(isinstance(column, dict) for column in columns):
        return len({tuple(column) for column in columns}) == 1 and all(
            str(key).isdigit() for key in columns[0]
        )
    return (
        all(isinstance(column, list) for column in columns)
        and len({len(column) for column in columns}) == 1
        and not any(isinstance(cell, dict | list) for column in columns for cell in column)
    )
