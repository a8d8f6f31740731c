"""Values between the sandbox's processes: what was sent arrives, and nothing else gets through."""

import json
import os
import threading
from collections import Counter, OrderedDict, namedtuple
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.evaluation.sandbox.inside import tester, wire

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.integers(1 << 60, 1 << 300) | st.text()
    | st.floats(allow_nan=False) | st.binary() | st.complex_numbers(allow_nan=False)
    | st.fractions() | st.decimals(allow_nan=False)
)  # fmt: skip
HASHABLE = SCALARS | st.tuples(SCALARS, SCALARS) | st.frozensets(st.integers())
VALUES = st.recursive(
    HASHABLE,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.tuples(inner, inner)
        | st.sets(HASHABLE, max_size=4)
    ),
    max_leaves=12,
)


def sent(value):
    return wire.unpack(json.loads(json.dumps(wire.pack(value))))


@given(VALUES)
def test_a_value_arrives_with_its_types(value):
    arrived = sent(value)
    assert arrived == value
    assert repr(arrived) == repr(value) or isinstance(value, dict | set | frozenset | list | tuple)
    assert type(arrived) is type(value)


def test_special_values_and_subclasses():
    assert str(sent(-0.0)) == "-0.0"
    assert str(sent(float("nan"))) == "nan"
    assert sent(range(3, 9, 2)) == range(3, 9, 2)
    assert sent(bytearray(b"a")) == bytearray(b"a")
    assert [*sent(zip("ab", [1, 2], strict=True))] == [("a", 1), ("b", 2)]
    assert sent({1: 2}.keys()) == {1}
    assert sent({1: 2}.values()) == [2]
    point, light = namedtuple("Point", "x y"), IntEnum("Light", "RED GREEN")
    for value in (point(1, 2), light.RED, Counter("aab"), OrderedDict(a=1)):
        assert sent(value) == value
        assert type(sent(value)) in (tuple, int, dict)


def test_an_object_that_equals_everything_arrives_as_its_plain_value():
    class Equal(int):
        def __eq__(self, other):
            return True

        __hash__ = int.__hash__

    assert Equal() == 3
    assert sent(Equal()) == 0
    assert type(sent(Equal())) is int


@pytest.mark.parametrize("value", [object(), print, type, lambda: 1, json, NotImplemented, ...])
def test_other_objects_are_not_sent(value):
    with pytest.raises(wire.CannotSend):
        wire.pack([value])


@pytest.mark.parametrize(
    "packed",
    [
        [], ["list"], ["list", 3], ["no such tag", []], [["list"], []], ["dict", [[["list", []], 1]]],
        ["int", "x"], ["int", 3], ["bytes", "zz"], ["range", [0, 1, 0]], ["Fraction", [1, 0]],
        ["complex", ["a", 1]], ["Decimal", "x"], ["set", [["list", []]]], {"a": 1}, ["range", ["a"]],
        ["complex", [1, 2, 3]], ["Decimal", ["list", []]],
    ],
)  # fmt: skip
def test_what_no_sender_makes_ends_the_conversation(packed):
    with pytest.raises(wire.Closed):
        wire.unpack(packed)


def nested(depth: int) -> bytes:
    return b'{"value": ' + b'["list", [' * depth + b"1" + b"]]" * depth + b"}"


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[1]", b'"a"', b'{"a": ', b"\xff\xfe", nested(100_000), b'{"value": 1'],
)  # fmt: skip
def test_a_frame_that_is_no_message_ends_the_conversation(body):
    read, write = os.pipe()
    try:
        with os.fdopen(write, "wb") as out, os.fdopen(read, "rb", buffering=0) as source:

            def speak():
                out.write(len(body).to_bytes(8, "little") + body)
                out.flush()

            speaking = threading.Thread(target=speak)
            speaking.start()
            with pytest.raises(wire.Closed):
                wire.receive(source.fileno())
            speaking.join()
    except BrokenPipeError:
        pytest.fail("the frame was not read")


def test_a_frame_beyond_the_limit_is_not_read():
    read, write = os.pipe()
    os.write(write, (wire.FRAME_BYTES + 1).to_bytes(8, "little"))
    os.close(write)
    with pytest.raises(wire.Closed, match="too long"):
        wire.receive(read)
    os.close(read)


@given(st.lists(st.integers()), st.lists(st.integers()))
def test_a_changed_list_is_changed_at_the_callers(before, after):
    mine = list(before)
    tester._mirror([mine], [after])
    assert mine == after


def test_values_of_other_kinds():
    assert sent(Decimal("1.50")).as_tuple() == Decimal("1.50").as_tuple()
    assert sent(Fraction(1, 3)) == Fraction(1, 3)
