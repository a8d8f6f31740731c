# %% [markdown] lang="en"
# # Lab 03 · QLoRA
#
# **After this lab you can** build NF4's sixteen numbers and round a model's weights to them, bit for bit as bitsandbytes does; train an adapter over 4-bit weights; say what 4 bits really save and what they cost; merge an adapter without losing it; and compute, before renting anything, which model fits which GPU.
#
# **Time:** about two minutes of computing on a 2-core CPU; an hour and a half with the exercises.
#
# **Claims under test:** 2 (4 bits cut memory by 75 %), 3 (70B on a T4 or RTX 4090), 4 (70B on one high-end GPU), 26 (4 bits cost no quality).
# %% [markdown] lang="ja" of="08b2a036"
# # ラボ 03 · QLoRA
#
# **このラボを終えると**、NF4 の 16 個の数を自分でつくって重みをそれに丸め、bitsandbytes と 1 ビットも違わない結果を得られるようになります。さらに、4 ビットの重みの上でアダプターを学習させ、4 ビット化で本当に減る量と失うものを説明し、アダプターを失わずに統合し、どのモデルがどの GPU に載るかを、GPU を借りる前に計算できるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 2 分、演習も含めると 1 時間半です。
#
# **検証する主張:** 2（4 ビットでメモリが 75 % 減る）、3（70B が T4 や RTX 4090 に載る）、4（70B が高性能 GPU 1 枚に載る）、26（4 ビットにしても品質は落ちない）。
# %%
from lab_helpers import open_lab

lab = open_lab("03")
# %% [markdown] lang="en"
# ## Predict
#
# 1. How many **bits** does one parameter in "4-bit" NF4 really take?
# 2. How many **GiB** does QLoRA need for Llama 3 70B, with rank 16 and 512 tokens at a time?
# 3. You merge a trained ΔW into the 4-bit weights. The error is what **percentage** of ‖ΔW‖?
# %% [markdown] lang="ja" of="bedbbcee"
# ## 予想する
#
# 1. 「4 ビット」の NF4 で保存したパラメータは、実際には 1 個あたり何**ビット**でしょうか。
# 2. Llama 3 70B の QLoRA には何 **GiB** 必要でしょうか。ランクは 16、一度に扱うのは 512 トークンです。
# 3. 学習した ΔW を 4 ビットの重みに統合します。そのときの誤差は、‖ΔW‖ の何**パーセント**でしょうか。
# %%
lab.predict("bits", ...)
lab.predict("seventy", ...)
lab.predict("merge", ...)
# %% [markdown] lang="en"
# ## Build: sixteen numbers
#
# LoRA leaves $W$ frozen. What is never updated need not be exact, so QLoRA stores it in 4 bits: each weight becomes the number of one of sixteen values. Which sixteen? Weights look like a normal distribution, so NF4 takes its **quantiles**: close together where most weights are, far apart at the rim. One value must be 0 itself, because padding and pruned weights are exactly 0. So there are eight quantiles above, seven below, and zero, all divided by the largest (Dettmers et al. 2023, eq. 4).
#
# `offset` is the last quantile that is kept: the one at 1.0 would be infinite.
#
# **Exercise (8 min).** Return the sixteen values, sorted. Compute the quantiles in double precision, the division in float32.
# %% [markdown] lang="ja" of="5fa7eb40"
# ## つくる: 16 個の数
#
# LoRA は $W$ を凍結します。更新しないものなら、正確でなくても構いません。そこで QLoRA は $W$ を 4 ビットで保存します。つまり、重みを 16 個の値のどれかの番号に置き換えます。では、どの 16 個でしょうか。重みは正規分布に似た形をしています。そこで NF4 は、正規分布の**分位点**を使います。重みが集まる所は細かく、端のほうは粗くなります。また、パディングや枝刈りされた重みはちょうど 0 なので、16 個のうち 1 個は 0 そのものでなければなりません。したがって、0 より上に 8 個、下に 7 個、そして 0 を取り、全体を最大値で割ります（Dettmers et al. 2023、式 4）。
#
# `offset` は、残す最後の分位点です。確率 1.0 の分位点は無限大になってしまうためです。
#
# **演習（8 分）。** 16 個の値を昇順で返してください。分位点は倍精度で、割り算は float32 で計算します。
# %% tags=["exercise"]
import torch


def nf4_code(offset):
    ...  # your code → (16,)


nf4_code = lab.check("nf4_code", nf4_code)
# %%
from lab_helpers.labs.shared.models import load_model

model, tokenizer = load_model(lab.run)
from bitsandbytes.functional import get_4bit_type

