"""Lab 01: exercises, predictions, quiz."""

import torch
from torch import nn

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.course.language import Text
from lab_helpers.course.quiz import Prediction, Question

# --- mean_pool ---------------------------------------------------------------------------------


def mean_pool(hidden, mask):
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def _with_padding(hidden, mask):
    return hidden.mean(dim=1)


def _wrong_divisor(hidden, mask):
    return (hidden * mask.unsqueeze(-1)).sum(dim=1) / hidden.shape[1]


def _first_token(hidden, mask):
    return hidden[:, 0]


def _sum_only(hidden, mask):
    return (hidden * mask.unsqueeze(-1)).sum(dim=1)


def _test_mean_pool(answer) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(2, 4, 3, generator=generator)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    got = answer(hidden.clone(), mask.clone())
    if same(got, _with_padding(hidden, mask)):
        raise Mistake(
            "padding is averaged in: a short text would change with its neighbours in the batch. Use the mask.",
            "パディングまで平均しています。短い文のベクトルが、同じバッチの他の文に左右されてしまいます。マスクを使ってください。",
        )
    if same(got, _wrong_divisor(hidden, mask)):
        raise Mistake(
            "you divide by the padded length: divide by the number of real tokens of each text.",
            "パディング込みの長さで割っています。文ごとの実際のトークン数で割ってください。",
        )
    if same(got, _first_token(hidden, mask)):
        raise Mistake(
            "that is the first token's vector ([CLS]), not the mean.",
            "それは先頭トークン([CLS])のベクトルで、平均ではありません。",
        )
    if same(got, _sum_only(hidden, mask)):
        raise Mistake(
            "that is the sum: longer texts would get longer vectors. Divide.",
            "それは和です。長い文ほどベクトルも長くなります。割り算をしてください。",
        )
    expect_close(
        got,
        mean_pool(hidden, mask),
        "not the mean over the real tokens.",
        "実際のトークンの平均になっていません。",
    )


# --- freeze_bottom -----------------------------------------------------------------------------


def freeze_bottom(blocks, trainable):
    for number, block in enumerate(blocks):
        block.requires_grad_(number >= len(blocks) - trainable)


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


# --- span_f1 -----------------------------------------------------------------------------------


def span_f1(predicted, gold):
    right = sum(len(set(p) & set(g)) for p, g in zip(predicted, gold, strict=True))
    if right == 0:
        return 0.0
    precision = right / sum(len(p) for p in predicted)
    recall = right / sum(len(g) for g in gold)
    return 2 * precision * recall / (precision + recall)


def _right(predicted, gold):
    return sum(len(set(p) & set(g)) for p, g in zip(predicted, gold, strict=True))


def _precision_only(predicted, gold):
    return _right(predicted, gold) / sum(map(len, predicted)) if any(predicted) else 0.0


def _recall_only(predicted, gold):
    return _right(predicted, gold) / sum(map(len, gold))


def _ignores_kind(predicted, gold):
    strip = lambda rows: [[(s, e, "x") for s, e, _ in row] for row in rows]  # noqa: E731
    return span_f1(strip(predicted), strip(gold))


def _arithmetic_mean(predicted, gold):
    return (_precision_only(predicted, gold) + _recall_only(predicted, gold)) / 2


def _divides_by_zero(predicted, gold):
    precision = _right(predicted, gold) / sum(map(len, predicted))
    recall = _right(predicted, gold) / sum(map(len, gold))
    return 2 * precision * recall / (precision + recall)


_PREDICTED = [
    [(0, 4, "part"), (10, 14, "date")],
    [(3, 9, "drug")],
    [],
    [(5, 9, "money"), (11, 12, "money"), (20, 22, "part")],
]
_GOLD = [[(0, 4, "part"), (10, 14, "money")], [(3, 9, "drug")], [(0, 2, "date")], [(5, 9, "money")]]


