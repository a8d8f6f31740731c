"""Which layers protect a run on this system, each tried for real, and leave to run where some are missing."""

import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache

from lab_helpers.evaluation.sandbox.inside import layers
from lab_helpers.evaluation.sandbox.limits import Limits, Sentence
from lab_helpers.evaluation.sandbox.processes import converse
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.language import say

ALLOW_WEAK = "LAB_ALLOW_WEAK_SANDBOX"
PROBE_SECONDS = 10.0

OWN_PROCESS = "own_process"
NEEDED = (layers.LIMITS, layers.NO_NEW_PRIVILEGES, layers.FILES, layers.CALLS)
"""Without one of these, a hostile program can do harm, so running asks first."""

Confirm = Callable[[str], bool]

DOES = {
    OWN_PROCESS: Sentence(
        "A process and folder of its own, an empty environment, a wall clock that ends all its processes.",
        "専用のプロセスとフォルダー、空の環境変数。時間切れになると、関連プロセスをすべて終了します。",
    ),
    layers.LIMITS: Sentence(
        "CPU seconds, memory, size of files, open files and processes are limited.",
        "CPU 時間、メモリ、ファイルの大きさ、開けるファイル数、プロセス数を制限します。",
    ),
    layers.NO_NEW_PRIVILEGES: Sentence(
        "No program it starts can gain rights (set-user-id programs).",
        "set-user-ID などのプログラムを使っても、権限を増やせません。",
    ),
    layers.NO_CAPABILITIES: Sentence(
        "root's special powers are given up.", "root の特権をすべて捨てます。"
    ),
    layers.FILES: Sentence(
        "Reads only Python's library and the system's, writes only in its own folder (Landlock).",
        "読めるのは Python とシステムのライブラリだけ、書けるのは専用フォルダーだけです（Landlock）。",
    ),
    layers.CALLS: Sentence(
        "No sockets, new processes, signals to others, ptrace, mounts; only listed system calls (seccomp).",
        "ソケット、新しいプロセス、他プロセスへのシグナル、ptrace、マウントを拒否し、一覧にあるシステムコールだけを許します（seccomp）。",
    ),
    layers.NAMESPACES: Sentence(
        "Sees no other process and a network without devices; all its processes die together (namespaces).",
        "ほかのプロセスは見えず、ネットワーク機器もありません。プロセスは必ずまとめて終了します（名前空間）。",
    ),
    layers.SMALL_FOLDER: Sentence(
        "Its folder is a small file system in memory: few bytes, few files.",
        "専用フォルダーはメモリ上の小さなファイルシステムで、容量もファイル数も限られます。",
    ),
    layers.MAC_PROFILE: Sentence(
        "No network, no new processes, no writing outside, no reading of the home folder (macOS sandbox).",
        "ネットワーク、新しいプロセス、外への書き込み、ホームフォルダーの読み取りを拒否します（macOS のサンドボックス）。",
    ),
}

WEAKER = {
    OWN_PROCESS: Sentence("", ""),
    layers.LIMITS: Sentence(
        "A program can fill the memory and the disk until its time is up.",
        "時間切れになるまで、メモリやディスクを使い切られるおそれがあります。",
    ),
    layers.NO_NEW_PRIVILEGES: Sentence(
        "A program can start set-user-id programs.",
        "set-user-ID のプログラムを起動できてしまいます。",
    ),
    layers.NO_CAPABILITIES: Sentence(
        "As root, a program keeps root's powers over what the other layers leave open.",
        "root で動かすと、ほかの層が防がない操作に root の特権が残ります。",
    ),
    layers.FILES: Sentence(
        "A program can read and change whatever you can.",
        "あなたが読み書きできるファイルは、プログラムも読み書きできます。",
    ),
    layers.CALLS: Sentence(
        "A program can use the network, start processes and signal yours.",
        "ネットワークへの接続、プロセスの起動、あなたのプロセスへのシグナル送信ができてしまいます。",
    ),
    layers.NAMESPACES: Sentence(
        "The other layers alone keep it from the network and from other processes.",
        "ネットワークやほかのプロセスから隔てるのは、残りの層だけになります。",
    ),
    layers.SMALL_FOLDER: Sentence(
        "The folder lies on your disk; it is looked into 20 times a second, and a program that fills it is ended.",
        "専用フォルダーは利用者のディスク上にあります。1 秒に 20 回調べ、容量を超えたプログラムを終了します。",
    ),
    layers.MAC_PROFILE: Sentence(
        "A program can use the network, read your files and write wherever you can.",
        "ネットワークへの接続、ファイルの読み取り、あなたが書ける場所への書き込みができてしまいます。",
    ),
}

