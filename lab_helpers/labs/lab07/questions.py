"""Lab 07: what is predicted before anything runs, and the closing quiz."""

from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.runtime.language import Text

PREDICTIONS = (
    Prediction(
        "japanese_vectors",
        Text(
            "An English embedder searches 64 Japanese pages. For which share of the questions is the right page among the five best?",
            "英語用の埋め込みモデルで、日本語の文書 64 件を検索します。正解の文書が上位 5 件に入る質問の割合は、どれくらいでしょうか。",
        ),
        "recall_at_5_ja_vector_only",
        Text("(0 to 1)", "（0〜1）"),
    ),
    Prediction(
        "updated",
        Text(
            "All prices change in the documents. Which share of the new prices does the closed-book model know that was tuned on the archive?",
            "文書の価格がすべて変わりました。記録でチューニングした「資料なし」のモデルは、新しい価格のうちどれくらいを答えられるでしょうか。",
        ),
        "updated_fact_closed",
        Text("(0 to 1)", "（0〜1）"),
    ),
)

QUIZ = (
    Question(
        Text(
            "Fused scores of the best hit are equal for two questions, one of which no page answers. How can that be?",
            "2 つの質問で、最良の結果の融合スコアが同じでした。一方は、どの文書にも答えがありません。なぜそうなりうるのでしょうか。",
        ),
        (
            Text("A bug in the index", "索引のバグ"),
            Text(
                "Rank fusion knows ranks only, and something is always first",
                "順位の融合が見るのは順位だけで、何かが必ず 1 位になるから",
            ),
            Text("Both pages are equally good", "2 つの文書が同じくらい適切だから"),
        ),
        1,
        (
            Text("The index is right.", "索引は正しく動いています。"),
            Text(
                "Right: to abstain you need a score that says how well a hit fits, chosen on validation questions.",
                "正解。差し控えるかどうかは、どれだけ合っているかを表すスコアと、検証用の質問で選んだしきい値で決めます。",
            ),
            Text(
                "One of them answers nothing at all.", "一方の文書には、答えがまったくありません。"
            ),
        ),
    ),
    Question(
        Text(
            "Chunks of 512 tokens, an embedder that reads 256. What happens to the second half of each chunk?",
            "チャンクは 512 トークン、埋め込みモデルが読めるのは 256 トークンです。チャンクの後半はどうなりますか。",
        ),
        (
            Text("An error is raised", "エラーになる"),
            Text("It is embedded as a second vector", "2 つめのベクトルになる"),
            Text(
                "It is cut off silently and cannot be found by its vector",
                "警告もなく切り捨てられ、ベクトルでは見つからなくなる",
            ),
        ),
        2,
        (
            Text(
                "No error and no warning: the embedder just cuts.",
                "エラーも警告も出ません。黙って切り捨てられます。",
            ),
            Text("One chunk has one vector.", "チャンク 1 つにベクトルは 1 つです。"),
            Text(
                "Right: count the tokens with the embedder's own tokenizer, title and special tokens included.",
                "正解。埋め込みモデル自身のトークナイザーで、見出しや特殊トークンも含めて数えてください。",
            ),
        ),
    ),
    Question(
        Text(
            "A price changes today. What has to be done so that the assistant gives the new one?",
            "今日、価格が変わりました。アシスタントが新しい価格を答えるには、何が必要でしょうか。",
        ),
        (
            Text("Tune again on the new price", "新しい価格でもう一度チューニングする"),
            Text("Update the document in the store", "ストアの文書を更新する"),
            Text("Both", "両方"),
        ),
        1,
        (
            Text(
                "You measured what closed-book tuning does with facts.",
                "資料なしのチューニングで事実がどうなるかは、このラボで測りました。",
            ),
            Text(
                "Right: the tuned model reads; what it reads is in the store.",
                "正解。チューニングしたモデルは「読む」だけで、読むものはストアにあります。",
            ),
            Text(
                "The reader was trained with other numbers in every row; it has no price to forget.",
                "読むモデルは、行ごとに違う数字で学習しました。忘れるべき価格を持っていません。",
            ),
        ),
    ),
)
