# %% [markdown] lang="en"
# # Lab 02 · The mathematics of LoRA
#
# **After this lab you can** explain LoRA with one formula and one picture, write it in ten lines, prove that yours equals the library's, count an adapter's size before you train it, and choose rank, scaling, targets and learning rate with your own numbers.
#
# **Time:** about 3 minutes of computing on a 2-core CPU; an hour and a half with the exercises.
#
# **Claims under test:** 1 (parameters down to 1/10,000), 5 (PEFT is mandatory), 6 (ΔW ≈ BA), 7 (higher rank, better), 8 (usually q and v), 9 (all layers), 11 (weights never change), 12 (adapter size).
# %% [markdown] lang="ja" of="7ddc04e4"
# # ラボ 02 · LoRA の数理
#
# **このラボを終えると**、LoRA を 1 つの式と 1 枚の図で説明し、10 行で書き、自分の実装がライブラリのものと一致することを証明し、アダプターのサイズを学習前に計算し、ランク、スケーリング、適用先、学習率を自分で測った数字で選べるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 3 分、演習も含めると 1 時間半です。
#
# **検証する主張:** 1（パラメータは 1/10,000 に減る）、5（PEFT は必須）、6（ΔW ≈ BA）、7（ランクは高いほどよい）、8（通常は q と v）、9（全ての層）、11（重みは決して変わらない）、12（アダプターのサイズ）。
# %%
from lab_helpers import open_lab

lab = open_lab("02")
# %% [markdown] lang="en"
# ## Predict
#
# 1. Full fine-tuning changes a 384 × 384 matrix by some ΔW. Its 384 singular directions share the energy ‖ΔW‖². What **percentage** lies in the first 8?
# 2. The article promises 1 trainable parameter in 10,000. With its own settings (r = 16 on q and v) on Llama 3 8B, it is 1 in **how many**?
# %% [markdown] lang="ja" of="e06e7d63"
# ## 予想する
#
# 1. フルファインチューニングを行うと、384 × 384 の行列が ΔW だけ変化します。エネルギー ‖ΔW‖² は、その 384 個の特異方向に分かれています。最初の 8 個が占めるのは**何パーセント**でしょうか。
# 2. 記事によれば、学習するパラメータは 10,000 個に 1 個です。では、記事自身の設定（q と v に r = 16）を Llama 3 8B に当てはめると、**何個に 1 個**になるでしょうか。
# %%
lab.predict("energy", ...)
lab.predict("one_in", ...)
# %% [markdown] lang="en"
# ## Why low rank might be enough
#
# Fine-tuning changes a weight matrix $W$ into $W + \Delta W$. LoRA bets that $\Delta W$ needs only a few directions, so that it can be written as a product of two thin matrices, $\Delta W \approx BA$, with $B$ of shape $(d, r)$ and $A$ of shape $(r, k)$.
#
# We need not believe it. Lab 01 fine-tuned *all* weights of MiniLM; let us do that again with the same seed and look at the real ΔW.
# %% [markdown] lang="ja" of="2ec951cf"
# ## 低ランクで足りるかもしれない理由
#
# ファインチューニングは、重み行列 $W$ を $W + \Delta W$ に変えます。LoRA が賭けているのは、$\Delta W$ に必要な方向はごくわずかだという見込みです。そのとおりなら、$\Delta W$ は 2 つの細長い行列の積として $\Delta W \approx BA$ と書けます。$B$ の形は $(d, r)$、$A$ の形は $(r, k)$ です。
#
# これをうのみにする必要はありません。ラボ 01 では MiniLM の*すべての*重みをファインチューニングしました。同じシードでもう一度実行し、本物の ΔW を見てみましょう。
# %%
from lab_helpers.labs.lab02.energy import train_full_delta
from lab_helpers.labs.shared.models import load_text_encoder

