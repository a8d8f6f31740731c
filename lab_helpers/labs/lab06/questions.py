"""Lab 06: what is predicted before anything runs, and the closing quiz."""

from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.runtime.language import Text

PREDICTIONS = (
    Prediction(
        "rouge",
        Text(
            "ROUGE-L, with the library's defaults, of a Japanese sentence and the very same sentence, from 0 to 1.",
            "日本語の文と、それとまったく同じ文の ROUGE-L（ライブラリの既定の設定、0 から 1）。",
        ),
        "rouge_ja_default",
        Text("of 1", "（1 が満点）"),
    ),
    Prediction(
        "invented",
        Text(
            "SFT has taught the house's tone. Asked for facts that it never read, in how many percent of its replies does it state a wrong value?",
            "SFT は会社の口調を教えました。読んだことのない事実を聞かれたとき、間違った値を答える割合は何 % でしょうか。",
        ),
        "hallucination_rate_sft",
        Text("%", "%"),
        scale=100,
    ),
    Prediction(
        "leaked",
        Text(
            "Half of a test leaks into the training data. By how many percentage points does the score on that half rise?",
            "テストの半分が学習データに混ざりました。その半分の点数は何ポイント上がるでしょうか。",
        ),
        "leak_score_gain",
        Text("points", "ポイント"),
        scale=100,
    ),
)

QUIZ = (
    Question(
        Text(
            "A colleague reports ROUGE-L 0.00 for a Japanese summariser whose texts read well. Your first suspicion?",
            "読みやすい要約を書く日本語モデルの ROUGE-L が 0.00 だと、同僚が報告してきました。まず何を疑いますか。",
        ),
        (
            Text("The model paraphrases", "モデルが言い換えている"),
            Text("The tokenizer threw every character away", "トークナイザーが文字をすべて捨てた"),
            Text("The references are too long", "参照文が長すぎる"),
        ),
        1,
        (
            Text(
                "Paraphrases share many words all the same: exactly 0 is not what they give.",
                "言い換えでも、かなりの単語が一致します。ちょうど 0 にはなりません。",
            ),
            Text(
                "Right. The default keeps a-z and 0-9 only. Score a text against itself first.",
                "正解。既定では a〜z と 0〜9 しか残しません。まず、同じ文どうしで測ってみることです。",
            ),
            Text(
                "Length lowers recall, but not to exactly 0.",
                "長ければ再現率は下がりますが、ちょうど 0 にはなりません。",
            ),
        ),
    ),
    Question(
        Text(
            "Six questions in ten have an answer. A model that answers everything reaches 60 % accuracy at knowing when to decline. What shows its fault?",
            "質問の 6 割には答えがあります。何にでも答えるモデルは、「いつ差し控えるべきか」の正解率が 60 % になります。欠点が表れるのはどれですか。",
        ),
        (
            Text("Accuracy on more questions", "質問を増やした正解率"),
            Text("Recall of “declines”: 0", "「差し控える」の再現率（0 になる）"),
            Text("Its perplexity", "パープレキシティ"),
        ),
        1,
        (
            Text(
                "It stays at 60 %, only with a narrower interval.",
                "60 % のままで、区間が狭くなるだけです。",
            ),
            Text(
                "Right: of the questions that it should decline it declined none.",
                "正解。差し控えるべき質問を、一つも差し控えていません。",
            ),
            Text(
                "That says how expected the text is, not what it does.",
                "それはテキストの予測しやすさで、行動は表しません。",
            ),
        ),
    ),
    Question(
        Text(
            "SFT scores 0.52 [0.42, 0.62] and DPO 0.58 [0.48, 0.68] on the same 100 items. The intervals overlap. Is there a difference?",
            "同じ 100 問で SFT が 0.52 [0.42, 0.62]、DPO が 0.58 [0.48, 0.68] でした。区間は重なっています。差はあるのでしょうか。",
        ),
        (
            Text("No: they overlap", "ない。重なっているから"),
            Text("Yes: 0.58 is larger", "ある。0.58 のほうが大きいから"),
            Text(
                "These intervals do not say: look at the items in pairs",
                "この区間からは言えない。問題ごとに対にして比べる",
            ),
        ),
        2,
        (
            Text(
                "Both models find the same items hard; overlap of separate intervals proves nothing.",
                "難しい問題はどちらのモデルにも難しいものです。別々の区間が重なっても、何も証明されません。",
            ),
            Text(
                "By chance alone one of two equal models is always a little ahead.",
                "実力が同じでも、たまたまどちらかが少し上になります。",
            ),
            Text(
                "Right: the paired bootstrap or a permutation test uses that both answered the same items.",
                "正解。対応のあるブートストラップや並べ替え検定なら、同じ問題に答えたことを活かせます。",
            ),
        ),
    ),
    Question(
        Text(
            "A judge prefers reply A in 90 % of the pairs. What do you do before you believe it?",
            "審査員が 90 % のペアで回答 A を選びました。信じる前に何をしますか。",
        ),
        (
            Text(
                "Swap the places, and control for length",
                "順番を入れ替え、長さの影響も調べる",
            ),
            Text("Ask it to explain itself", "理由を説明させる"),
            Text("Take more pairs", "ペアを増やす"),
        ),
        0,
        (
            Text(
                "Right. A place or a length may explain all of it; and compare with gold, where you have any.",
                "正解。置き場所や長さだけで説明がつくかもしれません。正解の分かるペアがあれば、それとも比べます。",
            ),
            Text(
                "It will find reasons for either choice.",
                "どちらを選んでも、理由はいくらでも付けられます。",
            ),
            Text(
                "More pairs make a bias more precise, not smaller.",
                "ペアを増やすと偏りが正確に測れるだけで、小さくはなりません。",
            ),
        ),
    ),
    Question(
        Text(
            "The n-gram check finds no overlap between test and training data. Is the test clean?",
            "n-gram で調べたところ、テストと学習データに重なりはありませんでした。テストは汚染されていないと言えますか。",
        ),
        (
            Text("Yes", "言える"),
            Text(
                "Of copies only: a paraphrase or a translation may be there",
                "言えるのは丸写しについてだけ。言い換えや翻訳は残っているかもしれない",
            ),
            Text("No: the check never works", "言えない。この検査は役に立たない"),
        ),
        1,
        (
            Text(
                "Look at the reworded problems: they all went through.",
                "言い換えた問題を思い出してください。すべてすり抜けました。",
            ),
            Text(
                "Right. Fresh items written after the training data were collected are the stronger test.",
                "正解。学習データが集められたあとで書かれた新しい問題のほうが、確かな検査になります。",
            ),
            Text(
                "It found every copy that had been planted.",
                "仕込んだ丸写しは、すべて見つけました。",
            ),
        ),
    ),
)
