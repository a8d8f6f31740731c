"""Lab 02, exercise ``adapter_parameters``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.lora import adapter_parameters

_SHAPES = [(4096, 4096), (1024, 4096)]


def _test_count(answer) -> None:
    got = answer(list(_SHAPES), 8)
    fingerprints = (
        (
            sum(8 * d * k for d, k in _SHAPES),
            "you multiply d by k: A has r·k entries and B has d·r.",
            "d と k を掛けています。A は r·k 個、B は d·r 個です。",
        ),
        (
            8 * sum(_SHAPES[0]),
            "you counted the first matrix only.",
            "最初の行列しか数えていません。",
        ),
        (
            sum(2 * 8 * d for d, _ in _SHAPES),
            "v_proj is not square: A depends on k (inputs), B on d (outputs).",
            "v_proj は正方行列ではありません。A は k（入力）、B は d（出力）で決まります。",
        ),
    )
    for value, en, ja in fingerprints:
        if same(got, value):
            raise Mistake(en, ja)
    right = adapter_parameters(_SHAPES, 8)
    expect_close(
        got,
        right,
        f"for the two matrices and r = 8 it should be {right:,}.",
        f"2 つの行列で r = 8 なら {right:,} 個のはずです。",
    )


EXERCISE = Exercise(
    name="adapter_parameters",
    prompt=Text(
        "How many parameters does an adapter of rank r have on matrices of the given shapes (d, k)?",
        "与えられた形 (d, k) の行列すべてにランク r のアダプターを付けると、パラメータは何個ですか。",
    ),
    reference=adapter_parameters,
    test=_test_count,
    hints=(
        Text(
            "Count the entries of A and of B for one matrix first.",
            "まず 1 つの行列について A と B の要素数を数えましょう。",
        ),
        Text("A has r·k entries, B has d·r.", "A は r·k 個、B は d·r 個です。"),
        Text("sum(r * (d + k) for d, k in shapes)", "sum(r * (d + k) for d, k in shapes)"),
    ),
    wrong_answers=(
        WrongAnswer(lambda shapes, r: sum(r * d * k for d, k in shapes), "multiply d by k"),
        WrongAnswer(lambda shapes, r: r * sum(shapes[0]), "first matrix only"),
        WrongAnswer(lambda shapes, r: sum(2 * r * d for d, k in shapes), "not square"),
    ),
)
