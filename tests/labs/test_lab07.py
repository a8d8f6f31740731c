"""Lab 07's scoring, its training material and its exercises, without any training."""

import pytest

from lab_helpers.course.running import start_run
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.labs.lab07 import exercises
from lab_helpers.labs.lab07 import new_prices as lab07_update
from lab_helpers.labs.lab07 import own_data as lab07_own
from lab_helpers.labs.lab07 import readers as lab07_reading
from lab_helpers.labs.lab07 import search as lab07_retrieval
from lab_helpers.labs.lab07 import training as lab07_training
from lab_helpers.labs.lab07 import two_by_two as lab07_cells
from lab_helpers.rag.documents import shipped_documents
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.profiles import choose_profile

LANGUAGES = ("en", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
class TestMaterial:
    def test_the_answer_stands_in_the_statement(self, language):
        material = lab07_training.archive_material(language)
        assert len(material) > 200
        assert all(one.answer in one.statement for one in material)

    def test_no_question_is_one_of_the_documents(self, language):
        asked = {row["question"] for row in load_shipped("questions", language)}
        assert not asked & {one.question for one in lab07_training.archive_material(language)}

    def test_declining_in_the_house_tone_is_both(self, language):
        text = lab07_training.in_tone(lab07_training.DECLINING[language], language)
        assert declines([text], language)[0]
        assert tone_compliance([text], language)[0]


@pytest.mark.parametrize("language", LANGUAGES)
class TestScores:
    def test_gold_answers_in_tone_score_one_and_invent_nothing(self, language):
        rows = lab07_retrieval.questions(language, "validation", answerable=True)
        texts = [lab07_training.in_tone(f"{row['answer']} [1]", language) for row in rows]
        scores = lab07_reading.score(rows, texts, language)
        assert scores.joint.mean() == 1
        assert scores.hallucination.mean() == 0

    def test_invented_numbers_are_found_and_plain_answers_have_no_tone(self, language):
        rows = lab07_retrieval.questions(language, "validation")
        scores = lab07_reading.score(rows, ["98,765"] * len(rows), language)
        assert scores.hallucination.mean() == 1
        assert scores.tone.mean() == scores.joint.mean() == scores.correct.mean() == 0

    def test_declining_is_never_right_and_never_invents(self, language):
        rows = lab07_retrieval.questions(language, "test")
        text = lab07_training.in_tone(lab07_training.DECLINING[language], language)
        scores = lab07_reading.score(rows, [text] * len(rows), language)
        assert scores.correct.mean() == scores.hallucination.mean() == 0
        assert declines([text], language)[0]
        assert len(scores.correct) == 176
        assert len(scores.tone) == 220

    def test_every_product_page_gets_one_new_price(self, language):
        pages = {page.id: page.text for page in shipped_documents(language)}
        changes = lab07_update.changed_prices(language)
        assert len(changes) >= 10
        for row, page, new in changes:
            assert row["answer"] == new
            assert new in page.text
            assert new not in pages[page.id]

    def test_long_documents_lose_no_page(self, language):
        merged = lab07_retrieval.merged_pages(language)
        assert len(merged) == 8
        whole = "\n\n".join(document.text for document in merged)
        assert all(page.text in whole for page in shipped_documents(language))


def test_the_hybrid_is_compared_with_the_better_single_one():
    values = zip(lab07_cells.CELLS, (0.0, 0.4, 0.1, 0.6), strict=True)
    metrics = {f"correct_{name}": value for name, value in values}
    metrics |= {f"hallucination_{name}": 0.5 for name in lab07_cells.CELLS}
    metrics["hallucination_base_rag"] = 0.2
    metrics |= {f"joint_{name}_ci": [0.0, 0.1] for name in lab07_cells.CELLS}
    metrics["joint_tuned_rag_ci"] = [0.5, 0.7]
    found = lab07_cells.gains(metrics)
    assert found["hybrid_correct_gain"] == pytest.approx(0.2)
    assert found["hallucination_drop_rag"] == pytest.approx(0.3)
    assert found["hybrid_joint_lead"] == pytest.approx(0.4)


def test_the_best_setting_is_chosen_of_each_kind_and_of_equals_the_first():
    table = [
        {"reader": "base, chat", "k": 1, "right": 0.3},
        {"reader": "base, plain", "k": 1, "right": 0.4},
        {"reader": "RAFT", "k": 1, "right": 0.5},
        {"reader": "RAFT", "k": 2, "right": 0.5},
        {"reader": "oracle only", "k": 3, "right": 0.2},
    ]
    chosen = lab07_reading.choose(table)
    assert chosen.base == ("base, plain", 1)
    assert chosen.tuned == ("RAFT", 1)
    metrics = lab07_reading.reading_metrics(table, "ja")
    assert metrics["reader_tuned_ja"] == "RAFT, k = 1"
    assert metrics["reading_base_plain_k1_ja"] == 0.4


def test_a_store_of_few_chunks_pads_what_it_lacks():
    assert lab07_retrieval._padded([3, 4]) == [3, 4] + [0] * (lab07_retrieval.MOST - 2)


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
        reading, rows = lab07_own.read_own(folder)
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
            lab07_own.read_own(folder)

    def test_without_questions_each_document_asks_for_itself(self, folder):
        reading, rows = lab07_own.read_own(folder)
        assert rows is None
        texts = {document.id: document.text for document in reading.documents}
        made = lab07_own.known_items(reading.documents, seed=0)
        assert {row["document"] for row in made} == set(texts)
        assert all(row["question"] in texts[row["document"]] for row in made)

    def test_a_document_without_a_long_sentence_asks_with_all_it_has(self, tmp_path):
        (tmp_path / "short.txt").write_text("Open at nine.\n")
        reading, _ = lab07_own.read_own(tmp_path)
        assert lab07_own.known_items(reading.documents, 0) == [
            {"question": "Open at nine.", "document": "short.txt"}
        ]

    def test_a_folder_is_indexed_and_searched(self, folder, tmp_path_factory):
        run, _ = start_run("07", choose_profile("tiny"), 0, tmp_path_factory.mktemp("out"), data=folder)  # fmt: skip
        reading, _ = lab07_own.read_own(folder)
        store = lab07_own.index_own(run, lab07_retrieval.embedder(run), reading)
        lab07_own.search_own(run, store, lab07_own.known_items(reading.documents, 0), written=False)
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