code = nf4_code(0.9677083)
print("\n".join(f"{value:+.16f}" for value in code.tolist()))
print("equal to bitsandbytes, bit for bit:", torch.equal(code, get_4bit_type("nf4", "cpu")))
# %% [markdown] lang="en"
# bitsandbytes has these sixteen numbers typed in as constants; you have derived them. Even the rounding of `offset` is part of it: the paper's fraction, 0.96770833…, changes the last bits of most of them.
#
# Here they are, over the real weights of the language model, beside two older choices: **int4**, an even grid, and **FP4**, a tiny floating-point number.
# %% [markdown] lang="ja" of="ab5087a0"
# bitsandbytes では、この 16 個の数が定数として書き込まれています。あなたはそれを導き出しました。`offset` の丸め方まで結果に影響します。論文の分数どおり 0.96770833… とすると、大半の値の末尾のビットが変わってしまいます。
#
# これを、言語モデルの実際の重みに重ねて見てみましょう。従来からある 2 つの方式、等間隔の格子である **int4** と、ごく小さな浮動小数点数である **FP4** も並べます。
# %%
from lab_helpers.labs.lab03.rounding import code_figure, linear_weights

weights = linear_weights(model)
print(len(weights), "matrices,", sum(w.numel() for w in weights.values()), "weights")
lab.figure(code_figure(weights), "code_books")
# %% [markdown] lang="en"
# ## Build: a scale for every block
#
# The code reaches from -1 to 1, weights do not. Every **block** of 64 neighbours is divided by its largest absolute value, which is stored beside it. One outlier then spoils 64 weights, not the whole matrix.
#
# **Exercise (8 min).** Return the indices and the scales.
# %% [markdown] lang="ja" of="11b31d86"
# ## つくる: ブロックごとのスケール
#
# コードの範囲は -1 から 1 までですが、重みの範囲は違います。そこで、隣り合う 64 個を 1 **ブロック**とし、その絶対値の最大で割ります。割った値は、スケールとしてブロックごとに保存します。こうすれば、外れ値が 1 つあっても、影響を受けるのは 64 個だけで、行列全体には及びません。
#
# **演習（8 分）。** 番号とスケールを返してください。
# %% tags=["exercise"]
def quantize(weights, code, block):
    ...  # your code → indices (n,), absmax (n / block,)


quantize = lab.check("quantize", quantize)
# %% [markdown] lang="en"
# **Exercise (4 min).** And back.
# %% [markdown] lang="ja" of="f821d198"
# **演習（4 分）。** 今度は元に戻します。
# %% tags=["exercise"]
def dequantize(indices, absmax, code, block):
    ...  # your code → (n,)


dequantize = lab.check("dequantize", dequantize)
# %%
from bitsandbytes.functional import dequantize_4bit, quantize_4bit

name, matrix = next(iter(weights.items()))
matrix = matrix.float().cpu()  # on a GPU it lies there, in 16 bits
indices, absmax = quantize(matrix.reshape(-1), code, 64)
ours = dequantize(indices, absmax, code, 64).reshape(matrix.shape)
theirs = dequantize_4bit(*quantize_4bit(matrix.contiguous(), quant_type="nf4"))
print(name, tuple(matrix.shape))
print("before:", matrix[0, :5].tolist(), "\nafter: ", ours[0, :5].tolist())
print("largest difference from bitsandbytes:", float((ours - theirs).abs().max()))
# %% [markdown] lang="en"
# The package has the same as `lab_helpers/tuning/quantization.py`, with packing into bytes, FP4 and double quantization. Compared with bitsandbytes are the code books, the packed bytes and both levels of scales, on eight matrices. Then the error of each code book: on random normal numbers, on the language model, and on the encoder of lab 01.
# %% [markdown] lang="ja" of="eafdb72d"
# パッケージの `lab_helpers/tuning/quantization.py` にも同じ処理があり、バイトへの詰め込み、FP4、二重量子化も含みます。8 個の行列で、コードブック、詰め込んだバイト、2 段のスケールのすべてを bitsandbytes と比べます。続いて、それぞれのコードブックの誤差を、正規乱数、言語モデル、ラボ 01 のエンコーダーで測ります。
# %%
from lab_helpers.figures import quantization as figures
from lab_helpers.labs.lab03.rounding import (
    collect_weight_sets,
    draw_gaussian,
    is_equal_to_bitsandbytes,
    measure_rounding,
    rounding_metrics,
)

