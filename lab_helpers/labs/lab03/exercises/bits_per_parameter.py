"""Lab 03, exercise ``bits_per_parameter``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, WrongAnswer, expect_close
from lab_helpers.labs.lab03.exercises.shared import refuse
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.quantization import bits_per_parameter

_BIT_MISTAKES = (
    (
        lambda block, double: 4.0,
        "4 is only the code: every block also stores its scale.",
        "4 はコードの分だけです。ブロックごとにスケールも保存します。",
    ),
    (
        lambda block, double: 4 + (1 + 4 / 256 if double else 4) / block,
        "a float is 4 bytes, but 32 *bits*.",
        "float は 4 バイトですが、ここで数えるのは「ビット」で、32 です。",
    ),
    (
        lambda block, double: 4 + 32 / block,
        "`double` changes nothing in your answer: the scale then takes 8 bits.",
        "`double` を使っていません。二重量子化ではスケールが 8 ビットになります。",
    ),
    (
        lambda block, double: 4 + (8 if double else 32) / block,
        "the 8-bit scales have a scale of their own: 32 bits for every 256 of them.",
        "8 ビットのスケールにも、そのスケールがあります。256 個ごとに 32 ビットです。",
    ),
)


def _test_bits(answer) -> None:
    got = [answer(block, double) for block in (64, 32) for double in (False, True)]
    refuse(
        got,
        [
            ([wrong(block, double) for block in (64, 32) for double in (False, True)], en, ja)
            for wrong, en, ja in _BIT_MISTAKES
        ],
    )
    right = [bits_per_parameter(b, d) for b in (64, 32) for d in (False, True)]
    expect_close(got, right, "for blocks of 64 it is 4.5, and 4.127 with double quantization.", "ブロック 64 なら 4.5、二重量子化を使うと 4.127 です。")  # fmt: skip


EXERCISE = Exercise(
    name="bits_per_parameter",
    prompt=Text(
        "How many bits does a 4-bit parameter take, scales included, without and with double quantization?",
        "スケールも含めると、4 ビットのパラメータは 1 個何ビットですか。二重量子化なしとありの両方で。",
    ),
    reference=bits_per_parameter,
    test=_test_bits,
    hints=(
        Text(
            "4 bits for the code; and the block's scale is shared by `block` parameters.",
            "コードに 4 ビット。スケールは `block` 個のパラメータで共有します。",
        ),
        Text(
            "A scale has 32 bits; doubly quantized 8, plus 32 for every 256 scales.",
            "スケールは 32 ビット。二重量子化では 8 ビットと、256 個ごとに 32 ビットです。",
        ),
        Text(
            "return 4 + (8 + 32 / 256 if double else 32) / block",
            "return 4 + (8 + 32 / 256 if double else 32) / block",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_BIT_MISTAKES[0][0], "only the code"),
        WrongAnswer(_BIT_MISTAKES[1][0], "32 *bits*"),
        WrongAnswer(_BIT_MISTAKES[2][0], "`double` changes nothing"),
        WrongAnswer(_BIT_MISTAKES[3][0], "a scale of their own"),
    ),
)
