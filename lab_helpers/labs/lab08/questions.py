"""Lab 08: predictions and quiz."""

from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.runtime.language import Text

PREDICTIONS = (
    Prediction(
        "same_quality",
        Text(
            "Nine methods learn one task, each at its own best learning rate. How many of them, the best one included, will not be decidedly behind the best?",
            "9 つの手法に、それぞれに合う学習率で同じタスクを学習させます。最良の手法に「はっきり劣る」と言えないのは、最良のものも含めていくつでしょうか。",
        ),
        "methods_not_behind_best",
        Text("of 9", "個（9 個中）"),
    ),
    Prediction(
        "prompt_gap",
        Text(
            "Prompt tuning trains a few vectors in front of the text and no weight of the model. By how many nats per token will its loss on held-out rows lie above LoRA's?",
            "プロンプトチューニングが学習するのは、文の前に置く数個のベクトルだけで、モデルの重みは変えません。学習に使っていない行での損失は、LoRA より 1 トークンあたり何 nat 高くなるでしょうか。",
        ),
        "prompt_minus_lora",
        Text("nats", "nat"),
    ),
    Prediction(
        "ranks_moved",
        Text(
            "AdaLoRA gives each adapted matrix a rank of its own. In TRL's trainer, with nothing added: in how many of the matrices will the rank have changed at the end?",
            "AdaLoRA は行列ごとに違うランクを割り当てます。TRL のトレーナーに何も足さずに学習させると、ランクが変わった行列は最後にいくつあるでしょうか。",
        ),
        "adalora_ranks_changed_without_callback",
        Text("matrices", "個"),
    ),
)