chosen = [*list(weights.values())[:7], draw_gaussian(lab.seed)]
lab.measured(nf4_codes_equal=int(is_equal_to_bitsandbytes(chosen)))
print("bit for bit:", bool(lab.run.metrics["nf4_codes_equal"]))
rounding = measure_rounding(collect_weight_sets(lab.run, model))
lab.measured(**rounding_metrics(rounding))
lab.run.table("rounding", rounding)
lab.figure(figures.rounding_errors(rounding), "rounding")
# %% [markdown] lang="en"
# Every weight is off by about a tenth of its size. That is not small, and it is the same for a trained network as for random numbers. NF4 is the best of the three; but FP4, which sounds cleverer than a plain grid, is *worse* than int4.
#
# What does the model say to that? Its perplexity on held-out stories, each matrix rounded:
# %% [markdown] lang="ja" of="58185806"
# どの重みにも、大きさの約 1 割の誤差が出ています。小さな誤差ではありません。しかも、学習済みのネットワークでも乱数でも、ほぼ同じです。3 つのうちでは NF4 が最良です。一方 FP4 は、単純な格子よりも賢そうに聞こえますが、int4 に*負けて*います。
#
# モデルへの影響はどうでしょうか。すべての行列を丸めたうえで、学習に使っていない物語に対するパープレキシティを測ります。
# %%
from lab_helpers.labs.lab03.rounding import measure_perplexities

rounded, tokenizer = load_model(lab.run)  # a copy: it ends up rounded
lab.measured(**measure_perplexities(model, rounded, tokenizer))
model = rounded = weights = chosen = None  # on a T4 two models have room
for kind in ("float", "int4", "fp4", "nf4"):
    print(f"{kind:6s} {lab.run.metrics[f'perplexity_{kind}']:.3f}")
# %% [markdown] lang="en"
# Rounding alone costs the model some of its fluency, in the order of the errors. Keep these numbers in mind: so far nothing has been trained.
#
# ## Build: what a bit costs
#
# **Exercise (5 min).** A block also stores its scale: a float. "Double quantization" stores the scales in 8 bits, with one float for every 256 scales. How many bits a parameter, without and with it?
# %% [markdown] lang="ja" of="f5aad751"
# 丸めるだけで、モデルの流暢さはいくらか失われます。順位は誤差の順位と同じです。この数値を覚えておいてください。まだ何も学習させていません。
#
# ## つくる: 1 個あたりのビット数
#
# **演習（5 分）。** ブロックには、float 1 つ分のスケールも保存します。「二重量子化」では、スケールを 8 ビットで保存し、スケール 256 個ごとに float を 1 つ持ちます。二重量子化なしとありで、パラメータ 1 個あたり何ビットになるでしょうか。
# %% tags=["exercise"]
def bits_per_parameter(block, double):
    ...  # your code


bits_per_parameter = lab.check("bits_per_parameter", bits_per_parameter)
# %% [markdown] lang="en"
# Now count the bytes that a real `Linear4bit` of bitsandbytes holds; its shape is that of Llama 3 8B's `v_proj`. And then whole models: embeddings, norms and the head are not quantized.
# %% [markdown] lang="ja" of="8ab437d2"
# 今度は、bitsandbytes の本物の `Linear4bit` が保持するバイト数を数えます。形は Llama 3 8B の `v_proj` と同じです。続いてモデル全体を数えます。埋め込み、正規化層、出力層は量子化されません。
# %%
from lab_helpers.labs.lab03.rounding import measure_stored_bits, weight_cut_metrics
from lab_helpers.tuning import memory

for double in (False, True):
    formula, held = bits_per_parameter(64, double), measure_stored_bits(double)
    print(f"by formula {formula:.4f}, held {held:.4f}")
lab.measured(bits_per_parameter_nf4=measure_stored_bits(False))
lab.measured(bits_per_parameter_nf4_double=measure_stored_bits(True), **weight_cut_metrics())
lab.measured(weight_memory_cut_own=memory.weight_cut(lab.run.model_name))
lab.compare("bits")
for name in ("llama3_8b", "llama3_70b", "gemma2_2b", "own"):
    print(f"{name:11s} smaller by {lab.run.metrics[f'weight_memory_cut_{name}']:.1%}")
# %% [markdown] lang="en"
# "Up to 75 %" is the cut from 16 bits to 4.0 bits, and nobody stores 4.0. Over a whole model it is less, and least where a large vocabulary stands on a small body: Gemma 2 2B, and `own`, the model you are training.
#
# ## Measure: QLoRA beside LoRA
#
# The base in 4 bits, frozen; an adapter beside every linear layer (the paper's advice); the gradient passes through the 4-bit weights, which are unpacked for each product. This runs on a CPU, with real bitsandbytes.
# %% [markdown] lang="ja" of="a03aeecb"
# 「最大 75 %」というのは、16 ビットをちょうど 4.0 ビットにした場合の値ですが、4.0 ビットで保存する方式はありません。モデル全体では削減率はさらに小さくなります。とくに小さいのは、本体が小さいのに語彙が大きいモデルです。Gemma 2 2B や、これから学習させるモデル（`own`）がそうです。
#
# ## 測る: QLoRA と LoRA を並べる
#
# ベースは 4 ビットで凍結し、論文の勧めどおり、すべての線形層にアダプターを付けます。勾配は 4 ビットの重みを通り抜けます。重みは、積を計算するたびに一時的に元へ戻されます。これは CPU でも、本物の bitsandbytes で動きます。
# %%
from peft import LoraConfig
from transformers import BitsAndBytesConfig
from trl import SFTConfig