encoder = load_text_encoder(lab.run)
delta = train_full_delta(encoder, lab.settings, lab.seed)
name = [name for name in delta if name.endswith("attention.self.query")][-1]
matrix = delta[name]
print(len(delta), "matrices, for example", name, tuple(matrix.shape))
# %% [markdown] lang="en"
# The singular value decomposition sorts a matrix into directions, strongest first. The squared singular values add up to ‖ΔW‖², and no rank-$r$ matrix comes closer than the first $r$ directions do (Eckart–Young).
#
# **Exercise (6 min).** Return the share of ‖ΔW‖² in the first 1, 2, 3, … directions.
# %% [markdown] lang="ja" of="94c89595"
# 特異値分解は、行列をいくつもの方向に分け、強い順に並べます。特異値の 2 乗の和は ‖ΔW‖² に等しく、ランク $r$ の行列のなかに、最初の $r$ 方向で作ったものより ΔW に近いものはありません（Eckart–Young の定理）。
#
# **演習（6 分）。** 最初の 1, 2, 3, … 個の方向が ‖ΔW‖² に占める割合を返してください。
# %% tags=["exercise"]
def energy(delta):
    ...  # your code → (min(d, k),)


energy = lab.check("energy", energy)
# %%
from lab_helpers.figures import lora as lora_figures
from lab_helpers.labs.lab02.energy import compute_energies, energy_metrics

energies, reference = compute_energies(delta, lab.seed)
lab.measured(**energy_metrics(energies, reference))
lab.figure(lora_figures.spectrum(energies, reference), "spectrum")
lab.compare("energy")
# %% [markdown] lang="en"
# ΔW is far from random: the top 8 of 384 directions hold several times what they would hold in a random matrix. It is also far from rank 8: the long tail keeps about half of the energy. "ΔW *is* low-rank" is too strong; "a low-rank ΔW is *enough for the task*" is the claim to test, and that needs training, not algebra.
# %% [markdown] lang="ja" of="77b71a7e"
# ΔW はランダムな行列とはほど遠いものです。384 方向のうち上位 8 方向に、ランダムな行列の場合の数倍のエネルギーが集まっています。しかし、ランク 8 というにもほど遠く、エネルギーの約半分は長い裾に残ります。「ΔW は低ランク*である*」は言い過ぎです。検証すべきなのは「低ランクの ΔW で*タスクには足りる*」という主張であり、それには代数ではなく学習が必要です。
# %% [markdown] lang="en"
# ## Explore: the rank slider
#
# Left the real ΔW of one matrix, in the middle its best copy of rank $r$, right what the copy leaves out. Without a live kernel you see rank 8.
# %% [markdown] lang="ja" of="7ce175a9"
# ## 触ってみる: ランクのスライダー
#
# 左はある行列の本物の ΔW、中央はランク $r$ での最良の近似、右はその近似が取りこぼした分です。カーネルが動いていないときは、ランク 8 の図が表示されます。
# %%
from lab_helpers.figures.widgets import rank_explorer
from lab_helpers.tuning import spectrum

kept = energy(matrix)


def view(r):
    copy = spectrum.best_rank(matrix, r).numpy()
    return lora_figures.rank_view(matrix.numpy(), copy, r, float(kept[r - 1]))


lab.figure(view(8), "rank_view")
rank_explorer(view, highest=128)
# %% [markdown] lang="en"
# ## Build: LoRA in three functions
#
# The pretrained weight $W$ stays where it is. Beside it, two thin matrices learn the change:
#
# $$h = x W^\top + \frac{\alpha}{r}\, x A^\top B^\top$$
#
# The article leaves out the factor α/r. You will see below what it is for, and what goes wrong with it.
#
# **Exercise (8 min).** Write the forward pass. Shapes: x (n, k), W (d, k), A (r, k), B (d, r).
# %% [markdown] lang="ja" of="cdb50e21"
# ## つくる: 3 つの関数で書く LoRA
#
# 事前学習済みの重み $W$ はそのままにしておきます。変化分は、その横に置いた 2 つの細長い行列が学習します。
#
# $$h = x W^\top + \frac{\alpha}{r}\, x A^\top B^\top$$
#
# 記事の式には係数 α/r がありません。これが何のためにあり、どんな問題を起こすのかは、後ほど見ていきます。
#
# **演習（8 分）。** フォワードパスを書いてください。形は x (n, k)、W (d, k)、A (r, k)、B (d, r) です。
# %% tags=["exercise"]
def lora_forward(x, W, A, B, alpha, r):
    ...  # your code → (n, d)


