"""Lab 03, exercise ``training_bytes``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, WrongAnswer, expect_close
from lab_helpers.labs.lab03.by_hand import training_bytes
from lab_helpers.labs.lab03.exercises.shared import refuse
from lab_helpers.runtime.language import Text

_BYTE_MISTAKES = (
    (
        lambda frozen, bits, trained: (frozen + trained) * 16,
        "you train everything: a frozen weight has no gradient and no optimizer state.",
        "全部を学習させています。凍結した重みには勾配もオプティマイザーの状態もありません。",
    ),
    (
        lambda frozen, bits, trained: frozen * bits + trained * 16,
        "`bits` are not bytes: divide by 8.",
        "`bits` はバイトではありません。8 で割ってください。",
    ),
    (
        lambda frozen, bits, trained: frozen * bits / 8 + trained * 4,
        "a trained weight also has a gradient and AdamW's two moments.",
        "学習する重みには、勾配と AdamW の 2 つのモーメントも要ります。",
    ),
    (
        lambda frozen, bits, trained: frozen * bits / 8 + trained * 12,
        "one of four is missing: weight, gradient, and *two* moments, 4 bytes each.",
        "4 つのうち 1 つ足りません。重み、勾配、そしてモーメントが「2 つ」、各 4 バイトです。",
    ),
)


def _test_bytes(answer) -> None:
    cases = ((1000, 4.5, 10), (640, 16, 7))
    got = [answer(*case) for case in cases]
    refuse(got, [([wrong(*case) for case in cases], en, ja) for wrong, en, ja in _BYTE_MISTAKES])
    expect_close(got, [training_bytes(*case) for case in cases], "not frozen × bits / 8 + trained × 16.", "frozen × bits / 8 + trained × 16 になっていません。")  # fmt: skip


EXERCISE = Exercise(
    name="training_bytes",
    prompt=Text(
        "Bytes for weights and training: `frozen` parameters of `bits` bits each, `trained` ones in 32 bits with AdamW.",
        "重みと学習に要るバイト数を返してください。凍結した `frozen` 個は各 `bits` ビット、学習する `trained` 個は 32 ビットで AdamW を使います。",
    ),
    reference=training_bytes,
    test=_test_bytes,
    hints=(
        Text(
            "What does AdamW keep for a weight, besides the weight and its gradient?",
            "AdamW は、重みと勾配のほかに、重み 1 つにつき何を覚えていますか。",
        ),
        Text(
            "Two moments. So a trained weight is four numbers of 4 bytes.",
            "モーメントが 2 つです。学習する重みは 4 バイトの数 4 つ分になります。",
        ),
        Text("return frozen * bits / 8 + trained * 16", "return frozen * bits / 8 + trained * 16"),
    ),
    wrong_answers=(
        WrongAnswer(_BYTE_MISTAKES[0][0], "train everything"),
        WrongAnswer(_BYTE_MISTAKES[1][0], "divide by 8"),
        WrongAnswer(_BYTE_MISTAKES[2][0], "also has a gradient"),
        WrongAnswer(_BYTE_MISTAKES[3][0], "one of four is missing"),
    ),
)