from lab_helpers.models.language_models import plain_dtype
from lab_helpers.tuning.trainer_config import trainer_config

quantization = BitsAndBytesConfig(
    load_in_4bit=True,
    bnb_4bit_quant_type="nf4",
    bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=plain_dtype(lab.run.model_name),  # fp16 on a T4, else bf16 or float32
)
settings = trainer_config(
    SFTConfig,
    lab.machine,
    num_train_epochs=lab.settings["epochs"],
    per_device_train_batch_size=lab.settings["batch_size"],
    learning_rate=lab.settings["learning_rate"],
    lr_scheduler_type="cosine",
)
# %%
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.labs.lab03.training import (
    float32_adapter_trainer,
    held_out_rows,
    training_rows,
)
from lab_helpers.models.four_bit import load_four_bit

rows, source, curves = training_rows("en", lab.settings["rows"]), lab.run.model_name, {}
for arm in ("lora", "qlora"):
    four_bit = arm == "qlora"
    base, tokenizer = load_four_bit(source, quantization) if four_bit else load_model(lab.run)
    before = answer_loss(base, tokenizer, held_out_rows("en"))
    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = float32_adapter_trainer(base, tokenizer, rows, settings, config)
    tuned = lab.train(trainer, arm)
    after = answer_loss(tuned.model, tokenizer, held_out_rows("en"))
    lab.measured(**{f"eval_loss_before_{arm}": before, f"eval_loss_{arm}": after})
    lab.measured(**{f"train_seconds_{arm}": tuned.seconds})
    curves["QLoRA" if four_bit else "LoRA"] = tuned.curve()
    print(f"{arm:5s} held-out loss {before:.3f} -> {after:.3f}")
# %%
from lab_helpers.figures.tuning import loss_curve
from lab_helpers.labs.lab03.training import loss_increase_metrics

tuned.model.save_pretrained(lab.run.folder / "qlora_adapter")  # the last arm's
lab.run.artifact(lab.run.folder / "qlora_adapter")
tuned = trainer = base = None
lab.measured(**loss_increase_metrics(lab.run.metrics))
lab.figure(loss_curve(curves), "training")
print(f"QLoRA against LoRA: {lab.run.metrics['qlora_relative_loss_increase']:+.2%}")
# %% [markdown] lang="en"
# Both arms have the same rows, order, seed and settings, and adapters in float32. (TRL casts adapters over 4-bit weights to bf16; we undo that, so that the two arms differ in the base alone.) The rounding of a tenth of every weight is nearly gone from the loss: the adapter trains *around* it.
#
# The same in Japanese:
# %% [markdown] lang="ja" of="c27f626c"
# どちらも、データ、その順序、シード、設定は同じで、アダプターは float32 です（TRL は 4 ビットの重みに付けたアダプターを bf16 に変換しますが、ここでは元に戻しています。こうすれば、2 つの条件の違いはベースだけになります）。各重みの 1 割もの丸め誤差は、損失にはほとんど残っていません。アダプターが、誤差を*織り込んで*学習するからです。
#
# 日本語でも試します。
# %%
from lab_helpers.labs.lab03.training import train_arm

if "ja" in lab.settings["languages"]:  # SmolLM2, of the small profile, reads no Japanese
    for four_bit in (False, True):
        lab.measured(**train_arm(lab.run, "ja", four_bit)[0])
    lab.measured(**loss_increase_metrics(lab.run.metrics, "_ja"))
    for name in ("eval_loss_lora_ja", "eval_loss_qlora_ja", "qlora_relative_loss_increase_ja"):
        print(name, round(lab.run.metrics[name], 4))
