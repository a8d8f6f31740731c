"""Lab 03: predictions and quiz."""

from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.runtime.language import Text

PREDICTIONS = (
    Prediction(
        "bits",
        Text(
            "How many bits does a parameter in 4-bit NF4 really take, without double quantization?",
            "4 ビットの NF4 で保存したパラメータは、二重量子化なしだと実際には 1 個あたり何ビットでしょうか。",
        ),
        "bits_per_parameter_nf4",
        Text("bits", "ビット"),
    ),
    Prediction(
        "seventy",
        Text(
            "How many GiB does QLoRA on Llama 3 70B need (rank 16, 512 tokens at a time)?",
            "Llama 3 70B の QLoRA には何 GiB 必要でしょうか（ランク 16、一度に 512 トークン）。",
        ),
        "qlora_memory_gib_llama3_70b",
        Text("GiB", "GiB"),
    ),
    Prediction(
        "merge",
        Text(
            "You merge a trained ΔW into 4-bit weights. The error is what percentage of ‖ΔW‖?",
            "学習した ΔW を 4 ビットの重みにマージします。その誤差は ‖ΔW‖ の何 % でしょうか。",
        ),
        "merge_error_4bit",
        Text("%", "%"),
        100.0,
    ),
)

QUIZ = (
    Question(
        Text(
            "Why does every block of 64 weights get a scale of its own?",
            "64 個の重みのブロックごとに、スケールを持たせるのはなぜですか。",
        ),
        (
            Text("So that an outlier spoils 64 weights and not all", "外れ値の影響を、全部ではなく 64 個にとどめるため"),
            Text("To save memory", "メモリを節約するため"),
            Text("Because GPUs have 64 cores", "GPU のコアが 64 個だから"),
        ),
        0,
        (
            Text("Right: all others would be squeezed into a few codes.", "正解。さもないと、残りの重みがわずかなコードに押し込められます。"),
            Text("Each scale costs 32 bits: it takes memory.", "スケールは 1 つ 32 ビットで、むしろメモリを使います。"),
            Text("They do not, and a CPU does the same.", "そうではありませんし、CPU でも同じです。"),
        ),
    ),
    Question(
        Text(
            "Your QLoRA adapter is trained. How do you merge it?",
            "QLoRA のアダプターを学習し終えました。どうマージしますか。",
        ),
        (
            Text("merge_and_unload() on the 4-bit model", "4 ビットのモデルで merge_and_unload()"),
            Text("Into the dequantized base, then save in 16 bits", "元に戻した（逆量子化した）ベースにマージし、16 ビットで保存する"),
            Text("It cannot be merged", "マージはできない"),
        ),
        1,
        (
            Text("A small ΔW is rounded away whole, a large one comes through noisy.", "小さな ΔW は丸めで丸ごと消え、大きな ΔW も雑音まじりになります。"),
            Text("Right: that is the base it was trained on, and floats have room for ΔW.", "正解。それが学習時のベースであり、浮動小数点なら ΔW の入る余地があります。"),
            Text("It can, only not into 4 bits.", "できます。ただし 4 ビットのままでは駄目です。"),
        ),
    ),
    Question(
        Text(
            "Which part of a model does 4-bit quantization leave alone?",
            "4 ビット量子化が手をつけないのは、モデルのどの部分ですか。",
        ),
        (
            Text("The MLP", "MLP"),
            Text("Attention", "アテンション"),
            Text("Embeddings, norms and the head", "埋め込み、正規化層、出力層"),
        ),
        2,
        (
            Text("Its matrices are the largest share of what is quantized.", "量子化される行列の大半は MLP のものです。"),
            Text("q, k, v and o are linear layers: quantized.", "q、k、v、o は線形層なので量子化されます。"),
            Text("Right: that is why a small model with a large vocabulary saves least.", "正解。だから、語彙が大きく本体の小さいモデルほど節約になりません。"),
        ),
    ),
    Question(
        Text(
            "What does a *paged* optimizer do?",
            "「ページ化された」オプティマイザーは何をしますか。",
        ),
        (
            Text("Moves its states to the CPU's memory when the GPU's runs out", "GPU のメモリが足りなくなると、状態を CPU 側のメモリへ移す"),
            Text("Makes the states smaller", "状態そのものを小さくする"),
            Text("Reads the data page by page", "データをページ単位で読む"),
        ),
        0,
        (
            Text("Right: the bytes are the same, the place is not. On a CPU it does nothing.", "正解。バイト数は同じで、置き場所が変わります。CPU では何もしません。"),
            Text("That is what 8 bits do.", "それは 8 ビット化の役目です。"),
            Text("It has nothing to do with the data.", "データとは関係ありません。"),
        ),
    ),
)  # fmt: skip