lora_forward = lab.check("lora_forward", lora_forward)
# %% [markdown] lang="en"
# **Exercise (5 min).** Choose the start: the adapted model must equal the base exactly, and still be able to learn.
# %% [markdown] lang="ja" of="af5942b9"
# **演習（5 分）。** 初期値を決めてください。アダプターを付けたモデルは、開始時点でベースと完全に一致し、しかも学習できなければなりません。
# %% tags=["exercise"]
def init_lora(d, k, r):
    ...  # your code → A (r, k), B (d, r)


init_lora = lab.check("init_lora", init_lora)
# %% [markdown] lang="en"
# **Exercise (5 min).** After training, fold the detour into the weight: $W' = W + \frac{\alpha}{r} BA$. Return a new tensor; the base must survive.
# %% [markdown] lang="ja" of="c0ff5dc5"
# **演習（5 分）。** 学習が終わったら、迂回路を重みに統合（マージ）します: $W' = W + \frac{\alpha}{r} BA$。新しいテンソルを返し、ベースは元のまま残してください。
# %% tags=["exercise"]
def merge(W, A, B, alpha, r):
    ...  # your code → (d, k)


merge = lab.check("merge", merge)
# %%
import torch

A, B = init_lora(384, 384, 8)
x, W = torch.randn(4, 384), torch.randn(384, 384)
start = lora_forward(x, W, A, B, 16, 8)
print("step 0, largest difference from the base:", float((start - x @ W.T).abs().max()))
B = 0.02 * torch.randn(384, 8)
both = lora_forward(x, W, A, B, 16, 8), x @ merge(W, A, B, 16, 8).T
print("detour against merged:", float((both[0] - both[1]).abs().max()))
# %% [markdown] lang="en"
# ## Measure: is it the same as PEFT's?
#
# The package has these functions as a layer, `LoraLinear` in `lab_helpers/tuning/lora.py`. Put it on q and v of all six blocks of the real encoder, put PEFT's LoRA on a second copy, give both the same random A and B, and compare what the two models say about 16 customer messages.
# %% [markdown] lang="ja" of="9d0c0787"
# ## 測る: PEFT の LoRA と同じか
#
# パッケージでは、これらの関数が `lab_helpers/tuning/lora.py` の `LoraLinear` という層になっています。本物のエンコーダーの全 6 ブロックの q と v にこの層を付け、別のコピーには PEFT の LoRA を付けます。どちらにも同じ乱数の A と B を与え、問い合わせ 16 件に対する 2 つのモデルの出力を比べましょう。
# %%
from lab_helpers.data.labelled import shipped_texts
from lab_helpers.labs.lab02.parity import measure_peft_parity

messages, _ = shipped_texts("requests", "en").split("validation")
parity = measure_peft_parity(encoder, messages[:16], lab.run.folder, r=8, alpha=16, seed=lab.seed)
lab.measured(**parity)
lab.run.artifact(lab.run.folder / "adapter")
lab.table([{"measured": name, "value": value} for name, value in parity.items()])
# %% [markdown] lang="en"
# Read it line by line. `step0`: nothing changes before training. `peft…forward`: two implementations, one function; so PEFT is a convenience (a good one), not a necessity. `merge`: rounding only. `adapter_effect`: the adapter did do something, otherwise all those zeros would prove nothing. The file is Σ r(d + k) × 4 bytes plus a header of about one percent.
# %% [markdown] lang="ja" of="168c8e5c"
# 1 行ずつ読んでいきましょう。`step0`: 学習前は何も変わりません。`peft…forward`: 実装は 2 つでも、関数としては 1 つです。つまり PEFT は便利な道具（それも優れたもの）ですが、必需品ではありません。`merge`: 丸め誤差だけです。`adapter_effect`: アダプターは確かに働いています。そうでなければ、ここに並ぶゼロは何の証明にもなりません。ファイルのサイズは Σ r(d + k) × 4 バイトで、これに 1 パーセントほどのヘッダーが加わります。
# %% [markdown] lang="en"
# ## Build: count before you train
#
# **Exercise (4 min).** How many parameters does rank $r$ cost on matrices of shapes (d, k)?
# %% [markdown] lang="ja" of="097e85b4"
# ## つくる: 学習する前に数える
#
# **演習（4 分）。** 形 (d, k) の行列それぞれにランク $r$ のアダプターを付けると、パラメータは全部で何個になりますか。
# %% tags=["exercise"]
def adapter_parameters(shapes, r):
    ...  # your code → int


