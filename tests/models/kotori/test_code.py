"""Code documents: every function can be run and does what its docstring says."""

import ast
import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import code

FUNCTION = re.compile(r'def \w+\([^)]*\):\n    """[^"]*"""\n    return [^\n]*\n')
NAMES = [name for name, *_ in code._FUNCTIONS]

# name → (arguments, result); {n} is 7.
SAYS = {
    "add": ((2, 5), 7),
    "add_{n}": ((2,), 9),
    "subtract": ((2, 5), -3),
    "multiply": ((2, 5), 10),
    "times_{n}": ((3,), 21),
    "double": ((4,), 8),
    "square": ((5,), 25),
    "is_even": ((4,), True),
    "is_odd": ((4,), False),
    "is_multiple_of_{n}": ((21,), True),
    "larger": ((2, 5), 5),
    "smaller": ((2, 5), 2),
    "first": (([3, 1, 2],), 3),
    "last": (([3, 1, 2],), 2),
    "count_items": (([3, 1, 2],), 3),
    "total": (([3, 1, 2],), 6),
    "average": (([3, 1, 2],), 2),
    "largest": (([3, 1, 2],), 3),
    "smallest": (([3, 1, 2],), 1),
    "sorted_copy": (([3, 1, 2],), [1, 2, 3]),
    "reverse": (("abc",), "cba"),
    "upper": (("aBc",), "ABC"),
    "lower": (("aBc",), "abc"),
    "count_words": (("two words",), 2),
    "join_words": ((["two", "words"],), "two words"),
    "starts_with": (("kettle", "ket"), True),
    "contains": (([3, 1], 2), False),
    "unique": (([1, 2, 1],), [1, 2]),
    "evens": (([1, 2, 4],), [2, 4]),
    "above_{n}": (([6, 7, 8],), [8]),
    "absolute": ((-3,), 3),
    "with_tax": ((100,), 107),
}


def functions(text: str) -> list[str]:
    return FUNCTION.findall(text)


def run(source: str) -> dict:
    place: dict = {}
    exec(source, place)
    return place


def test_every_function_is_checked_here():
    assert set(NAMES) == set(SAYS)
    assert len(NAMES) == len(set(NAMES))


@pytest.fixture(scope="module")
def with_seven(sample):
    """(language, name) → a function, with 7 where it has a number."""
    found = {}
    for document in sample("code", 3_000):
        for source in functions(document.text):
            name = re.sub(r"_7$", "_{n}", source[len("def ") : source.index("(")])
            if name in SAYS and (name != "with_tax" or "+ 7)" in source):
                found[document.language, name] = source
    return found


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("name", SAYS)
def test_a_function_does_what_it_says(name, language, with_seven):
    arguments, result = SAYS[name]
    source = with_seven[language, name]
    assert run(source)[name.replace("{n}", "7")](*arguments) == result


@given(language=st.sampled_from(["en", "ja"]), seed=st.integers(0, 2**32))
def test_a_document_is_made_of_functions_that_parse(language, seed):
    document = code.document(language, Random(seed))
    assert document == code.document(language, Random(seed))
    found = functions(document.text)
    assert 1 <= len(found) <= 4
    assert document.text.count("def ") == len(found)
    for source in found:
        (node,) = ast.parse(source).body
        assert ast.get_docstring(node)
        assert node.name in run(source)


@given(seed=st.integers(0, 2**32))
def test_docstrings_are_in_the_language_of_the_document(seed):
    japanese = re.compile(r"[ぁ-ん]")
    for language in ("en", "ja"):
        for source in functions(code.document(language, Random(seed)).text):
            assert bool(japanese.search(source)) == (language == "ja")


@given(seed=st.integers(0, 2**32))
def test_name_docstring_and_body_agree_on_the_number(seed):
    for source in functions(code.document("en", Random(seed)).text):
        numbers = set(re.findall(r"_(\d+)\(", source))
        if numbers:
            assert set(re.findall(r"\d+", source)) - {"0"} == numbers


def test_an_exchange_asks_with_the_docstring(sample, turns):
    asked = 0
    for document in sample("code", 300):
        for start, end in document.answers:
            reply = document.text[start:end].removesuffix("<|im_end|>\n")
            before = document.text[:start].rsplit("<|im_start|>user\n", 1)[1]
            question = before.removesuffix("<|im_end|>\n<|im_start|>assistant\n")
            assert ast.get_docstring(ast.parse(reply).body[0]) == question
            asked += 1
    assert asked > 30
