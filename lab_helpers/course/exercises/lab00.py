"""Lab 00: exercises, predictions, quiz."""

import numpy as np

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.course.language import Text
from lab_helpers.course.quiz import Prediction, Question

# --- nearest_label -----------------------------------------------------------------------------


def nearest_label(vectors, references, labels):
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    references = references / np.linalg.norm(references, axis=1, keepdims=True)
    return np.array(labels)[(vectors @ references.T).argmax(axis=1)]


def _positions(vectors, references, labels):
    return (vectors @ references.T / np.linalg.norm(references, axis=1)).argmax(axis=1)


def _unnormalised(vectors, references, labels):
    return np.array(labels)[(vectors @ references.T).argmax(axis=1)]


def _farthest(vectors, references, labels):
    unit = references / np.linalg.norm(references, axis=1, keepdims=True)
    return np.array(labels)[(vectors @ unit.T).argmin(axis=1)]


def _one_answer(vectors, references, labels):
    return np.array(labels)[
        (vectors @ references.T / np.linalg.norm(references, axis=1)).argmax(axis=0)
    ]


def _test_nearest_label(answer) -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.1]])
    references = np.array([[1.0, 0.1], [0.1, 1.0], [9.0, 9.0], [-1.0, 0.0]])
    labels = [7, 5, 3, 9]
    got = answer(vectors.copy(), references.copy(), list(labels))
    if got is not None and len(np.atleast_1d(got)) == len(references) != len(vectors):
        raise Mistake(
            "you return one label for each reference: take the argmax over the references (axis=1), for each text.",
            "参照ごとに 1 つの答えになっています。文ごとに、参照の方向(axis=1)で argmax を取ります。",
        )
    if same(got, _positions(vectors, references, labels)):
        raise Mistake(
            "you return the position of the nearest reference, not its label: look it up in `labels`.",
            "最も近い参照の位置を返しています。`labels` からラベルを引いてください。",
        )
    if same(got, _farthest(vectors, references, labels)):
        raise Mistake(
            "you take the farthest reference: argmax, not argmin.",
            "最も遠い参照を選んでいます。argmin ではなく argmax です。",
        )
    if same(got, _unnormalised(vectors, references, labels)):
        raise Mistake(
            "long reference vectors win whatever their direction: divide each vector by its norm first (cosine).",
            "長いベクトルが向きに関係なく勝っています。先に各ベクトルをノルムで割ってください(コサイン類似度)。",
        )
    expect_close(
        got,
        nearest_label(vectors, references, labels),
        "the labels are not those of the nearest references.",
        "最も近い参照のラベルになっていません。",
    )


# --- tokens_per_month --------------------------------------------------------------------------


def tokens_per_month(question_tokens, example_tokens, calls):
    return (question_tokens + example_tokens) * calls


def _test_tokens(answer) -> None:
    q, e, n = 30, 900, 1000
    got = answer(q, e, n)
    if same(got, q * n + e):
        raise Mistake(
            "you count the examples once, but the model has no memory between calls: they travel with every call.",
            "例を 1 回しか数えていません。モデルは呼び出し間で何も覚えていないため、例は毎回送られます。",
        )
    if same(got, q * n):
        raise Mistake(
            "the examples are missing: the model reads them too.",
            "例の分が入っていません。モデルは例も読みます。",
        )
    if same(got, q + e):
        raise Mistake(
            "that is one call; multiply by the number of calls.",
            "それは 1 回分です。呼び出し回数を掛けてください。",
        )
    expect_close(
        got,
        tokens_per_month(q, e, n),
        f"for 30 + 900 tokens and 1,000 calls it should be {tokens_per_month(q, e, n):,}.",
        f"30 + 900 トークン、1,000 回なら {tokens_per_month(q, e, n):,} のはずです。",
    )


# --- break_even_calls --------------------------------------------------------------------------


def break_even_calls(price_per_million, tokens_per_call, gpu_per_hour):
    api_per_call = price_per_million * tokens_per_call / 1_000_000
    return 730 * gpu_per_hour / api_per_call


