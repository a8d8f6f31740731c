"""Pictures of lab 07: what they show is what they are handed, in both languages; the widget redraws."""

import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.patches import Rectangle

from lab_helpers.figures import retrieval as figures
from lab_helpers.figures import widgets
from lab_helpers.runtime.language import set_language

NEAREST = {
    "What does the lamp cost?": (np.array([0.9, 0.8, 0.5, -0.1]), 1),
    "ランプはいくらですか。": (np.array([0.4, 0.3, 0.2, 0.1]), 3),
}
MODES = [
    {"language": language, "mode": mode, "recall@5": value, "recall@5 ci": (value - 0.05, value + 0.05), "MRR": value - 0.1}
    for language, values in (("en", (0.9, 0.8, 0.95)), ("ja", (0.3, 0.7, 0.75)))
    for mode, value in zip(("vector", "text", "hybrid"), values, strict=True)
]  # fmt: skip
CHUNKS = [
    {"tokens": size, "k": k, "chunks": 4096 // size, "truncated": cut, "answer found": share * k / 5, "same words": share * k / 5, "tokens to read": float(size * k)}
    for size, cut, share in ((512, 1.0, 0.25), (8, 0.0, 0.5), (64, 0.03, 1.0))
    for k in (1, 5)
]  # fmt: skip
ANSWERABLE = {
    "cosine": (
        np.array([0.9, 0.8, 0.7, 0.2, 0.1, 0.3, 0.75]),
        np.array([1] * 4 + [0] * 3, bool),
        0.5,
        "vector",
    )
}


def measured(cell: str, *values: float) -> dict:
    qualities = ("correct", "tone", "joint", "hallucination")
    rows = ({q: v, f"{q} ci": (v, v + 0.01)} for q, v in zip(qualities, values, strict=True))
    return {"cell": cell} | {key: value for row in rows for key, value in row.items()}


CELLS = [
    measured("base_closed", 0.02, 0.0, 0.0, 0.8),
    measured("base_rag", 0.7, 0.03, 0.01, 0.2),
    measured("tuned_closed", 0.1, 0.98, 0.09, 0.6),
    measured("tuned_rag", 0.84, 0.96, 0.82, 0.05),
    measured("no_distractors", 1.0, 1.0, 1.0, 0.0),
]
READING = [
    {"k": k, "passage found": found, "right": right, "right ci": (right - 0.05, right + 0.05), "reader": reader}
    for reader, shares in (("RAFT", (0.75, 0.8, 0.81)), ("base, chat", (0.6, 0.5, 0.4)))
    for k, found, right in zip((1, 2, 3), (0.8, 0.9, 1.0), shares, strict=True)
]  # fmt: skip


def texts(figure) -> str:
    """Everything that is written in a figure."""
    import matplotlib.text

    return " | ".join(t.get_text() for t in figure.findobj(matplotlib.text.Text))


def heights(axis) -> list[float]:
    return [bar.get_height() for bar in axis.patches if isinstance(bar, Rectangle)]


def points(line) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in zip(*line.get_data(), strict=True)]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", {"nearest": "right page: rank 2 of 4", "modes": "hybrid", "chunk_sizes": "answer among the 5 best", "chunk_explorer": "other k", "answerability": "has an answer", "two_by_two": "both at once", "reading": "right: base, chat form"}),
        ("ja", {"nearest": "正解の文書: 4 件中 2 位", "modes": "ハイブリッド", "chunk_sizes": "上位 5 件に、正解の文書の答えがある", "chunk_explorer": "ほかの k", "answerability": "答えあり", "two_by_two": "口調を守る", "reading": "正しい: ベース（対話形式）"}),
    ],
)  # fmt: skip
def test_labels_are_in_the_learners_language(language, said):
    set_language(language)
    found = {
        "nearest": figures.nearest(NEAREST),
        "modes": figures.modes(MODES),
        "chunk_sizes": figures.chunk_sizes(CHUNKS),
        "chunk_explorer": figures.chunk_explorer(CHUNKS, 64, 5),
        "answerability": figures.answerability(ANSWERABLE),
        "two_by_two": figures.two_by_two(CELLS),
        "reading": figures.reading(READING),
    }
    for name, words in said.items():
        written = texts(found[name]) + "".join(map(texts, found[name].legends))
        assert words in written, name


# --- the nearest pages ----------------------------------------------------------------------------


def test_only_the_right_page_stands_out_and_all_questions_share_a_scale():
    figure = figures.nearest(NEAREST)
    assert len(figure.axes) == 2
    for axis, (scores, place) in zip(figure.axes, NEAREST.values(), strict=True):
        bars = [bar for bar in axis.patches if isinstance(bar, Rectangle)]
        assert [bar.get_height() for bar in bars] == list(scores)
        out = [i for i, bar in enumerate(bars) if same_color(bar.get_facecolor(), figures.BAD)]
        assert out == [place]
    first, second = (axis.get_ylim() for axis in figure.axes)
    assert first == second
    assert first[0] <= -0.1 < 0.9 < first[1]


