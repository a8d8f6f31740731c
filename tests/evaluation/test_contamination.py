"""Contamination: a planted copy is found wherever it hides, unrelated text is not; files; real benchmarks."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.contamination import (
    Overlap,
    contaminated,
    contaminated_files,
    remove_leaks,
)
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.paths import data_folder

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_published = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="the published benchmark files are not on this machine"
)

WORD = st.text("abcdefgh", min_size=1, max_size=6)
OTHER_WORD = st.text("stuvwxyz", min_size=1, max_size=6)
KANJI = st.sampled_from("返品保証修理電機星空部品")
KANA = st.sampled_from("はがをにでと")


def english(word=WORD, least=4, most=40):
    return st.lists(word, min_size=least, max_size=most)


@given(item=english(), before=english(OTHER_WORD, 0), after=english(OTHER_WORD, 0))
def test_a_planted_copy_is_found_in_the_middle_of_a_text(item, before, after):
    planted = " ".join([*before, *item, *after])
    found = contaminated([" ".join(item)], ["nothing here", planted])
    assert found == [Overlap(0, 1, 1.0, " ".join(item))]


@given(
    item=st.text(KANJI, min_size=8, max_size=60),
    before=st.text(KANA, max_size=20),
    after=st.text(KANA, max_size=20),
)
def test_a_planted_copy_is_found_in_japanese(item, before, after):
    found = contaminated([item], [before + after, before + item + after])
    assert found == [Overlap(0, 1, 1.0, item)]


@given(item=st.text(WORD.flatmap(lambda w: st.sampled_from(w)), min_size=1, max_size=9))
def test_an_item_of_any_length_is_found_in_its_own_copy(item):
    assert [o.share for o in contaminated([item], [item.upper() + "!"])] == [1.0]


@given(items=st.lists(english(WORD, 0), max_size=5), training=st.lists(english(OTHER_WORD, 0), max_size=5))  # fmt: skip
def test_unrelated_texts_never_overlap(items, training):
    assert contaminated([" ".join(i) for i in items], [" ".join(t) for t in training]) == []


@given(items=st.lists(st.text(KANJI, max_size=50), max_size=5), training=st.lists(st.text(KANA, max_size=50), max_size=5))  # fmt: skip
def test_unrelated_japanese_never_overlaps(items, training):
    assert contaminated(items, training) == []


SPACE = st.sampled_from([" ", "  ", "\n", "\t ", "　"])
MARK = st.sampled_from(["", ",", ".", "!?", "、", "「"])


@given(
    items=st.lists(english(most=25), min_size=1, max_size=3), other=english(most=60), data=st.data()
)
def test_case_white_space_and_punctuation_change_nothing(items, other, data):
    def written_differently(words):
        pieces = [
            data.draw(st.sampled_from([str.upper, str.title, str.lower]))(word)
            + data.draw(MARK)
            + data.draw(SPACE)
            for word in words
        ]
        return "".join(pieces)

    plain = [" ".join(words) for words in items]
    training = [" ".join(other), plain[0] + " and more"]
    wanted = contaminated(plain, training)
    assert wanted
    changed = [written_differently(text.split()) for text in training]
    assert contaminated([written_differently(w) for w in items], changed) == wanted


@given(text=st.text(KANJI, min_size=8, max_size=40), data=st.data())
def test_line_ends_and_widths_in_japanese_change_nothing(text, data):
    text = "ABC" + text + "12"
    broken = "".join(c + data.draw(st.sampled_from(["", "\n", "　"])) if not c.isascii() else c for c in text)  # fmt: skip
    broken = broken.replace("ABC", "ＡＢＣ").replace("12", "１２")
    assert [o.share for o in contaminated([text], [broken])] == [1.0]


def naive(test, training, n):
    """The rule written out for words: windows against windows, without an index."""
    found = []
    for i, item in enumerate(test):
        words = item.split()
        size = min(n, len(words))
        windows = [words[k : k + size] for k in range(len(words) - size + 1)] if words else []
        shares = []
        for text in training:
            other = text.split()
            if len(words) < min(4, n):
                shares.append(float(bool(words) and other == words))
                continue
            there = [other[k : k + size] for k in range(len(other) - size + 1)]
            shares.append(sum(window in there for window in windows) / len(windows))
        if shares and max(shares) > 0:
            found.append((i, shares.index(max(shares)), max(shares)))
    return found


@given(
    test=st.lists(st.lists(st.sampled_from("abc"), max_size=20).map(" ".join), max_size=4),
    training=st.lists(st.lists(st.sampled_from("abc"), max_size=30).map(" ".join), max_size=4),
    n=st.integers(1, 14),
)
def test_the_index_finds_what_comparing_everything_finds(test, training, n):
    found = contaminated(test, training, n)
    assert [(o.test_row, o.training_row, o.share) for o in found] == naive(test, training, n)


def test_thirteen_words_in_a_row_are_a_copy_and_twelve_are_not():
    words = [f"w{i}" for i in range(30)]
    item = " ".join(words)
    assert contaminated([item], [" ".join(["x", *words[5:17], "y"])]) == []
    (found,) = contaminated([item], [" ".join(["x", *words[5:18], "y"])])
    assert found == Overlap(0, 0, 1 / 18, " ".join(words[5:18]))


def test_twenty_six_characters_in_a_row_are_a_copy_in_japanese():
    item = "".join(chr(0x4E00 + i) for i in range(50))
    assert contaminated([item], ["は" + item[5:30] + "は"]) == []
    (found,) = contaminated([item], ["は" + item[5:31] + "は"])
    assert found.example == item[5:31]


def test_a_short_item_must_stand_there_whole_and_a_tiny_one_alone():
    assert contaminated(["Which city is the capital?"], ["He asked: which city is the capital?"])
    assert not contaminated(["Which city is the capital?"], ["Which city is the large capital?"])
    assert not contaminated(["Osaka"], ["The city of Osaka is large."])
    assert contaminated(["Osaka"], ["osaka."])
    assert not contaminated(["大阪市"], ["大阪市は大きい。"])
    assert contaminated(["大阪市"], ["大阪市。"])


def test_the_training_text_that_shares_most_is_named_with_the_longest_passage():
    words = [f"w{i}" for i in range(40)]
    training = [" ".join(words[:14]), " ".join([*words[:14], "x", *words[15:35]])]
    (found,) = contaminated([" ".join(words)], training)
    assert (found.training_row, found.example) == (1, " ".join(words[15:35]))
    assert found.share == (2 + 8) / 28


def test_nothing_to_compare():
    assert contaminated([], ["a b c d e"]) == contaminated(["a b c d e"], []) == []
    assert contaminated(["", "…"], ["", "…"]) == []
    with pytest.raises(BadInput, match="at least 1"):
        contaminated(["a"], ["a"], 0)


QUESTION = "How many litres does the tank of the small humidifier hold when it is full?"
ROWS = [{"id": 1, "question": "Is there anything else that I should know?"}, {"id": 2, "question": QUESTION}]  # fmt: skip


def write(folder, name, rows):
    path = folder / name
    if ".jsonl" in name:
        text = "\n".join(json.dumps(row) for row in rows)
    elif ".json" in name:
        text = json.dumps(rows, indent=1)
    elif ".csv" in name:
        text = "id,question\n" + "\n".join(f'{row["id"]},"{row["question"]}"' for row in rows)
    else:
        text = "\n\n".join(row["question"].replace(" the ", "\nthe ") for row in rows)
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize(
    ("name", "line"),
    [("t.jsonl", 2), ("t.jsonl.gz", 2), ("t.json", 6), ("t.csv", 3), ("t.csv.gz", 3), ("t.txt", 3)],
)
def test_every_kind_of_file_on_either_side(name, line, tmp_path):
    path = write(tmp_path, name, ROWS)
    chat = tmp_path / "chat.jsonl"
    turns = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "Two."}]
    chat.write_text(json.dumps({"messages": turns}))
    (found,) = contaminated_files(path, chat)
    assert (found.test_row, found.training_row, found.share) == (line, 1, 1.0)
    (back,) = contaminated_files(chat, path, column="messages")
    assert (back.test_row, back.training_row) == (1, line)
    assert back.share < 1  # "Two." goes on where the file ends.


def test_files_that_cannot_be_read_whole_are_refused_by_name(tmp_path):
    good = write(tmp_path, "good.jsonl", ROWS)
    for name, content, message in (
        ("half.jsonl", b'{"question": "a"}\n{"questi', "half.jsonl, line 2 is not JSON"),
        ("half.jsonl.gz", gzip.compress(b'{"question": "a"}' * 99)[:-12], "not a whole gzip"),
        ("not.jsonl.gz", b"plain", "not a whole gzip"),
        ("wrong.txt", "保証は一年です。".encode("shift_jis"), "not UTF-8"),
        ("empty.jsonl", b"", "no rows"),
        ("what.xyz", b"a", "unknown file type"),
    ):
        bad = tmp_path / name
        bad.write_bytes(content)
        for pair in ((bad, good), (good, bad)):
            with pytest.raises(BadInput, match=message):
                contaminated_files(*pair)
    for name in ("absent.jsonl", "absent.txt", "absent.jsonl.gz"):
        with pytest.raises(BadInput, match="no such file"):
            contaminated_files(tmp_path / name, good)
    with pytest.raises(BadInput, match=r"no column 'prompt'.*id, question"):
        contaminated_files(good, good, column="prompt")


@needs_published
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("shipped", ["humaneval", "gsm8k"])
@pytest.mark.parametrize("published", ["HumanEval.jsonl.gz", "gsm8k_test.jsonl"])
def test_the_shipped_mini_sets_share_nothing_with_the_published_benchmarks(
    shipped, published, language
):
    ours, theirs = data_folder() / f"{shipped}.{language}.jsonl", PUBLISHED / published
    assert contaminated_files(ours, theirs) == []
    assert contaminated_files(theirs, ours) == []


@needs_published
@pytest.mark.parametrize(
    ("published", "rows", "twins"),
    [("HumanEval.jsonl.gz", 164, {(62, 57)}), ("gsm8k_test.jsonl", 1319, set())],
)
def test_a_published_benchmark_is_found_whole_in_itself(published, rows, twins):
    """The check can fail: the same file on both sides. HumanEval/56 and /61 differ only in their brackets."""
    found = contaminated_files(PUBLISHED / published, PUBLISHED / published)
    assert [o.test_row for o in found] == list(range(1, rows + 1))
    assert {o.share for o in found} == {1}
    elsewhere = {(o.test_row, o.training_row) for o in found if o.test_row != o.training_row}
    assert elsewhere == twins


@pytest.mark.parametrize(("language", "asked"), [("en", 22), ("ja", 33)])
def test_sft_on_the_support_set_reads_questions_of_the_company_part_of_mmlu(language, asked):
    """A finding of this check: only facts of the company, and they are meant to be learnt."""
    items = load_shipped("mmlu", language)
    training = [row["question"] for row in load_shipped("support", language, "train")]
    found = contaminated([row["question"] for row in items], training)
    assert {items[o.test_row]["subject"] for o in found} == {"company"}
    assert len(found) == asked


def test_leaking_rows_go_however_often_a_copy_stands_there():
    test = "one two three four five six seven eight nine ten eleven twelve thirteen"
    own = {"prompt": "How warm is it?", "completion": "Very, and one two three."}
    copies = [{"prompt": "?", "completion": f"it says {test} indeed"}, {"prompt": test, "completion": "."}]  # fmt: skip
    assert remove_leaks([copies[0], own, copies[1]], [test]) == [own]
    assert remove_leaks([own, copies[0]], [test], 3) == []