# %% [markdown] lang="en"
# One seed a language: a percent or two between the arms may be chance. What counts is what did *not* happen. The rounded base alone was clearly worse, see the perplexities; after training with it, the loss is next to LoRA's.
#
# ## Break it: merge into 4 bits
#
# The adapter is a second path, so one merges it: `merge_and_unload()`. On a 4-bit model PEFT does it, with a warning about "rounding errors". How large are they? ΔW is small beside W, and a 4-bit step is large.
#
# Two numbers for each base that we merge into: the distance of the merged weights from what was trained, dequantized W + ΔW, as a share of ‖ΔW‖; and the loss on held-out answers.
# %% [markdown] lang="ja" of="eaf86c1a"
# シードは言語ごとに 1 つだけなので、1〜2 パーセントの差は偶然かもしれません。大事なのは、悪化が*起きなかった*ことです。丸めただけのベースは、パープレキシティで見たとおり明らかに劣っていました。ところが、その上で学習させると、損失は LoRA とほとんど並びます。
#
# ## 壊す: 4 ビットに統合する
#
# アダプターは余分な経路なので、`merge_and_unload()` で統合したくなります。4 ビットのモデルに対しても PEFT は統合を実行し、「丸め誤差」についての警告を 1 つ出すだけです。その誤差はどれほどでしょうか。ΔW は W に比べて小さく、4 ビットの 1 段は大きな値です。
#
# 統合先のベースごとに、2 つの数値を測ります。1 つは、統合後の重みと、学習で得た「逆量子化した W + ΔW」との距離を ‖ΔW‖ で割ったもの、もう 1 つは、学習に使っていない回答に対する損失です。
# %%
from lab_helpers.labs.lab03.merging import measure_merging, merge_metrics

saved = lab.run.folder / "qlora_adapter"
merged, size = measure_merging(source, saved, held_out_rows("en"))
lab.measured(delta_relative_size=size)
lab.table(merged, "merging")
lab.measured(**merge_metrics(merged))
lab.compare("merge")
# %% [markdown] lang="en"
# ## Mend it
#
# **Exercise (5 min).** Merge in floats.
# %% [markdown] lang="ja" of="9c45449c"
# ## 直す
#
# **演習（5 分）。** 浮動小数点の中で統合してください。
# %% tags=["exercise"]
def merge(indices, absmax, code, block, delta):
    ...  # your code → (n,)


merge = lab.check("merge", merge)
# %%
from lab_helpers.figures import charts

start, points = draw_gaussian(lab.seed, 256).reshape(-1), []
stored = quantize(start, code, 64)
for size in (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5):
    delta = torch.randn(len(start), generator=torch.Generator().manual_seed(lab.seed + 1))
    delta *= size * start.norm() / delta.norm()
    right = merge(*stored, code, 64, delta)
    wrong = dequantize(*quantize(right, code, 64), code, 64)
    points.append((size, float((wrong - right).norm() / delta.norm())))
    print(f"‖ΔW‖ = {size:5.1%} of ‖W‖: lost in 4 bits {points[-1][1]:.2f}")
lab.figure(charts.lines({"4-bit": points}, "‖ΔW‖ / ‖W‖", "error / ‖ΔW‖", logx=True))
print(f"the trained ΔW: {lab.run.metrics['delta_relative_size']:.1%} of ‖W‖")
# %% [markdown] lang="en"
# Up to a twentieth of the weights' size, ΔW is lost whole, and the rounding adds a little noise of its own. It takes a ΔW of a fifth of W before half of it survives; the last line says where ours stands. So: **dequantize, add, keep the floats.** The row `original` of the table merges into weights that the adapter has never seen: its "error" is the base's rounding, which the adapter had learned to work around.
#
# ## Break it: a width that does not fit
#
# bitsandbytes on a CPU has a silent fault of its own. A row whose length is no multiple of 64 shares a block with its neighbour. Quantizing is right; unpacking need not be. Ours against theirs:
# %% [markdown] lang="ja" of="59bb6e97"
# ΔW の大きさが重みの 20 分の 1 くらいまでだと、ΔW はまるごと失われ、そのうえ丸め自体の雑音が少し加わります。半分が残るには、W の 5 分の 1 ほどの ΔW が必要です。ここで学習した ΔW の位置は、出力の最後の行に示しています。ですから、**元に戻し、足し、浮動小数点のまま保存**してください。表の `original` の行は、アダプターが見たことのない重みに統合した場合です。その「誤差」は、アダプターが織り込んで学習したはずの、ベースの丸め誤差です。
#
# ## 壊す: 幅が合わない
#
# CPU 版の bitsandbytes には、何も知らせずに起きる不具合があります。行の長さが 64 の倍数でないと、1 つのブロックが隣の行にまたがります。量子化は正しいのですが、元に戻す処理が正しいとはかぎりません。自分たちの実装と比べてみましょう。
# %%
from lab_helpers.labs.lab03.rounding import measure_widths