def _test_break_even(answer) -> None:
    p, t, g = 2.0, 500, 0.4
    got = answer(p, t, g)
    right = break_even_calls(p, t, g)
    if same(got, right / 1e6, 1e-9):
        raise Mistake(
            "the price is per million tokens: divide by 1,000,000.",
            "価格は 100 万トークンあたりです。1,000,000 で割ってください。",
        )
    if same(got, right / 730):
        raise Mistake(
            "that is one hour of GPU; an always-on GPU costs 730 hours a month.",
            "それは GPU 1 時間分です。常時稼働なら月 730 時間かかります。",
        )
    if same(got, 1 / right, 1e-9):
        raise Mistake(
            "your fraction is upside down: GPU cost a month over API cost a call.",
            "分数が逆です。「GPU の月額 ÷ API の 1 回あたりの費用」です。",
        )
    expect_close(
        got,
        right,
        f"for these prices it should be {right:,.0f} calls.",
        f"この価格なら {right:,.0f} 回のはずです。",
    )


EXERCISES = (
    Exercise(
        name="nearest_label",
        prompt=Text(
            "Give every text the label of the reference that lies nearest by cosine. `vectors` (n, w), `references` (m, w), `labels` has m entries; return n labels.",
            "各文に、コサイン類似度で最も近い参照のラベルを付けてください。`vectors` は (n, w)、`references` は (m, w)、`labels` は m 個。n 個のラベルを返します。",
        ),
        stub="def nearest_label(vectors, references, labels):\n    ...",
        reference=nearest_label,
        test=_test_nearest_label,
        hints=(
            Text(
                "Cosine looks at direction only. What must happen to the lengths?",
                "コサイン類似度は向きだけを見ます。長さはどう扱うべきでしょうか。",
            ),
            Text(
                "Divide each row by np.linalg.norm(..., axis=1, keepdims=True), then multiply the two matrices.",
                "各行を np.linalg.norm(..., axis=1, keepdims=True) で割り、2 つの行列を掛けます。",
            ),
            Text(
                "np.array(labels)[(vectors @ references.T).argmax(axis=1)], after both are normalised.",
                "正規化してから np.array(labels)[(vectors @ references.T).argmax(axis=1)] です。",
            ),
        ),
        wrong_answers=(
            WrongAnswer(_unnormalised, "divide each vector by its norm"),
            WrongAnswer(_positions, "not its label"),
            WrongAnswer(_farthest, "argmax, not argmin"),
            WrongAnswer(_one_answer, "one label for each reference"),
        ),
        minutes=8,
    ),
    Exercise(
        name="tokens_per_month",
        prompt=Text(
            "How many tokens does the model read in a month when the examples travel in every prompt?",
            "例を毎回プロンプトに入れるとき、モデルは月に何トークン読みますか。",
        ),
        stub="def tokens_per_month(question_tokens, example_tokens, calls):\n    ...",
        reference=tokens_per_month,
        test=_test_tokens,
        hints=(
            Text(
                "What does the model remember of the last call?",
                "モデルは前回の呼び出しの何を覚えているでしょうか。",
            ),
            Text(
                "Nothing. So each call reads the question and all examples.",
                "何も覚えていません。毎回、質問とすべての例を読みます。",
            ),
            Text(
                "(question_tokens + example_tokens) * calls",
                "(question_tokens + example_tokens) * calls",
            ),
        ),
        wrong_answers=(
            WrongAnswer(lambda q, e, n: q * n + e, "every call"),
            WrongAnswer(lambda q, e, n: q * n, "examples are missing"),
            WrongAnswer(lambda q, e, n: q + e, "one call"),
        ),
        minutes=3,
    ),
    Exercise(
        name="break_even_calls",
        prompt=Text(
            "From how many calls a month is an always-on GPU (730 hours) cheaper than an API? Prices: API per million tokens, GPU per hour.",
            "常時稼働の GPU(月 730 時間)は、月に何回の呼び出しから API より安くなりますか。API は 100 万トークンあたり、GPU は 1 時間あたりの価格です。",
        ),
        stub="def break_even_calls(price_per_million, tokens_per_call, gpu_per_hour):\n    ...",
        reference=break_even_calls,
        test=_test_break_even,
        hints=(
            Text(
                "At the break-even point both bills are equal. Write down both.",
                "損益分岐点では両方の請求額が等しくなります。まず両方を書き出しましょう。",
            ),
            Text(
                "API: calls × price × tokens / 1,000,000. GPU: 730 × price an hour.",
                "API: 回数 × 価格 × トークン数 / 1,000,000。GPU: 730 × 時間単価。",
            ),
            Text(
                "Solve for calls: 730 * gpu_per_hour / (price_per_million * tokens_per_call / 1_000_000)",
                "回数について解きます: 730 * gpu_per_hour / (price_per_million * tokens_per_call / 1_000_000)",
            ),
        ),
        wrong_answers=(
            WrongAnswer(lambda p, t, g: 730 * g / (p * t), "per million"),
            WrongAnswer(lambda p, t, g: g / (p * t / 1e6), "730 hours"),
            WrongAnswer(lambda p, t, g: (p * t / 1e6) / (730 * g), "upside down"),
        ),
        minutes=6,
    ),
)

