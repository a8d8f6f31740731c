"""Where a study may lie, and one sentence for each place where it cannot."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from sweep_worker import make_objective, open_toy

from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.tuning import sweep
from lab_helpers.tuning.sweep_storage import file_of, is_server, shown


def test_what_is_no_sqlite_file_is_left_as_it_is(tmp_path):
    text = tmp_path / "notes.db"
    text.write_text("my notes, not a study", encoding="utf-8")
    with pytest.raises(BadInput, match="it is no SQLite file"):
        open_toy(text)
    assert text.read_text(encoding="utf-8") == "my notes, not a study"


def test_another_program_s_database_is_left_as_it_is(tmp_path):
    other = tmp_path / "mails.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mails (text TEXT)")
    before = other.read_bytes()
    with pytest.raises(BadInput, match="another program's database"):
        open_toy(other)
    assert other.read_bytes() == before


def test_a_damaged_sqlite_file_is_named(tmp_path):
    open_toy(tmp_path / "study.db")
    content = bytearray((tmp_path / "study.db").read_bytes())
    content[100:4096] = b"\xff" * 3996
    (tmp_path / "study.db").write_bytes(content)
    with pytest.raises(BadInput, match=r"study\.db cannot be used as a study"):
        open_toy(tmp_path / "study.db")


def test_a_folder_is_no_study(tmp_path):
    with pytest.raises(BadInput, match="it is a folder"):
        open_toy(tmp_path)


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be used as a study"):
        open_toy(tmp_path / "file" / "study.db")


def test_a_locked_file_is_waited_for_and_then_named(tmp_path):
    open_toy(tmp_path / "study.db")
    holder = sqlite3.connect(tmp_path / "study.db", check_same_thread=False, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(BadInput, match="locked by another program"):
        open_toy(tmp_path / "study.db", patience=0.2)
    threading.Timer(0.3, holder.rollback).start()
    open_toy(tmp_path / "study.db", patience=20)


def test_a_full_disk_keeps_what_was_finished(tmp_path):
    """A limit on the size of files stands for the full disk."""
    program = (
        "import resource, sys\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from sweep_worker import open_toy, make_objective\n"
        "from lab_helpers.tuning import sweep\n"
        "from lab_helpers.runtime.errors import BadInput\n"
        "import os\n"
        "study = open_toy(sys.argv[1])\n"
        "sweep.run_trials(study, make_objective(), 2, sys.argv[1])\n"
        "size = os.path.getsize(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))\n"
        "try:\n"
        "    sweep.run_trials(study, make_objective(), 500, sys.argv[1])\n"
        "except BadInput as error:\n"
        "    print(error)\n"
    )
    where = tmp_path / "full.db"
    arguments = [sys.executable, "-c", program, str(where), str(Path(__file__).parent)]
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    told = subprocess.run(arguments, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True)  # fmt: skip
    assert "cannot grow" in told.stdout, told.stderr
    assert "Traceback" not in told.stderr
    assert len(open_toy(where).get_trials()) >= 2


def test_a_journal_is_shared_and_resumed_like_a_database(tmp_path):
    where = tmp_path / "study.journal"
    sweep.run_trials(open_toy(where), make_objective(), 3, str(where))
    study = open_toy(where)
    sweep.run_trials(study, make_objective(), 5, str(where))
    assert len(study.get_trials()) == 5
    other = tmp_path / "other.log"
    other.write_text("12:00 started\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no journal of Optuna"):
        open_toy(other)


def test_passwords_are_not_shown():
    address = "postgresql+psycopg://me:secret@host/db"
    assert "secret" not in shown(address)
    assert is_server(address)
    assert file_of(address) is None
    assert file_of("sqlite:///folder/study.db") == Path("folder/study.db")


def test_addresses_that_are_none():
    with pytest.raises(BadInput, match="no address of a database"):
        open_toy("nothing://here")
    with pytest.raises(MissingDependency, match="driver"):
        open_toy("mysql://me@127.0.0.1/x")


# --- PostgreSQL -----------------------------------------------------------------------------------


def _server_programs() -> Path | None:
    """The folder with PostgreSQL's own programs, on the path or where Debian puts them."""
    found = shutil.which("pg_ctl")
    known = [Path(found).parent] if found else []
    known += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((one for one in known if (one / "initdb").exists()), None)


@pytest.fixture(scope="module")
def postgres():
    """The address of a database server of this test's own, on this machine."""
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    programs = _server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed here (initdb, pg_ctl)")
    who = {}
    if os.name == "posix" and os.geteuid() == 0:  # the server refuses to run as root
        import pwd

        names = {one.pw_name for one in pwd.getpwall()}
        if "postgres" not in names:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        who = {"user": "postgres", "group": "postgres", "extra_groups": []}
    folder = Path(tempfile.mkdtemp(prefix="labs-pg-"))
    folder.chmod(0o777)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, log = str(folder / "data"), str(folder / "log")
    quiet = {"check": True, "capture_output": True, "cwd": folder, **who}
    subprocess.run([programs / "initdb", "-D", data, "-A", "trust", "-U", "labs", "--no-sync"], **quiet)  # fmt: skip
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    start = [programs / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start"]
    subprocess.run(start, **(quiet | {"capture_output": False, "stdout": subprocess.DEVNULL}))
    yield f"postgresql://labs@127.0.0.1:{port}/postgres"
    subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)
    shutil.rmtree(folder, ignore_errors=True)


def test_two_processes_share_a_study_on_a_server(postgres):
    from test_sweep import settings_of, start_worker

    worker = start_worker(postgres, 8, 0.1)
    worker.stdout.readline()
    study = open_toy(postgres)
    sweep.run_trials(study, make_objective(0.1), 8, postgres)
    assert worker.wait(60) == 0
    found = settings_of(study)
    assert len(found) == 8
    assert len({str(one) for one in found}) == 8


def test_a_worker_lost_on_another_machine_is_found_by_its_heartbeat(postgres, monkeypatch):
    """A trial of another host's that left no sign of life: Optuna fails it, and it is put back."""
    from lab_helpers.tuning import sweep_storage

    monkeypatch.setattr(sweep_storage, "HEARTBEAT", 1)
    monkeypatch.setattr(sweep_storage, "GRACE", 1)
    study = sweep.open_study(postgres, "lost", {"space": "toy"})
    trial = study.ask()
    trial.set_user_attr("worker", ["another-host", 1, 0.0])
    drawn = trial.suggest_float("x", 0, 1)
    study._storage.record_heartbeat(trial._trial_id)
    time.sleep(2.5)
    sweep.run_trials(study, lambda trial: trial.suggest_float("x", 0, 1), 1, postgres)
    assert [t.state.name for t in study.get_trials()] == ["FAIL", "COMPLETE"]
    assert study.get_trials()[1].params == {"x": drawn}


def test_a_server_that_is_not_there(postgres):
    with pytest.raises(BadInput, match="does not answer"):
        open_toy("postgresql://labs@127.0.0.1:1/postgres")