lab.table(measure_widths())
# %% [markdown] lang="en"
# ## Mend it
#
# If a line above shows twice the error, your processor has AVX-512 and bitsandbytes reads the scales of the wrong block. It raised nothing. (If not, your machine takes another path: check it on the one that you deploy on.) The package reads such weights as one long row, `lab_helpers/models/four_bit.py`, and so is right everywhere. All widths of Kotori, and of every model in the table below, are multiples of 64.
#
# ## Measure: the optimizer, in 8 bits and paged
#
# AdamW keeps two numbers for every weight that trains. bitsandbytes stores them in 8 bits, with the same block trick. A *paged* optimizer has as many bytes, in memory that the driver moves to the CPU's RAM when the GPU's is full. 8-bit AdamW runs on CPU and GPU; paging needs CUDA, and on a CPU bitsandbytes says so and goes on without it.
# %% [markdown] lang="ja" of="d5f35b45"
# ## 直す
#
# 誤差が 2 倍ほどになっている行があれば、そのプロセッサは AVX-512 を備えており、bitsandbytes が別のブロックのスケールを読んでいます。エラーは何も出ません（どの行も同じなら、そのマシンでは別の処理が使われています。実際に動かすマシンで確かめてください）。このパッケージの `lab_helpers/models/four_bit.py` は、こうした重みを 1 本の長い行として読むので、どこでも正しく動きます。なお、Kotori も、後の表に出てくるモデルも、幅はすべて 64 の倍数です。
#
# ## 測る: オプティマイザーの 8 ビット化とページ化
#
# AdamW は、学習する重み 1 つにつき 2 つの数を覚えています。bitsandbytes は、同じブロックの工夫を使って、それを 8 ビットで保存します。*ページ化された*オプティマイザーでは、バイト数は変わりません。GPU のメモリがいっぱいになると、ドライバーが状態を CPU の RAM へ移してくれるのです。8 ビットの AdamW は CPU でも GPU でも動きます。ページ化には CUDA が必要で、CPU では、bitsandbytes がその旨を知らせたうえで、ページ化なしで続けます。
# %%
from lab_helpers.labs.lab03.memory import measure_optimizers

optimizers = measure_optimizers(lab.run.model_name)
lab.table(optimizers, "optimizers")
held = {row["optimizer"]: row["measured"] for row in optimizers}
lab.measured(optimizer_8bit_share=held["adamw_8bit"] / held["adamw"])
print(f"8-bit states are {lab.run.metrics['optimizer_8bit_share']:.1%} of the 32-bit ones")
# %% [markdown] lang="en"
# ## Build: the memory of a training
#
# **Exercise (4 min).** Bytes for frozen and trained parameters: weight, gradient and AdamW's states.
# %% [markdown] lang="ja" of="bec94b57"
# ## つくる: 学習に要るメモリ
#
# **演習（4 分）。** 凍結したパラメータと学習するパラメータに必要なバイト数を計算してください。重み、勾配、AdamW の状態を数えます。
# %% tags=["exercise"]
def training_bytes(frozen, bits, trained):
    ...  # your code


training_bytes = lab.check("training_bytes", training_bytes)
# %%
from lab_helpers.models.known_configs import linear_shapes
from lab_helpers.tuning.lora_counts import lora_counts

for name in ("Llama 3 8B", "Llama 3 70B"):
    counts = lora_counts(name, 16, "all linear")
    quantized = sum(d * k for d, k in linear_shapes(name)[0].values())
    rest = counts["total"] - quantized
    total = training_bytes(quantized, 4.127, counts["trainable"])
    print(f"{name}: {(total + 2 * rest) / 2**30:.1f} GiB before a single token is read")
# %% [markdown] lang="en"
# What is missing are the **activations**: all that the forward pass keeps for the backward pass, and what the loss takes. TRL 1.16 reads the logits tile by tile and never holds them whole; `labs fit MODEL --logits full` shows what that spares. No formula for them here. The calculator runs the training step of the real model with shapes only, on the meta device, and adds up every tensor that is alive: `lab_helpers/tuning/dry_run.py`. `labs fit MODEL` does the same from the command line, for any `config.json`.
# %% [markdown] lang="ja" of="ab5dd21c"
# まだ足りないのは**活性値**です。フォワードパスがバックワードパスのために残すすべての値と、損失の計算に使う分がこれに当たります。TRL 1.16 はロジットを小分けに計算し、全体を一度にメモリへ置くことはありません。それでどれだけ節約できるかは、`labs fit MODEL --logits full` で確かめられます。ここでは公式を使いません。本物のモデルの学習ステップを、形だけをもつメタデバイスの上で実行し、その時点で存在するテンソルをすべて足し合わせます（`lab_helpers/tuning/dry_run.py`）。コマンドラインの `labs fit MODEL` も同じ計算をします。どの `config.json` でも使えます。
# %%
from lab_helpers.labs.lab03.memory import MODELS, PLAN, largest_fit_metrics, plan_rows

