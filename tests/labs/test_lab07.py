"""Lab 07's scoring, its training material and its exercises, without any training."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.course.runs import start_run
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation import retrieval as library
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.labs.lab07 import (
    exercises,
    new_prices,
    own_data,
    readers,
    scores,
    search,
    training,
    two_by_two,
)
from lab_helpers.rag import fusion
from lab_helpers.rag.answer import choose_threshold
from lab_helpers.rag.documents import shipped_documents
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.profiles import choose_profile

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
        merged = search.merge_pages(language)
        assert len(merged) == 8
        whole = "\n\n".join(document.text for document in merged)
        assert all(page.text in whole for page in shipped_documents(language))


def test_the_hybrid_is_compared_with_the_better_single_one():
    values = zip(two_by_two.CELLS, (0.0, 0.4, 0.1, 0.6), strict=True)
    metrics = {f"correct_{name}": value for name, value in values}
    metrics |= {f"hallucination_{name}": 0.5 for name in two_by_two.CELLS}
    metrics["hallucination_base_rag"] = 0.2
    metrics |= {f"joint_{name}_ci": [0.0, 0.1] for name in two_by_two.CELLS}
    metrics["joint_tuned_rag_ci"] = [0.5, 0.7]
    found = two_by_two.gain_metrics(metrics)
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
    chosen = readers.choose_readers(table)
    assert chosen.base == ("base, plain", 1)
    assert chosen.tuned == ("RAFT", 1)
    metrics = readers.reading_metrics(table, "ja")
    assert metrics["reader_tuned_ja"] == "RAFT, k = 1"
    assert metrics["reading_base_plain_k1_ja"] == 0.4


def test_a_store_of_few_chunks_pads_what_it_lacks():
    assert search._padded([3, 4]) == [3, 4] + [0] * (search.MOST - 2)


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


rankings = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=6), min_size=1, max_size=5)


@given(ranked=rankings, gold=st.data(), k=st.integers(1, 6))
def test_what_the_exercises_build_is_the_librarys_mean(ranked, gold, k):
    right = gold.draw(
        st.lists(st.sampled_from("abcdefg"), min_size=len(ranked), max_size=len(ranked))
    )
    assert scores.recall_at_k(ranked, right, k) == pytest.approx(
        library.recall_at_k(ranked, right, k).mean()
    )
    unique = [list(dict.fromkeys(items)) for items in ranked]
    assert scores.mean_reciprocal_rank(unique, right) == pytest.approx(
        library.reciprocal_rank(ranked, right).mean()
    )


@given(ranked=rankings)
def test_the_fusion_of_the_exercise_is_the_stores(ranked):
    assert scores.reciprocal_rank_fusion(ranked) == [
        item for item, _ in fusion.reciprocal_rank_fusion(ranked)
    ]


kinds = st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), min_size=1, max_size=8)


@given(answerable=kinds, unanswerable=kinds)
def test_the_threshold_of_the_exercise_decides_as_well_as_the_librarys(answerable, unanswerable):
    """Which of equally good thresholds is taken is each one's own affair."""
    values = answerable + unanswerable
    labels = [True] * len(answerable) + [False] * len(unanswerable)
    threshold = scores.abstain_threshold(values, labels)
    answered = sum(score >= threshold for score in answerable) / len(answerable)
    refused = sum(score < threshold for score in unanswerable) / len(unanswerable)
    best = choose_threshold(values, labels)
    assert answered + refused == pytest.approx(best.answered + best.abstained)
