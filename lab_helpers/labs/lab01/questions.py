"""Lab 01: predictions and quiz."""

from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.runtime.language import Text

PREDICTIONS = (
    Prediction(
        "intent_gap",
        Text(
            "Ten intents, 64 labelled messages. By how many points does the pretrained encoder beat the best method that starts from nothing?",
            "意図は 10 種類、ラベルは 64 件。事前学習済みエンコーダーは、何も知らずに始める最良の方法を何ポイント上回るでしょうか。",
        ),
        "intent_gap_64",
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
