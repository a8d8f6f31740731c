"""Lab 01, exercise ``freeze_bottom``: planted wrong answers, check, hints."""

from torch import nn

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.classifier import freeze_bottom


def _freeze_top(blocks, trainable):
    for number, block in enumerate(blocks):
        block.requires_grad_(number < trainable)


def _freeze_too_many(blocks, trainable):
    for number, block in enumerate(blocks):
        block.requires_grad_(number > len(blocks) - trainable)


def _freeze_count(blocks, trainable):
    for number, block in enumerate(blocks):
        block.requires_grad_(number >= trainable)


def _never_thaws(blocks, trainable):
    for block in blocks[: len(blocks) - trainable]:
        block.requires_grad_(False)


def _state(function, trainable, start=True) -> list[bool]:
    blocks = nn.ModuleList(nn.Linear(2, 2) for _ in range(6)).requires_grad_(start)
    function(blocks, trainable)
    return [all(p.requires_grad for p in block.parameters()) for block in blocks]


def _test_freeze(answer) -> None:
    got = _state(answer, 2)
    if got == _state(_freeze_top, 2):
        raise Mistake(
            "you train the bottom blocks and freeze the top: block 0 is the bottom.",
            "下位のブロックを学習し、上位を凍結しています。ブロック 0 が最下層です。",
        )
    if got == _state(_freeze_too_many, 2):
        raise Mistake(
            "one block too few trains: off by one (>= and >).",
            "学習するブロックが 1 つ足りません。境界の >= と > を確かめてください。",
        )
    if got == _state(_freeze_count, 2):
        raise Mistake(
            "`trainable` counts the blocks that train, not those that are frozen.",
            "`trainable` は学習するブロックの数です。凍結する数ではありません。",
        )
    if got != _state(freeze_bottom, 2):
        raise Mistake(
            f"with 2 of 6 the blocks' requires_grad is {got}.",
            f"6 個中 2 個のとき、requires_grad が {got} になっています。",
        )
    if _state(answer, 2, start=False) != _state(freeze_bottom, 2):
        raise Mistake(
            "a block that was frozen before stays frozen: also set requires_grad to True for the top ones.",
            "以前に凍結したブロックが凍結されたままです。上位のブロックは requires_grad を True に戻してください。",
        )
    if _state(answer, 0) != [False] * 6 or _state(answer, 6) != [True] * 6:
        raise Mistake(
            "0 must freeze all blocks and 6 must train all.",
            "0 なら全ブロックを凍結、6 なら全ブロックを学習するはずです。",
        )


EXERCISE = Exercise(
    name="freeze_bottom",
    prompt=Text(
        "Let only the top `trainable` blocks learn: set requires_grad_ on every block. Block 0 is the bottom.",
        "上位 `trainable` 個のブロックだけを学習対象にしてください。全ブロックに requires_grad_ を設定します。ブロック 0 が最下層です。",
    ),
    reference=freeze_bottom,
    test=_test_freeze,
    hints=(
        Text(
            "With 6 blocks and trainable=2, which numbers learn?",
            "6 ブロックで trainable=2 のとき、学習するのは何番ですか。",
        ),
        Text(
            "Numbers 4 and 5: number >= len(blocks) - trainable.",
            "4 番と 5 番です。number >= len(blocks) - trainable。",
        ),
        Text(
            "for number, block in enumerate(blocks): block.requires_grad_(number >= len(blocks) - trainable)",
            "for number, block in enumerate(blocks): block.requires_grad_(number >= len(blocks) - trainable)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_freeze_top, "block 0 is the bottom"),
        WrongAnswer(_freeze_too_many, "off by one"),
        WrongAnswer(_freeze_count, "not those that are frozen"),
        WrongAnswer(_never_thaws, "stays frozen"),
    ),
)
