"""Lab 02: predictions and quiz."""

from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.runtime.language import Text

PREDICTIONS = (
    Prediction(
        "energy",
        Text(
            "ΔW of a full fine-tuning is a 256 × 256 matrix. What percentage of ‖ΔW‖² do its first 8 singular directions hold?",
            "フルファインチューニングの ΔW は 256 × 256 の行列です。最初の 8 つの特異方向は ‖ΔW‖² の何 % を占めるでしょうか。",
        ),
        "energy_top_8",
        Text("%", "%"),
        100.0,
    ),
    Prediction(
        "one_in",
        Text(
            "The article says LoRA trains 1 parameter in 10,000. For Llama 3 8B with r = 16 on q and v, it is 1 in …?",
            "記事は学習対象が 1/10000 程度になると述べています。Llama 3 8B、r = 16、q と v では何分の 1 でしょうか。",
        ),
        "ratio_llama3_8b_r16_qv",
        Text("(one in)", "（分の 1）"),
    ),
    Prediction(
        "rate",
        Text(
            "How many times the learning rate of full fine-tuning does LoRA want?",
            "LoRA に合う学習率は、フルファインチューニングの何倍でしょうか。",
        ),
        "rate_ratio",
        Text("times", "倍"),
    ),
)

QUIZ = (
    Question(
        Text(
            "You raise r from 8 to 64 and leave α at 16. What happens to the scaling α/r?",
            "r を 8 から 64 に上げ、α は 16 のままにします。スケーリング α/r はどうなりますか。",
        ),
        (
            Text("It stays 2", "2 のまま"),
            Text(
                "It falls from 2 to 0.25: the update is starved",
                "2 から 0.25 に下がり、更新が弱まる",
            ),
            Text("It rises", "上がる"),
        ),
        1,
        (
            Text("Only if α grows with r.", "α も r とともに増やした場合だけです。"),
            Text(
                "Right: that is why raising r alone often brings nothing.",
                "正解。r だけを上げても効果がないことが多いのはこのためです。",
            ),
            Text("r stands below the fraction bar.", "r は分母にあります。"),
        ),
    ),
    Question(
        Text(
            "You train LoRA with the learning rate of full fine-tuning. What do you see?",
            "フルファインチューニングの学習率のまま LoRA を学習させると、どうなりますか。",
        ),
        (
            Text(
                "Hardly any learning, and no error message", "ほとんど学習が進まず、エラーも出ない"
            ),
            Text("It diverges", "発散する"),
            Text("The same result, faster", "同じ結果が速く得られる"),
        ),
        0,
        (
            Text(
                "Right: a silent failure. LoRA's best rate lies well above: its steps go through the small entries of A.",
                "正解。静かな失敗です。LoRA に合う学習率はずっと高いところにあります。B の更新に A の小さな要素が掛かるからです。",
            ),
            Text("That happens at the other end.", "それは逆の端で起こります。"),
            Text("You measured the opposite.", "実測は逆でした。"),
        ),
    ),
    Question(
        Text(
            "Why does B start at zero, and not A as well?",
            "B はゼロで始めるのに、なぜ A はゼロにしないのですか。",
        ),
        (
            Text("To save memory", "メモリを節約するため"),
            Text(
                "Because then neither would ever get a gradient",
                "両方ゼロだと、どちらにもいつまでも勾配が流れないため",
            ),
            Text("By convention only", "単なる慣習"),
        ),
        1,
        (
            Text(
                "Zeros take as much memory as other numbers.", "ゼロでもメモリは同じだけ使います。"
            ),
            Text(
                "Right: ∂/∂A contains B, and ∂/∂B contains A.",
                "正解。∂/∂A には B が、∂/∂B には A が掛かります。",
            ),
            Text("Try it: the loss would not move.", "試せばわかります。損失が動きません。"),
        ),
    ),
    Question(
        Text(
            "In step 2 A's gradient is still much smaller than B's. How far does AdamW move A?",
            "ステップ 2 でも、A の勾配は B の勾配よりずっと小さいままです。AdamW は A をどれだけ動かしますか。",
        ),
        (
            Text("Much less than B", "B よりずっと小さく"),
            Text(
                "About as far as B: by most of the learning rate",
                "B と同じくらい、学習率の大半に当たる幅で",
            ),
            Text("Not at all", "まったく動かさない"),
        ),
        1,
        (
            Text(
                "That would be plain SGD. AdamW divides each gradient by its own running size.",
                "それは単純な SGD の場合です。AdamW は勾配をその移動平均の大きさで割ります。",
            ),
            Text(
                "Right: so a small gradient does not explain LoRA's learning rate.",
                "正解。だから、勾配の小ささでは LoRA の学習率を説明できません。",
            ),
            Text(
                "Only where the gradient is exactly zero.",
                "それは勾配がちょうどゼロのときだけです。",
            ),
        ),
    ),
)