def _test_span_f1(answer) -> None:
    try:
        empty = answer([[]], [[(0, 1, "part")]])
    except ZeroDivisionError:
        raise Mistake(
            "a tagger that finds nothing makes you divide by zero: its F1 is 0.",
            "何も見つけないタガーでゼロ除算になります。その F1 は 0 です。",
        ) from None
    got = answer(_PREDICTED, _GOLD)
    if same(got, _ignores_kind(_PREDICTED, _GOLD)):
        raise Mistake(
            "the kind is ignored: a date labelled as money is not right.",
            "種類を見ていません。日付を金額とした予測は正解ではありません。",
        )
    if same(got, _precision_only(_PREDICTED, _GOLD)):
        raise Mistake("that is precision alone.", "それは適合率だけです。")
    if same(got, _recall_only(_PREDICTED, _GOLD)):
        raise Mistake("that is recall alone.", "それは再現率だけです。")
    if same(got, _arithmetic_mean(_PREDICTED, _GOLD)):
        raise Mistake(
            "that is the arithmetic mean of precision and recall; F1 is the harmonic mean.",
            "それは適合率と再現率の算術平均です。F1 は調和平均です。",
        )
    expect_close(
        got,
        span_f1(_PREDICTED, _GOLD),
        f"for the test sentences it should be {span_f1(_PREDICTED, _GOLD):.4f}.",
        f"テスト用の文では {span_f1(_PREDICTED, _GOLD):.4f} のはずです。",
    )
    expect_close(empty, 0.0, "nothing found must give 0.", "何も見つからなければ 0 のはずです。")


# --- relative_change ---------------------------------------------------------------------------


def relative_change(before, after):
    return (after - before).norm() / before.norm()


def _test_relative_change(answer) -> None:
    generator = torch.Generator().manual_seed(1)
    before = 3 * torch.randn(4, 5, generator=generator)
    after = before + torch.randn(4, 5, generator=generator)
    got = answer(before.clone(), after.clone())
    delta = after - before
    if same(got, delta.norm()):
        raise Mistake(
            "that is ‖ΔW‖; divide by ‖W‖ so that large and small matrices compare.",
            "それは ‖ΔW‖ です。大きさの違う行列を比べるため ‖W‖ で割ってください。",
        )
    if same(got, delta.norm() / after.norm()):
        raise Mistake(
            "divide by the norm before training, not after.",
            "学習後ではなく、学習前のノルムで割ってください。",
        )
    if same(got, delta.norm() ** 2 / before.norm() ** 2):
        raise Mistake("the norms are squared.", "ノルムが 2 乗されています。")
    if same(got, (after.norm() - before.norm()) / before.norm()):
        raise Mistake(
            "a difference of norms is not the norm of the difference: a rotated matrix would count as unmoved.",
            "ノルムの差と、差のノルムは違います。回転しただけの行列が「動いていない」ことになります。",
        )
    expect_close(
        got,
        relative_change(before, after),
        "not ‖after − before‖ / ‖before‖.",
        "‖after − before‖ / ‖before‖ になっていません。",
    )