needs = plan_rows(MODELS, PLAN)
lab.table(needs, "memory")
need = {row["model"]: row["GiB"] for row in needs}
lab.measured(
    qlora_memory_gib_llama3_70b=need["Llama 3 70B"], qlora_memory_gib_llama3_8b=need["Llama 3 8B"]
)
lab.measured(**largest_fit_metrics())
print("the largest that fits:", largest_fit_metrics())
lab.compare("seventy")
# %% [markdown] lang="en"
# Of 70B's need, the 4-bit weights alone are more than a T4 or an RTX 4090 has: no setting, no paging of optimizer states brings it down. On one card of 48 GB it fits, with short texts. Two cards of 24 GB can share it (LLaMA-Factory documents that); it is then no longer *a* T4 or *an* RTX 4090.
#
# ## Measure: is the calculator right?
#
# A calculator that nobody checks is a claim. On this machine we can check: weights and optimizer states must agree to the byte; the peak of a step is compared with every allocation that torch makes.
# %% [markdown] lang="ja" of="0b7effcc"
# 70B では、4 ビットの重みだけで T4 や RTX 4090 の容量を超えます。設定をどう変えても、オプティマイザーの状態をページ化しても、そこまでは下がりません。48 GB のカードなら、短いテキストに限れば 1 枚に載ります。24 GB のカード 2 枚に分けることもできますが（LLaMA-Factory の文書に例があります）、それはもう「T4 1 枚」や「RTX 4090 1 枚」の話ではありません。
#
# ## 測る: この計算は正しいか
#
# 誰も確かめていない計算は、主張にすぎません。このマシンで確かめましょう。重みとオプティマイザーの状態は 1 バイトまで一致するはずです。1 ステップのピークは、torch が行ったすべてのメモリ確保と比べます。
# %%
from lab_helpers.labs.lab03.memory import measure_plans, plan_check_metrics

checked = measure_plans(lab.run.model_name, lab.settings["check_sequence"])
lab.table(checked, "checked")
lab.measured(**plan_check_metrics(checked))
print("bytes off in weights and states:", lab.run.metrics["exact_bytes_difference"])
print(f"peak of a step: {lab.run.metrics['step_peak_relative_error']:+.1%}")
# %% [markdown] lang="en"
# What this does **not** show is a GPU. The peak that CUDA reports, `max_memory_allocated`, has not yet been compared with these predictions. If you have a T4, you can do it, and you should; our target is an error of at most 10 %:
#
# ```python
# from lab_helpers.tuning.memory import Plan
# from lab_helpers.labs.lab03.memory_check import measure_plan
#
# measure_plan("Qwen/Qwen2.5-1.5B-Instruct", Plan(sequence=512))
# ```
#
# Known gaps: a T4 has no FlashAttention, and where no other fused kernel steps in, attention keeps the square of the sequence length; `measure_plan` takes the model's own loss and so counts whole logits, which some trainers copy to float32 besides; fragmentation comes on top.
#
# ## Explore: the memory explorer
#
# Which term is the largest? Switch checkpointing off, double the sequence, change the method. Without a live kernel you see Llama 3 8B three ways.
# %% [markdown] lang="ja" of="04ffa59b"
# これで**示せていない**のは、GPU での結果です。CUDA が報告するピーク（`max_memory_allocated`）とこの予測値は、まだ比べられていません。T4 をお使いなら、ぜひご自身で比べてください。目標は誤差 10 % 以内です。
#
# ```python
# from lab_helpers.tuning.memory import Plan
# from lab_helpers.labs.lab03.memory_check import measure_plan
#
# measure_plan("Qwen/Qwen2.5-1.5B-Instruct", Plan(sequence=512))
# ```
#
# 差が出そうな点も分かっています。T4 では FlashAttention が使えません。ほかの融合カーネルも働かない場合、アテンションは系列長の 2 乗に比例するメモリを使います。`measure_plan` はモデル自身の損失を使うため、ロジット全体をメモリに置くものとして数えますが、トレーナーによっては、それをさらに float32 に写します。このほかに断片化が加わります。
#
# ## 触ってみる: メモリの計算
#
# いちばん大きい項目はどれでしょうか。チェックポイントを切ったり、系列長を 2 倍にしたり、方式を変えたりしてみてください。カーネルが動いていないときは、Llama 3 8B の 3 通りの図が表示されます。
# %%
from lab_helpers.figures.widgets import memory_explorer
from lab_helpers.labs.lab03.memory import draw_plan, methods_figure

