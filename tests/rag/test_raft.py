"""RAFT rows: what a row shows, what it asks for, and that nothing can be learned by heart."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.rag.raft import Evidence, Recipe, new_numbers, raft_rows
from lab_helpers.runtime.errors import BadInput

MATERIAL = [
    Evidence(
        f"How much is the {name}?", f"The {name} costs {n},500 yen.", f"{n},500 yen", f"{name}.price"
    )
    for n, name in enumerate(["Ada", "Bea", "Cora", "Dina", "Ella", "Fay", "Greta", "Hana", "Ida", "Jana"], 11)
]  # fmt: skip


def rows(count=200, recipe=Recipe(), seed=0):
    return raft_rows(MATERIAL, "en", count, seed, lambda body: f"Hello. {body}", "No.", recipe)


def parts(row):
    text, reply = row["prompt"][-1]["content"], row["completion"][0]["content"]
    sources = dict(re.findall(r"^\[(\d)\] (.*)$", text, re.MULTILINE))
    return text.split("Question: ")[1], sources, reply


class TestRows:
    def test_the_cited_source_answers_the_question(self):
        for row in rows():
            question, sources, reply = parts(row)
            name = re.search(r"the (\w+)\?", question)[1]
            if reply == "Hello. No.":
                assert not any(name in source for source in sources.values())
                continue
            value, number = re.fullmatch(r"Hello\. (.*) \[(\d)\]", reply).groups()
            assert f"The {name} costs {value}." in sources[number]
            assert sum(name in source for source in sources.values()) == 1

    def test_the_shares_of_the_recipe_hold(self):
        found = [parts(row)[2] for row in rows(1000, Recipe(with_oracle=0.7, oracle_first=0.5))]
        answered = [reply for reply in found if reply != "Hello. No."]
        assert 0.65 < len(answered) / 1000 < 0.75
        first = sum(reply.endswith("[1]") for reply in answered) / len(answered)
        assert 0.6 < first < 0.73  # half by the recipe, a third of the rest by chance

    def test_without_distractors_the_oracle_stands_alone(self):
        recipe = Recipe(distractors=False, with_oracle=1.0)
        assert all(set(parts(row)[1]) == {"1"} for row in rows(50, recipe))

    def test_numbers_differ_from_row_to_row(self):
        values = {parts(row)[2] for row in rows(100, Recipe(with_oracle=1.0))}
        assert len(values) > 80

    def test_the_seed_decides(self):
        assert rows(5) == rows(5)
        assert rows(5) != rows(5, seed=1)

    def test_too_little_material_is_refused(self):
        with pytest.raises(BadInput, match="too few"):
            raft_rows(MATERIAL[:4], "en", 1, 0, str, "No.")


class TestNewNumbers:
    @given(st.integers(0, 10**6), st.text(alphabet="ab 0123456789,.:-円", max_size=40))
    def test_shape_and_length_are_kept(self, seed, text):
        changed = new_numbers(Random(seed))(text)
        assert re.sub(r"\d", "0", changed) == re.sub(r"\d", "0", text)

    def test_the_same_number_becomes_the_same_and_codes_stay(self):
        new = new_numbers(Random(3))
        first, second = new("NW-800 costs 118,000 yen").split(" costs ")
        assert first == "NW-800"
        assert new("118,000 yen") == second
        assert second.endswith(",000 yen")