PREDICTIONS = (
    Prediction(
        "adapter_gain",
        Text(
            "By how many points will a 15-second LoRA adapter beat a description of the intents?",
            "15 秒で学習した LoRA アダプターは、意図の説明文だけの方法を何ポイント上回るでしょうか。",
        ),
        "intent_accuracy_gain",
        Text("points", "ポイント"),
        100.0,
    ),
)

QUIZ = (
    Question(
        Text(
            "You switch the adapter off. What do you get?", "アダプターを切ると、何が得られますか。"
        ),
        (
            Text("A model slightly worse than the base", "ベースより少し劣るモデル"),
            Text("The base, bit for bit", "ベースと完全に同じモデル"),
            Text("The base only after reloading its weights", "重みを読み直して初めてベース"),
        ),
        1,
        (
            Text(
                "The base weights were never touched: you measured a difference of 0.",
                "ベースの重みは一切変わっていません。差は 0 と実測しました。",
            ),
            Text(
                "Right. The adapter lies beside the frozen weights; off means not added.",
                "正解。アダプターは凍結した重みの隣にあり、切れば加算されません。",
            ),
            Text(
                "Nothing needs reloading: the weights are still there, unchanged.",
                "読み直しは不要です。重みはそのまま残っています。",
            ),
        ),
    ),
    Question(
        Text(
            "What does few-shot prompting cost that an adapter does not?",
            "フューショットにあって、アダプターにはない費用は何ですか。",
        ),
        (
            Text("Tokens in every single call", "毎回の呼び出しで読むトークン"),
            Text("Training time", "学習時間"),
            Text("A GPU", "GPU"),
        ),
        0,
        (
            Text(
                "Right: the examples travel with every call.",
                "正解。例は毎回の呼び出しで送られます。",
            ),
            Text(
                "The adapter costs training time; the prompt does not.",
                "学習時間がかかるのはアダプターの方です。",
            ),
            Text("Both ran on this machine.", "どちらもこのマシンで動きました。"),
        ),
    ),
    Question(
        Text(
            "Two accuracies differ by 3 points on 150 texts. What do you say?",
            "150 件のテストで正解率が 3 ポイント違いました。どう言えますか。",
        ),
        (
            Text("The higher one is better", "高い方が優れている"),
            Text(
                "The intervals overlap: this test cannot tell",
                "区間が重なるので、このテストでは判断できない",
            ),
            Text("They are the same", "両者は同じである"),
        ),
        1,
        (
            Text(
                "With 150 texts each interval is about ±8 points wide.",
                "150 件では区間の幅が約 ±8 ポイントあります。",
            ),
            Text(
                "Right. Measure more texts or more seeds before you decide.",
                "正解。決める前に、件数かシードを増やして測りましょう。",
            ),
            Text(
                "No evidence of a difference is not evidence of none.",
                "差が見えないことは、差がないことの証拠ではありません。",
            ),
        ),
    ),
)