EXERCISES = (
    Exercise(
        name="mean_pool",
        prompt=Text(
            "Average the token vectors of each text, padding left out. hidden (batch, tokens, width), mask (batch, tokens) of 0/1 → (batch, width).",
            "パディングを除いて、文ごとにトークンのベクトルを平均してください。hidden (batch, tokens, width)、mask (batch, tokens) は 0/1 → (batch, width)。",
        ),
        stub="def mean_pool(hidden, mask):\n    ...",
        reference=mean_pool,
        test=_test_mean_pool,
        hints=(
            Text(
                "What would happen to a short text in a batch with a long one if you used hidden.mean(1)?",
                "hidden.mean(1) を使うと、長い文と同じバッチに入った短い文はどうなるでしょうか。",
            ),
            Text(
                "mask.unsqueeze(-1) has shape (batch, tokens, 1): multiply by it, sum over dim=1, then divide.",
                "mask.unsqueeze(-1) の形は (batch, tokens, 1) です。掛けて dim=1 で足し、割ります。",
            ),
            Text(
                "(hidden * m).sum(1) / m.sum(1), with m = mask.unsqueeze(-1)",
                "m = mask.unsqueeze(-1) として (hidden * m).sum(1) / m.sum(1)",
            ),
        ),
        wrong_answers=(
            WrongAnswer(_with_padding, "padding is averaged in"),
            WrongAnswer(_wrong_divisor, "padded length"),
            WrongAnswer(_first_token, "first token"),
            WrongAnswer(_sum_only, "that is the sum"),
        ),
        minutes=8,
    ),
    Exercise(
        name="freeze_bottom",
        prompt=Text(
            "Let only the top `trainable` blocks learn: set requires_grad_ on every block. Block 0 is the bottom.",
            "上位 `trainable` 個のブロックだけを学習対象にしてください。全ブロックに requires_grad_ を設定します。ブロック 0 が最下層です。",
        ),
        stub="def freeze_bottom(blocks, trainable):\n    ...",
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
        minutes=6,
    ),
    Exercise(
        name="span_f1",
        prompt=Text(
            "F1 over all sentences together. Each sentence is a list of spans (start, end, kind); a span counts only if all three agree. Nothing right gives 0.",
            "全文をまとめた F1 を計算してください。各文はスパン (start, end, kind) のリストで、3 つすべてが一致して初めて正解です。正解が 1 つもなければ 0 です。",
        ),
        stub="def span_f1(predicted, gold):\n    ...",
        reference=span_f1,
        test=_test_span_f1,
        hints=(
            Text(
                "Count three things over all sentences: right, predicted, gold.",
                "全文で 3 つの数を数えます: 正解、予測、ゴールド。",
            ),
            Text(
                "right is the size of set(p) & set(g), summed. Precision = right/predicted, recall = right/gold.",
                "正解は set(p) & set(g) の要素数の合計。適合率 = 正解/予測、再現率 = 正解/ゴールド。",
            ),
            Text(
                "2 * precision * recall / (precision + recall), and 0.0 before any division when right == 0.",
                "2 * precision * recall / (precision + recall)。right == 0 なら割り算の前に 0.0 を返します。",
            ),
        ),
        wrong_answers=(
            WrongAnswer(_ignores_kind, "kind is ignored"),
            WrongAnswer(_precision_only, "precision alone"),
            WrongAnswer(_recall_only, "recall alone"),
            WrongAnswer(_arithmetic_mean, "harmonic mean"),
            WrongAnswer(_divides_by_zero, "divide by zero"),
        ),
        minutes=10,
    ),
    Exercise(
        name="relative_change",
        prompt=Text(
            "How far a matrix moved, relative to its size: ‖after − before‖ / ‖before‖ (Frobenius).",
            "行列がその大きさに対してどれだけ動いたか: ‖after − before‖ / ‖before‖(フロベニウスノルム)。",
        ),
        stub="def relative_change(before, after):\n    ...",
        reference=relative_change,
        test=_test_relative_change,
        hints=(
            Text(
                "Which is larger, a big matrix that moved a little or a small one that moved a lot? Make them comparable.",
                "少し動いた大きな行列と、大きく動いた小さな行列。比べられる形にしましょう。",
            ),
            Text(
                "tensor.norm() is the Frobenius norm of a matrix.",
                "tensor.norm() は行列のフロベニウスノルムです。",
            ),
            Text(
                "(after - before).norm() / before.norm()", "(after - before).norm() / before.norm()"
            ),
        ),
        wrong_answers=(
            WrongAnswer(lambda b, a: (a - b).norm(), "large and small matrices"),
            WrongAnswer(lambda b, a: (a - b).norm() / a.norm(), "before training, not after"),
            WrongAnswer(lambda b, a: ((a - b).norm() / b.norm()) ** 2, "squared"),
            WrongAnswer(lambda b, a: (a.norm() - b.norm()) / b.norm(), "difference of norms"),
        ),
        minutes=4,
    ),
)

