"""Where a study lies: one SQLite file, a journal on a shared disk, or a database server.

Nobody's file is changed that is no study: what is wrong with it is one :class:`BadInput`.
"""

import re
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lab_helpers.runtime.errors import BadInput, LabError, MissingDependency
from lab_helpers.runtime.language import say

HEARTBEAT = 10
"""Seconds between the signs of life that a worker leaves in a database while a trial trains."""
GRACE = 60
"""Seconds without one after which other machines take a trial for lost."""
PATIENCE = 60
"""Seconds that a worker waits for a lock of another on an SQLite file."""

_JOURNALS = (".journal", ".log")
_SQLITE = b"SQLite format 3\x00"
_PASSWORD = re.compile(r"(://[^:/@]+):[^@]+@")


def is_server(where: str) -> bool:
    """Whether ``where`` names a database server by its address."""
    return "://" in where and not where.startswith("sqlite://")


def file_of(where: str) -> Path | None:
    """The file that ``where`` names; ``None`` for a server."""
    return None if is_server(where) else Path(where.removeprefix("sqlite:///")).expanduser()


def shown(where: str) -> str:
    """``where`` without a password."""
    return _PASSWORD.sub(r"\1:…@", where)


def open_storage(where: str, put_back: Callable, patience: float = PATIENCE):
    """The ``optuna`` storage of a file or an address.

    ``where`` is a file (SQLite, or a journal if it ends in .journal or .log) or an SQLAlchemy address such as
    postgresql+psycopg://user:password@host/database. ``put_back(study, trial)`` is called for a trial whose
    worker on another machine left no sign of life; a journal has no such signs.
    """
    file = file_of(where)
    if file is None:
        return _open_database(_with_driver(where), put_back, {"pool_pre_ping": True})
    if file.is_dir():
        raise _unusable(file, say("it is a folder", "フォルダーです"))
    with _plain_file_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    with lock_of(where, patience):  # two workers that begin at once would both make the tables
        if file.suffix in _JOURNALS:
            return _open_journal(file)
        _check_sqlite(file, patience)
        timeout = {"connect_args": {"timeout": patience}}
        return _open_database(f"sqlite:///{file}", put_back, timeout)


@contextmanager
def lock_of(where: str, patience: float = PATIENCE) -> Iterator[None]:
    """While inside, no other worker of this machine opens the study in the file ``where``; nothing for a server."""
    from filelock import FileLock, Timeout

    file = file_of(where)
    if file is None:
        yield
        return
    lock = FileLock(file.with_name(f".{file.name}.lock"))
    with _plain_file_errors(file):
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            raise _locked(file) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def plain_storage_errors(where: str) -> Iterator[None]:
    """A locked, damaged or full study as one :class:`BadInput`; what trials themselves raise passes through."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (StorageInternalError, SQLAlchemyError, sqlite3.Error) as error:
        raise _storage_problem(where, _innermost(error)) from None


def _open_database(address: str, put_back: Callable, engine: dict):
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    with warnings.catch_warnings(), plain_storage_errors(address):
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            return RDBStorage(
                address,
                engine_kwargs=engine,
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=put_back,
            )
        except (ArgumentError, NoSuchModuleError):
            raise BadInput(
                say(
                    f"{shown(address)} is no address of a database",
                    f"{shown(address)} はデータベースのアドレスとして読めません",
                ),
                say(
                    "Write --study postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, or a file.",
                    "--study postgresql+psycopg://USER:PASSWORD@HOST/DATABASE またはファイルを指定してください。",
                ),
            ) from None
        except ImportError as error:
            raise MissingDependency(
                say(
                    f"the driver for {address.partition('://')[0]} is not installed ({error})",
                    f"{address.partition('://')[0]} のドライバーがありません（{error}）",
                ),
                say(
                    'For PostgreSQL: pip install "psycopg[binary]"',
                    'PostgreSQL の場合: pip install "psycopg[binary]"',
                ),
            ) from None
        except RuntimeError as error:  # a study of another version of Optuna says so
            raise BadInput(
                say(
                    f"the study at {shown(address)} was written by another version of Optuna ({_first_line(error)})",
                    f"{shown(address)} のスタディは、別の版の Optuna が書いたものです（{_first_line(error)}）",
                ),
                say(
                    "Give another --study, or upgrade this one: optuna storage upgrade --storage ADDRESS",
                    "別の --study を指定するか、optuna storage upgrade --storage ADDRESS で更新してください。",
                ),
            ) from None


def _with_driver(address: str) -> str:
    """postgres:// and postgresql:// with the driver that is maintained: psycopg 3."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", address)