adapter_parameters = lab.check("adapter_parameters", adapter_parameters)
# %% [markdown] lang="en"
# The models below are built from their real configurations on the *meta device*: every layer with its shape, no weight in memory. So a laptop can count 175 billion parameters.
# %% [markdown] lang="ja" of="c4507503"
# 以下のモデルは、実際の設定をもとに*メタデバイス*上に組み立てたものです。どの層にも形はありますが、重みはメモリに一切載りません。だから、ノート PC でも 1,750 億個のパラメータを数えられます。
# %%
from lab_helpers.labs.lab02.counts import COUNTED
from lab_helpers.models.known_configs import target_shapes
from lab_helpers.tuning.lora_counts import lora_counts

shapes = target_shapes("Llama 3 8B", "q, v")
print(f"Llama 3 8B, r=16, q and v: {adapter_parameters(shapes, 16):,}")
counts = [lora_counts(*choice) for choice in COUNTED]
lab.table(counts, "counts")
lab.figure(lora_figures.parameter_counts(counts), "counts")
# %%
named = {(row["model"], row["r"], row["targets"]): row for row in counts}
lab.measured(
    ratio_gpt3_r4_qv=named["GPT-3 175B", 4, "q, v"]["one_in"],
    ratio_llama3_8b_r16_qv=named["Llama 3 8B", 16, "q, v"]["one_in"],
    adapter_mb_llama3_8b_r16_qv=named["Llama 3 8B", 16, "q, v"]["megabytes"],
    adapter_mb_llama3_70b_r64_all=named["Llama 3 70B", 64, "all linear"]["megabytes"],
)
lab.compare("one_in")
# %% [markdown] lang="en"
# 1/10,000 needs a giant, a tiny rank and only two matrices a block: GPT-3 with r = 4, the example in the LoRA paper (Llama 3 70B comes near it). The article's own settings on an 8B model are about eight times away from it. Try your own:
# %% [markdown] lang="ja" of="1d2c1adb"
# 1/10,000 に届くのは、巨大なモデルで、ランクが極めて小さく、対象がブロックあたり 2 つの行列だけの場合です。LoRA の論文が例に挙げた r = 4 の GPT-3 がそれで、Llama 3 70B がこれに近い値になります。8B のモデルに記事自身の設定を使うと、そこから約 8 倍離れてしまいます。自分の設定でも試してみましょう。
# %%
from lab_helpers.figures.widgets import parameter_explorer
from lab_helpers.models.known_configs import KNOWN, TARGET_SETS

lab.table([lora_counts("Llama 3 8B", 16, "q, v")])
parameter_explorer(lora_counts, list(KNOWN), list(TARGET_SETS))
# %% [markdown] lang="en"
# ## Break it: raise the rank, leave α alone
#
# Here is a task that *needs* rank: a frozen layer must store 64 random key→value pairs, and a perfect ΔW has rank 64. We raise r and leave α = 16, as many a tutorial does. The scaling α/r then falls from 16 to 0.25.
# %% [markdown] lang="ja" of="1af3dec8"
# ## 壊す: α はそのままに、ランクを上げる
#
# 今度は、ランクを*必要とする*課題です。凍結した層にランダムなキー→値のペアを 64 組記憶させます。完璧な ΔW のランクは 64 です。多くのチュートリアルと同じように、α = 16 のまま r を上げていきます。するとスケーリング α/r は 16 から 0.25 まで下がります。
# %%
from lab_helpers.labs.lab02.capacity import (
    CapacityTask,
    capacity_figure,
    capacity_metrics,
    measure_capacity,
)

