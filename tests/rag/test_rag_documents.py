"""A learner's folder: what can be read is read, everything else is named in one line, nothing is lost."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pdf_writer import shown, write_pdf

from lab_helpers.data.shipped import load_shipped
from lab_helpers.rag.document_problems import KINDS, DocumentProblem, Unusable
from lab_helpers.rag.documents import read_folder, shipped_documents
from lab_helpers.rag.parsers import PARSERS, html, markdown, pdf
from lab_helpers.rag.text_encoding import decode
from lab_helpers.runtime.errors import BadInput

JAPANESE = "洗濯機の修理は保証期間内なら無料です。保証書をお持ちください。"


def drawn_pdf(pages, title=None):
    """A PDF with one page of text for each of ``pages``; an empty one has a line drawn on it."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    with (
        rc_context({"pdf.fonttype": 42, "font.family": ["IPAexGothic", "DejaVu Sans"]}),
        PdfPages(buffer, metadata={"Title": title} if title else None) as file,
    ):
        for text in pages:
            figure = Figure()
            figure.text(0.1, 0.5, text) if text else figure.add_axes([0, 0, 1, 1]).set_axis_off()
            file.savefig(figure)
    return buffer.getvalue()


@pytest.fixture(scope="module", autouse=True)
def japanese_font():
    import matplotlib_fontja

    matplotlib_fontja.japanize()


