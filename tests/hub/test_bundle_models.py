"""``labs bundle --models NAME``: a hub's model carried as plain files, killed on the way and gone on."""

import functools
import os
import signal
import subprocess
import sys
import time

import pytest
from local_hub import MODEL, read_files
from test_fetching import FILES, SHA, WEIGHTS

COMMAND = [sys.executable, "-m", "lab_helpers.cli", "bundle"]


@pytest.fixture
def start(hub, environment, tmp_path):
    """Start ``labs bundle`` in a process of its own that is told of the hub by its environment."""
    hub.add(MODEL, FILES)
    # A test run in the background ignores SIGINT, and its children would inherit that.
    listen = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)

    def run(*arguments):
        return subprocess.Popen(
            [*COMMAND, str(tmp_path / "bundle"), "--no-wheels", *arguments],
            preexec_fn=listen if os.name != "nt" else None,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip

    return run


def test_a_model_is_carried_with_its_revision(hub, start, tmp_path):
    out, error = start("--models", MODEL).communicate(timeout=60)
    assert f"models/{MODEL.replace('/', '--')} (" in out, error
    folder = tmp_path / "bundle/models" / MODEL.replace("/", "--")
    assert read_files(folder) == FILES
    (folder / "model.safetensors").write_bytes(b"half")
    (folder / "config.json").unlink()
    out, _ = start("--verify").communicate(timeout=60)
    assert len(out.splitlines()) == 2
    hub.repositories[MODEL].refs["main"] = "elsewhere"
    _, error = start().communicate(timeout=60)
    assert read_files(folder) == FILES, "mended at its revision, though nobody named it again"
    hub.stop()
    _, error = start("--verify").communicate(timeout=60)
    assert error == ""


@pytest.mark.skipif(os.name == "nt", reason="no signals to a single child")
@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGINT], ids=["kill", "Ctrl-C"])
def test_stopped_half_way_it_goes_on(hub, start, tmp_path, with_signal):
    hub.fail("GET", SHA, cut_at=600_000, hold=30)
    process = start("--models", MODEL)
    deadline = time.monotonic() + 30
    partials = (tmp_path / "bundle").rglob
    while not any(p.stat().st_size > 500_000 for p in partials("*.labs.incomplete")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(with_signal)
    _, error = process.communicate(timeout=30)
    if with_signal is signal.SIGINT:
        assert process.returncode == 130, error
        assert error.strip().splitlines()[-1].startswith("labs: Interrupted.")
        assert "Traceback" not in error
    assert not (tmp_path / "bundle/manifest.json").exists()
    assert not list(partials("*.safetensors"))
    arrived = next(partials("*.labs.incomplete")).stat().st_size
    hub.asked.clear()
    again = start("--models", MODEL)
    _, error = again.communicate(timeout=60)
    assert again.returncode == 0, error
    assert hub.bytes_sent(SHA) == len(WEIGHTS) - arrived
    assert start("--verify").wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("name", "code", "complaint"),
    [("nobody/knows", 2, "the hub knows no model"), (f"{MODEL}@v9", 2, "has no revision 'v9'")],
)
def test_a_name_that_the_hub_does_not_know(start, tmp_path, name, code, complaint):
    process = start("--models", name)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, len(error.strip().splitlines())) == (code, 1)
    assert complaint in error
