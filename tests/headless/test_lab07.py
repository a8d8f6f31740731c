"""Lab 07's scoring, its training material and its exercises, without any training."""

import pytest

from lab_helpers.course.exercises import lab07 as exercises
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.headless import lab07, lab07_cells, lab07_retrieval
from lab_helpers.rag.documents import shipped_documents

LANGUAGES = ("en", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
class TestMaterial:
    def test_the_answer_stands_in_the_statement(self, language):
        material = lab07_cells.archive_material(language)
        assert len(material) > 200
        assert all(one.answer in one.statement for one in material)

    def test_no_question_is_one_of_the_documents(self, language):
        asked = {row["question"] for row in load_shipped("questions", language)}
        assert not asked & {one.question for one in lab07_cells.archive_material(language)}

    def test_declining_in_the_house_tone_is_both(self, language):
        text = lab07_cells.in_tone(lab07_cells.DECLINING[language], language)
        assert declines([text], language)[0]
        assert tone_compliance([text], language)[0]


@pytest.mark.parametrize("language", LANGUAGES)
class TestScores:
    def test_gold_answers_in_tone_score_one_and_invent_nothing(self, language):
        rows = lab07_retrieval.questions(language, "validation", answerable=True)
        texts = [lab07_cells.in_tone(f"{row['answer']} [1]", language) for row in rows]
        scores = lab07_cells.score(rows, texts, language)
        assert scores.joint.mean() == 1
        assert scores.hallucination.mean() == 0

    def test_invented_numbers_are_found_and_plain_answers_have_no_tone(self, language):
        rows = lab07_retrieval.questions(language, "validation")
        scores = lab07_cells.score(rows, ["98,765"] * len(rows), language)
        assert scores.hallucination.mean() == 1
        assert scores.tone.mean() == scores.joint.mean() == scores.correct.mean() == 0

    def test_declining_is_never_right_and_never_invents(self, language):
        rows = lab07_retrieval.questions(language, "test")
        text = lab07_cells.in_tone(lab07_cells.DECLINING[language], language)
        scores = lab07_cells.score(rows, [text] * len(rows), language)
        assert scores.correct.mean() == scores.hallucination.mean() == 0
        assert scores.declined.mean() == 1
        assert len(scores.correct) == 176
        assert len(scores.tone) == 220

    def test_every_product_page_gets_one_new_price(self, language):
        pages = {page.id: page.text for page in shipped_documents(language)}
        changes = lab07_cells.changed_prices(language)
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
    names = ("base_closed", "base_rag", "tuned_closed", "tuned_rag", "no_distractors")
    metrics = {f"correct_{n}": v for n, v in zip(names, (0.0, 0.4, 0.1, 0.6, 0.5), strict=True)}
    metrics |= {f"hallucination_{n}": 0.5 for n in names} | {"hallucination_base_rag": 0.2}
    metrics |= {f"joint_{n}_ci": [0.0, 0.1] for n in names} | {"joint_tuned_rag_ci": [0.5, 0.7]}
    found = lab07.gains(metrics)
    assert found["hybrid_correct_gain"] == pytest.approx(0.2)
    assert found["hallucination_drop_rag"] == pytest.approx(0.3)
    assert found["hybrid_joint_lead"] == pytest.approx(0.4)
    assert found["distractor_gain"] == pytest.approx(0.1)


@pytest.mark.parametrize("exercise", exercises.EXERCISES, ids=lambda exercise: exercise.name)
def test_each_planted_mistake_is_named(exercise):
    assert exercise.check(exercise.reference).passed
    for wrong in exercise.wrong_answers:
        result = exercise.check(wrong.answer)
        assert result.status == "wrong"
        assert wrong.message_contains in result.message
