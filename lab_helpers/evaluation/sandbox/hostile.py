"""Programs that mean harm, one for each way out that we could think of.

What they aim at is filled in by ``escapes``: ``{outside}`` is a folder that is not theirs, ``{secret}`` a file
in it, ``{port}`` a listener of ours on TCP and UDP, ``{socket}`` one with a file name, ``{victim}`` a
process of ours, ``{course}`` a file of this package, ``{home}`` the home folder, ``{marker}`` a word by
which a process that outlives its run is found, ``{many}`` and ``{much}`` how many processes and bytes.
"""

from typing import NamedTuple

from lab_helpers.evaluation.sandbox.limits import Sentence


class Hostile(NamedTuple):
    """``tests`` is empty for a program that only runs; otherwise ``f(2)`` has to be 3, and is not."""

    name: str
    tries: Sentence
    source: str
    statuses: tuple[str, ...]
    """What a sandbox that holds may report of it."""
    tests: str = ""


WRONG = "def check(candidate):\n    assert candidate(2) == 3\n    assert isinstance(candidate(2), int)\n"
_REFUSED = ("blocked", "failed", "finished", "killed", "crashed")


def hostile_programs() -> list[Hostile]:
    """All of them: greedy ones, ones that look for a way out, ones that forge their result."""
    return [*_greedy(), *_breaking_out(), *_forging()]


def _greedy() -> list[Hostile]:
    return [
        Hostile("fork bomb", Sentence("Starts processes without end.", "プロセスを際限なく起動する。"),
                "import os, time\nfor n in range({many}):\n    if os.fork() == 0 and {many} < 1000:\n"
                "        time.sleep(1)\n        os._exit(0)\ntime.sleep(0.5)\n", ("blocked", "failed", "killed", "timed_out")),
        Hostile("memory bomb", Sentence("Takes all memory.", "メモリを使い尽くす。"),
                "x = []\nwhile len(x) << 24 < {much}:\n    x.append(bytearray(b'x') * (1 << 24))\n", ("out_of_memory", "killed", "timed_out")),
        Hostile("endless output", Sentence("Prints without end.", "際限なく出力する。"),
                "while True:\n    print('x' * 10000)\n", ("too_much_output",)),
        Hostile("endless loop", Sentence("Computes without end.", "計算を続ける。"),
                "while True:\n    pass\n", ("timed_out",)),
        Hostile("sleeping", Sentence("Waits without end.", "待ち続ける。"),
                "import time\ntime.sleep(1e6)\n", ("timed_out",)),
        Hostile("deaf to signals", Sentence("Ignores the signals that end a program.", "終了のシグナルを無視する。"),
                "import signal\nfor n in (1, 2, 3, 14, 15, 24):\n    signal.signal(n, signal.SIG_IGN)\n"
                "while True:\n    pass\n", ("timed_out", "blocked", "killed")),
        Hostile("a huge file", Sentence("Fills the disk with one file.", "1 つのファイルでディスクを埋める。"),
                "with open('big', 'wb') as f:\n    while True:\n        f.write(b'x' * (1 << 20))\n",
                ("over_limit", "killed", "failed")),
        Hostile("many files", Sentence("Fills the disk with many files.", "多数のファイルでディスクを埋める。"),
                "for i in range(10 ** 7):\n    open(str(i), 'w').close()\n", ("over_limit", "timed_out")),
        Hostile("deep recursion", Sentence("Overflows the stack.", "スタックをあふれさせる。"),
                "import sys\nsys.setrecursionlimit(10 ** 9)\ndef g(n):\n    return g(n + 1) + 1\ng(0)\n",
                ("crashed", "failed", "out_of_memory", "killed", "timed_out")),
        Hostile("fault", Sentence("Writes to memory that is not there.", "存在しないメモリに書き込む。"),
                "import ctypes\nctypes.memset(8, 1, 8)\n", ("crashed", "blocked", "failed", "killed")),
    ]  # fmt: skip