def test_a_long_japanese_question_is_cut_into_lines_none_of_which_begins_with_a_mark():
    question = "ランプはいくらで、どこで買えますか。" * 4
    title = figures.nearest({question: NEAREST["ランプはいくらですか。"]}).axes[0].get_title()
    lines = title.split("\n")
    assert "".join(lines) == question
    assert max(map(len, lines)) <= 24
    assert not any(line[0] in "。、ー" for line in lines)


# --- ways to search -------------------------------------------------------------------------------


def test_a_panel_a_language_with_both_numbers_and_the_interval():
    figure = figures.modes(MODES)
    assert [axis.get_title() for axis in figure.axes] == ["English", "Japanese"]
    for axis, values in zip(figure.axes, ((0.9, 0.8, 0.95), (0.3, 0.7, 0.75)), strict=True):
        assert heights(axis) == [*values, *(value - 0.1 for value in values)]
        drawn = [list(line.get_ydata()) for line in axis.lines if len(line.get_ydata())]
        assert drawn == [[value - 0.05, value + 0.05] for value in values]


def test_one_language_and_one_way_at_the_ends_of_the_scale_can_be_drawn():
    row = {"language": "ja", "mode": "text", "recall@5": 1.0, "recall@5 ci": (1.0, 1.0), "MRR": 0.0}
    figure = figures.modes([row])
    assert [heights(axis) for axis in figure.axes] == [[1.0, 0.0]]
    assert "1.00" in texts(figure)
    assert "0.00" in texts(figure)


# --- sizes of chunks ------------------------------------------------------------------------------


def test_chunk_sizes_show_what_five_chunks_hold_what_is_cut_off_and_what_they_cost():
    left, right = figures.chunk_sizes(CHUNKS).axes
    assert points(left.lines[0]) == [(8, 0.5), (64, 1.0), (512, 0.25)]
    assert points(left.lines[1]) == [(8, 0.0), (64, 0.03), (512, 1.0)]
    assert points(right.lines[0]) == [(8, 40), (64, 320), (512, 2560)]


def test_the_dotted_line_stands_where_the_embedder_stops_reading():
    for limit in (256, 1024):
        for axis in figures.chunk_sizes(CHUNKS, limit).axes:
            dotted = [line for line in axis.lines if line.get_linestyle() == ":"]
            assert [line.get_xdata()[0] for line in dotted] == [limit]
            assert axis.get_xlim()[0] < 8 < limit < axis.get_xlim()[1]


def test_the_explorer_marks_the_choice_in_both_panels_and_says_it_in_words():
    figure = figures.chunk_explorer(CHUNKS, 64, 5)
    left, right = figure.axes
    assert [points(line) for line in left.lines if line.get_markersize() == 12] == [[(64, 1.0)]]
    assert [points(line) for line in right.lines if line.get_markersize() == 12] == [[(320, 1.0)]]
    assert [text.get_text() for text in left.texts] == ["1.00"]
    assert figure.get_suptitle() == "5 chunks of 64 tokens: answer found 1.00, 320 tokens to read, 3% of chunks cut off"  # fmt: skip


def test_other_k_stay_in_the_picture_as_grey():
    left, right = figures.chunk_explorer(CHUNKS, 8, 1).axes
    chosen = [(8, 0.1), (64, 0.2), (512, 0.05)]
    assert [points(line) for line in left.lines if same_color(line.get_color(), figures.DARK)] == [chosen]  # fmt: skip
    assert points(left.lines[0]) == [(8, 0.5), (64, 1.0), (512, 0.25)]
    assert points(right.lines[0]) == [(40, 0.5), (320, 1.0), (2560, 0.25)]


def test_one_chunk_is_no_chunks():
    assert figures.chunk_explorer(CHUNKS, 8, 1).get_suptitle().startswith("1 chunk of 8 tokens: ")
    set_language("ja")
    assert figures.chunk_explorer(CHUNKS, 8, 1).get_suptitle().startswith("8 トークンのチャンクを 1 個")  # fmt: skip


def test_one_size_can_be_drawn():
    row = [{"tokens": 64, "k": 5, "chunks": 9, "truncated": 0.0, "answer found": 0.0, "same words": 0.0, "tokens to read": 320.0}]  # fmt: skip
    assert points(figures.chunk_sizes(row).axes[0].lines[0]) == [(64, 0.0)]
    assert "0.00" in texts(figures.chunk_explorer(row, 64, 5))


# --- when not to answer ---------------------------------------------------------------------------


def test_each_kind_of_question_adds_up_to_one_however_many_there_are():
    axis = figures.answerability(ANSWERABLE).axes[0]
    bars = np.array([bar.get_height() for bar in axis.patches])
    assert bars.reshape(2, -1).sum(1) == pytest.approx([1, 1])


