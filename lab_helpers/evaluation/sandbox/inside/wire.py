"""Plain values between processes: frames of JSON that keep Python's types, and no pickle.

A decoded value is made of ``None, bool, int, float, complex, str, bytes, list, tuple, set,
frozenset, dict, range, iterator, Fraction, Decimal`` and nothing else, so no code of the sender's
ever runs at the receiver: an object whose ``__eq__`` is always true arrives as its plain value or
not at all.
"""

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

FRAME_BYTES = 16 << 20
"""The longest frame that is read: a longer one ends the conversation."""
ITERATOR_ITEMS = 100_000
"""An iterator is sent by its items, at most so many."""

_EXACT = 1 << 53


class CannotSend(Exception):
    """A value of a type that has no plain form."""


class Closed(Exception):
    """The other side has gone, or sends what is no frame."""


def send(descriptor: int, message: dict) -> None:
    """Write one frame: 8 bytes of length, then JSON."""
    body = json.dumps(message).encode("ascii")
    data = memoryview(len(body).to_bytes(8, "little") + body)
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int) -> dict:
    """Read one frame.

    Raises:
        Closed: nothing more comes, or it is no frame.
    """
    length = int.from_bytes(_exactly(descriptor, 8), "little")
    if length > FRAME_BYTES:
        raise Closed("a frame is too long")
    try:
        message = json.loads(_exactly(descriptor, length))
    except (ValueError, RecursionError) as problem:
        raise Closed("a frame is not JSON") from problem
    if not isinstance(message, dict):
        raise Closed("a frame is not a message")
    return message


def _exactly(descriptor: int, length: int) -> bytes:
    parts, missing = [], length
    while missing:
        part = os.read(descriptor, min(missing, 1 << 20))
        if not part:
            raise Closed("the other side has gone")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def pack(value):
    """A value as JSON with type tags.

    Subclasses go as the built-in type they are equal to: a ``Counter`` as a dict, a named tuple as
    a tuple, an ``IntEnum`` as an int.

    Raises:
        CannotSend: a type that has no plain form.
    """
    if value is None or value is True or value is False:
        return value
    for kind, to_plain in _PACKERS:
        if isinstance(value, kind):
            return to_plain(value)
    if isinstance(value, Iterator):
        return ["iterator", _items(value)]
    raise CannotSend(f"a value of type {type(value).__name__}")


def _integer(value: int):
    plain = int.__index__(value)
    return plain if -_EXACT < plain < _EXACT else ["int", hex(plain)]


def _items(values) -> list:
    found: list = []
    for value in values:
        if len(found) == ITERATOR_ITEMS:
            raise CannotSend(f"an iterator of more than {ITERATOR_ITEMS:,} items")
        found.append(pack(value))
    return found


def _each(tag: str, plain):
    return lambda value: [tag, [pack(item) for item in plain(value)]]


_PACKERS: tuple = (
    (int, _integer),
    (float, lambda value: float.__pos__(value)),
    (str, lambda value: str.__str__(value)),
    (list, _each("list", list.__iter__)),
    (tuple, _each("tuple", tuple.__iter__)),
    (set, _each("set", set.__iter__)),
    (frozenset, _each("frozenset", frozenset.__iter__)),
    (dict, lambda value: ["dict", [[pack(k), pack(v)] for k, v in dict.items(value)]]),
    (bytes, lambda value: ["bytes", bytes.hex(value)]),
    (bytearray, lambda value: ["bytearray", bytearray.hex(value)]),
    (complex, lambda value: ["complex", [value.real, value.imag]]),
    (range, lambda value: ["range", [_integer(n) for n in (value.start, value.stop, value.step)]]),
    (Fraction, lambda value: ["Fraction", [_integer(value.numerator), _integer(value.denominator)]]),
    (Decimal, lambda value: ["Decimal", str(value)]),
    (type({}.keys()), lambda value: ["set", _items(value)]),
    (type({}.values()), lambda value: ["list", _items(value)]),
)  # fmt: skip


def unpack(packed):
    """The value of :func:`pack`'s JSON. Raises ``Closed`` for anything that :func:`pack` never makes."""
    if packed is None or isinstance(packed, bool | int | float | str):
        return packed
    try:
        tag, inside = packed
        return _UNPACKERS[tag](inside)
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as problem:
        raise Closed("a value is not in the agreed form") from problem


def _list(packed) -> list:
    return [unpack(item) for item in packed]


_UNPACKERS = {
    "int": lambda text: int(text, 16),
    "list": _list,
    "tuple": lambda packed: tuple(_list(packed)),
    "set": lambda packed: set(_list(packed)),
    "frozenset": lambda packed: frozenset(_list(packed)),
    "iterator": lambda packed: iter(_list(packed)),
    "dict": lambda packed: {unpack(pair[0]): unpack(pair[1]) for pair in packed},
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": lambda parts: complex(*map(float, parts)),
    "range": lambda parts: range(*_list(parts)),
    "Fraction": lambda parts: Fraction(*_list(parts)),
    "Decimal": Decimal,
}