capacity = measure_capacity(CapacityTask(), lab.settings["seeds"])
lab.table(capacity, "capacity")
lab.measured(**capacity_metrics(capacity))
# %% [markdown] lang="en"
# ## Mend it: α/√r
#
# rsLoRA divides by √r instead, so that the update keeps its size as r grows. In PEFT it is one word: `LoraConfig(r=64, lora_alpha=16, use_rslora=True)`. The other mend is to raise α with r, as `lora_alpha=2 * r` does.
# %% [markdown] lang="ja" of="65994a09"
# ## 直す: α/√r
#
# rsLoRA では r の代わりに √r で割るので、r が大きくなっても更新の大きさが保たれます。PEFT なら 1 語加えるだけです: `LoraConfig(r=64, lora_alpha=16, use_rslora=True)`。もう 1 つの直し方は、`lora_alpha=2 * r` のように、r に合わせて α も上げることです。
# %%
lab.figure(capacity_figure(capacity), "capacity")
# %% [markdown] lang="en"
# ## Measure: does a real task want rank?
#
# Routing customer requests from 48 labels, r = 1 against r = 45, three seeds, the same scaling of 2. Then r = 1 once more with **twice the steps**: is the small rank unable, or only slower?
# %% [markdown] lang="ja" of="97861889"
# ## 測る: 実際のタスクにランクは要るか
#
# 48 件のラベルで問い合わせの振り分けを学習し、r = 1 と r = 45 を 3 つのシードで比べます。スケーリングはどちらも 2 です。そのうえで、r = 1 だけを**ステップ数を 2 倍にして**もう一度学習させます。小さなランクは「できない」のでしょうか、それとも「遅い」だけでしょうか。
# %%
from lab_helpers.labs.lab02.training import rank_metrics, train_ranks

ranks = train_ranks(encoder, lab.settings)
lab.table(ranks, "ranks")
# %%
lab.measured(**rank_metrics(ranks))
for name in ("rank_real_task_gain", "rank_patient_gain", "base_hash_unchanged"):
    print(name, round(lab.run.metrics[name], 3))
# %% [markdown] lang="en"
# Compare the two gains with the spread between seeds before you conclude. In the same number of steps the larger rank wins; against a rank 1 that may train twice as long, most of the lead is gone. What looks like "more rank, better model" is to a good part "more rank, sooner". And the last line: through all this training the base's weights kept their hash.
# %% [markdown] lang="ja" of="717a2459"
# 結論を出す前に、2 つの差（gain）をシード間のばらつきと比べてください。同じステップ数なら大きいランクが勝ちます。しかし、2 倍の時間をかけた r = 1 と比べると、その差の大半は消えます。「ランクを上げればモデルが良くなる」ように見えても、かなりの部分は「ランクを上げれば早く良くなる」にすぎません。最後の行にも注目してください。これだけ学習しても、ベースの重みのハッシュは変わっていません。
# %% [markdown] lang="en"
# ## Measure: which matrices?
#
# The usual advice is q and v. To compare fairly, every arm gets **exactly the same number of parameters**: r = 45 on q and v, r = 18 on the MLP, r = 10 on all linear layers are 69,120 parameters a block each.
# %% [markdown] lang="ja" of="64159a83"
# ## 測る: どの行列に適用するか
#
# よく勧められるのは q と v です。公平に比べるため、どの条件でも**パラメータ数を完全に同じ**にします。q と v に r = 45、MLP に r = 18、全線形層に r = 10 とすると、いずれもブロックあたり 69,120 個になります。
# %%
from peft import LoraConfig

from lab_helpers.labs.lab02.training import EQUAL_PARAMETERS, HIGH_RANK, train_lora