def test_the_shares_on_the_right_side_of_the_threshold_are_written():
    axis = figures.answerability(ANSWERABLE).axes[0]
    said = [text.get_text() for text in axis.get_legend().get_texts()]
    assert "has an answer: 75% answered" in said
    assert "has none: 67% abstained" in said
    assert list(axis.lines[0].get_xdata()) == [0.5, 0.5]


def test_a_question_that_finds_nothing_and_a_threshold_without_end_stand_at_the_edge():
    scores, threshold = np.array([-np.inf, 2.0, 4.0]), -np.inf
    figure = figures.answerability({"BM25": (scores, np.ones(3, bool), threshold, "text")})
    axis = figure.axes[0]
    assert axis.patches[0].get_height() == pytest.approx(2 / 3)
    assert axis.lines[0].get_xdata()[0] == 2.0
    assert "100% answered" in texts(figure)
    assert "abstained" not in texts(figure)


def test_a_panel_of_a_language_is_named_in_the_learners_language():
    set_language("ja")
    figure = figures.answerability({"en": ANSWERABLE["cosine"], "BM25": ANSWERABLE["cosine"]})
    assert [axis.get_title() for axis in figure.axes] == ["英語", "BM25"]


# --- two by two -----------------------------------------------------------------------------------


def framed(axis) -> list[tuple[int, int]]:
    """Row and column of the tiles with a frame."""
    tiles = [patch.get_center() for patch in axis.patches if isinstance(patch, Rectangle)]
    return [(round(y), round(x)) for x, y in tiles]


def test_the_best_tile_is_framed_and_of_invention_it_is_the_lowest():
    figure = figures.two_by_two(CELLS)
    assert [axis.get_title() for axis in figure.axes] == ["right", "in tone", "both at once", "invents"]  # fmt: skip
    assert [framed(axis) for axis in figure.axes] == [[(1, 1)], [(1, 0)], [(1, 1)], [(1, 1)]]


def test_tiles_hold_value_and_interval_in_their_place():
    axis = figures.two_by_two(CELLS).axes[0]
    said = {(round(t.get_position()[1]), round(t.get_position()[0]), t.get_text()) for t in axis.texts}  # fmt: skip
    assert {(0, 0, "0.02"), (0, 1, "0.70"), (1, 0, "0.10"), (1, 1, "0.84"), (1, 1, "[0.84, 0.85]")} <= said  # fmt: skip
    assert len(said) == 8
    assert axis.images[0].get_array().tolist() == [[0.02, 0.7], [0.1, 0.84]]


def test_invention_is_red_and_the_rest_green():
    names = [axis.images[0].get_cmap().name for axis in figures.two_by_two(CELLS).axes]
    assert names == ["Greens", "Greens", "Greens", "Reds"]


def test_a_cell_that_was_not_measured_stays_empty():
    axis = figures.two_by_two(CELLS[:1]).axes[0]
    assert [text.get_text() for text in axis.texts] == ["0.02", "[0.02, 0.03]"]
    assert framed(axis) == [(0, 0)]


# --- reading several passages ---------------------------------------------------------------------


def test_reading_has_a_line_a_reader_with_intervals_and_what_was_found():
    axis = figures.reading(READING).axes[0]
    curves = [points(line) for line in axis.lines if len(line.get_xdata()) == 3]
    assert curves[0] == [(1, 0.8), (2, 0.9), (3, 1.0)]
    assert [[y for _, y in curve] for curve in curves[1:]] == [[0.75, 0.8, 0.81], [0.6, 0.5, 0.4]]
    assert all(abs(x - round(x)) < 0.1 for curve in curves for x, _ in curve)
    intervals = [list(line.get_ydata()) for line in axis.lines if len(line.get_xdata()) == 2]
    assert intervals == [list(row["right ci"]) for row in READING]
    assert list(axis.get_xticks()) == [1, 2, 3]


def test_one_row_can_be_drawn():
    axis = figures.reading(READING[:1]).axes[0]
    assert points(axis.lines[1]) == [(1, 0.75)]


# --- the widget -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "start"), [(10, 5), (3, 3)])
def test_choosing_a_size_and_k_redraws(monkeypatch, most, start):
    import IPython.display

    shown, drawn = [], []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    monkeypatch.setattr("lab_helpers.figures.widgets.in_notebook", lambda: True)

    def view(chunk_tokens, depth):
        drawn.append((chunk_tokens, depth))
        return f"{chunk_tokens} {depth}"

    widgets.retrieval_explorer(view, [8, 64, 512], most)
    size, k, picture = shown[0].widget.children
    assert drawn == [(64, start)]
    assert (k.min, k.max) == (1, most)
    assert size.options[2] == ("512 tokens", 512)
    size.value = 512
    k.value = 2
    assert drawn[1:] == [(512, start), (512, 2)]
    assert picture.value == "<pre>512 2</pre>"
