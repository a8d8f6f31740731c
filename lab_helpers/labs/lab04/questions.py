"""Lab 04: predictions and quiz."""

from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.runtime.language import Text

PREDICTIONS = (
    Prediction(
        "new_facts",
        Text(
            "After one pass over 1,000 clean rows, what percentage of the held-out questions that ask for a number is answered with the right one?",
            "きれいな 1,000 件を 1 回学習したあと、数値を尋ねる、学習に使っていない質問のうち、正しい数値で答えられるのは何 % でしょうか。",
        ),
        "new_fact_accuracy_n1000",
        Text("%", "%"),
        100.0,
    ),
    Prediction(
        "forgetting",
        Text(
            "LoRA freezes every weight of the base. By how many points does the share of known facts answered right fall, at the rate that the validation rows choose?",
            "LoRA はベースの重みをすべて凍結します。検証用の行で選んだ学習率では、既知の事実の正答率は何ポイント下がるでしょうか。",
        ),
        "forgetting_lora",
        Text("points", "ポイント"),
        100.0,
    ),
)

QUIZ = (
    Question(
        Text(
            "Your tuned model answers well and then goes on and on. Where do you look first?",
            "調整したモデルが、うまく答えたあとも延々と書き続けます。まず何を調べますか。",
        ),
        (
            Text(
                "Whether the end token carries loss in the labels",
                "終わりのトークンのラベルに損失がかかっているか",
            ),
            Text("Whether max_new_tokens is too small", "max_new_tokens が小さすぎないか"),
            Text("Whether the learning rate is too low", "学習率が低すぎないか"),
        ),
        0,
        (
            Text(
                "Right: with the padding token set to the end token, a collator may have masked every end.",
                "正解。パディングに終わりのトークンを使うと、データコレーターが終わりをすべて隠してしまうことがあります。",
            ),
            Text(
                "A larger limit lets it go on for longer.",
                "上限を上げると、さらに長く書き続けるだけです。",
            ),
            Text(
                "The answers are good, so it has learned; it was never taught to stop.",
                "回答がよいのですから、学習はできています。教わっていないのは、書き終えることです。",
            ),
        ),
    ),
    Question(
        Text(
            "Your test score is excellent. A colleague asks how you split the data. What must you be able to say?",
            "テストの点数が非常に良く、同僚からデータの分け方を尋ねられました。何と言えなければなりませんか。",
        ),
        (
            Text("That rows were shuffled before the split", "分ける前に行をシャッフルした"),
            Text(
                "That no test question stands in the training rows, not even in other words",
                "言い換えも含めて、テストの質問が学習データに入っていない",
            ),
            Text("That exact duplicates were removed", "完全な重複を取り除いた"),
        ),
        1,
        (
            Text(
                "Shuffling spreads copies over both sides.",
                "シャッフルすると、写しが両側に散らばります。",
            ),
            Text(
                "Right. Groups of look-alikes stay on one side, and the search for leaks comes back empty.",
                "正解。似た行は同じ側にまとめ、漏れの検索で何も見つからないことを確かめます。",
            ),
            Text(
                "A greeting in front of a question is enough to hide a copy.",
                "質問の前にあいさつが付くだけで、写しは隠れてしまいます。",
            ),
        ),
    ),
    Question(
        Text(
            "You want the model to know next month's prices. What does this lab suggest?",
            "来月の価格をモデルに答えさせたいとします。このラボの結果は何を勧めていますか。",
        ),
        (
            Text("More training rows with prices", "価格の入った学習データを増やす"),
            Text(
                "Teach the style, and let the model read the price (lab 07)",
                "話し方は学習で教え、価格は資料を読ませる（ラボ 07）",
            ),
            Text("A higher learning rate", "学習率を上げる"),
        ),
        1,
        (
            Text(
                "They come slowly, raise errors on what was known, and are out of date next month.",
                "覚えるのが遅いうえ、知っていたことの誤りが増え、来月には古くなります。",
            ),
            Text(
                "Right: the style needs few rows; facts come in the training's wording only, after many passes, and push others out.",
                "正解。話し方は少ない件数で身につきます。事実は、何度も繰り返してようやく学習したときの言い方で出てくるだけで、ほかの事実を押し出します。",
            ),
            Text(
                "You measured what high rates do to the old knowledge.",
                "高い学習率が元の知識をどうするかは、測ったとおりです。",
            ),
        ),
    ),
    Question(
        Text(
            "SFTTrainer gets rows with 'messages' and no other setting. Which tokens carry loss?",
            "SFTTrainer に 'messages' 形式の行を渡し、ほかに何も設定しません。損失がかかるのはどのトークンですか。",
        ),
        (
            Text("The assistant's", "アシスタントの発言"),
            Text("The last turn's", "最後の発言"),
            Text("All of them", "すべて"),
        ),
        2,
        (
            Text(
                "Only with assistant_only_loss=True and a template that marks them.",
                "それは assistant_only_loss=True で、テンプレートに印がある場合だけです。",
            ),
            Text(
                "That is the default of prompt/completion rows.",
                "それは prompt/completion 形式の既定の動作です。",
            ),
            Text(
                "Right: the mask explorer shows it.",
                "正解。マスクの図で確かめたとおりです。",
            ),
        ),
    ),
)