targets = [{"targets": "q, v", **row} for row in ranks if row["r"] == HIGH_RANK]
for name in ("MLP", "all linear"):
    r, modules = EQUAL_PARAMETERS[name]
    for seed in lab.settings["seeds"]:
        config = LoraConfig(r=r, lora_alpha=2 * r, target_modules=modules)
        result = train_lora(encoder, config, lab.settings, seed)
        targets.append({"targets": name, "r": r, "seed": seed, **result})
lab.table(targets, "targets", columns=["targets", "r", "seed", "accuracy", "loss"])
# %%
from lab_helpers.labs.lab02.training import target_figure, target_metrics

lab.measured(**target_metrics(targets))
lab.figure(target_figure(targets), "targets")
# %% [markdown] lang="en"
# q and v is the choice of the first paper, made under a fixed budget among attention matrices only. Here, all linear layers did as well as q and v, the MLP alone a little worse, and with three seeds no difference clearly exceeds their spread: this small task does not decide it. The QLoRA paper found all linear layers necessary to match full fine-tuning. PEFT still defaults to q and v.
# %% [markdown] lang="ja" of="e16deab1"
# q と v は最初の論文の選択ですが、固定した予算のもとで、Attention の行列だけを比べて選んだものです。今回は、全線形層が q と v に並び、MLP だけではやや下回りました。ただし 3 シードでは、どの差もばらつきをはっきり超えてはいません。この小さなタスクで決着はつかないということです。QLoRA の論文では、フルファインチューニングに並ぶには全線形層への適用が必要でした。それでも PEFT の既定値は今も q と v です。
# %% [markdown] lang="en"
# ## Break it: the learning rate of full fine-tuning
#
# Someone takes the rate that works for full fine-tuning, adds LoRA, and sees no error at all. The last row shows the other end.
# %% [markdown] lang="ja" of="661e86b9"
# ## 壊す: フルファインチューニングの学習率
#
# フルファインチューニングでうまくいく学習率のまま LoRA を加えた人がいるとします。エラーは 1 つも出ません。最後の行は、反対側の極端な例です。
# %%
from lab_helpers.labs.lab02.training import rate_metrics

rates = []
for rate in lab.settings["learning_rates"]:
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
    result = train_lora(encoder, config, lab.settings, lab.seed, rate)
    rates.append({"learning_rate": rate, **result})
lab.table(rates, "learning rates", columns=["learning_rate", "loss", "accuracy"])
lab.measured(**rate_metrics(rates))
# %% [markdown] lang="en"
# ## Mend it
#
# LoRA wants a rate ten times that of full fine-tuning or more: B starts at zero, and until it has grown A gets almost no gradient. Sweep the rate first, then the rank; a rank compared at a wrong rate compares nothing.
# %% [markdown] lang="ja" of="39c0ff93"
# ## 直す
#
# LoRA には、フルファインチューニングの 10 倍か、それ以上の学習率が必要です。B はゼロから始まり、B が育つまで A にはほとんど勾配が届かないからです。まず学習率を振って調べ、ランクはその次にしてください。学習率が合っていないままランクを比べても、何も比べたことにはなりません。
# %% [markdown] lang="en"
# ## Verdict
# %% [markdown] lang="ja" of="297877e6"
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## Scale up
#
# On a T4 or a larger GPU the profile takes more rows, more seeds and a larger encoder. The counting cells are the same at any size: they need no weights. Lab 03 keeps the detour and shrinks the frozen W to 4 bits.
# %% [markdown] lang="ja" of="12a19f19"
# ## 大きくする
#
# T4 以上の GPU では、プロファイルがデータの件数とシードを増やし、より大きなエンコーダーを使います。数えるセルは規模によらず同じです。重みが要らないからです。ラボ 03 では、迂回路はそのまま残し、凍結した W を 4 ビットまで縮めます。
# %% [markdown] lang="en"
# ## Quiz
# %% [markdown] lang="ja" of="f3a0b532"
# ## クイズ
# %%
lab.quiz()
