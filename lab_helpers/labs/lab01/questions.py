"""Lab 01: predictions and quiz."""

from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.runtime.language import Text

PREDICTIONS = (
    Prediction(
        "intent_gap",
        Text(
            "Ten intents, 64 labelled messages. By how many points does the pretrained encoder beat the best method that starts from nothing?",
            "意図は 10 種類、ラベルは 64 件。事前学習済みエンコーダーは、白紙から始める最良の方法を何ポイント上回るでしょうか。",
        ),
        "intent_gap_64",
        Text("points", "ポイント"),
        100.0,
    ),
    Prediction(
        "forgotten",
        Text(
            "Full fine-tuning on reviews takes seconds. How many points of its old skill does the encoder lose?",
            "レビューでのフルファインチューニングはあっという間に終わります。エンコーダーは元の技能を何ポイント失うでしょうか。",
        ),
        "forgetting_full",
        Text("points", "ポイント"),
        100.0,
    ),
)

QUIZ = (
    Question(
        Text(
            "On Japanese requests the probe on MiniLM lost to TF-IDF, and the one on the multilingual encoder did not. Why?",
            "日本語の問い合わせで、MiniLM のプローブは TF-IDF に負け、多言語エンコーダーのプローブは負けませんでした。なぜですか。",
        ),
        (
            Text("TF-IDF is the better method", "TF-IDF のほうが優れた手法だから"),
            Text(
                "MiniLM was pre-trained on English: it reads much of Japanese as [UNK]",
                "MiniLM は英語で事前学習され、日本語の多くを [UNK] と読むから",
            ),
            Text("Too little Japanese data", "日本語のデータが少なすぎるから"),
        ),
        1,
        (
            Text(
                "Then it would have beaten the multilingual encoder too.",
                "それなら、多言語エンコーダーにも勝ったはずです。",
            ),
            Text(
                "Right: what pre-training never saw cannot be transferred.",
                "正解。事前学習で見ていないものは転移できません。",
            ),
            Text("All three read the same texts.", "3 つとも、読んだテキストは同じです。"),
        ),
    ),
    Question(
        Text(
            "A tagger gets most tokens right. What do you know?",
            "あるタガーは、大半のトークンに正しい答えを出します。何がわかりますか。",
        ),
        (
            Text("It finds most entities", "固有表現のほとんどを見つける"),
            Text(
                "Almost nothing: so does the one that always answers O",
                "ほとんど何もわからない。常に O と答えるだけでも、そうなる",
            ),
            Text("Its span F1 is about as high", "スパンの F1 も同じくらい高い"),
        ),
        1,
        (
            Text(
                "The tagger that finds none gets most tokens right as well.",
                "1 つも見つけないタガーも、大半のトークンに正しい答えを出します。",
            ),
            Text("Right. Score whole spans.", "正解。スパン単位で評価しましょう。"),
            Text(
                "The tagger that always answers O has a span F1 of 0.",
                "常に O と答えるタガーの、スパンの F1 は 0 です。",
            ),
        ),
    ),
    Question(
        Text(
            "Fine-tuning with AdamW moved every block about equally far. What follows for the claim that the low blocks matter less?",
            "AdamW によるファインチューニングで、どのブロックも同じくらい動きました。下位のブロックはあまり重要でないという主張について、何が言えますか。",
        ),
        (
            Text("It is false", "主張は誤りである"),
            Text("It is true", "主張は正しい"),
            Text(
                "Nothing: put the old weights back and see what is missed",
                "何も言えない。元の重みに戻して、何が失われるかを見る",
            ),
        ),
        2,
        (
            Text(
                "AdamW moves weights that matter and weights that do not by about rate × steps.",
                "AdamW は、重要な重みもそうでない重みも、学習率 × ステップ数ほど動かします。",
            ),
            Text(
                "Equal movement does not say so either.",
                "同じだけ動いたことは、その根拠にもなりません。",
            ),
            Text("Right: a distance is no effect.", "正解。動いた距離と、その効果は別のものです。"),
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
                "正解。そうしないと、学ばなかったほうが有利になります。",
            ),
        ),
    ),
)
