"""A hub's model on its way into the cache: what is asked for, shown, resumed, checked and kept."""

import hashlib
import io
import os
import random

import pytest
from local_hub import GOOD_TOKEN, MODEL, git_sha1, read_files

from lab_helpers.models.hub import fetching, room
from lab_helpers.models.hub.download import partial_path
from lab_helpers.models.hub.fetching import copy_model, fetch_model
from lab_helpers.models.hub.names import model_folder
from lab_helpers.runtime.errors import BadInput, MissingDependency

WEIGHTS = random.Random(0).randbytes(1_024_000)
SMALL = {"config.json": b"{}", "tokenizer.json": b"{}"}
FILES = SMALL | {"model.safetensors": WEIGHTS}
SHA = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def model(hub):
    """A model whose weights are a megabyte of bytes."""
    return hub.add(MODEL, FILES)


def weights_partial():
    return partial_path(model_folder(MODEL) / "blobs" / SHA)


def no_half_file_is_taken_for_whole():
    snapshots = model_folder(MODEL) / "snapshots"
    return all(path.stat().st_size == len(WEIGHTS) for path in snapshots.rglob("*.safetensors"))


def forget_what_hubs_said():
    """As a new process."""
    fetching._heard.clear()


# What is fetched


def test_a_model_is_fetched_whole_and_as_the_hub_has_it(hub, chat_model, tiny_chat_model):
    assert read_files(fetch_model(chat_model)) == read_files(tiny_chat_model)


def test_pickles_code_and_weights_in_other_formats_stay_on_the_hub(hub):
    others = {
        **{name: b"x" for name in ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack")},
        **{name: b"x" for name in ("modeling_mine.py", "model.gguf", "consolidated.safetensors")},
        **{name: b"x" for name in ("onnx/model.onnx", "onnx/config.json", "original/params.json")},
        "pytorch_model.bin.index.json": b"{}",
    }
    kept = {"LICENSE": b"MIT", "1_Pooling/config.json": b"{}", "README.md": b"card"}
    hub.add(MODEL, FILES | others | kept)
    assert read_files(fetch_model(MODEL)) == FILES | kept


def test_shards_are_fetched_by_their_names(hub):
    index = b'{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    shards = {f"model-0000{n}-of-00002.safetensors": bytes([n]) * 50 for n in (1, 2)}
    files = SMALL | shards | {"model.safetensors.index.json": index}
    hub.add(MODEL, files | {"extra.safetensors": b"z"})
    assert read_files(fetch_model(MODEL)) == files


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("config", {"config.json"}),
        ("tokenizer", {"config.json", "tokenizer.json"}),
        ("whole", set(FILES)),
    ],
)
def test_no_more_is_fetched_than_is_needed(hub, model, part, expected):
    assert set(read_files(fetch_model(MODEL, part))) == expected


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (SMALL | {"pytorch_model.bin": b"pickle"}, "holds no safetensors weights"),
        ({"model.gguf": b"GGUF"}, "holds no config.json"),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b""}, "is an adapter"),
    ],
)
def test_what_cannot_be_loaded_is_refused_before_anything_is_fetched(hub, files, complaint):
    hub.add(MODEL, files)
    with pytest.raises(BadInput, match=complaint):
        fetch_model(MODEL)
    assert hub.bytes_sent("") == 0


