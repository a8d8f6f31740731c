"""Lab 02: exercises, predictions, quiz."""

import math

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.course.language import Text
from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.tuning import lora as package
from lab_helpers.tuning.spectrum import energy as package_energy


def _matrices(seed: int = 0, n: int = 5, d: int = 6, k: int = 4, r: int = 2):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((n, k), (d, k), (r, k), (d, r))
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


# --- energy ------------------------------------------------------------------------------------


def energy(delta):
    squares = torch.linalg.svdvals(delta) ** 2
    return squares.cumsum(0) / squares.sum()


def _energy_not_squared(delta):
    values = torch.linalg.svdvals(delta)
    return values.cumsum(0) / values.sum()


def _energy_not_cumulative(delta):
    squares = torch.linalg.svdvals(delta) ** 2
    return squares / squares.sum()


def _energy_not_normalised(delta):
    return (torch.linalg.svdvals(delta) ** 2).cumsum(0)


def _test_energy(answer) -> None:
    delta = _matrices(3, d=6, k=6)[1]
    got = answer(delta.clone())
    if same(got, _energy_not_squared(delta)):
        raise Mistake(
            "‖ΔW‖² is the sum of the *squared* singular values.",
            "‖ΔW‖² は特異値の「2 乗」の和です。",
        )
    if same(got, _energy_not_cumulative(delta)):
        raise Mistake(
            "these are the shares of single directions; sum them up from the first (cumsum).",
            "それは方向ごとの割合です。先頭から足し上げてください(cumsum)。",
        )
    if same(got, _energy_not_normalised(delta)):
        raise Mistake(
            "divide by the total, so that the last entry is 1.",
            "合計で割り、最後の値が 1 になるようにしてください。",
        )
    expect_close(
        got,
        package_energy(delta),
        "not the cumulative share of the squared singular values.",
        "特異値の 2 乗の累積割合になっていません。",
    )


# --- lora_forward ------------------------------------------------------------------------------


def lora_forward(x, W, A, B, alpha, r):
    return x @ W.T + (alpha / r) * (x @ A.T) @ B.T


def _no_scaling(x, W, A, B, alpha, r):
    return x @ W.T + (x @ A.T) @ B.T


def _times_alpha(x, W, A, B, alpha, r):
    return x @ W.T + alpha * (x @ A.T) @ B.T


def _upside_down(x, W, A, B, alpha, r):
    return x @ W.T + (r / alpha) * (x @ A.T) @ B.T


def _scaled_base(x, W, A, B, alpha, r):
    return (alpha / r) * (x @ W.T + (x @ A.T) @ B.T)


def _delta_only(x, W, A, B, alpha, r):
    return (alpha / r) * (x @ A.T) @ B.T


def _test_forward(answer) -> None:
    x, W, A, B = _matrices()
    alpha, r = 16, 2
    got = answer(x.clone(), W.clone(), A.clone(), B.clone(), alpha, r)
    fingerprints = (
        (_no_scaling, "the scaling α/r is missing.", "スケーリング α/r がありません。"),
        (
            _times_alpha,
            "you scale by α; it is α/r, so that r can change without changing the size of the update.",
            "α を掛けています。正しくは α/r です。r を変えても更新の大きさが変わらないようにするためです。",
        ),
        (
            _upside_down,
            "the scaling is upside down: α/r, not r/α.",
            "スケーリングが逆です。r/α ではなく α/r です。",
        ),
        (
            _scaled_base,
            "only the low-rank path is scaled, not the frozen W.",
            "スケーリングするのは低ランクの経路だけです。凍結した W には掛けません。",
        ),
        (_delta_only, "the frozen path x Wᵀ is missing.", "凍結した経路 x Wᵀ がありません。"),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(x, W, A, B, alpha, r)):
            raise Mistake(en, ja)
    expect_close(
        got,
        package.lora_forward(x, W, A, B, alpha, r),
        "not x Wᵀ + (α/r) x Aᵀ Bᵀ.",
        "x Wᵀ + (α/r) x Aᵀ Bᵀ になっていません。",
    )


# --- init_lora ---------------------------------------------------------------------------------