def _breaking_out() -> list[Hostile]:
    return [
        Hostile("writing outside", Sentence("Writes into another folder.", "ほかのフォルダーに書き込む。"),
                "open(r'{outside}/written', 'w').write('here')\n", ("blocked",)),
        Hostile("deleting outside", Sentence("Deletes a file of yours.", "利用者のファイルを消す。"),
                "import os\nos.remove(r'{secret}')\n", ("blocked",)),
        Hostile("reading a secret", Sentence("Reads a file of yours and prints it.", "利用者のファイルを読んで出力する。"),
                "print(open(r'{secret}').read())\n", ("blocked",)),
        Hostile("reading the home folder", Sentence("Lists your home folder.", "ホームフォルダーを一覧する。"),
                "import os\nprint(os.listdir(r'{home}'))\n", ("blocked",)),
        Hostile("reading the course", Sentence("Reads the course's own code.", "講座のコードを読む。"),
                "print(open(r'{course}', encoding='utf-8').read())\n", ("blocked", "finished")),
        Hostile("reading the list of users", Sentence("Reads /etc/passwd.", "/etc/passwd を読む。"),
                "print(open('/etc/passwd').read())\n", ("blocked",)),
        Hostile("a link to a secret", Sentence("Reads a file of yours through a link.", "リンク経由で利用者のファイルを読む。"),
                "import os\nos.symlink(r'{secret}', 'link')\nprint(open('link').read())\n", ("blocked",)),
        Hostile("a hard link to a secret", Sentence("Gives a file of yours a second name in its own folder.", "利用者のファイルに、自分のフォルダー内の別名を付ける。"),
                "import os\nos.link(r'{secret}', 'link')\nprint(open('link').read())\n", ("blocked", "failed")),
        Hostile("emptying a file", Sentence("Cuts a file of yours to nothing.", "利用者のファイルを空にする。"),
                "import os\nos.truncate(r'{secret}', 0)\n", ("blocked",)),
        Hostile("changing rights", Sentence("Makes a file of yours readable and executable for all.", "利用者のファイルを誰でも読める状態にする。"),
                "import os\nos.chmod(r'{secret}', 0o777)\n", ("blocked",)),
        Hostile("changing times", Sentence("Makes a file of yours look old.", "利用者のファイルの更新日時を書き換える。"),
                "import os\nos.utime(r'{secret}', (1, 1))\n", ("blocked",)),
        Hostile("other processes", Sentence("Reads the environment of another process.", "ほかのプロセスの環境変数を読む。"),
                "print(open('/proc/{victim}/environ').read())\n", _REFUSED),
        Hostile("TCP", Sentence("Connects to a server.", "サーバーに接続する。"),
                "import socket\nsocket.create_connection(('127.0.0.1', {port})).sendall(b'escaped')\n", _REFUSED),
        Hostile("UDP", Sentence("Sends a datagram.", "データグラムを送る。"),
                "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))\n", _REFUSED),
        Hostile("unix socket", Sentence("Connects to a local server through a file.", "ファイル経由でローカルのサーバーに接続する。"),
                "import socket\nsocket.socket(socket.AF_UNIX).connect(r'{socket}')\n", _REFUSED),
        Hostile("killing a process", Sentence("Kills a process of yours.", "利用者のプロセスを強制終了する。"),
                "import os, signal\nos.kill({victim}, signal.SIGKILL)\n", _REFUSED),
        Hostile("killing everybody", Sentence("Kills its parent and every process it may.", "親プロセスと、手の届くすべてのプロセスを強制終了する。"),
                "import os, signal\nfor n in (os.getppid(), -1):\n    try:\n        os.kill(n, signal.SIGKILL)\n"
                "    except OSError:\n        pass\n", _REFUSED),
        Hostile("a borrowed signal", Sentence("Has the kernel signal a process of yours (F_SETOWN).", "カーネルに頼んで、利用者のプロセスへシグナルを送る（F_SETOWN）。"),
                "import fcntl, os, signal, time\nr, w = os.pipe()\nfcntl.fcntl(r, 10, signal.SIGKILL)\nfcntl.fcntl(r, fcntl.F_SETOWN, {victim})\n"
                "fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC)\nos.write(w, b'x')\ntime.sleep(0.1)\n", _REFUSED),
        Hostile("ptrace", Sentence("Takes control of another process and ends it.", "ほかのプロセスを乗っ取って終了させる。"),
                "import ctypes, os\nc = ctypes.CDLL(None, use_errno=True)\n"
                "if c.ptrace(16, {victim}, None, None) != 0:\n    raise OSError(ctypes.get_errno(), 'ptrace')\n"
                "os.waitpid({victim}, 0x40000000)\nc.ptrace(8, {victim}, None, None)\n", _REFUSED),
        Hostile("a process that stays", Sentence("Leaves a process behind.", "プロセスを残していく。"),
                "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', "
                "'{marker}'], start_new_session=True)\n", _REFUSED),
        Hostile("another program", Sentence("Becomes another program.", "別のプログラムに化ける。"),
                "import os\nfor n in range(3, 64):\n    try:\n        os.set_inheritable(n, True)\n    except OSError:\n        pass\n"
                "os.execv('/bin/sh', ['sh', '-c', 'echo x > {outside}/shell'])\n", ("blocked", "failed")),
    ]  # fmt: skip


