"""What every notebook begins with: a badge that opens it on Google Colab, and the cell that installs there.

Both are written here once, for all notebooks of both editions, from the one address of the repository
in ``pyproject.toml``.
"""

import math
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from lab_helpers import __version__
from lab_helpers.course.registry import get_lab
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import write_text
from lab_helpers.runtime.language import say, speaking
from lab_helpers.runtime.paths import PACKAGE

if TYPE_CHECKING:
    from nbformat import NotebookNode

TAG = "colab"  # on both cells; what runs a notebook without Jupyter leaves them out
BRANCH = "main"
_GITHUB = "https://github.com/"
_BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
_ENTRY = re.compile(r'(?m)^(Repository = )"[^"]*"$')

_CELL = """\
# {what}
DRIVE = False  # {drive}
import sys

if "google.colab" in sys.modules:
    import os, subprocess

    class Stop(Exception):
        _render_traceback_ = lambda self: [f"✋ {{self}}"]  # {stop}

    course, repository = "/content/course", "{repository}"
    os.environ.update(LAB_LANG="{language}", GIT_TERMINAL_PROMPT="0")
    for version in ("v{version}", "{branch}"):  # {release}
        if not os.path.isdir(course):
            clone = f"git clone --quiet --depth 1 --branch {{version}} {{repository}} {{course}}"
            subprocess.run(clone.split(), stderr=subprocess.DEVNULL)
    if not os.path.isdir(course):
        raise Stop(f"{failed}")
    sys.path.insert(0, course)
    from lab_helpers.course.colab import prepare

    prepare("{version}", drive=DRIVE)"""


def opening_cells(name: str, language: str) -> "list[NotebookNode]":
    """The badge and the first cell of the notebook ``name`` in one edition."""
    from nbformat import v4

    metadata = {"tags": [TAG]}
    with speaking(language):
        return [
            v4.new_markdown_cell(_badge(name, language), id="colab-badge", metadata=dict(metadata)),
            v4.new_code_cell(_first_cell(language), id="colab", metadata=dict(metadata)),
        ]


def is_opening(cell: "NotebookNode") -> bool:
    """Whether a notebook's cell is one of the two, in whatever version."""
    return TAG in cell.metadata.get("tags", ())


def _badge(name: str, language: str) -> str:
    folder = "labs/ja" if language == "ja" else "labs"
    path = repository().removeprefix(_GITHUB)
    address = f"https://colab.research.google.com/github/{path}/blob/{BRANCH}/{folder}/{name}.ipynb"
    minutes = math.ceil(get_lab(name).cpu_seconds / 60)
    link = f"[![{say('Open in Colab', 'Colab で開く')}]({_BADGE})]({address})"
    unit = "minute" if minutes == 1 else "minutes"
    time = say(
        f"The cells compute for about {minutes} {unit}, measured on our 2-core CPU. A Colab machine has 2 virtual cores too, and has not been measured; installing takes a few minutes more.",
        f"計算時間は約 {minutes} 分です（手元の 2 コアの CPU での実測値）。Colab のマシンも 2 仮想コアですが、Colab 上ではまだ測っていません。ほかに、インストールに数分かかります。",
    )
    return f"{link}\n\n{time}"


def _first_cell(language: str) -> str:
    return _CELL.format(
        language=language,
        repository=repository(),
        version=__version__,
        branch=BRANCH,
        what=say(
            "Google Colab only; elsewhere this cell does nothing. After a restart, run it again.",
            "Google Colab 専用（ほかの環境では何もしません）。再起動したら、もう一度実行します。",
        ),
        drive=say(
            "True keeps your results in Google Drive; Colab forgets its machines",
            "True にすると結果を Google ドライブに保存（Colab のマシンは消えます）",
        ),
        stop=say("one sentence instead of a traceback", "トレースバックの代わりに 1 文だけ表示"),
        release=say(
            "this notebook's release, else the newest", "このノートブックの版、なければ最新"
        ),
        failed=say(
            "{repository} cannot be reached: check it and the network, run the cell again.",
            "{repository} に接続できません。アドレスとネットワークを確かめ、もう一度実行してください。",
        ),
    )


# --- the repository -------------------------------------------------------------------------------


def repository() -> str:
    """The address of the course on GitHub, as ``[project.urls]`` in ``pyproject.toml`` has it."""
    project = tomllib.loads(_pyproject().read_text(encoding="utf-8"))["project"]
    address = project.get("urls", {}).get("Repository", "")
    if not address.startswith(_GITHUB):
        raise BadInput(
            say(
                "pyproject.toml names no repository on GitHub",
                "pyproject.toml に GitHub のリポジトリが書かれていません",
            ),
            say(
                "labs build --repository owner/name",
                "次を実行してください: labs build --repository owner/name",
            ),
        )
    return address


def set_repository(given: str) -> str:
    """Write ``owner/name``, or the address of a repository on GitHub, to ``pyproject.toml``; the address."""
    path = given.strip().removeprefix(_GITHUB).removesuffix("/").removesuffix(".git")
    if not re.fullmatch(r"[\w-]+/[\w.-]+", path, re.ASCII):
        raise BadInput(
            say(
                f"'{given}' is no repository on GitHub",
                f"「{given}」は GitHub のリポジトリではありません",
            ),
            say(
                "For example: labs build --repository owner/name",
                "例: labs build --repository owner/name",
            ),
        )
    file = _pyproject()
    text, found = _ENTRY.subn(rf'\g<1>"{_GITHUB}{path}"', file.read_text(encoding="utf-8"), count=1)
    if not found:
        raise BadInput(
            say(
                "pyproject.toml has no entry Repository",
                "pyproject.toml に Repository の項目がありません",
            ),
            say(
                f'Add it to [project.urls]: Repository = "{_GITHUB}{path}"',
                f'[project.urls] に追加してください: Repository = "{_GITHUB}{path}"',
            ),
        )
    write_text(file, text)
    return repository()


def _pyproject() -> Path:
    file = PACKAGE.parent / "pyproject.toml"
    if not file.is_file():
        raise BadInput(
            say(
                "notebooks are built in a checkout of the course, and this is none",
                "ノートブックはリポジトリのチェックアウトでしかビルドできません",
            ),
            say(
                "Clone the repository, and run labs build there.",
                "リポジトリをクローンし、その中で labs build を実行してください。",
            ),
        )
    return file