PREDICTIONS = (
    Prediction(
        "intent_gap",
        Text(
            "Ten intents, 64 labelled messages. By how many points does the pretrained encoder beat the best method that starts from nothing?",
            "意図は 10 種類、ラベルは 64 件。事前学習済みエンコーダーは、何も知らずに始める最良の方法を何ポイント上回るでしょうか。",
        ),
        "intent_gap_64_en",
        Text("points", "ポイント"),
        100.0,
    ),
    Prediction(
        "forgotten",
        Text(
            "Full fine-tuning on 256 reviews takes seconds. How many points of its old skill does the encoder lose?",
            "256 件のレビューで数秒フルファインチューニングすると、エンコーダーは元の技能を何ポイント失うでしょうか。",
        ),
        "forgetting_full",
        Text("points", "ポイント"),
        100.0,
    ),
)

QUIZ = (
    Question(
        Text(
            "On Japanese reviews TF-IDF beat the pretrained MiniLM. Why?",
            "日本語のレビューでは TF-IDF が事前学習済み MiniLM に勝ちました。なぜですか。",
        ),
        (
            Text("TF-IDF is the better method", "TF-IDF の方が優れた手法だから"),
            Text(
                "MiniLM was pre-trained on English: it reads much of Japanese as [UNK]",
                "MiniLM は英語で事前学習され、日本語の多くを [UNK] と読むから",
            ),
            Text("Too little Japanese data", "日本語のデータが少なすぎるから"),
        ),
        1,
        (
            Text(
                "On English intents it lost by a wide margin.",
                "英語の意図分類では大差で負けています。",
            ),
            Text(
                "Right: what pre-training never saw cannot be transferred.",
                "正解。事前学習で見ていないものは転移できません。",
            ),
            Text("Both languages have the same number of rows.", "どちらの言語も件数は同じです。"),
        ),
    ),
    Question(
        Text(
            "A tagger has 70 % token accuracy. What do you know?",
            "あるタガーのトークン正解率は 70 % です。何がわかりますか。",
        ),
        (
            Text("It finds most entities", "固有表現のほとんどを見つける"),
            Text(
                "Almost nothing: always answering O scores that much here",
                "ほとんど何も。このデータでは常に O と答えるだけで届く",
            ),
            Text("Its F1 is about 0.7", "F1 はおよそ 0.7 である"),
        ),
        1,
        (
            Text(
                "The tagger that finds none scores 70 % as well.",
                "1 つも見つけないタガーも 70 % 取れます。",
            ),
            Text("Right. Score whole spans.", "正解。スパン単位で評価しましょう。"),
            Text(
                "The majority tagger has 70 % accuracy and F1 0.",
                "多数派タガーは正解率 70 % で F1 は 0 です。",
            ),
        ),
    ),
    Question(
        Text(
            "Two methods are to be compared by what they forget. What must be equal?",
            "2 つの手法を忘却で比べます。何をそろえるべきですか。",
        ),
        (
            Text("The number of steps", "ステップ数"),
            Text("The learning rate", "学習率"),
            Text("The new skill they have reached", "到達した新しい技能"),
        ),
        2,
        (
            Text(
                "A method that has learned nothing in those steps has forgotten nothing either.",
                "その間に何も学んでいない手法は、何も忘れていません。",
            ),
            Text(
                "The same rate means something else to each method.",
                "同じ学習率でも、手法ごとに意味が違います。",
            ),
            Text(
                "Right: otherwise you reward the one that learned less.",
                "正解。そうしないと、学ばなかった方が有利になります。",
            ),
        ),
    ),
)