QUIZ = (
    Question(
        Text(
            "What does AutoPeftModelForCausalLM.from_pretrained(folder) do?",
            "AutoPeftModelForCausalLM.from_pretrained(folder) は何をしますか。",
        ),
        (
            Text(
                "It picks the best PEFT method for your task",
                "タスクに最適な PEFT の手法を選ぶ",
            ),
            Text(
                "It loads the base named in the saved adapter's configuration, and the adapter on it",
                "保存したアダプターの設定に書かれたベースモデルを読み込み、その上にアダプターを載せる",
            ),
            Text(
                "It merges the adapter into the base",
                "アダプターをベースモデルにマージする",
            ),
        ),
        1,
        (
            Text(
                "The method was chosen before training; its name stands in adapter_config.json. No class chooses it for you.",
                "手法は学習の前に決めたもので、その名前が adapter_config.json に書かれています。自動で選んでくれるクラスはありません。",
            ),
            Text(
                "Right: “Auto” is about loading. The configuration says which method and which base.",
                "正解。「Auto」なのは読み込みです。どの手法か、どのベースモデルかは設定から分かります。",
            ),
            Text(
                "Merging is a step of its own, merge_and_unload(), and prompt methods do not have it.",
                "マージは merge_and_unload() という別の操作です。プロンプト系の手法にはありません。",
            ),
        ),
    ),
    Question(
        Text(
            "You change LoraConfig to PrefixTuningConfig and leave gradient_checkpointing on. What happens?",
            "LoraConfig を PrefixTuningConfig に変え、gradient_checkpointing は有効のままにします。どうなりますか。",
        ),
        (
            Text(
                "It stops with an error: the prefix is a key/value cache, and checkpointing works without one",
                "エラーで止まる。プレフィックスはキーとバリューのキャッシュで、チェックポインティング中はキャッシュを使えない",
            ),
            Text("It trains, only more slowly", "遅くなるだけで学習は進む"),
            Text(
                "It needs more memory, but the result is the same",
                "必要なメモリが増えるが、結果は同じ",
            ),
        ),
        0,
        (
            Text(
                "Right: with gradient_checkpointing=False it trains.",
                "正解。gradient_checkpointing=False にすれば学習できます。",
            ),
            Text(
                "That is what checkpointing does to the other methods: it computes activations a second time.",
                "ほかの手法ではそのとおりで、活性値をもう一度計算する分だけ遅くなります。",
            ),
            Text(
                "Checkpointing is there to save memory, and here nothing is trained at all.",
                "チェックポインティングはメモリを節約するためのものです。それに、この場合は学習が始まりません。",
            ),
        ),
    ),
    Question(
        Text(
            "Why does prompt tuning want a larger learning rate than LoRA?",
            "プロンプトチューニングに合う学習率が LoRA より大きいのはなぜですか。",
        ),
        (
            Text(
                "Its gradients are smaller, and so are AdamW's steps",
                "勾配が小さく、AdamW の 1 歩も小さくなるから",
            ),
            Text(
                "It has no scaling α/r in its configuration",
                "設定にスケーリング α/r がないから",
            ),
            Text(
                "Its few numbers must travel far, and an AdamW step moves each by about the learning rate",
                "少数の数を大きく動かす必要があるのに、AdamW の 1 歩で動くのは学習率くらいだから",
            ),
        ),
        2,
        (
            Text(
                "AdamW divides a gradient by its own running size: small gradients do not make small steps.",
                "AdamW は勾配をその移動平均の大きさで割ります。勾配が小さくても、1 歩は小さくなりません。",
            ),
            Text(
                "IA³ has no α either. What counts is how far the numbers have to go.",
                "α は IA³ にもありません。問題は、数をどれだけ動かす必要があるかです。",
            ),
            Text(
                "Right: all that is learned must fit into a few vectors. At LoRA's rate they would end close to where they began.",
                "正解。学んだことはすべて数個のベクトルに収めなければなりません。LoRA の学習率では、出発点の近くで終わってしまいます。",
            ),
        ),
    ),
    Question(
        Text(
            'add_weighted_adapter(…, combination_type="linear") mixes two LoRA adapters. Is the ΔW of the mixture w₁ΔW₁ + w₂ΔW₂?',
            '2 つの LoRA アダプターを add_weighted_adapter(…, combination_type="linear") で混ぜます。できる ΔW は w₁ΔW₁ + w₂ΔW₂ でしょうか。',
        ),
        (
            Text("Yes, “linear” says so", "はい。「linear」とはそういう意味です"),
            Text(
                "No: the A's and the B's are added up separately, so that B₁A₂ and B₂A₁ come in",
                "いいえ。A どうし、B どうしを別々に足すので、B₁A₂ と B₂A₁ が混ざります",
            ),
            Text(
                "Only if both weights are 1",
                "両方の重みが 1 のときだけです",
            ),
        ),
        1,
        (
            Text(
                "Linear in A and linear in B; their product is not linear.",
                "A についても B についても線形ですが、その積は線形ではありません。",
            ),
            Text(
                'Right: combination_type="cat" puts the ranks side by side and is exact; "svd" brings the exact sum back to a smaller rank.',
                '正解。combination_type="cat" はランクを並べるので正確です。"svd" は正確な和を小さいランクに縮めます。',
            ),
            Text(
                "The cross terms are there with weights of 1 as well.",
                "重みが 1 でも交差項は残ります。",
            ),
        ),
    ),
    Question(
        Text(
            "What is DoRA's magnitude, and where does it start?",
            "DoRA の magnitude とは何で、どんな値から始まりますか。",
        ),
        (
            Text("One number per layer; at 1", "層ごとに 1 つの数。1 から始まる"),
            Text(
                "One number per input; at 0, like B",
                "入力ごとに 1 つの数。B と同じく 0 から始まる",
            ),
            Text(
                "One number per output: the length of its row; at the length it has in W",
                "出力ごとに 1 つの数で、その行の長さ。W での長さから始まる",
            ),
        ),
        2,
        (
            Text(
                "Every row of W has a length of its own.",
                "W の行は、それぞれ長さが違います。",
            ),
            Text(
                "With a magnitude of 0 the layer would return nothing but its bias.",
                "magnitude が 0 なら、層はバイアスしか返しません。",
            ),
            Text(
                "Right: with B at zero the weight is then exactly W, and training changes direction and length apart.",
                "正解。B が 0 なら重みはちょうど W になり、学習では方向と長さを別々に変えられます。",
            ),
        ),
    ),
)
