"""Lab 05: what is predicted before anything runs, and the closing quiz."""

from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.runtime.language import Text

PREDICTIONS = (
    Prediction(
        "first_loss",
        Text(
            "Before the first step policy and reference are the same model. What is DPO's loss then?",
            "最初のステップの前、方策と参照モデルは同じモデルです。このとき DPO の損失はいくつでしょうか。",
        ),
        "dpo_first_loss",
        Text("nats", "nat"),
    ),
    Prediction(
        "chosen",
        Text(
            "DPO trains on pairs that differ in a few digits. By how many nats does the log-probability of the *chosen* answers change?",
            "数字が少し違うだけのペアで DPO を行うと、「chosen」の対数確率は何 nat 変わるでしょうか。",
        ),
        "chosen_logp_change",
        Text("nats", "nat"),
    ),
)

QUIZ = (
    Question(
        Text(
            "The first loss of a plain DPO training (loss_type sigmoid) is 1.9. What do you conclude?",
            "ふつうの DPO（loss_type は sigmoid）の学習で、最初の損失が 1.9 でした。何が言えますか。",
        ),
        (
            Text("The pairs are hard", "ペアが難しい"),
            Text(
                "The reference is not the model that training starts from",
                "参照モデルが、学習を始めるモデルと違う",
            ),
            Text("β is too large", "β が大きすぎる"),
        ),
        1,
        (
            Text(
                "Before the first step no pair is hard: both ratios are zero, whatever the pair.",
                "最初のステップの前は、どんなペアでも比が 0 なので、難しさは損失に表れません。",
            ),
            Text(
                "Right: with the start as reference it is ln 2 = 0.693 for every β and every pair.",
                "正解。出発点が参照モデルなら、β やペアによらず ln 2 = 0.693 になります。",
            ),
            Text(
                "β multiplies a margin that is still zero.",
                "β が掛かる差は、まだ 0 です。",
            ),
        ),
    ),
    Question(
        Text(
            "The loss falls, the accuracy is 1, and the log-probability of the chosen answers falls as well. Is that a bug?",
            "損失は下がり、正解率は 1 ですが、chosen の対数確率も下がっています。これはバグでしょうか。",
        ),
        (
            Text(
                "Yes: the chosen answers must become likelier",
                "バグである。chosen は起こりやすくなるはずだから",
            ),
            Text(
                "No: the loss knows the difference only, and the rejected ones fell further",
                "バグではない。損失が見るのは差だけで、rejected がもっと下がったのである",
            ),
            Text("It cannot happen", "そんなことは起こらない"),
        ),
        1,
        (
            Text(
                "Look at the formula: where does it ask for that?",
                "式を見てください。そのような要求はどこにもありません。",
            ),
            Text(
                "Right: likelihood displacement. An SFT term on the chosen answer holds it up.",
                "正解。これが尤度の変位です。chosen に SFT の項を加えれば防げます。",
            ),
            Text("You have measured it.", "このラボで実際に測りました。"),
        ),
    ),
    Question(
        Text(
            "DPO trains a LoRA adapter. Where is the reference model?",
            "DPO で LoRA アダプターを学習します。参照モデルはどこにありますか。",
        ),
        (
            Text("A second copy in memory", "メモリ上のもう 1 つのコピー"),
            Text("Nowhere: DPO needs none", "どこにもない。DPO には要らない"),
            Text(
                "In the same weights: the adapter is switched off for a moment",
                "同じ重みの中。アダプターを一時的に切ればよい",
            ),
        ),
        2,
        (
            Text(
                "That is full fine-tuning; look at the memory table.",
                "それはフルファインチューニングの場合です。メモリの表を見てください。",
            ),
            Text(
                "It needs no *reward model*. The loss has two log-probabilities of the reference in it.",
                "要らないのは「報酬モデル」です。損失の式には参照モデルの対数確率が 2 つ入っています。",
            ),
            Text(
                "Right, as long as what is switched off is all that DPO changes: merge the SFT adapter first.",
                "正解。ただし、切ったときに戻る先が DPO の出発点でなければなりません。先に SFT のアダプターを統合しておきます。",
            ),
        ),
    ),
    Question(
        Text(
            "Your raters prefer the longer answer four times out of five. What will DPO learn from their pairs?",
            "評価者は 5 回に 4 回、長いほうの回答を選びます。そのペアから DPO は何を学ぶでしょうか。",
        ),
        (
            Text(
                "What is good about the answers; length averages out",
                "回答の良さ。長さの影響は平均すれば消える",
            ),
            Text(
                "Whatever tells the two apart, and length tells them apart well",
                "2 つを見分けられるものなら何でも。長さはよい手がかりになる",
            ),
            Text("Nothing", "何も学ばない"),
        ),
        1,
        (
            Text(
                "It does not average out: it points in one direction four times out of five.",
                "平均しても消えません。5 回に 4 回は同じ方向を指しています。",
            ),
            Text(
                "Right. Balance the data so that length says nothing; a loss that discounts length need not be enough. And measure the replies.",
                "正解。長さからは何も分からないように、データを釣り合わせます。長さを割り引く損失だけでは足りないことがあります。そして、回答の長さを測ってください。",
            ),
            Text("It learns very well.", "とてもよく学びます。"),
        ),
    ),
)
