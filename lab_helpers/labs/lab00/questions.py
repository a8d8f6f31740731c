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
                "The intervals overlap: this test cannot tell",
                "区間が重なるので、このテストでは判断できない",
            ),
            Text("They are the same", "両者は同じである"),
        ),
        1,
        (
            Text(
                "With 50 questions an interval can be up to 14 points wide on either side.",
                "50 件では、区間の幅が最大で ±14 ポイントほどになります。",
            ),
            Text(
                "Right. Measure more questions or more seeds before you decide.",
                "正解。決める前に、件数かシードを増やして測りましょう。",
            ),
            Text(
                "No evidence of a difference is not evidence of none.",
                "差が見えないことは、差がないことの証拠ではありません。",
            ),
        ),
    ),
)