def _open_journal(file: Path):
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if file.exists():
        with _plain_file_errors(file), file.open("rb") as stream:
            first = stream.readline(4096)
        if first and not first.startswith(b'{"'):
            raise _unusable(file, say("it is no journal of Optuna", "Optuna のジャーナルではありません"))  # fmt: skip
    with _plain_file_errors(file):
        return JournalStorage(JournalFileBackend(str(file)))


def _check_sqlite(file: Path, patience: float) -> None:
    """Refuse what is no SQLite file, another program's database, and one that somebody keeps locked."""
    if not file.exists() or not file.stat().st_size:
        with _plain_file_errors(file), file.open("ab"):
            return
    with _plain_file_errors(file), file.open("r+b") as stream:
        head = stream.read(len(_SQLITE))
    if head != _SQLITE:
        raise _unusable(file, say("it is no SQLite file", "SQLite のファイルではありません"))
    with plain_storage_errors(str(file)), closing(sqlite3.connect(file, timeout=patience)) as open_file:  # fmt: skip
        names = {name for (name,) in open_file.execute("SELECT name FROM sqlite_master")}
        if names and not {"studies", "trials"} <= names:
            raise _unusable(file, say("it is another program's database", "別のプログラムのデータベースです"))  # fmt: skip
        open_file.execute("BEGIN IMMEDIATE")
        open_file.rollback()


@contextmanager
def _plain_file_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except LabError:
        raise
    except (OSError, ValueError) as error:  # a journal that is cut in the middle is a ValueError
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise _unusable(file, reason) from None


def _storage_problem(where: str, reason: str) -> BadInput:
    file = file_of(where)
    if file is None:
        return BadInput(
            say(
                f"the database at {shown(where)} does not answer as it should ({reason})",
                f"{shown(where)} のデータベースが正しく応答しません（{reason}）",
            ),
            say(
                "Check address, user and password; the finished trials are kept.",
                "アドレス、ユーザー、パスワードを確認してください。終わった試行は残っています。",
            ),
        )
    if "locked" in reason:
        return _locked(file)
    if "full" in reason or "disk I/O" in reason:
        return BadInput(
            say(
                f"the study {file} cannot grow ({reason})",
                f"スタディ {file} に書き込めません（{reason}）",
            ),
            say(
                "Free some disk space and run the same again; the finished trials are kept.",
                "ディスクの空きを増やして、もう一度実行してください。終わった試行は残っています。",
            ),
        )
    return _unusable(file, reason)


def _locked(file: Path) -> BadInput:
    return BadInput(
        say(
            f"the study {file} is locked by another program",
            f"スタディ {file} は別のプログラムがロックしています",
        ),
        say(
            "Close what has it open (a database viewer?), or give another --study.",
            "開いているプログラム（データベースビューアーなど）を閉じるか、別の --study を指定してください。",
        ),
    )


def _unusable(file: Path, reason: str) -> BadInput:
    return BadInput(
        say(
            f"{file} cannot be used as a study: {reason}",
            f"{file} はスタディとして使えません: {reason}",
        ),
        say(
            "Give --study a new file name, or one that labs sweep wrote.",
            "--study には、新しいファイル名か、labs sweep が書いたファイルを指定してください。",
        ),
    )


def _innermost(error: BaseException) -> str:
    """The database's own words, which Optuna and SQLAlchemy wrap."""
    while True:
        inner = getattr(error, "orig", None) or error.__cause__
        if inner is None:
            return _first_line(error)
        error = inner


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