def init_lora(d, k, r):
    A = torch.empty(r, k)
    torch.nn.init.kaiming_uniform_(A, a=math.sqrt(5))
    return A, torch.zeros(d, r)


def _both_random(d, k, r):
    return torch.randn(r, k), torch.randn(d, r)


def _both_zero(d, k, r):
    return torch.zeros(r, k), torch.zeros(d, r)


def _swapped_shapes(d, k, r):
    return torch.randn(k, r), torch.zeros(r, d)


def _test_init(answer) -> None:
    d, k, r = 6, 4, 2
    got = answer(d, k, r)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Mistake("return two tensors: A, B.", "2 つのテンソル A, B を返してください。")
    A, B = got
    if tuple(A.shape) != (r, k) or tuple(B.shape) != (d, r):
        raise Mistake(
            f"the shapes are {tuple(A.shape)} and {tuple(B.shape)}; A is (r, k) = ({r}, {k}), B is (d, r) = ({d}, {r}).",
            f"形が {tuple(A.shape)} と {tuple(B.shape)} です。A は (r, k) = ({r}, {k})、B は (d, r) = ({d}, {r}) です。",
        )
    if not A.any() and not B.any():
        raise Mistake(
            "both are zero: the gradient of A is B's and the gradient of B is A's, so nothing would ever learn.",
            "両方ともゼロです。A の勾配は B に、B の勾配は A に比例するので、いつまでも学習が始まりません。",
        )
    if (B @ A).any():
        raise Mistake(
            "BA is not zero: at step 0 the model must be exactly the base model.",
            "BA がゼロではありません。ステップ 0 ではベースモデルと完全に一致しなければなりません。",
        )
    if same(A, answer(d, k, r)[0]):
        raise Mistake(
            "A must be random: equal rows would learn the same thing.",
            "A は乱数でなければなりません。同じ行は同じことしか学びません。",
        )


# --- merge -------------------------------------------------------------------------------------


def merge(W, A, B, alpha, r):
    return W + (alpha / r) * B @ A


def _merge_unscaled(W, A, B, alpha, r):
    return W + B @ A


def _merge_in_place(W, A, B, alpha, r):
    W += (alpha / r) * B @ A
    return W


def _merge_minus(W, A, B, alpha, r):
    return W - (alpha / r) * B @ A


def _merge_elementwise(W, A, B, alpha, r):
    return W + (alpha / r) * (A.T @ B.T)


def _test_merge(answer) -> None:
    _, W, A, B = _matrices(2, d=5, k=5)
    given = W.clone()
    got = answer(given, A.clone(), B.clone(), 16, 2)
    if same(got, _merge_unscaled(W, A, B, 16, 2)):
        raise Mistake(
            "the scaling α/r is missing from the merged weight.",
            "統合した重みにスケーリング α/r がありません。",
        )
    if same(got, _merge_minus(W, A, B, 16, 2)):
        raise Mistake(
            "you subtract ΔW: that is unmerging.", "ΔW を引いています。それは統合の取り消しです。"
        )
    if same(got, _merge_elementwise(W, A, B, 16, 2)):
        raise Mistake(
            "that is (BA)ᵀ: multiply B (d, r) by A (r, k), in this order.",
            "それは (BA)ᵀ です。B (d, r) に A (r, k) をこの順で掛けます。",
        )
    expect_close(
        got,
        package.merge_weight(W, A, B, 16, 2),
        "not W + (α/r) BA.",
        "W + (α/r) BA になっていません。",
    )
    if not torch.equal(given, W):
        raise Mistake(
            "you changed W itself (+= works in place): the base could not be restored. Return a new tensor.",
            "W そのものを書き換えています(+= はその場で変更します)。これではベースに戻せません。新しいテンソルを返してください。",
        )


# --- adapter_parameters ------------------------------------------------------------------------


def adapter_parameters(shapes, r):
    return sum(r * (d + k) for d, k in shapes)


_SHAPES = [(4096, 4096), (1024, 4096)]