lab.figure(methods_figure("Llama 3 8B", PLAN), "memory")
memory_explorer(draw_plan, list(MODELS), list(memory.METHODS))
# %% [markdown] lang="en"
# ## Verdict
# %% [markdown] lang="ja" of="297877e6"
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## On a real model
#
# Kotori is small, and its weights have never been rounded before. How does a real model take it? The same cells ran on SmolLM2, 135 million parameters (`labs run 03 --profile small`). Its numbers come with the course.
# %% [markdown] lang="ja" of="65e02014"
# ## 実際のモデルでは
#
# Kotori は小さく、その重みはこれまで一度も丸められていません。実際のモデルではどうなるでしょうか。同じセルを、1.35 億パラメータの SmolLM2 でも実行しました（`labs run 03 --profile small`）。その値を講座に収めてあります。
# %%
lab.real_model(
    "error_nf4_model", "perplexity_float", "perplexity_nf4", "nf4_perplexity_increase",
    "eval_loss_lora", "eval_loss_qlora", "qlora_relative_loss_increase",
    "delta_relative_size", "merge_error_4bit", "eval_loss_merged_4bit",
)  # fmt: skip
# %% [markdown] lang="en"
# Each weight is off by the same tenth, but it costs the real model more, and 16 steps of training do not win it back: QLoRA stays behind LoRA. Merging in 4 bits is the same disaster: ΔW is even smaller beside W, and all of it is lost.
#
# Do larger models suffer more, then? Look at where the weights come from first. The package of SmolLM2 carries them **in 4 bits already** (GGUF's Q4_1: 16 even steps for every 32 weights). NF4 has other steps and other blocks, so here every weight is rounded a second time. Whether that matters can be tested on Kotori, whose exact weights you have: round to Q4_1 first, then to NF4.
# %% [markdown] lang="ja" of="c2736f92"
# 重み 1 つあたりの誤差は同じく 1 割ほどですが、失うものは実際のモデルのほうが大きく、16 ステップの学習では取り戻せません。QLoRA は LoRA に及ばないままです。4 ビットのままの統合が台なしになる点は変わりません。W に対する ΔW がさらに小さいので、学習の成果がまるごと消えます。
#
# では、大きなモデルほど打撃が大きいのでしょうか。その前に、重みの出どころを見てください。SmolLM2 のパッケージに入っている重みは、**すでに 4 ビット**です（GGUF の Q4_1。重み 32 個ごとに等間隔の 16 段階）。NF4 は段階もブロックの大きさも違うので、ここではすべての重みが 2 度丸められています。それが効いているのかどうかは、正確な重みが手元にある Kotori で試せます。まず Q4_1 に、続けて NF4 に丸めます。
# %%
from lab_helpers.labs.lab03.second_rounding import measure_second_rounding

model, again = (load_model(lab.run)[0] for _ in range(2))  # the second ends up rounded
lab.measured(**measure_second_rounding(model, again, tokenizer))
model = again = None
for base in ("float", "q4_1"):
    print(f"NF4 over {base:6s} perplexity {lab.run.metrics[f'nf4_increase_over_{base}']:+.1%}")
# %% [markdown] lang="en"
# After a first rounding, NF4 costs Kotori more than it cost the exact weights. What SmolLM2 loses can be its origin, then, at least in part; whether size plays a part as well is **not decided** here, and takes its original weights. What you can take to work: quantize from the original weights, never from a file that was quantized before.
#
# On a T4, `LAB_PROFILE=t4` runs this notebook with a real 1.5-billion-parameter model in 4 bits. There, `plain_dtype` sets `bnb_4bit_compute_dtype` to fp16: a T4 has no native bf16. `labs fit "Qwen2.5 14B" --sequence 1024 --optimizer paged_adamw_8bit` tells you beforehand whether a larger one fits.
# %% [markdown] lang="ja" of="ec63b450"
# 一度丸めたあとの NF4 は、正確な重みに対する NF4 より高くつきました。ですから、SmolLM2 が失ったものは、少なくとも一部は重みの出どころで説明がつきます。モデルの大きさも効いているのかどうかは、ここでは**決められません**。確かめるには、元の重みが必要です。仕事に持ち帰れる教訓はこうです。量子化は必ず元の重みから行い、一度量子化されたファイルからは行わないこと。
#
# T4 で `LAB_PROFILE=t4` を指定すると、このノートブックは 15 億パラメータの本物のモデルを 4 ビットで動かします。その場合、`plain_dtype` は `bnb_4bit_compute_dtype` に fp16 を選びます。T4 は bf16 をネイティブには扱えないからです。もっと大きなモデルが載るかどうかは、`labs fit "Qwen2.5 14B" --sequence 1024 --optimizer paged_adamw_8bit` で前もって分かります。
# %% [markdown] lang="en"
# ## Quiz
# %% [markdown] lang="ja" of="f3a0b532"
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 04. The adapter works; what should it learn? From a dirty file to a tuned assistant.
# %% [markdown] lang="ja" of="38021dff"
# **次は:** ラボ 04 です。アダプターの仕組みは分かりました。では、何を学ばせればよいのでしょうか。汚れたファイルから、調整済みのアシスタントまで進みます。
