"""Lab 00: predictions and quiz."""

from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.runtime.language import Text

PREDICTIONS = (
    Prediction(
        "tone_gain",
        Text(
            "By how many points will the adapter beat the better of the two prompts?",
            "アダプターは、2 つのプロンプトのうち良いほうを何ポイント上回るでしょうか。",
        ),
        "tone_gain",
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
            "Two prompts differ by 6 points on 50 questions. What do you say?",
            "50 件の質問で、2 つのプロンプトに 6 ポイントの差が出ました。どう言えますか。",
        ),
        (
            Text("The higher one is better", "高い方が優れている"),
            Text(
                "I look at the differences, question by question: does their interval exclude zero?",
                "質問ごとの差を見て、その区間が 0 を含まないかを確かめる",
            ),
            Text(
                "Their two intervals overlap, so they are the same",
                "2 つの区間が重なるので、両者は同じである",
            ),
        ),
        1,
        (
            Text(
                "With 50 questions, chance alone moves a rate by up to 14 points either way.",
                "50 件では、偶然だけで割合が最大 ±14 ポイントほど動きます。",
            ),
            Text(
                "Right. Both answered the same questions: the paired difference decides.",
                "正解。同じ質問に答えているので、対応のある差で判断します。",
            ),
            Text(
                "Two intervals that overlap decide nothing: the differences may still be sure.",
                "区間が重なるかどうかでは、何も決まりません。重なっていても、差は確かかもしれません。",
            ),
        ),
    ),
    Question(
        Text(
            "You trained at a rate ten times too large. What do you see?",
            "学習率を 10 倍大きくしすぎました。何が起こりますか。",
        ),
        (
            Text("The loss falls ten times as fast", "損失が 10 倍の速さで下がる"),
            Text("The loss jumps up, or stays high", "損失が跳ね上がるか、高いままになる"),
            Text("Nothing moves", "何も動かない"),
        ),
        1,
        (
            Text(
                "Each step overshoots: the gradient only holds near where it was computed.",
                "1 歩ごとに行き過ぎます。勾配が正しいのは、計算した場所の近くだけです。",
            ),
            Text(
                "Right: you saw it in the first figure of losses.",
                "正解。損失の最初の図で見たとおりです。",
            ),
            Text("That is what too small a rate does.", "それは学習率が小さすぎるときです。"),
        ),
    ),
)