def _test_count(answer) -> None:
    got = answer(list(_SHAPES), 8)
    fingerprints = (
        (
            sum(8 * d * k for d, k in _SHAPES),
            "you multiply d by k: A has r·k entries and B has d·r.",
            "d と k を掛けています。A は r·k 個、B は d·r 個です。",
        ),
        (
            8 * sum(_SHAPES[0]),
            "you counted the first matrix only.",
            "最初の行列しか数えていません。",
        ),
        (
            sum(2 * 8 * d for d, _ in _SHAPES),
            "v_proj is not square: A depends on k (inputs), B on d (outputs).",
            "v_proj は正方行列ではありません。A は k(入力)、B は d(出力)で決まります。",
        ),
    )
    for value, en, ja in fingerprints:
        if same(got, value):
            raise Mistake(en, ja)
    right = package.adapter_parameters(_SHAPES, 8)
    expect_close(
        got,
        right,
        f"for the two matrices and r = 8 it should be {right:,}.",
        f"2 つの行列で r = 8 なら {right:,} 個のはずです。",
    )


EXERCISES = (
    Exercise(
        name="energy",
        prompt=Text(
            "The share of ‖ΔW‖² in the first 1, 2, 3, … singular directions. Return a vector that ends at 1.",
            "‖ΔW‖² のうち、最初の 1, 2, 3, … 個の特異方向が占める割合を返してください。最後は 1 になります。",
        ),
        stub="def energy(delta):\n    ...",
        reference=energy,
        test=_test_energy,
        hints=(
            Text(
                "torch.linalg.svdvals gives the singular values, largest first. How is ‖ΔW‖² made of them?",
                "torch.linalg.svdvals は特異値を大きい順に返します。‖ΔW‖² はそれらでどう表せますか。",
            ),
            Text(
                "‖ΔW‖² is the sum of their squares. cumsum(0) adds up from the first.",
                "‖ΔW‖² は特異値の 2 乗和です。cumsum(0) で先頭から足し上げます。",
            ),
            Text(
                "s = torch.linalg.svdvals(delta) ** 2; return s.cumsum(0) / s.sum()",
                "s = torch.linalg.svdvals(delta) ** 2; return s.cumsum(0) / s.sum()",
            ),
        ),
        wrong_answers=(
            WrongAnswer(_energy_not_squared, "*squared* singular values"),
            WrongAnswer(_energy_not_cumulative, "cumsum"),
            WrongAnswer(_energy_not_normalised, "last entry is 1"),
        ),
        minutes=6,
    ),
    Exercise(
        name="lora_forward",
        prompt=Text(
            "h = x Wᵀ + (α/r) x Aᵀ Bᵀ. Shapes: x (n, k), W (d, k), A (r, k), B (d, r) → (n, d).",
            "h = x Wᵀ + (α/r) x Aᵀ Bᵀ。形: x (n, k)、W (d, k)、A (r, k)、B (d, r) → (n, d)。",
        ),
        stub="def lora_forward(x, W, A, B, alpha, r):\n    ...",
        reference=lora_forward,
        test=_test_forward,
        hints=(
            Text(
                "Two paths from x to h: the frozen one, and the one through r numbers.",
                "x から h への経路は 2 本。凍結した経路と、r 個の数を通る経路です。",
            ),
            Text(
                "x @ A.T has shape (n, r); times B.T it is (n, d). BA itself is never formed.",
                "x @ A.T の形は (n, r)。さらに B.T を掛けると (n, d) です。BA 自体は作りません。",
            ),
            Text(
                "return x @ W.T + (alpha / r) * (x @ A.T) @ B.T",
                "return x @ W.T + (alpha / r) * (x @ A.T) @ B.T",
            ),
        ),
        wrong_answers=(
            WrongAnswer(_no_scaling, "scaling α/r is missing"),
            WrongAnswer(_times_alpha, "you scale by α"),
            WrongAnswer(_upside_down, "upside down"),
            WrongAnswer(_scaled_base, "not the frozen W"),
            WrongAnswer(_delta_only, "frozen path"),
        ),
        minutes=8,
    ),
    Exercise(
        name="init_lora",
        prompt=Text(
            "Return A (r, k) and B (d, r) such that the adapted model starts exactly as the base and can still learn.",
            "学習開始時はベースと完全に一致し、しかも学習できるような A (r, k) と B (d, r) を返してください。",
        ),
        stub="def init_lora(d, k, r):\n    ...",
        reference=init_lora,
        test=_test_init,
        hints=(
            Text("What must BA be at step 0?", "ステップ 0 で BA は何でなければなりませんか。"),
            Text(
                "Zero. But if both factors are zero, so are both gradients.",
                "ゼロです。ただし両方の因子がゼロだと、勾配も両方ゼロになります。",
            ),
            Text(
                "A random (torch.randn(r, k) will do), B = torch.zeros(d, r)",
                "A は乱数(torch.randn(r, k) で十分)、B = torch.zeros(d, r)",
            ),
        ),
        wrong_answers=(
            WrongAnswer(_both_random, "exactly the base model"),
            WrongAnswer(_both_zero, "both are zero"),
            WrongAnswer(_swapped_shapes, "the shapes are"),
            WrongAnswer(lambda d, k, r: (torch.ones(r, k), torch.zeros(d, r)), "must be random"),
        ),
        minutes=5,
    ),
    Exercise(
        name="merge",
        prompt=Text(
            "Return W' = W + (α/r) BA as a new tensor, so that inference needs no second path.",
            "推論時に第 2 の経路が要らなくなるように、W' = W + (α/r) BA を新しいテンソルとして返してください。",
        ),
        stub="def merge(W, A, B, alpha, r):\n    ...",
        reference=merge,
        test=_test_merge,
        hints=(
            Text(
                "B is (d, r) and A is (r, k): which order gives (d, k)?",
                "B は (d, r)、A は (r, k)。どの順に掛けると (d, k) になりますか。",
            ),
            Text(
                "Do not use +=: it changes the caller's W.",
                "+= は使いません。呼び出し元の W が変わってしまいます。",
            ),
            Text("return W + (alpha / r) * B @ A", "return W + (alpha / r) * B @ A"),
        ),
        wrong_answers=(
            WrongAnswer(_merge_unscaled, "scaling α/r is missing"),
            WrongAnswer(_merge_in_place, "changed W itself"),
            WrongAnswer(_merge_minus, "unmerging"),
            WrongAnswer(_merge_elementwise, "in this order"),
        ),
        minutes=5,
    ),
    Exercise(
        name="adapter_parameters",
        prompt=Text(
            "How many parameters does an adapter of rank r have on matrices of the given shapes (d, k)?",
            "与えられた形 (d, k) の行列すべてにランク r のアダプターを付けると、パラメータは何個ですか。",
        ),
        stub="def adapter_parameters(shapes, r):\n    ...",
        reference=adapter_parameters,
        test=_test_count,
        hints=(
            Text(
                "Count the entries of A and of B for one matrix first.",
                "まず 1 つの行列について A と B の要素数を数えましょう。",
            ),
            Text("A has r·k entries, B has d·r.", "A は r·k 個、B は d·r 個です。"),
            Text("sum(r * (d + k) for d, k in shapes)", "sum(r * (d + k) for d, k in shapes)"),
        ),
        wrong_answers=(
            WrongAnswer(lambda shapes, r: sum(r * d * k for d, k in shapes), "multiply d by k"),
            WrongAnswer(lambda shapes, r: r * sum(shapes[0]), "first matrix only"),
            WrongAnswer(lambda shapes, r: sum(2 * r * d for d, k in shapes), "not square"),
        ),
        minutes=4,
    ),
)

PREDICTIONS = (
    Prediction(
        "energy",
        Text(
            "ΔW of a full fine-tuning is a 384 × 384 matrix. What percentage of ‖ΔW‖² do its first 8 singular directions hold?",
            "フルファインチューニングの ΔW は 384 × 384 の行列です。最初の 8 つの特異方向は ‖ΔW‖² の何 % を占めるでしょうか。",
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
        Text("(one in)", "(分の 1)"),
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
                "Right: a silent failure. LoRA wants about ten times the rate or more.",
                "正解。静かな失敗です。LoRA には 10 倍以上の学習率が必要です。",
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
                "Because then neither would get a gradient",
                "両方ゼロだと、どちらにも勾配が流れないため",
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
)