def test_the_token_goes_to_the_hub_and_not_to_its_storage(hub, model, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    fetch_model(MODEL)
    tokens = {one.path.startswith(f"/{SHA}"): one.token for one in hub.asked}
    assert tokens == {True: None, False: GOOD_TOKEN}


# What is shown


def test_progress_goes_from_nothing_to_all(hub, heard):
    hub.add(MODEL, SMALL | {"model.safetensors": WEIGHTS * 12})
    fetch_model(MODEL)
    labels, done, totals = zip(*heard, strict=True)
    assert set(labels) == {f"download {MODEL} (MB)"}
    assert set(totals) == {13}
    assert list(done) == sorted(done)
    assert done[-1] == 13
    assert "0.01 GB" in heard.notes[0]
    assert "goes on from there" in heard.notes[0]


def test_a_second_time_nothing_is_shown_and_nothing_fetched(hub, model, heard):
    fetch_model(MODEL)
    heard.clear()
    hub.asked.clear()
    fetch_model(MODEL)
    assert heard == []
    assert hub.asked == [], "the process remembers what the hub said"


# What breaks off


@pytest.mark.parametrize("cut", [1, 300_000, len(WEIGHTS) - 1])
def test_a_cut_line_goes_on_where_it_was(hub, model, heard, cut):
    hub.fail("GET", SHA, cut_at=cut)
    assert (fetch_model(MODEL) / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.bytes_sent(SHA) == len(WEIGHTS), "only the rest was fetched"
    assert [one.offset for one in hub.asked if SHA in one.path] == [None, cut]
    assert "does not answer as it should" in heard.notes[0]


def test_many_cuts_are_no_matter_as_long_as_bytes_arrive(hub, model):
    for cut in range(100_000, 1_000_000, 100_000):
        hub.fail("GET", SHA, cut_at=cut)
    assert (fetch_model(MODEL) / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.bytes_sent(SHA) == len(WEIGHTS)


def test_a_dead_line_is_told_and_the_next_start_fetches_the_rest(hub, model):
    hub.fail("GET", SHA, times=99, cut_at=700_000)
    with pytest.raises(MissingDependency, match=r"0\.7 of 1\.0 MB of model\.safetensors") as told:
        fetch_model(MODEL)
    assert "goes on from there" in told.value.fix
    assert weights_partial().stat().st_size == 700_000
    assert no_half_file_is_taken_for_whole()
    hub.faults.clear()
    hub.asked.clear()
    assert (fetch_model(MODEL) / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.bytes_sent(SHA) == len(WEIGHTS) - 700_000
    assert not weights_partial().exists()


def test_a_storage_that_cannot_go_on_begins_anew(hub, model):
    hub.fail("GET", SHA, cut_at=400_000)
    hub.fail("GET", SHA, ignore_range=True)
    assert (fetch_model(MODEL) / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.bytes_sent(SHA) == 400_000 + len(WEIGHTS)


def test_a_pause_in_the_middle_is_a_cut_line(hub, model):
    hub.fail("GET", SHA, cut_at=1000)
    hub.fail("GET", SHA, delay=2.5)
    assert (fetch_model(MODEL) / "model.safetensors").read_bytes() == WEIGHTS


def test_ctrl_c_keeps_what_has_arrived(hub, model, monkeypatch):
    from lab_helpers.models.hub import progress

    def interrupted(self, arrived):
        if arrived > 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress.DownloadProgress, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_model(MODEL)
    arrived = weights_partial().stat().st_size
    assert 0 < arrived < len(WEIGHTS)
    monkeypatch.undo()
    assert no_half_file_is_taken_for_whole()


# What is wrong


def flip_one_bit(content: bytes) -> bytes:
    return content[:500] + bytes([content[500] ^ 1]) + content[501:]


def test_one_wrong_bit_is_never_loaded(hub, model):
    hub.fail("GET", SHA, times=9, change=flip_one_bit)
    with pytest.raises(MissingDependency, match="not what the hub announced") as told:
        fetch_model(MODEL)
    assert SHA[:12] in told.value.what
    assert no_half_file_is_taken_for_whole()
    assert not (model_folder(MODEL) / "blobs" / SHA).exists()
    assert weights_partial().stat().st_size == 0
    hub.faults.clear()
    assert (fetch_model(MODEL) / "model.safetensors").read_bytes() == WEIGHTS


def test_a_wrong_first_half_is_fetched_anew(hub, model):
    """The bit was wrong before the line broke: the rest alone cannot mend it."""
    weights_partial().parent.mkdir(parents=True)
    weights_partial().write_bytes(flip_one_bit(WEIGHTS[:600_000]))
    assert (fetch_model(MODEL) / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("length", [0, 1, len(WEIGHTS) - 1])
def test_a_file_that_ends_early_is_never_loaded(hub, model, length):
    hub.fail("GET", SHA, times=99, stop_at=length)
    with pytest.raises(MissingDependency):
        fetch_model(MODEL)
    assert no_half_file_is_taken_for_whole()


def test_a_wrong_settings_file_is_noticed_too(hub, model):
    hub.fail("GET", "resolve-cache", times=9, change=lambda content: b"[]")
    with pytest.raises(MissingDependency, match=r"config\.json is not what the hub announced"):
        fetch_model(MODEL)


def test_weights_that_changed_in_the_cache_are_fetched_anew(hub, model):
    weights = fetch_model(MODEL) / "model.safetensors"
    blob = weights.resolve()
    blob.write_bytes(flip_one_bit(WEIGHTS))
    hub.asked.clear()
    assert (fetch_model(MODEL) / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.bytes_sent(SHA) == len(WEIGHTS)


def test_weights_that_another_program_has_cached_are_used(hub, model):
    """As transformers leaves them: the blob under its hash, a link to it, and the branch's commit."""
    from huggingface_hub import snapshot_download

    snapshot_download(MODEL)
    hub.asked.clear()
    assert read_files(fetch_model(MODEL)) == FILES
    assert hub.bytes_sent(SHA) == 0


def test_half_a_snapshot_is_completed(hub, model):
    from huggingface_hub import hf_hub_download

    hf_hub_download(MODEL, "config.json")
    assert read_files(fetch_model(MODEL)) == FILES


# What is kept


def test_with_the_hub_gone_the_cache_will_do(hub, model, heard):
    fetched = fetch_model(MODEL)
    hub.stop()
    forget_what_hubs_said()
    assert fetch_model(MODEL) == fetched
    fetch_model(MODEL)
    assert heard.notes == [f"Using the copy of {MODEL} on this machine: the hub cannot be reached."]


def test_with_the_network_switched_off_nobody_is_asked(hub, model, monkeypatch):
    fetched = fetch_model(MODEL)
    hub.asked.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch_model(MODEL) == fetched
    assert hub.asked == []


def test_with_the_network_switched_off_a_missing_model_is_told(hub, model, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingDependency, match="is not on this machine") as told:
        fetch_model(MODEL)
    assert "Unset HF_HUB_OFFLINE" in told.value.fix
    assert hub.asked == []


def test_with_the_network_switched_off_damaged_weights_are_refused_and_left(
    hub, model, monkeypatch
):
    weights = (fetch_model(MODEL) / "model.safetensors").resolve()
    weights.write_bytes(flip_one_bit(WEIGHTS))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingDependency, match=r"model\.safetensors is damaged"):
        fetch_model(MODEL)
    assert weights.exists()


def test_an_offline_profile_does_not_forbid_a_model_that_is_named(hub, model):
    from huggingface_hub import constants

    from lab_helpers.runtime.offline import go_offline

    go_offline()
    constants.HF_HUB_OFFLINE = True  # as it is where the library is imported after go_offline()
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert read_files(fetch_model(MODEL)) == FILES
    assert constants.HF_HUB_OFFLINE is True, "everybody else stays offline"


# Revisions


@pytest.fixture
def two_commits(hub, model):
    """The first commit, a newer one that is main, and a tag of the first."""
    first = model.refs["main"]
    model.commits["b" * 40] = FILES | {"config.json": b'{"new": 1}'}
    model.refs |= {"main": "b" * 40, "v1": first, "refs/pr/1": first}
    return first


@pytest.mark.parametrize("how", ["@commit", "@tag", "@pull", "option"])
def test_a_pinned_revision_is_what_is_fetched(hub, two_commits, how):
    names = {
        "@commit": f"{MODEL}@{two_commits}",
        "@tag": f"{MODEL}@v1",
        "@pull": f"{MODEL}@refs/pr/1",
    }
    revision = two_commits if how == "option" else None
    folder = fetch_model(names.get(how, MODEL), revision=revision)
    assert folder.name == two_commits
    assert (folder / "config.json").read_bytes() == b"{}"
    assert (fetch_model(MODEL) / "config.json").read_bytes() == b'{"new": 1}'


def test_a_commit_that_is_cached_is_never_asked_for_again(hub, two_commits):
    fetch_model(MODEL, revision=two_commits)
    hub.stop()
    assert fetch_model(f"{MODEL}@{two_commits}").name == two_commits


def test_a_branch_that_moved_is_followed_and_shares_what_is_the_same(hub, model):
    fetch_model(MODEL)
    model.commits["c" * 40] = FILES | {"config.json": b'{"new": 1}'}
    model.refs["main"] = "c" * 40
    forget_what_hubs_said()
    hub.asked.clear()
    assert fetch_model(MODEL).name == "c" * 40
    assert hub.bytes_sent(SHA) == 0


@pytest.mark.parametrize("name", ["a b/c", "a/b@", "a--b/c", "a/b@x y", "/a/b", "a/../b"])
def test_a_name_that_no_hub_has_is_refused(hub, name):
    with pytest.raises(BadInput, match="is no hub name"):
        fetch_model(name)


def test_two_different_revisions_are_refused(hub, model):
    with pytest.raises(BadInput, match="names one revision and the option another"):
        fetch_model(f"{MODEL}@v1", revision="v2")


# Room


def test_too_little_room_is_told_before_the_download(hub, model, monkeypatch):
    monkeypatch.setattr(room, "free_gigabytes", lambda folder: 0.0011)
    with pytest.raises(BadInput, match=r"1\.1 MB free") as told:
        fetch_model(MODEL)
    assert "HF_HOME" in told.value.fix
    assert hub.bytes_sent("") == 0


def test_what_has_arrived_needs_no_room_again(hub, model, monkeypatch):
    weights_partial().parent.mkdir(parents=True)
    weights_partial().write_bytes(WEIGHTS[:1_000_000])
    monkeypatch.setattr(room, "free_gigabytes", lambda folder: 0.0001)
    assert read_files(fetch_model(MODEL)) == FILES


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no limit on the size of files")
def test_a_disk_that_fills_up_is_one_message_and_nothing_half_is_taken_for_whole(hub, model):
    """A limit on the size of files answers as a full disk does: in the middle of a write."""
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(BadInput, match="the disk became full") as told:
            fetch_model(MODEL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert "what has arrived is kept" in told.value.fix
    assert "HF_HOME" in told.value.fix
    assert no_half_file_is_taken_for_whole()
    hub.asked.clear()
    assert read_files(fetch_model(MODEL)) == FILES
    assert hub.bytes_sent(SHA) <= len(WEIGHTS) - 400_000


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_cache_that_may_not_be_written_is_one_message(hub, model, tmp_path):
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf").chmod(0o500)
    with pytest.raises(BadInput, match="cannot be used for"):
        fetch_model(MODEL)


def test_a_cache_that_is_a_file_is_one_message(hub, model, tmp_path):
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "hub").write_text("in the way")
    with pytest.raises(BadInput, match="cannot be used for") as told:
        fetch_model(MODEL)
    assert "HF_HOME" in told.value.fix


# Plain folders


def test_a_copy_holds_plain_files_and_a_second_one_fetches_nothing(hub, model, tmp_path):
    listing = copy_model(MODEL, tmp_path / "copy")
    assert read_files(tmp_path / "copy") == FILES
    assert {file.digest for file in listing.files if file.is_weights} == {SHA}
    assert not any(path.is_symlink() for path in (tmp_path / "copy").iterdir())
    hub.asked.clear()
    copy_model(MODEL, tmp_path / "copy")
    assert hub.bytes_sent("") == 0


def test_a_copy_takes_what_the_cache_has(hub, model, tmp_path, monkeypatch):
    fetch_model(MODEL)
    hub.asked.clear()
    copy_model(MODEL, tmp_path / "one")
    assert hub.bytes_sent("") == 0
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    copy_model(MODEL, tmp_path / "two")
    assert read_files(tmp_path / "one") == read_files(tmp_path / "two") == FILES


def test_a_damaged_file_of_a_copy_is_mended(hub, model, tmp_path):
    copy_model(MODEL, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(flip_one_bit(WEIGHTS))
    (tmp_path / "config.json").unlink()
    copy_model(MODEL, tmp_path)
    assert {
        path: content for path, content in read_files(tmp_path).items() if path in FILES
    } == FILES


def test_the_hashes_are_those_of_git_and_of_lfs():
    from lab_helpers.models.hub.download import new_digest

    for kind in (SHA, git_sha1(WEIGHTS)):
        state = new_digest(kind, len(WEIGHTS))
        state.update(WEIGHTS)
        assert state.hexdigest() == kind


# Where nobody shows progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_without_a_reporter_a_terminal_gets_a_bar_and_a_file_gets_lines(hub, monkeypatch, terminal):
    screen = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    hub.add(MODEL, SMALL | {"model.safetensors": WEIGHTS * 12})
    fetch_model(MODEL)
    written = screen.getvalue()
    assert f"Downloading {MODEL}, 0.01 GB" in written
    assert (f"download {MODEL} (MB)" in written) is terminal
