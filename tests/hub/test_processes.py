"""A process that is told of the hub by its environment, as a user's is: killed, and two at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from local_hub import MODEL, read_files
from test_fetching import FILES, SHA, WEIGHTS

FETCH = "from lab_helpers.models.hub.fetching import fetch_model; print(fetch_model('{name}'))"


@pytest.fixture
def start(hub, environment):
    """Start a program that fetches the model from the hub into a cache of its own."""
    hub.add(MODEL, FILES)

    def run(**options):
        code = FETCH.format(name=MODEL)
        return subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | options,
        )

    return run


def finish(process) -> str:
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    return out.strip()


def wait_until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_process_loses_nothing(hub, start, tmp_path):
    hub.fail("GET", SHA, cut_at=600_000, hold=30)
    process = start()
    partials = (tmp_path / "home/hub").rglob
    wait_until(lambda: any(p.stat().st_size > 500_000 for p in partials(f"{SHA}.labs.incomplete")))
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    process.communicate()
    arrived = next(partials(f"{SHA}.labs.incomplete")).stat().st_size
    assert not list(partials("*.safetensors"))
    hub.asked.clear()
    folder = finish(start())
    assert (tmp_path / "home/hub").joinpath(folder, "model.safetensors").read_bytes() == WEIGHTS
    assert hub.bytes_sent(SHA) == len(WEIGHTS) - arrived
    assert finish(start(HF_HUB_OFFLINE="1")) == folder


def test_two_processes_fetch_a_model_once(hub, start):
    hub.fail("GET", SHA, cut_at=600_000, hold=1)
    first = start()
    wait_until(lambda: any(SHA in one.path for one in hub.asked))
    second = start()
    assert finish(first) == finish(second)
    assert hub.bytes_sent(SHA) == len(WEIGHTS)


def test_a_folder_of_the_cache_is_read_by_other_programs(hub, start, tmp_path):
    """The layout is huggingface_hub's own: its library finds the files without the network."""
    folder = finish(start())
    code = (
        f"import huggingface_hub as h; print(h.snapshot_download('{MODEL}', local_files_only=True))"
    )
    home = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | home,
        check=True,
    )
    assert done.stdout.strip() == folder
    assert read_files(Path(folder)) == FILES