MEMORY_ON_MAC = Sentence(
    "macOS does not limit a program's memory: it can fill it until its time is up.",
    "macOS ではプログラムのメモリを制限できません。時間切れになるまで、メモリを使い切られるおそれがあります。",
)
WITHOUT_LAYERS = Sentence(
    "This system offers none of these layers to Python: a program can use the network, memory and your files.",
    "このシステムでは、Python からこれらの層を使えません。ネットワーク、メモリ、ファイルが守られません。",
)


@dataclass(frozen=True)
class Protection:
    """One layer: its ``name``, whether it is ``active`` here, what it ``does``, what is ``weaker`` without it."""

    name: str
    active: bool
    needed: bool
    does: Sentence
    weaker: Sentence


def protections() -> list[Protection]:
    """The layers of this system, each tried for real in a process that attempts what the layer forbids.

    Raises:
        MissingDependency: a Python interpreter could not be started for it.
    """
    found = {OWN_PROCESS: True} | _probed()
    return [Protection(name, held, name in NEEDED, DOES[name], WEAKER[name]) for name, held in found.items()]  # fmt: skip


@cache
def _probed() -> dict[str, bool]:
    if not layers.possible_here():
        return {}
    limits = Limits(wall_seconds=PROBE_SECONDS)
    job = {"probe": True, "limits": asdict(limits)}
    found = converse(job, {}, limits.output_bytes, PROBE_SECONDS).report("probes")
    if found is None:
        raise MissingDependency(
            say(
                "the sandbox could not be tried on this system",
                "このシステムではサンドボックスを試せませんでした",
            ),
            say(
                "Run the laboratory with a complete Python installation (labs doctor shows which one it uses).",
                "完全な Python 環境でラボを実行してください（使われている Python は labs doctor で確認できます）。",
            ),
        )
    return found


def active_layers() -> tuple[str, ...]:
    """The names of the layers that hold here, in the order in which they are put up."""
    return tuple(name for name in layers.possible_here() if _probed()[name])


def missing() -> list[Sentence]:
    """What is weaker here than the full sandbox; empty: nothing that matters."""
    if sys.platform == "linux":
        held = active_layers()
        return [WEAKER[name] for name in NEEDED if name not in held]
    if sys.platform == "darwin":
        held = active_layers()
        return [MEMORY_ON_MAC, *(WEAKER[name] for name in layers.ON_MAC if name not in held)]
    return [WITHOUT_LAYERS]


def ask_in_terminal(question: str) -> bool:
    """Ask, and take only ``yes`` for a yes."""
    return input(f"{question} [yes/no] ").strip().lower() == "yes"


_agreed: list[bool] = []


def require_leave(confirm: Confirm | None = None) -> None:
    """Return where the sandbox is full, or where the user agrees to a weaker one (asked once).

    Args:
        confirm: asks the user; without it, a terminal is asked.

    Raises:
        BadInput: the sandbox is weaker here, and nobody agreed.
    """
    weaker = missing()
    if not weaker or _agreed or os.environ.get(ALLOW_WEAK) == "1":
        return
    if confirm is None and sys.stdin is not None and sys.stdin.isatty():
        confirm = ask_in_terminal
    what = say(
        "the sandbox for programs that a model wrote is weaker on this system: "
        + " ".join(sentence.en for sentence in weaker),
        "このシステムでは、モデルが書いたプログラム用のサンドボックスの守りが弱くなります。"
        + "".join(sentence.ja for sentence in weaker),
    )
    if confirm is not None and confirm(
        say(f"{what} Run them all the same?", f"{what}それでも実行しますか？")
    ):
        _agreed.append(True)
        return
    raise BadInput(
        what,
        say(
            f"Use Linux 5.13 or newer (Docker, WSL 2, Colab), or set {ALLOW_WEAK}=1 if you trust the programs.",
            f"Linux 5.13 以降（Docker、WSL 2、Colab）を使ってください。プログラムを信頼できるなら {ALLOW_WEAK}=1 を設定してください。",
        ),
    )