def _forging() -> list[Hostile]:
    wrong = "def f(x):\n    return 0\n"
    forged = ("failed", "exited", "killed", "timed_out", "blocked")
    return [
        Hostile("leaving with success", Sentence("Leaves at once with exit code 0.", "終了コード 0 で抜ける。"),
                "import os\ndef f(x):\n    os._exit(0)\n", forged, WRONG),
        Hostile("sys.exit", Sentence("Raises SystemExit while it is tested.", "テスト中に SystemExit を起こす。"),
                "import sys\ndef f(x):\n    sys.exit(0)\n", forged, WRONG),
        Hostile("saying passed", Sentence("Prints that it has passed.", "「passed」と出力する。"),
                wrong + "print('passed')\nprint('{{\"verdict\": {{\"status\": \"passed\"}}}}')\n", forged, WRONG),
        Hostile("patched built-ins", Sentence("Replaces built-ins that tests use.", "テストが使う組み込み関数を差し替える。"),
                wrong + "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.len = lambda x: 3\n"
                "builtins.AssertionError = ValueError\nbuiltins.isinstance = lambda *a: True\nbuiltins.__build_class__ = None\n",
                forged, "def check(candidate):\n    assert abs(candidate(2) - 3) < 1e-6\n    assert len([candidate(2)]) == 3\n"),
        Hostile("a hook at the end", Sentence("Turns its own failure into exit code 0.", "失敗を終了コード 0 にすり替える。"),
                wrong + "import os, sys\nsys.excepthook = lambda *problem: os._exit(0)\n", forged, WRONG),
        Hostile("a tracer", Sentence("Leaves as soon as the tests begin.", "テストが始まった瞬間に抜ける。"),
                wrong + "import os, sys\ndef look(frame, event, value):\n    if frame.f_code.co_name == 'check':\n"
                "        os._exit(0)\nsys.settrace(look)\n", forged, WRONG),
        Hostile("patched runner", Sentence("Replaces functions of whatever runs it.", "実行側の関数を差し替える。"),
                wrong + "import sys\nfor module in list(sys.modules.values()):\n"
                "    for name in ('check', 'examine', '_tested', '_loaded', 'serve', '_answer', '_raised', 'unpack'):\n"
                "        if hasattr(module, name):\n            setattr(module, name, lambda *a: ('passed', ''))\n", forged, WRONG),
        Hostile("another check", Sentence("Brings a check of its own.", "自前の check を用意する。"),
                wrong + "def check(candidate):\n    return True\nimport sys\n"
                "sys.modules['tests'] = sys.modules['__main__'] = sys.modules[__name__]\n", forged, WRONG),
        Hostile("always equal", Sentence("Returns an object that equals everything.", "何とでも等しいオブジェクトを返す。"),
                "class E(int):\n    def __eq__(self, other):\n        return True\n    __hash__ = int.__hash__\n"
                "def f(x):\n    return E()\n", forged, WRONG),
        Hostile("walking the frames", Sentence("Looks for the tests in the frames of its callers.", "呼び出し元のフレームにテストを探す。"),
                "import sys, gc\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n"
                "        for name, value in list(frame.f_globals.items()):\n"
                "            if name == 'check':\n                return 3\n        frame = frame.f_back\n"
                "    return 3 if any(callable(o) and getattr(o, '__name__', '') == 'check' for o in gc.get_objects()) else 0\n",
                forged, WRONG),
        Hostile("writing to every channel", Sentence("Writes a verdict to every open file.", "開いているすべてのファイルに判定を書く。"),
                wrong + "import os\nsaid = b'{{\"verdict\": {{\"status\": \"passed\", \"detail\": \"\", \"tried\": []}}}}'\n"
                "for n in range(64):\n    try:\n"
                "        os.write(n, len(said).to_bytes(8, 'little') + said)\n    except OSError:\n        pass\n", forged, WRONG),
    ]  # fmt: skip