@pytest.fixture
def folder(tmp_path):
    """``folder(name=content, …)`` writes files, bytes or text, and returns their folder."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "in"

    return write


def codes(reading):
    return {problem.source: problem.code for problem in reading.problems}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_shipped(language):
    documents = shipped_documents(language)
    assert len(documents) == 64
    assert {d.id for d in documents} >= {
        row["document"] for row in load_shipped("questions", language) if row["document"]
    }


def test_every_type_is_read(folder):
    where = folder(
        {
            "plain.txt": "Repairs are free for two years.",
            "notes/care.md": "Before\n\n# How to *care* #\n\nDust it.",
            "page.html": "<html><head><title>Our  shop</title><style>p{}</style></head><body>"
            "<script>alert(1)</script><p>Open <b>dai</b>ly</p><p>Until 6&nbsp;pm</p></body></html>",
            "old.HTM": "<h1>Old</h1><ul><li>one<li>two</ul>",
            "paper.pdf": drawn_pdf(["Filters cost 900 yen.", JAPANESE], "Price list"),
            ".hidden.txt": "not for search",
            ".git/config.txt": "nor this",
        }
    )
    documents = {d.id: d for d in read_folder(where).documents}
    assert list(documents) == ["notes/care.md", "old.HTM", "page.html", "paper.pdf", "plain.txt"]
    assert documents["plain.txt"].title == "plain"
    assert documents["notes/care.md"].title == "How to *care*"
    assert documents["page.html"].title == "Our shop"
    assert documents["page.html"].text == "Open daily\nUntil 6 pm"
    assert documents["old.HTM"].text == "Old\none\ntwo"
    assert documents["paper.pdf"].title == "Price list"
    assert documents["paper.pdf"].text.split("\n\n") == ["Filters cost 900 yen.", JAPANESE]
    assert read_folder(where).problems == []


def test_one_file(folder):
    where = folder({"a.txt": "one", "b.txt": "two"})
    assert [d.id for d in read_folder(where / "b.txt").documents] == ["b.txt"]


BAD = {
    "empty.txt": (b"", "empty"),
    "blank.md": (b" \n\t\n", "empty"),
    "empty.pdf": (b"", "empty"),
    "only_tags.html": (b"<p><br></p>", "empty"),
    "letter.docx": (b"PK\x03\x04rest", "unknown-type"),
    "noname": (b"text", "unknown-type"),
    "picture.txt": (b"\x89PNG\r\n\x1a\n" + bytes(50), "wrong-extension"),
    "really_pdf.txt": (b"%PDF-1.4 ...", "wrong-extension"),
    "really_text.pdf": (b"just some text", "wrong-extension"),
    "random.txt": (bytes(range(256)) * 8, "binary"),
    "zeros.txt": (b"a" + bytes(500), "binary"),
    "broken.pdf": (b"%PDF-1.4\n1 0 obj << /Type", "damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_named_and_the_rest_goes_on(folder, name):
    content, code = BAD[name]
    reading = read_folder(folder({"good.txt": "Repairs are free.", name: content}))
    assert [d.id for d in reading.documents] == ["good.txt"]
    assert codes(reading) == {name: code}
    (problem,) = reading.problems
    assert "\n" not in str(problem)
    assert name in str(problem)
    assert problem.fix() in str(problem)


def test_encrypted_and_scanned(folder):
    text = [shown([b"Secret prices."])]
    reading = read_folder(
        folder(
            {
                "locked.pdf": write_pdf(text, user_password="secret"),
                "print_only.pdf": write_pdf(text, user_password=""),
                "scan.pdf": drawn_pdf(["", ""]),
                "partly.pdf": drawn_pdf(["First page.", "", ""]),
            }
        )
    )
    assert codes(reading) == {
        "locked.pdf": "encrypted",
        "scan.pdf": "no-text",
        "partly.pdf": "pages-without-text",
    }
    assert {d.id: d.text for d in reading.documents} == {
        "print_only.pdf": "Secret prices.",
        "partly.pdf": "First page.",
    }
    assert next(p.detail for p in reading.problems if p.source == "partly.pdf") == "2, 3"


def test_huge_with_override(folder):
    where = folder({"big.txt": "word " * 1000, "small.txt": "word"})
    reading = read_folder(where, largest=4000)
    assert codes(reading) == {"big.txt": "huge"}
    assert len(read_folder(where, largest=5000).documents) == 2


def test_duplicates_are_kept_once(folder):
    where = folder({"a.txt": "Repairs are free.", "b.html": "<p>Repairs  are free.</p>", "c.txt": "Other"})  # fmt: skip
    reading = read_folder(where)
    assert [d.id for d in reading.documents] == ["a.txt", "c.txt"]
    assert [(p.source, p.code, p.detail) for p in reading.problems] == [("b.html", "duplicate", "a.txt")]  # fmt: skip


def test_links(folder, tmp_path):
    where = folder({"a.txt": "text"})
    (where / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    (where / "circle").symlink_to(where)
    os.mkfifo(where / "pipe.txt")
    reading = read_folder(where)
    assert codes(reading) == {"gone.txt": "unreadable", "pipe.txt": "unreadable"}
    assert len(reading.documents) == 1


def test_unreadable(folder, monkeypatch):
    from pathlib import Path

    where = folder({"a.txt": "text", "b.txt": "more"})
    read = Path.read_bytes

    def refused(path):
        if path.name == "b.txt":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    reading = read_folder(where)
    assert [str(p) for p in reading.problems] == [
        "b.txt cannot be opened (Permission denied). Check its permissions, or that the link leads somewhere."
    ]


def test_file_name_that_is_not_utf8(folder):
    where = folder({"a.txt": "text"})
    try:
        with open(os.fsencode(where) + b"/\xff.txt", "w") as stream:
            stream.write("other")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert sorted(d.id for d in read_folder(where).documents) == [r"\udcff.txt", "a.txt"]


def test_nothing_usable(folder, tmp_path):
    where = folder({f"{n}.txt": b"" for n in range(9)})
    with pytest.raises(BadInput) as told:
        read_folder(where)
    assert "0.txt holds no text" in str(told.value)
    assert "and 4 more" in str(told.value)
    assert "\n" not in str(told.value)
    (tmp_path / "void").mkdir()
    for path in (tmp_path / "void", tmp_path / "missing"):
        with pytest.raises(BadInput):
            read_folder(path)


@pytest.mark.parametrize("codec", ["cp932", "euc_jp", "utf-16", "utf-8-sig"])
def test_japanese_encodings(codec):
    text, warnings = decode((JAPANESE * 3).encode(codec))
    assert text == JAPANESE * 3
    assert bool(warnings) == (codec != "utf-8-sig")


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_byte_order_mark(codec):
    text, warnings = decode("Repairs are free.".encode(codec))
    assert (text, warnings) == ("Repairs are free.", [("other-encoding", "UTF-16")])


def test_declared_encoding_of_a_page():
    page = '<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS"><p>修理</p>'
    assert html(page.encode("cp932")).text == "修理"
    assert html(page.replace("Shift_JIS", "nonsense").encode("utf-8")).text == "修理"


def test_a_few_wrong_bytes_do_not_lose_the_rest():
    text, warnings = decode(JAPANESE.encode() * 3 + b"\xff" + b" end")
    assert text == JAPANESE * 3 + "\ufffd end"
    assert warnings == [("lost-bytes", "1")]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_utf8_is_kept_to_the_letter(text):
    if text.strip("\ufeff \u3000").strip():
        assert decode(text.encode())[0] == text.removeprefix("\ufeff")


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_a_problem(content):
    for parser in set(PARSERS.values()):
        try:
            parsed = parser(content)
        except Unusable as unusable:
            told = unusable.code
        else:
            parsed.text.encode()
            continue
        assert told in KINDS


@given(st.binary(max_size=200), st.sampled_from([*PARSERS, ".TXT", ".docx", ""]))
def test_any_file_is_read_or_named(tmp_path_factory, content, suffix):
    file = tmp_path_factory.getbasetemp() / f"any{suffix}"
    file.write_bytes(content)
    try:
        reading = read_folder(file)
    except BadInput as refused:
        told = str(refused)
    else:
        told = reading.documents[0].id if reading.documents[0].text.strip() else ""
    assert file.name in told


@given(st.integers(0, 4000), st.integers(0, 255))
def test_any_damage_to_a_pdf_is_told(position, value):
    content = bytearray(PAGE)
    content[position % len(content)] = value
    try:
        text = pdf(bytes(content)).text
    except Unusable as unusable:
        told = unusable.code
    else:
        assert text.strip()
        return
    assert told in KINDS


PAGE = drawn_pdf(["A page."])


def test_markdown_without_heading():
    assert markdown(b"just text").title == ""


def test_problems_in_both_languages():
    for code in KINDS:
        problem = DocumentProblem("a.txt", code, "DETAIL")
        message, fix = problem.in_japanese()
        assert not (message + fix).isascii()
        assert ("DETAIL" in problem.message) == ("DETAIL" in message)
        assert problem.severity in ("error", "warning")


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 5\n"
ERROR_PAGE = "<html><head><title>404</title></head><body><p>Not found</p></body></html>"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.txt", POINTER, "pointer"),
        ("a.pdf", POINTER, "pointer"),
        ("a.md", "\ufeff" + POINTER, "pointer"),
        ("a.txt", ERROR_PAGE, "page"),
        ("a.md", "\n<!DOCTYPE html>" + ERROR_PAGE, "page"),
        ("a.txt", "\u200b\u200b\u2060", "empty"),
        ("a.html", "<p>\u200b</p>", "empty"),
    ],
)
def test_what_stands_in_the_place_of_a_document_is_refused_by_name(tmp_path, name, content, code):
    (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "good.txt").write_text("The lamp costs 5 yen.", encoding="utf-8")
    reading = read_folder(tmp_path)
    assert [problem.code for problem in reading.problems] == [code]
    assert all(reading.problems[0].in_japanese())


def test_markdown_with_parts_of_a_page_is_markdown(tmp_path):
    (tmp_path / "a.md").write_text("<!-- note -->\n<div>\n# Lamp\n</div>\n", encoding="utf-8")
    assert read_folder(tmp_path).documents[0].title == "Lamp"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "content", ["index.html", "https://example.com/a", "<?xml version='1.0'?><a>b</a>"]
)
def test_an_unusual_page_brings_no_warning_of_a_library(content):
    assert html(content.encode()).text in (content, "b")
