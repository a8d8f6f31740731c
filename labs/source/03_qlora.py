# %% [markdown] lang="en"
# # Lab 03 · QLoRA
#
# **After this lab you can** build NF4's sixteen numbers and round a model's weights to them, bit for bit as bitsandbytes does; train an adapter over 4-bit weights and say what the rounding cost, before and after; merge an adapter without losing it; and compute, before renting anything, which model fits which GPU.
#
# **Claims under test:** 2 (4 bits cut memory by 75 %), 3 (70B on a T4 or RTX 4090), 4 (70B on one high-end GPU), 26 (4 bits cost no quality).
#
# | section | its aim | with the exercises |
# |---|---|---|
# | 1 · NF4 by hand | sixteen numbers, a scale a block, and what rounding does to a model | 60 min |
# | 2 · Training over 4-bit weights | QLoRA, every line of it; what the rounding costs after training | 45 min |
# | 3 · Merging | which merge keeps what was learned, and why a bad one may look good | 25 min |
# | 4 · Memory | which model fits which card, counted and checked | 30 min |
#
# The four can be read on four days: run all cells again, and trainings that are finished are loaded. **Time:** the computing takes about four minutes on a 2-core CPU.
#
# **New words:** [quantization](glossary.md#quantization) · [NF4](glossary.md#nf4) · [loss](glossary.md#loss) · [perplexity](glossary.md#perplexity) · [adapter](glossary.md#adapter), [LoRA](glossary.md#lora) · [learning rate](glossary.md#learning-rate) · [training, validation and test rows](glossary.md#evaluation-rows) · [merge](glossary.md#merge) · [optimizer](glossary.md#optimizer) · [activation](glossary.md#activation) · [gradient checkpointing](glossary.md#gradient-checkpointing)
# %% [markdown] lang="ja" of="ca2b2e78"
# # ラボ 03 · QLoRA
#
# **このラボを終えると**、NF4 の 16 個の数を自分でつくって重みをそれに丸め、bitsandbytes と 1 ビットも違わない結果を得られるようになります。さらに、4 ビットの重みの上でアダプターを学習させ、丸めで失ったものを学習の前と後の両方で説明し、アダプターを失わずにマージし、どのモデルがどの GPU に載るかを、GPU を借りる前に計算できるようになります。
#
# **検証する主張:** 2（4 ビットでメモリが 75 % 減る）、3（70B が T4 や RTX 4090 に載る）、4（70B が高性能 GPU 1 枚に載る）、26（4 ビットにしても品質は落ちない）。
#
# | セクション | ねらい | 演習を含めた時間 |
# |---|---|---|
# | 1 · NF4 を手でつくる | 16 個の数、ブロックごとのスケール、丸めがモデルに与える影響 | 60 分 |
# | 2 · 4 ビットの重みの上で学習する | QLoRA のすべての行。学習後に丸めの影響はどれだけ残るか | 45 分 |
# | 3 · マージ | 学習したものが残るマージはどれか。悪いマージが良く見えることがあるのはなぜか | 25 分 |
# | 4 · メモリ | どのモデルがどのカードに載るかを数え、その数え方も確かめる | 30 分 |
#
# 4 つのセクションは、別々の日に読んでもかまいません。すべてのセルを実行し直せば、済んだ学習は読み込まれます。**所要時間:** 計算は 2 コアの CPU で約 4 分です。
#
# **新しい言葉:** [量子化](glossary.md#quantization) · [NF4](glossary.md#nf4) · [損失](glossary.md#loss) · [パープレキシティ](glossary.md#perplexity) · [アダプター](glossary.md#adapter)、[LoRA](glossary.md#lora) · [学習率](glossary.md#learning-rate) · [学習用・検証用・テスト用の行](glossary.md#evaluation-rows) · [マージ](glossary.md#merge) · [オプティマイザー](glossary.md#optimizer) · [活性値](glossary.md#activation) · [勾配チェックポイント](glossary.md#gradient-checkpointing)
# %%
from lab_helpers import open_lab

lab = open_lab("03")
# %% [markdown] lang="en"
# ## Predict
#
# 1. How many **bits** does one parameter in "4-bit" NF4 really take?
# 2. How many **GiB** does QLoRA need for Llama 3 70B, with rank 16 and 512 tokens at a time?
# 3. You train an adapter and merge its ΔW into the 4-bit weights. The error is what **percentage** of ‖ΔW‖, the size of ΔW?
# %% [markdown] lang="ja" of="27b38381"
# ## 予想する
#
# 1. 「4 ビット」の NF4 で保存したパラメータは、実際には 1 個あたり何**ビット**でしょうか。
# 2. Llama 3 70B の QLoRA には何 **GiB** 必要でしょうか。ランクは 16、一度に扱うのは 512 トークンです。
# 3. アダプターを学習させ、その ΔW を 4 ビットの重みにマージします。誤差は、ΔW の大きさ ‖ΔW‖ の何**パーセント**でしょうか。
# %%
lab.predict("bits", ...)
lab.predict("seventy", ...)
lab.predict("merge", ...)
# %% [markdown] lang="en"
# ## Why: what LoRA leaves in memory
#
# Full fine-tuning keeps a gradient and two optimizer numbers for every weight. LoRA keeps them for a thin adapter only. Look at what is left: Llama 3 8B three ways, and the cards as dotted lines.
# %% [markdown] lang="ja" of="511a2e7c"
# ## なぜ必要か: LoRA のあとに残るメモリ
#
# フルファインチューニングでは、重み 1 つごとに、勾配と、オプティマイザーの数を 2 つ持ちます。LoRA でそれらが要るのは、薄いアダプターの分だけです。では、何が残るでしょうか。Llama 3 8B を 3 通りに学習させる場合のメモリです。点線は GPU の容量です。
# %%
from lab_helpers.labs.lab03.memory import PLAN, methods_figure

lab.figure(methods_figure("Llama 3 8B", PLAN), "memory")
# %% [markdown] lang="en"
# In the middle bar nearly everything is one colour: the weights themselves, which LoRA never changes. What is never changed need not be exact. The third bar stores them in about 4 bits instead of 16; that is QLoRA. The rest of this lab asks how, and at what price.
#
# ## 1 · NF4 by hand
#
# **Aim:** turn 16-bit weights into 4-bit ones and back, exactly as bitsandbytes does, and measure what a model loses by it.
#
# Four bits can name sixteen values. So each weight becomes the *number* of one of sixteen values. Which sixteen? Look at real weights first, those of **Kotori**, the small language model that comes with the course.
# %% [markdown] lang="ja" of="8c7e8010"
# 真ん中の棒は、ほとんどが 1 色です。これは重みそのもので、LoRA はここをまったく変えません。変えないものなら、正確でなくても構わないはずです。3 本目の棒では、その重みを 16 ビットではなく約 4 ビットで保存しています。これが QLoRA です。このラボの残りでは、その方法と代償を調べます。
#
# ## 1 · NF4 を手でつくる
#
# **ねらい:** 16 ビットの重みを 4 ビットにし、また元に戻します。bitsandbytes とまったく同じ結果になるようにつくり、モデルが何を失うかを測ります。
#
# 4 ビットで区別できる値は 16 個です。そこで、重みを 16 個の値のどれかの*番号*に置き換えます。では、どの 16 個でしょうか。まず、本物の重みを見てみましょう。この講座に付属する小さな言語モデル **Kotori** の重みです。
# %%
from lab_helpers.labs.lab03.rounding import linear_weights, nf4_figure
from lab_helpers.labs.shared.models import load_model

model, tokenizer = load_model(lab.run)
weights = linear_weights(model)
print(len(weights), "matrices,", sum(w.numel() for w in weights.values()), "weights")
lab.figure(nf4_figure(weights), "nf4")
# %% [raw] lang="ja"
# matrices, → 行列、重みの数:
# weights → ""
# %% [markdown] lang="en"
# The whole method is in this picture:
#
# 1. Weights look like a normal distribution: many near 0, few far out. Cut the vertical axis, the *share of weights*, into even steps; the curve turns them into uneven values, close together where most weights are. Values found so are called **quantiles**.
# 2. The sixteen values reach from −1 to 1, weights do not. So each **block** of 64 neighbours is divided by its largest magnitude, **absmax**, which is stored beside it. One outlier then spoils 64 weights, not a whole matrix.
# 3. Each divided weight becomes the number of its nearest value. The short black lines are the error.
#
# One value must be 0 itself, because padding and pruned weights are exactly 0. Sixteen values cannot be symmetric around it: there are eight quantiles above, zero, and seven below, all divided by the largest.
#
# The probabilities run in even steps from one half up to `offset`, the last one that is kept: the quantile of 1.0 would be infinite. (The paper's equation 4 takes the mean of neighbouring quantiles; the released code, bitsandbytes' `create_normal_map`, takes evenly spaced ones, and so do you.)
#
# **Exercise (20 min).** Return the sixteen values, sorted. Compute the quantiles in double precision, the division in float32.
# %% [markdown] lang="ja" of="1a72f40e"
# 方法のすべてが、この図に入っています。
#
# 1. 重みは正規分布に似ていて、0 の近くに多く、遠くには少ししかありません。縦軸の*重みの割合*を等間隔に区切ると、曲線がそれを、間隔の違う値に変えます。重みの多い所では細かく、少ない所では粗くなります。こうして得られる値を**分位点**と呼びます。
# 2. 16 個の値の範囲は -1 から 1 までですが、重みの範囲は違います。そこで、隣り合う 64 個を 1 **ブロック**とし、その絶対値の最大 **absmax** で割ります。absmax はブロックごとに保存します。こうすれば、外れ値が 1 つあっても、影響を受けるのは 64 個だけで、行列全体には及びません。
# 3. 割った重みを、最も近い値の番号に置き換えます。短い黒線が誤差です。
#
# パディングや枝刈りされた重みはちょうど 0 なので、16 個のうち 1 個は 0 そのものでなければなりません。すると 0 を中心に左右対称にはできません。そこで、0 より上に 8 個、0、下に 7 個の分位点を取り、全体を最大値で割ります。
#
# 確率は、0.5 から `offset` まで等間隔に取ります。`offset` は残す最後の確率です。確率 1.0 の分位点は無限大になってしまうためです（論文の式 4 では隣り合う分位点の平均を取りますが、公開されたコード、つまり bitsandbytes の `create_normal_map` は等間隔の確率の分位点を取ります。ここでもそうします）。
#
# **演習（20 分）。** 16 個の値を昇順で返してください。分位点は倍精度で、割り算は float32 で計算します。
# %% tags=["exercise"]
import torch


def nf4_code(offset):
    ...  # your code → (16,)


nf4_code = lab.check("nf4_code", nf4_code)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %%
from bitsandbytes.functional import get_4bit_type

code = nf4_code(0.9677083)
print("\n".join(f"{value:+.16f}" for value in code.tolist()))
print("equal to bitsandbytes, bit for bit:", torch.equal(code, get_4bit_type("nf4", "cpu")))
# %% [raw] lang="ja"
# equal to bitsandbytes, bit for bit: → bitsandbytes と全ビット一致:
# %% [markdown] lang="en"
# bitsandbytes has these sixteen numbers typed in as constants; you have derived them. Even the rounding of `offset` is part of it: the paper's fraction, 0.96770833…, changes the last bits of most of them.
#
# Three older choices stand beside NF4. **int4** is an even grid. A 4-bit *float* has its values close together near 0, as all floats have; there are two of them about. **E2M1** is the standard one (two bits of exponent, one of mantissa), and **FP4** is what bitsandbytes computes under that name. They differ in one pair of values, which will matter.
# %% [markdown] lang="ja" of="e822ea62"
# bitsandbytes では、この 16 個の数が定数として書き込まれています。あなたはそれを導き出しました。`offset` の丸め方まで結果に影響します。論文の分数どおり 0.96770833… とすると、大半の値の末尾のビットが変わってしまいます。
#
# NF4 のほかに、従来からある方式を 3 つ並べます。**int4** は等間隔の格子です。4 ビットの*浮動小数点数*は、ほかの浮動小数点数と同じく、0 の近くほど細かくなります。これには 2 種類あります。**E2M1** が標準のもの（指数 2 ビット、仮数 1 ビット）で、**FP4** は、bitsandbytes がその名前で計算しているものです。2 つの違いは 1 組の値だけですが、それがあとで効いてきます。
# %%
from lab_helpers.labs.lab03.rounding import code_figure, e2m1_code
from lab_helpers.tuning import quantization

codes = {
    "int4": quantization.int4_code(),
    "fp4": quantization.fp4_code(),
    "e2m1": e2m1_code(),
    "nf4": code,
}
for name in ("fp4", "e2m1"):
    print(f"{name:5s}", [round(value, 4) for value in codes[name].tolist()[:8]])
lab.figure(code_figure(codes, weights), "code_books")
# %% [markdown] lang="en"
# The grey hill is the real weights, each over its block's absmax; the towers at both ends are the largest weights themselves, one in every block, and the needle at 0 is weights that are almost nothing. Only NF4's lines follow the hill. And FP4 spends two of its values almost on 0 (the second number printed), where E2M1 has a real step.
#
# ### A scale for every block
#
# **Exercise (10 min).** Return the indices of the nearest values and the blocks' scales.
# %% [markdown] lang="ja" of="199effdd"
# 灰色の山は、本物の重みをブロックの absmax で割ったものです。両端の小さな段は、各ブロックで最大の重みそのもの、0 の針は、ほとんど 0 の重みです。山の形に沿っているのは NF4 の線だけです。また、FP4 は値を 2 つ、ほとんど 0 の所で使っています（出力の 2 番目の数）。E2M1 では、そこに意味のある 1 段があります。
#
# ### ブロックごとのスケール
#
# **演習（10 分）。** 最も近い値の番号と、ブロックのスケールを返してください。
# %% tags=["exercise"]
def quantize(weights, code, block):
    ...  # your code → indices (n,), absmax (n / block,)


quantize = lab.check("quantize", quantize)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %% [markdown] lang="en"
# **Exercise (4 min).** And back.
# %% [markdown] lang="ja" of="f821d198"
# **演習（4 分）。** 今度は元に戻します。
# %% tags=["exercise"]
def dequantize(indices, absmax, code, block):
    ...  # your code → (n,)


dequantize = lab.check("dequantize", dequantize)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %% [markdown] lang="en"
# From here on **your** two functions round everything in this section. First one matrix, beside bitsandbytes:
# %% [markdown] lang="ja" of="58c6165f"
# ここから先、このセクションの丸めはすべて**あなたの** 2 つの関数で行います。まず 1 つの行列を、bitsandbytes と比べます。
# %%
from bitsandbytes.functional import dequantize_4bit, quantize_4bit

from lab_helpers.labs.lab03.rounding import as_float32


def round_trip(matrix, code):
    flat = as_float32(matrix).reshape(-1)
    return dequantize(*quantize(flat, code, 64), code, 64).reshape(matrix.shape)


name, matrix = next(iter(weights.items()))
ours = round_trip(matrix, code)
theirs = dequantize_4bit(*quantize_4bit(as_float32(matrix).contiguous(), quant_type="nf4"))
print(name, tuple(matrix.shape))
print("before:", [round(value, 4) for value in matrix[0, :5].tolist()])
print("after: ", [round(value, 4) for value in ours[0, :5].tolist()])
print("largest difference from bitsandbytes:", float((ours - theirs).abs().max()))
# %% [raw] lang="ja"
# before: → 丸める前:
# "after: " → "丸めた後:"
# largest difference from bitsandbytes: → bitsandbytes との差の最大:
# %% [markdown] lang="en"
# No difference at all. The package does the same with the packing into bytes, with FP4 and with scales that are quantized themselves; that it equals bitsandbytes to the bit is checked here too, on eight matrices. Then the error of each code book: on random normal numbers, on the language model, on the encoder of lab 01.
# %% [markdown] lang="ja" of="1d4fc698"
# 差はまったくありません。パッケージにも同じ処理があり、バイトへの詰め込み、FP4、スケール自体の量子化も含みます。それが bitsandbytes と 1 ビットも違わないことも、8 個の行列で確かめます。続いて、それぞれのコードブックの誤差を、正規乱数、言語モデル、ラボ 01 のエンコーダーで測ります。
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
print("the package, bit for bit:", bool(lab.run.metrics["nf4_codes_equal"]))
rounding = measure_rounding(collect_weight_sets(lab.run, model), codes, round_trip)
lab.measured(**rounding_metrics(rounding))
lab.run.table("rounding", rounding)
lab.figure(figures.rounding_errors(rounding), "rounding")
# %% [raw] lang="ja"
# the package, bit for bit: → パッケージと全ビット一致:
# %% [markdown] lang="en"
# The bars are norm ratios: the size of the error of a whole matrix over the size of the matrix. For NF4 it is about a tenth, for a trained network as for random numbers. (It is not "every weight off by a tenth": a weight near 0 is off by much more of itself, a large one by less.)
#
# Now the pair of values matters. bitsandbytes' FP4 is *worse* than the plain grid, the standard E2M1 better. The paper's Table 2 finds 4-bit floats better than int4, the opposite of what FP4 shows here; it names E2M1 there, and with E2M1 we agree with it. Which of the two a library means by "fp4" is worth a look before you quote either result.
#
# ### What does the model lose?
#
# A matrix has no opinion; a model has. Two measures, which we shall use **before and after** training, so that they can be compared:
#
# - **story perplexity**: on stories that it has not read, of the kind that it learned from. An old skill.
# - **reply loss**: on the replies of Hoshizora Electric's support staff, which it has never seen. The skill that we are going to train.
#
# Your `quantize` and `dequantize` round every linear layer of a copy:
# %% [markdown] lang="ja" of="94cf932e"
# 棒は、行列全体の誤差のノルムを、行列のノルムで割った比です。NF4 では約 1 割で、学習済みのネットワークでも乱数でも、ほぼ同じです（「どの重みも 1 割ずつずれている」という意味ではありません。0 に近い重みは自分の大きさに対してもっと大きく、大きな重みはもっと小さくずれます）。
#
# ここで、さきほどの 1 組の値が効いてきます。bitsandbytes の FP4 は単純な格子より*悪く*、標準の E2M1 は格子より良いのです。論文の表 2 では 4 ビット浮動小数点数が int4 に勝っており、ここでの FP4 の結果とは逆です。ただし、論文が挙げているのは E2M1 で、E2M1 ならここでの結果も論文と一致します。どちらの結果を引用するにしても、ライブラリの言う「fp4」がどちらなのかを先に確かめてください。
#
# ### モデルは何を失うか
#
# 行列の誤差だけでは、モデルへの影響はわかりません。そこで 2 つの指標を使います。比べられるように、学習の**前と後の両方**で測ります。
#
# - **物語のパープレキシティ**: 事前学習で読んだものと同じ種類の、まだ読んでいない物語で測ります。以前からある技能です。
# - **回答の損失**: 星空電機のサポート担当が書いた、モデルが見たことのない回答で測ります。これから学習させる技能です。
#
# あなたの `quantize` と `dequantize` で、モデルのコピーのすべての線形層を丸めます。
# %%
from lab_helpers.labs.lab03.rounding import round_layers
from lab_helpers.labs.lab03.scoring import measure_both
from lab_helpers.labs.lab03.training import support_rows

rows = {split: support_rows(lab.language, split) for split in ("train", "validation", "test")}
rounded, tokenizer = load_model(lab.run)  # a copy: it ends up rounded
before = [measure_both("float", model, tokenizer, rows["test"], lab.language)]
for kind, values in codes.items():
    round_layers(rounded, model, lambda matrix, values=values: round_trip(matrix, values))
    before.append(measure_both(kind, rounded, tokenizer, rows["test"], lab.language))
for row in before:
    lab.measured(**{f"perplexity_{row['model']}": row["story perplexity"]})
    lab.measured(**{f"reply_loss_{row['model']}": row["reply loss"]})
lab.table(before, "before_training")
perplexity = {row["model"]: row["story perplexity"] for row in before}
lab.measured(nf4_perplexity_increase=perplexity["nf4"] / perplexity["float"] - 1)
model = rounded = weights = chosen = None  # on a T4 two models have room
# %% [raw] lang="ja"
# a copy: it ends up rounded → コピー。最後には丸められている
# on a T4 two models have room → T4 に載るのはモデル 2 つまで
# %% [markdown] lang="en"
# Story perplexity rises, in the order of the errors: rounding does cost something. The reply loss hardly moves, and not always upwards: a model that cannot do a thing has nothing there to lose. So "4 bits cost nothing" and "4 bits cost a lot" can both be had from this table, by choosing the column. Remember both columns; after training we come back to them.
#
# ### What a bit costs
#
# **Exercise (6 min).** A block also stores its scale: a 32-bit float. "Double quantization" stores the scales themselves in 8 bits, with one float for every 256 scales. How many bits a parameter, without and with it?
# %% [markdown] lang="ja" of="7d2d44c0"
# 物語のパープレキシティは、誤差の順に上がっています。丸めには、たしかに代償があります。一方、回答の損失はほとんど動かず、上がるとも限りません。もともとできないことには、失うものがないからです。つまり、列の選び方しだいで「4 ビットでも何も失わない」とも「4 ビットで大きく失う」とも言えてしまいます。両方の列を覚えておいてください。学習のあとで、もう一度測ります。
#
# ### 1 個あたりのビット数
#
# **演習（6 分）。** ブロックには、スケールとして 32 ビットの float も保存します。「二重量子化」では、スケール自体を 8 ビットで保存し、スケール 256 個ごとに float を 1 つ持ちます。二重量子化なしとありで、パラメータ 1 個あたり何ビットになるでしょうか。
# %% tags=["exercise"]
def bits_per_parameter(block, double):
    ...  # your code


bits_per_parameter = lab.check("bits_per_parameter", bits_per_parameter)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %% [markdown] lang="en"
# Beside your formula, the bytes that a real `Linear4bit` of bitsandbytes holds; its shape is that of Llama 3 8B's `v_proj`.
# %% [markdown] lang="ja" of="decc2792"
# あなたの式と並べて、bitsandbytes の本物の `Linear4bit` が保持するバイト数を数えます。形は Llama 3 8B の `v_proj` と同じです。
# %%
from lab_helpers.labs.lab03.rounding import measure_stored_bits

for double in (False, True):
    formula, held = bits_per_parameter(64, double), measure_stored_bits(double)
    print(f"double={double!s:5s} by formula {formula:.4f}, held {held:.4f}")
lab.measured(bits_per_parameter_nf4=measure_stored_bits(False))
lab.measured(bits_per_parameter_nf4_double=measure_stored_bits(True))
lab.compare("bits")
# %% [raw] lang="ja"
# by formula → 式では
# , held → 、実際に保持しているのは
# %% [markdown] lang="en"
# ## 2 · Training over 4-bit weights
#
# **Aim:** write QLoRA out, every line; choose its learning rate honestly; then measure what the rounding costs a *trained* model.
#
# How can one train weights that are numbers of a list of sixteen? One does not. The layer computes with the dequantized weights, and beside it stands a LoRA adapter in floats (QLoRA, eq. 5):
#
# $$Y = X \cdot \text{dequantize}(W_{\text{4-bit}}) + \frac{\alpha}{r}\, X A^\top B^\top$$
#
# The gradient passes *through* the first term on its way to earlier layers, but nothing in it is changed; only $A$ and $B$ are. Each layer unpacks its weights for the product and throws the floats away again.
#
# First the data: one training row, and the text that the model will see, with the chat template's marks around it.
# %% [markdown] lang="ja" of="9613fc03"
# ## 2 · 4 ビットの重みの上で学習する
#
# **ねらい:** QLoRA をすべての行まで書き出し、学習率を正しい手順で選び、*学習済み*のモデルにとって丸めがどれだけの損になるかを測ります。
#
# 16 個の値の番号でしかない重みを、どうやって学習させるのでしょうか。実は、学習させません。層は逆量子化した重みで計算し、その隣に浮動小数点の LoRA アダプターを置きます（QLoRA 論文、式 5）。
#
# $$Y = X \cdot \text{dequantize}(W_{\text{4-bit}}) + \frac{\alpha}{r}\, X A^\top B^\top$$
#
# 勾配は第 1 項を*通り抜けて*前の層へ伝わりますが、この項の中身は変わりません。変わるのは $A$ と $B$ だけです。どの層も、積を計算するときだけ重みを元に戻し、浮動小数点の値はすぐに捨てます。
#
# まずデータを見ます。学習に使う行を 1 つと、それにチャットテンプレートの印を付けた、モデルが実際に読む文章です。
# %%
row = rows["train"][0]
print("prompt:    ", row["prompt"])
print("completion:", row["completion"])
print("---")
print(tokenizer.apply_chat_template(row["prompt"] + row["completion"], tokenize=False))
# %% [raw] lang="ja"
# "prompt:    " → "prompt（質問）:"
# completion: → completion（回答）:
# %% [markdown] lang="en"
# `prompt` and `completion` apart tell TRL to take the loss on the completion only. Next, the base in 4 bits. `from_pretrained` does it while it loads, if a `quantization_config` says how; nothing else about loading changes.
# %% [markdown] lang="ja" of="25999bdd"
# `prompt` と `completion` を分けておくと、TRL は completion の部分だけで損失を計算します。次は、ベースを 4 ビットで用意します。`quantization_config` で方法を指定すると、`from_pretrained` が読み込みながら量子化します。読み込み方は、ほかには何も変わりません。
# %%
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from transformers.utils import logging

from lab_helpers.models.four_bit import four_bit_layers, ready_four_bit
from lab_helpers.models.language_models import language_model_source, plain_dtype

folder = language_model_source(lab.run.model_name)  # a folder here; a hub's name works as well
compute = plain_dtype(lab.run.model_name)  # float32 on a CPU, fp16 on a T4, else bf16
four_bit = BitsAndBytesConfig(
    load_in_4bit=True,
    bnb_4bit_quant_type="nf4",  # left out, it is fp4
    bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=compute,
)
logging.disable_progress_bar()


def fresh_base():
    base = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=four_bit, dtype=compute
    )
    return ready_four_bit(base)  # for CPUs only: see the appendix
# %% [raw] lang="ja"
# a folder here; a hub's name works as well → ここではフォルダー。ハブのモデル名でもよい
# float32 on a CPU, fp16 on a T4, else bf16 → CPU では float32、T4 では fp16、ほかは bf16
# left out, it is fp4 → 省くと fp4 になる
# for CPUs only: see the appendix → CPU でだけ必要。付録を参照
# %%
base = fresh_base()
name, layer = next(iter(four_bit_layers(base).items()))
print(name, type(layer).__name__, tuple(layer.weight.shape), layer.weight.dtype)
print("embeddings:", base.get_input_embeddings().weight.dtype)
print("bytes on the whole:", base.get_memory_footprint())
# %% [raw] lang="ja"
# embeddings: → 埋め込み:
# bytes on the whole: → 全体のバイト数:
# %% [markdown] lang="en"
# The matrix has become one column of bytes with two weights in each. The embeddings stayed floats: QLoRA quantizes linear layers, and no more. What does this base say to a customer?
# %% [markdown] lang="ja" of="706ec207"
# 行列は、1 バイトに 2 つの重みを詰めた 1 列のデータになりました。埋め込みは浮動小数点のままです。QLoRA が量子化するのは線形層だけです。では、このベースは顧客に何と答えるでしょうか。
# %%
def reply_to(model, prompt):
    inputs = tokenizer.apply_chat_template(
        prompt, add_generation_prompt=True, return_tensors="pt", return_dict=True
    ).to(model.device)
    written = model.generate(**inputs, max_new_tokens=48, do_sample=False)
    return tokenizer.decode(written[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


asked = rows["test"][11]
print("customer:", asked["prompt"][0]["content"])
print("4-bit base:", reply_to(base, asked["prompt"]))
# %% [raw] lang="ja"
# customer: → 顧客:
# 4-bit base: → 4 ビットのベース:
# %% [markdown] lang="en"
# No word of it helps anybody. Now the training. Adapters stand beside *every* linear layer, as the paper advises (§4); the numbers in the cell are for a model of 5 million weights, the comments say what a real one wants.
# %% [markdown] lang="ja" of="d6607f8c"
# 誰の役にも立たない返事です。では学習させましょう。アダプターは、論文の勧めどおり（4 節）*すべての*線形層に付けます。セルの数値は 500 万パラメータのモデル向けです。本物のモデルに向く値はコメントに書きました。
# %%
from datasets import Dataset
from peft import LoraConfig
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

training_rows = rows["train"][: lab.pick(tiny=200, small=128)]
adapter = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
training = SFTConfig(
    num_train_epochs=lab.pick(tiny=1, t4=2),  # a 1-8B model: 1 to 3
    per_device_train_batch_size=lab.pick(tiny=8, small=4, t4=4),
    gradient_accumulation_steps=lab.pick(tiny=1, small=2),  # the same rows a step, in less memory
    learning_rate=lab.pick(tiny=5e-3, small=2e-3, t4=2e-4),  # a 1-8B model wants about 2e-4
    lr_scheduler_type="cosine",
    **lab.machine,  # precision, folder, seed and quiet on this machine
)
# %% [raw] lang="ja"
# the same rows a step, in less memory → 1 ステップの行数を変えずにメモリを減らす
# a 1-8B model: 1 to 3 → 1〜8B のモデルなら 1〜3
# a 1-8B model wants about 2e-4 → 1〜8B のモデルなら 2e-4 くらい
# precision, folder, seed and quiet on this machine → このマシンでの精度、フォルダー、シード、表示の抑制
# %%
set_seed(lab.seed)
trainer = SFTTrainer(
    fresh_base(),
    args=training,
    train_dataset=Dataset.from_list(training_rows),
    processing_class=tokenizer,
    peft_config=adapter,
)
tuned = lab.train(trainer, "QLoRA")
tuned.model.save_pretrained(lab.run.folder / "qlora_adapter")
lab.run.artifact(lab.run.folder / "qlora_adapter")
tuned.model.print_trainable_parameters()
# %% [markdown] lang="en"
# The line says how many numbers moved: the adapters', and nothing else. (TRL makes adapters over 4-bit weights bf16; `lab.train` trains them in float32, so that later the arms differ in their base alone.)
#
# Only the adapter was saved. To use it, one loads the 4-bit base anew and puts the adapter on it:
# %% [markdown] lang="ja" of="29b69cda"
# 動いた数の個数が表示されています。アダプターの分だけで、ほかは動いていません（TRL は 4 ビットの重みに付けたアダプターを bf16 にしますが、`lab.train` は float32 で学習させます。こうすれば、あとで比べる条件の違いはベースだけになります）。
#
# 保存したのはアダプターだけです。使うときは、4 ビットのベースを改めて読み込み、そこにアダプターを載せます。
# %%
from peft import PeftModel

saved = lab.run.folder / "qlora_adapter"
assistant = PeftModel.from_pretrained(fresh_base(), saved).eval()
print("customer:", asked["prompt"][0]["content"])
print("QLoRA:   ", reply_to(assistant, asked["prompt"]))
with assistant.disable_adapter():
    print("adapter off:", reply_to(assistant, asked["prompt"]))
# %% [raw] lang="ja"
# customer: → 顧客:
# "QLoRA:   " → "QLoRA:"
# adapter off: → アダプターなし:
# %% [markdown] lang="en"
# From no help at all to the house's way of speaking, over a base that is stored in 4 bits: this is the whole of QLoRA. (The opening and the closing are the house's; what stands between them is still muddled. One pass over 200 rows teaches a small model the manner, not the matter: that is lab 04.)
#
# ### Break it: prepare too late
#
# Older tutorials call `prepare_model_for_kbit_training`. It freezes every weight, makes norms and embeddings float32, and switches gradient checkpointing on. TRL's trainer no longer needs it. It does harm when it is called *after* the adapter was added:
# %% [markdown] lang="ja" of="2ca10993"
# 役に立たない返事が、会社らしい口調の回答になりました。それも、4 ビットで保存したベースの上でです。QLoRA はこれで全部です（書き出しと結びは会社のものになりましたが、そのあいだの中身はまだあやふやです。200 行を 1 回見ただけで小さなモデルが覚えるのは話し方であって、内容ではありません。これはラボ 04 で扱います）。
#
# ### 壊す: 準備が遅すぎる
#
# 以前の解説では、`prepare_model_for_kbit_training` を呼んでいます。これは、すべての重みを凍結し、正規化層と埋め込みを float32 にし、勾配チェックポイントを有効にする関数です。いまの TRL のトレーナーには必要ありません。それどころか、アダプターを付けた*あと*に呼ぶと害になります。
# %%
from peft import get_peft_model, prepare_model_for_kbit_training


def count_trainable(model):
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


student = get_peft_model(fresh_base(), adapter)
print("adapter added:", count_trainable(student))
prepare_model_for_kbit_training(student, False)  # too late: it freezes what it finds
print("prepared afterwards:", count_trainable(student))
prepared = prepare_model_for_kbit_training(fresh_base(), False)  # False: no checkpointing
student = get_peft_model(prepared, adapter)
print("prepared before:", count_trainable(student))
student = prepared = base = assistant = None
# %% [raw] lang="ja"
# adapter added: → アダプターを付けた直後:
# too late: it freezes what it finds → 遅すぎる。見つけた重みをすべて凍結する
# prepared afterwards: → そのあとに準備を呼ぶと:
# False: no checkpointing → False: チェックポイントなし
# prepared before: → 先に準備を呼ぶと:
# %% [markdown] lang="en"
# Called late, it leaves nothing to train, and says nothing. Print this number before any long run.
#
# ### Which rate?
#
# 5e-3 stood in the cell; was that a good choice? A rate is chosen on **validation rows**: on the training rows the largest rate may look best because it has learned them by heart, and the test rows are for the report.
#
# **Exercise (10 min).** Return the best of `rates`. `train(rate)` trains a model (seconds here, hours elsewhere: once each), `loss(model, rows[split])` measures it, `split` is `"train"`, `"validation"` or `"test"`.
# %% [markdown] lang="ja" of="dafaf28f"
# 呼ぶのが遅いと、学習するものが何も残りません。しかも、何の警告も出ません。長い学習の前には、必ずこの数を表示してください。
#
# ### 学習率の選び方
#
# セルには 5e-3 と書きました。これは良い選択だったのでしょうか。学習率は**検証用の行**で選びます。学習に使った行では、行を丸暗記した最大の学習率がいちばん良く見えることがあります。テスト用の行は、報告のために取っておきます。
#
# **演習（10 分）。** `rates` のうち最良のものを返してください。`train(rate)` はモデルを学習させます（ここでは数秒ですが、実際には何時間もかかるので、1 回ずつ）。`loss(model, rows[split])` はそのモデルを測ります。`split` は `"train"`、`"validation"`、`"test"` のどれかです。
# %% tags=["exercise"]
def choose_rate(rates, train, loss, rows):
    ...  # your code → one of the rates


choose_rate = lab.check("choose_rate", choose_rate)
# %% [raw] lang="ja"
# your code → one of the rates → "ここにコードを書く → rates のうちの 1 つ"
# %%
from lab_helpers.labs.lab03.scoring import reply_losses
from lab_helpers.labs.lab03.training import train_arm

rates = lab.pick(tiny=(1e-3, 5e-3, 2e-2), small=(1e-3, 2e-3), t4=(2e-4, 5e-4))


def loss(model, some_rows):
    found = float(reply_losses(model, tokenizer, some_rows).mean())
    print(f"loss {found:.3f}")
    return found


def train(rate):
    print(f"rate {rate:g}", end=": ")
    return train_arm(*recipe, four_bit, learning_rate=rate).model


recipe = (lab.run, training_rows, training, adapter)
rate = choose_rate(rates, train, loss, rows)
lab.measured(chosen_rate=rate)
print(f"chosen: {rate:g}")
# %% [raw] lang="ja"
# "loss " → "損失 "
# "rate " → "学習率 "
# "chosen: " → "選んだ学習率: "
# %% [markdown] lang="en"
# Too small a rate has not got far after these few steps; too large a one overshoots. (The 2e-4 that a real model wants is a fifth of the smallest rate here.)
#
# ### Measure: QLoRA beside LoRA
#
# Same rows, same settings, the same rate, over a base in 4 bits and one in floats. (LoRA gets the rate that was chosen for QLoRA, so that the arms differ in their base alone; should LoRA have a better one, this flatters QLoRA.) Several seeds, because one training is one throw of the dice. Both measures of section 1, now after training, on the test rows:
# %% [markdown] lang="ja" of="a0233187"
# 小さすぎる学習率では、この短いステップ数ではあまり進めません。大きすぎると、行き過ぎてかえって損失が下がりません（本物のモデルに向く 2e-4 は、ここでいちばん小さい学習率のさらに 5 分の 1 です）。
#
# ### 測る: QLoRA と LoRA を並べる
#
# 同じデータ、同じ設定、同じ学習率で、4 ビットのベースと浮動小数点のベースの上で学習させます（LoRA にも、QLoRA で選んだ学習率を使います。こうすれば、違いはベースだけになります。LoRA にもっと良い学習率があるなら、この比較は QLoRA に有利です）。1 回の学習は 1 回のサイコロにすぎないので、シードを変えて繰り返します。セクション 1 の 2 つの指標を、今度は学習のあとに、テスト用の行で測ります。
# %%
from lab_helpers.labs.lab03.scoring import difference_metrics, story_perplexity

after, curves, losses = [], {}, {"LoRA": [], "QLoRA": []}
for seed in range(lab.seed, lab.seed + lab.pick(tiny=3, small=1)):
    for arm, how in {"LoRA": None, "QLoRA": four_bit}.items():
        tuned = train_arm(*recipe, how, learning_rate=rate, seed=seed)
        lost = reply_losses(tuned.model, tokenizer, rows["test"])
        losses[arm].append(lost)
        fluency = story_perplexity(tuned.model, tokenizer, lab.language)
        row = {"model": arm, "seed": seed, "story perplexity": fluency}
        after.append(row | {"reply loss": float(lost.mean())})
        if seed == lab.seed:
            curves[arm] = tuned.curve()
            tuned.model.save_pretrained(lab.run.folder / arm)
        tuned = None
lab.table(after, "after_training")
# %%
from lab_helpers.figures.tuning import loss_curve

means = {arm: float(sum(map(sum, losses[arm])) / sum(map(len, losses[arm]))) for arm in losses}
lab.measured(eval_loss_lora=means["LoRA"], eval_loss_qlora=means["QLoRA"])
lab.measured(qlora_relative_loss_increase=means["QLoRA"] / means["LoRA"] - 1)
lab.measured(**difference_metrics("qlora_loss_difference", losses["QLoRA"], losses["LoRA"]))
lab.figure(loss_curve(curves), "training")
low, high = lab.run.metrics["qlora_loss_difference_ci"]
middle = lab.run.metrics["qlora_loss_difference"]
print(f"QLoRA - LoRA, reply loss: {middle:+.3f} [{low:+.3f}, {high:+.3f}]")
# %% [raw] lang="ja"
# QLoRA - LoRA, reply loss: → 回答の損失の差（QLoRA − LoRA）:
# %% [markdown] lang="en"
# The last line is a *paired* difference over the test rows: both models answer the same customer, so the hardness of a question cancels. Its interval holds 0: on the skill that was trained, QLoRA and LoRA are not told apart.
#
# Now the other column, beside the table of section 1. The old skill has suffered in **both** arms, far more from the training than it ever did from the rounding: the price of a high rate and of rows that hold no stories (lab 04 measures forgetting properly). And in each seed it has suffered more over the 4-bit base. So "QLoRA is as good as LoRA" is true here of what was trained, and of nothing else. A report that shows only its own task would not have seen it.
#
# ### Does the adapter train around the rounding?
#
# It is often said so: QLoRA's adapter learned over the rounded weights, so it makes their errors good. That can be tested by putting each adapter on the *other* base. If QLoRA's adapter repairs its base, LoRA's adapter must do worse there.
# %% [markdown] lang="ja" of="88c96501"
# 最後の行は、テスト用の行ごとに取った*対応のある差*です。2 つのモデルが同じ顧客に答えるので、質問の難しさは打ち消し合います。区間の下端はほぼ 0 です。つまり、学習させた技能では、QLoRA が LoRA に及ばないとしても、その差は損失の 1 % に満たないほどわずかです。
#
# もう一方の列を、セクション 1 の表と比べてください。以前からの技能は、**どちらの条件でも**損なわれています。丸めによる悪化よりも、学習そのものによる悪化のほうがずっと大きいのです。学習率が高く、学習用の行に物語がないためです（忘却はラボ 04 できちんと測ります）。しかも、どのシードでも、4 ビットのベースのほうが大きく損なわれています。つまり「QLoRA は LoRA とほとんど変わらない」は、ここでは学習させた技能についてだけ言えることです。自分のタスクだけを測った報告では、このことに気づけません。
#
# ### アダプターは丸めを織り込んで学習するのか
#
# よくそう言われます。QLoRA のアダプターは丸めた重みの上で学習したのだから、その誤差を補っているはずだ、というのです。これは、それぞれのアダプターを*もう一方*のベースに載せれば確かめられます。QLoRA のアダプターが自分のベースを補修しているなら、同じベースに LoRA のアダプターを載せたときのほうが悪くなるはずです。
# %%
from lab_helpers.models.language_models import load_language_model

swapped = {}
for base_name in ("float", "4-bit"):
    for arm in ("LoRA", "QLoRA"):
        plain = base_name == "float"
        base = load_language_model(lab.run.model_name)[0] if plain else fresh_base()
        placed = PeftModel.from_pretrained(base, lab.run.folder / arm).eval()
        swapped[base_name, arm] = reply_losses(placed, tokenizer, rows["test"])
        base = placed = None
# %%
means = {key: float(lost.mean()) for key, lost in swapped.items()}
lab.table(
    [{"base": b, "LoRA": means[b, "LoRA"], "QLoRA": means[b, "QLoRA"]} for b in ("float", "4-bit")]
)
on_4_bits = [swapped["4-bit", arm] for arm in ("QLoRA", "LoRA")]
found = difference_metrics("own_base_gain", *[[lost] for lost in on_4_bits])
lab.measured(**found)
low, high = found["own_base_gain_ci"]
print(f"on 4 bits, QLoRA's - LoRA's: {found['own_base_gain']:+.3f} [{low:+.3f}, {high:+.3f}]")
# %% [raw] lang="ja"
# on 4 bits, QLoRA's - LoRA's: → 4 ビットの上での差（QLoRA のアダプター − LoRA のアダプター）:
# %% [markdown] lang="en"
# It does. On the 4-bit base, the adapter that was trained there beats the one that was not, by a small difference whose interval lies off 0. (One pair of adapters, seed by seed it may vary; to be surer, save the others too.) The other way round costs less: QLoRA's adapter on the float base is nearly as good as at home. That matters when one has to choose a base to merge into.
#
# ## 3 · Merging
#
# **Aim:** add ΔW to the weights without losing it, and understand why a merge with a huge error can still answer well.
#
# An adapter costs a little time in every layer, and some programs cannot load one. So one **merges** it: $W + \frac{\alpha}{r} BA$, one matrix, no adapter. With floats that is lab 02. Here $W$ is in 4 bits.
#
# ### Break it: merge into 4 bits
# %% [markdown] lang="ja" of="e9b8e31d"
# そのとおりでした。4 ビットのベースでは、そこで学習したアダプターのほうが、そうでないアダプターより良く、差は小さいものの、区間は 0 を含みません（アダプター 1 組だけの結果なので、シードによって変わるかもしれません。確かめるには、ほかのシードのアダプターも保存して比べてください）。逆向きの影響は、それより小さくて済みます。QLoRA のアダプターは、浮動小数点のベースに載せても、元のベースの上とほとんど変わりません。これは、どのベースにマージするかを選ぶときに効いてきます。
#
# ## 3 · マージ
#
# **ねらい:** ΔW を失わずに重みに足し、誤差の大きなマージがそれでもうまく答えられる理由を理解します。
#
# アダプターは各層で少し時間を使いますし、アダプターを読み込めないプログラムもあります。そこで、アダプターを**マージ**します。$W + \frac{\alpha}{r} BA$ という 1 つの行列にし、アダプターをなくすのです。浮動小数点ならラボ 02 のとおりですが、ここでは $W$ が 4 ビットです。
#
# ### 壊す: 4 ビットにマージする
# %%
import warnings

from lab_helpers.labs.lab03.merging import merge_rows

saved = lab.run.folder / "QLoRA"
apart = PeftModel.from_pretrained(fresh_base(), saved).eval()
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    broken = PeftModel.from_pretrained(fresh_base(), saved).merge_and_unload()
print("PEFT warns:", next((w.message for w in said if "rounding" in str(w.message)), "-"))
shares = merge_rows(apart, broken)
lab.measured(merge_error_4bit=shares["error"], delta_relative_size=shares["size"])
print(f"‖ΔW‖ is {shares['size']:.1%} of ‖W‖; error of the merge: {shares['error']:.1%} of ‖ΔW‖")
lab.compare("merge")
# %% [raw] lang="ja"
# PEFT warns: → PEFT の警告:
# ‖ΔW‖ is → ‖ΔW‖ は ‖W‖ の
# " of ‖W‖; error of the merge: " → "。マージの誤差は ‖ΔW‖ の "
# " of ‖ΔW‖" → ""
# %% [markdown] lang="en"
# PEFT unpacks W, adds ΔW, and rounds the sum to 4 bits again. ΔW is small beside W, and the steps between the sixteen values are large.
#
# ### Mend it
#
# **Exercise (5 min).** Merge in floats.
# %% [markdown] lang="ja" of="3405785e"
# PEFT は、W を元に戻し、ΔW を足し、その和をもう一度 4 ビットに丸めます。ΔW は W に比べて小さく、16 個の値の間隔は大きいのです。
#
# ### 直す
#
# **演習（5 分）。** 浮動小数点の中でマージしてください。
# %% tags=["exercise"]
def merge(indices, absmax, code, block, delta):
    ...  # your code → (n,)


merge = lab.check("merge", merge)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %% [markdown] lang="en"
# Now **your** `merge` makes the model that one can hand on: from the indices and scales that the 4-bit model really stores, and the ΔW that was trained, into a copy of the model in floats.
# %% [markdown] lang="ja" of="2bbb9c4b"
# 次は、**あなたの** `merge` で、人に渡せるモデルをつくります。4 ビットのモデルが実際に保存している番号とスケール、そして学習した ΔW から、浮動小数点のモデルをつくります。
# %%
from lab_helpers.labs.lab03.merging import adapted_layers, stored_codes

mended, tokenizer = load_language_model(lab.run.model_name)
for name, layer in adapted_layers(apart).items():
    delta = layer.get_delta_weight("default").detach().float().cpu()
    merged = merge(*stored_codes(layer.base_layer), delta.reshape(-1)).reshape(delta.shape)
    mended.get_submodule(name).weight.data.copy_(merged)
written = [reply_to(model, asked["prompt"]) for model in (mended, apart)]
print("one reply:", written[0])
print("the same as with the adapter apart:", written[0] == written[1])
# %% [raw] lang="ja"
# one reply: → 回答の例:
# the same as with the adapter apart: → アダプターを分けたままの回答と同じ:
# %% [markdown] lang="en"
# One more candidate, a common one: merge into the **original** weights, as they were before rounding. Four models side by side, error of the weights and loss on the test rows:
# %% [markdown] lang="ja" of="8049fad7"
# よく使われる候補がもう 1 つあります。丸める前の**元の**重みにマージする方法です。4 つのモデルの、重みの誤差と、テスト用の行での損失を並べます。
# %%
from lab_helpers.labs.lab03.merging import merge_table

original = PeftModel.from_pretrained(load_language_model(lab.run.model_name)[0], saved)
models = {"4-bit": broken, "dequantized": mended, "original": original.merge_and_unload()}
table, found = merge_table(apart, models, tokenizer, rows["test"])
lab.measured(**found)
lab.table(table, "merging")
untuned = next(row["reply loss"] for row in before if row["model"] == "nf4")
gain, kept = untuned - found["eval_loss_apart"], untuned - found["eval_loss_merged_4bit"]
lab.measured(merge_gain_kept_4bit=kept / gain)
print(f"of the loss that training won, the 4-bit merge keeps {kept / gain:.0%}")
models = original = None
# %% [raw] lang="ja"
# of the loss that training won, the 4-bit merge keeps → 学習で下げた損失のうち、4 ビットのマージに残った割合:
# %% [markdown] lang="en"
# Merging into dequantized floats is exact. `original` is a merge into weights that the adapter has never seen; its "error" is the rounding of the base, which it does not have, so it is no loss at all.
#
# But look at the 4-bit row and at the last line. A large error in the weights, and yet most of the gain is there? Something survives that the error does not see. Split what the merge *really* changed, $C = W_{\text{merged}} - W$, in two parts:
#
# $$C = k \cdot \Delta W + \text{noise},\qquad k = \frac{\langle C, \Delta W\rangle}{\|\Delta W\|^2}$$
#
# $k$ is the share of ΔW that came through. The noise is at right angles to it. The error joins both: $\text{error}^2 = (1-k)^2 + \text{noise}^2$. Then put each part into the model **alone**:
# %% [markdown] lang="ja" of="1187c0e9"
# 逆量子化した浮動小数点へのマージは正確です。`original`（元の重み）は、アダプターが見たことのない重みへのマージです。ここでの「誤差」はベースの丸め誤差で、丸める前の重みにはもともとないものですから、失ったわけではありません。
#
# それより、4 ビットの行と最後の行を見てください。重みの誤差は大きいのに、学習の成果の大半が残っています。誤差には表れない何かが残っているはずです。マージが*実際に*加えた変化 $C = W_{\text{merged}} - W$ を、2 つに分けてみます。
#
# $$C = k \cdot \Delta W + \text{noise},\qquad k = \frac{\langle C, \Delta W\rangle}{\|\Delta W\|^2}$$
#
# $k$ は、通り抜けた ΔW の割合です。残りの noise（雑音）は ΔW と直交します。誤差はこの両方を合わせたもので、$\text{error}^2 = (1-k)^2 + \text{noise}^2$ が成り立ちます。それぞれを**単独で**モデルに加えてみます。
# %%
from lab_helpers.labs.lab03.merging import measure_parts

k, noise, error = (shares[name] for name in ("kept", "noise", "error"))
print(f"k = {k:.2f}, noise = {noise:.2f} ‖ΔW‖, error = {error:.2f} ‖ΔW‖")
lab.measured(merge_kept_4bit=k, merge_noise_4bit=noise)
parts = measure_parts(apart, broken, mended, tokenizer, rows["test"], k)
lab.table(parts, "parts")
# %% [raw] lang="ja"
# , noise = → 、雑音 =
# , error = → 、誤差 =
# %%
from lab_helpers.labs.lab03.merging import read_weight, true_weights

name, weight, delta = next(true_weights(apart))
print(name)
for label, part in (
    ("ΔW", delta),
    ("noise", read_weight(broken, name) - weight - k * delta),
):
    energy = torch.linalg.svdvals(part) ** 2
    print(f"{label}: in its 8 strongest directions {energy[:8].sum() / energy.sum():.0%}")
apart = broken = mended = None
# %% [raw] lang="ja"
# : in its 8 strongest directions → : 最も強い 8 方向に入る割合
# "noise" → "雑音"
# %% [markdown] lang="en"
# $k$ is far above what the error suggests, and the table shows that it is the kept share that answers the customers: **alone** it wins back nearly all. The noise alone teaches nothing; it even does harm. Together they are a little worse than the share alone. The percentage of the error counted every entry of the matrix alike; the loss only asks what the layers do with it. All entries of ΔW pull together, in eight directions (its rank is 8); most of the noise lies outside its own eight strongest, spread over all directions that a layer has, as the last lines show for one layer.
#
# How large must ΔW be for that? Your three functions again, on random weights, for a ΔW of many sizes:
# %% [markdown] lang="ja" of="f3d2b124"
# $k$ は、誤差から想像するよりずっと大きな値です。そして表を見ると、顧客に答えているのは、この残った割合の ΔW だとわかります。**それだけ**で、成果のほとんどを取り戻しているからです。雑音だけでは何も身につかず、むしろ害になります。両方を加えると、残った割合だけのときより少し悪くなります。誤差のパーセントは、行列のすべての要素を同じ重さで数えたものです。一方、損失が問うのは、その行列で層が何をするかだけです。ΔW の要素は 8 つの方向（ランクが 8 なので）にそろって働きます。雑音のほうは、最後の行が 1 つの層で示しているとおり、大半が最も強い 8 方向の外にあり、層がもつすべての方向に広がっています。
#
# では、そのためには ΔW はどのくらい大きくなければならないのでしょうか。もう一度あなたの 3 つの関数を使い、乱数の重みにいろいろな大きさの ΔW を加えてみます。
# %%
from lab_helpers.labs.lab03.merging import keep_after_rounding

start, points = draw_gaussian(lab.seed, 256).reshape(-1), []
stored = quantize(start, code, 64)
held = dequantize(*stored, code, 64)
for size in (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5):
    delta = torch.randn(len(start), generator=torch.Generator().manual_seed(lab.seed + 1))
    delta *= size * held.norm() / delta.norm()
    total = merge(*stored, code, 64, delta)
    points.append(keep_after_rounding(held, delta, round_trip(total, code)))
lab.table(points, columns=["size", "kept", "noise", "error"])
marks = {"ΔW": lab.run.metrics["delta_relative_size"]}
lab.figure(figures.surviving_change(points, marks), "surviving")
# %% [markdown] lang="en"
# A small ΔW is lost whole: almost no weight gets over the edge to its next value. From about a tenth of ‖W‖ on, enough weights jump, each a whole step too far, and on average the sum is right: $k$ rises to 1 long before the error is small. Our ΔW (the dotted line) is in between, for a tiny model needs a large rate. At a real model's 2e-4 it is far to the left, under one percent of ‖W‖, where nothing survives: see SmolLM2 at the end of this lab. So: **dequantize, add, keep the floats**, and never judge a merge by a small model alone.
# %% [markdown] lang="ja" of="53ca3c5e"
# 小さな ΔW は丸ごと失われます。隣の値に移れる重みがほとんどないからです。‖W‖ の 1 割くらいからは、十分な数の重みが隣の値に移ります。1 つ 1 つは行き過ぎますが、平均すると正しくなります。そのため、誤差が小さくなるよりずっと前に $k$ は 1 に近づきます。ここで学習した ΔW（点線）は、その途中にあります。小さなモデルには大きな学習率が要るためです。本物のモデルを 2e-4 で学習させた場合は、ずっと左、‖W‖ の 1 % 未満の所になり、そこでは何も残りません（このラボの終わりの SmolLM2 を見てください）。ですから、**元に戻し、足し、浮動小数点のまま保存**してください。小さなモデルの結果だけで、マージの良し悪しを判断してはいけません。
# %% [markdown] lang="en"
# ## 4 · Memory: which model fits which card
#
# **Aim:** count every byte of a training before renting a card, and check the count where it can be checked.
#
# ### The weights
#
# "Up to 75 %" is the article's figure. Embeddings, norms and the head are not quantized; so count whole models:
# %% [markdown] lang="ja" of="d60a66b2"
# ## 4 · メモリ: どのモデルがどのカードに載るか
#
# **ねらい:** カードを借りる前に学習のメモリを 1 バイトまで数え、確かめられる所ではその数え方を確かめます。
#
# ### 重み
#
# 記事は「最大 75 %」と言っています。しかし、埋め込み、正規化層、出力層は量子化されません。そこで、モデル全体で数えます。
# %%
from lab_helpers.labs.lab03.rounding import weight_cut_metrics
from lab_helpers.tuning import memory

lab.measured(**weight_cut_metrics(), weight_memory_cut_own=memory.weight_cut(lab.run.model_name))
for name in ("llama3_8b", "llama3_70b", "gemma2_2b", "own"):
    print(f"{name:11s} smaller by {lab.run.metrics[f'weight_memory_cut_{name}']:.1%}")
# %% [raw] lang="ja"
# " smaller by " → " 削減率 "
# %% [markdown] lang="en"
# 75 % is the cut from 16 bits to 4.0 bits, and nobody stores 4.0. Over a whole model it is less, and least where a large vocabulary stands on a small body: Gemma 2 2B, and `own`, the model that you have just trained.
#
# ### What training adds
#
# **Exercise (4 min).** Bytes for frozen and trained parameters: weight, gradient and AdamW's two states.
# %% [markdown] lang="ja" of="6d0504a6"
# 75 % というのは、16 ビットをちょうど 4.0 ビットにした場合の値ですが、4.0 ビットで保存する方式はありません。モデル全体では削減率はさらに小さくなります。とくに小さいのは、本体が小さいのに語彙が大きいモデルです。Gemma 2 2B や、いま学習させたモデル（`own`）がそうです。
#
# ### 学習で増える分
#
# **演習（4 分）。** 凍結したパラメータと学習するパラメータに必要なバイト数を計算してください。重み、勾配、AdamW の 2 つの状態を数えます。
# %% tags=["exercise"]
def training_bytes(frozen, bits, trained):
    ...  # your code


training_bytes = lab.check("training_bytes", training_bytes)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %%
from lab_helpers.models.known_configs import linear_shapes
from lab_helpers.tuning.lora_counts import lora_counts

for name in ("Llama 3 8B", "Llama 3 70B"):
    counts = lora_counts(name, 16, "all linear")
    quantized = sum(d * k for d, k in linear_shapes(name)[0].values())
    others = counts["total"] - quantized
    total = training_bytes(quantized, bits_per_parameter(64, True), counts["trainable"])
    print(f"{name}: {(total + 2 * others) / 2**30:.1f} GiB before a single token is read")
# %% [raw] lang="ja"
# " GiB before a single token is read" → " GiB（トークンを 1 つも読む前）"
# %% [markdown] lang="en"
# AdamW keeps two numbers for every weight that trains. bitsandbytes stores them in 8 bits, with the same block trick. A *paged* optimizer has as many bytes, in memory that the driver moves to the CPU's RAM when the GPU's is full (that needs CUDA; on a CPU bitsandbytes goes on without it).
# %% [markdown] lang="ja" of="95b79907"
# AdamW は、学習する重み 1 つにつき 2 つの数を覚えています。bitsandbytes は、同じブロックの工夫を使って、それを 8 ビットで保存します。*ページ化された*オプティマイザーでは、バイト数は変わりません。GPU のメモリがいっぱいになると、ドライバーが状態を CPU の RAM へ移してくれるのです（これには CUDA が必要で、CPU では bitsandbytes はページ化なしで続けます）。
# %%
from lab_helpers.labs.lab03.memory import measure_optimizers

optimizers = measure_optimizers(lab.run.model_name)
lab.table(optimizers, "optimizers")
held = {row["optimizer"]: row["measured"] for row in optimizers}
lab.measured(optimizer_8bit_share=held["adamw_8bit"] / held["adamw"])
print(f"8-bit states are {lab.run.metrics['optimizer_8bit_share']:.1%} of the 32-bit ones")
# %% [raw] lang="ja"
# 8-bit states are → 8 ビットの状態は 32 ビットの
# " of the 32-bit ones" → ""
# %% [markdown] lang="en"
# A quarter, and a little for the scales. It saves most where most is trained; beside an adapter it is small change.
#
# ### Activations, and gradient checkpointing
#
# What is still missing are the **activations**: all that the forward pass keeps for the backward pass. **Gradient checkpointing** keeps only what goes *into* each layer, and computes the inside of the layer once more when the backward pass arrives. Memory for time. In a trainer it is one setting, `SFTConfig(gradient_checkpointing=True)` (newer versions say `activation_checkpointing`), on by default on a GPU. Here is a training step without and with it, every allocation counted:
# %% [markdown] lang="ja" of="7f6e654a"
# 4 分の 1 に、スケールの分が少し加わります。学習する重みが多いほど効果が大きく、アダプターだけなら大した差にはなりません。
#
# ### 活性値と勾配チェックポイント
#
# まだ足りないのは**活性値**です。順伝播が逆伝播のために残しておくすべての値です。**勾配チェックポイント**を使うと、各層に*入る*値だけを残し、逆伝播が来たときに層の中をもう一度計算します。時間と引き換えにメモリを減らす方法です。トレーナーでは `SFTConfig(gradient_checkpointing=True)` という設定 1 つで済みます（新しい版では `activation_checkpointing` という名前です）。GPU では既定で有効です。学習の 1 ステップを、なしとありで実行し、確保されたメモリをすべて数えます。
# %%
import timeit

from lab_helpers.labs.lab03.memory_check import measure_peak, switch_checkpointing

student = get_peft_model(fresh_base(), adapter).train()
rows_at_once = lab.pick(tiny=4, small=1)  # a larger vocabulary, larger logits
ids = torch.randint(0, student.config.vocab_size, (rows_at_once, 256), device=student.device)


def step():
    student(input_ids=ids, labels=ids, use_cache=False).loss.backward()


# %% [raw] lang="ja"
# a larger vocabulary, larger logits → 語彙が大きければロジットも大きい
# %%
peaks = []
for on in (False, True):
    switch_checkpointing(student, on)  # model.gradient_checkpointing_enable()
    seconds = min(timeit.repeat(step, number=1, repeat=3))  # the first one also warms up
    peaks.append(measure_peak(step, student.device.type))
    print(f"checkpointing {on!s:5s}: {peaks[-1] / 2**20:.1f} MiB, {seconds:.2f} s")
student = None
lab.measured(checkpointing_peak_share=peaks[1] / peaks[0])
# %% [raw] lang="ja"
# the first one also warms up → 最初の 1 回は準備運動を兼ねる
# "checkpointing " → "チェックポイント "
# f} s → f} 秒
# %% [markdown] lang="en"
# The second line holds less than half. The price is about one more forward pass for each step, as the seconds show where the machine is quiet. In a small model much of the rest is the logits, one number for each token *and* each word of the vocabulary, which checkpointing does not touch (TRL 1.16 reads them tile by tile and never holds them whole). In a large model the layers are nearly everything. Counted, in GiB of activations:
# %% [markdown] lang="ja" of="63cbaf97"
# 2 行目では、メモリが半分以下になりました。代償は、1 ステップごとに順伝播およそ 1 回分の時間です（秒数は、ほかの処理で混んでいないマシンで見比べてください）。小さなモデルでは、残りの多くをロジットが占めます。トークン 1 つにつき語彙の数だけ数値があり、チェックポイントはここには効きません（TRL 1.16 はロジットを小分けに計算し、全体を一度にメモリへ置くことはありません）。大きなモデルでは、ほとんどが層の中の値です。活性値が何 GiB になるかを数えると、次のとおりです。
# %%
from lab_helpers.labs.lab03.memory import MODELS, checkpointing_rows

lab.table(checkpointing_rows("Llama 3 8B"), "checkpointing")
# %% [markdown] lang="en"
# Without checkpointing the activations of a few thousand tokens are larger than the 4-bit weights; with it they are small. QLoRA needs it more than LoRA does: the weights are no longer the largest term.
#
# No formula was used for this. The calculator runs the training step of the real model with shapes only, on the meta device, and adds up every tensor that is alive. Now everything together:
# %% [markdown] lang="ja" of="6f88c5a6"
# チェックポイントがないと、数千トークン分の活性値は 4 ビットの重みより大きくなります。あれば、わずかで済みます。QLoRA では、重みがもう最大の項目ではないので、LoRA のとき以上に欠かせません。
#
# ここでは公式を使っていません。本物のモデルの学習ステップを、形だけをもつメタデバイスの上で実行し、その時点で存在するテンソルをすべて足し合わせています。では、全部を合わせてみましょう。
# %%
from lab_helpers.labs.lab03.memory import largest_fit_metrics, plan_rows

needs = plan_rows(MODELS, PLAN)
lab.table(needs, "memory")
need = {row["model"]: row["GiB"] for row in needs}
lab.measured(
    qlora_memory_gib_llama3_70b=need["Llama 3 70B"], qlora_memory_gib_llama3_8b=need["Llama 3 8B"]
)
lab.measured(**largest_fit_metrics())
for card, name in largest_fit_metrics().items():
    print(f"{card}: {name}")
lab.compare("seventy")
# %% [markdown] lang="en"
# Of 70B's need, the 4-bit weights alone are more than a T4 or an RTX 4090 has: no setting brings it down. On one card of 48 GB it fits, with short texts. Two cards of 24 GB can share it (LLaMA-Factory documents that); it is then no longer *a* T4 or *an* RTX 4090. The command line counts for any model: `labs fit MODEL`.
#
# ### Is the calculator right?
#
# A calculator that nobody checks is a claim. On this machine we can check: weights and optimizer states must agree to the byte; the peak of a step is compared with every allocation that torch makes.
# %% [markdown] lang="ja" of="5e6f719a"
# 70B では、4 ビットの重みだけで T4 や RTX 4090 の容量を超えます。設定をどう変えても、そこまでは下がりません。48 GB のカードなら、短いテキストに限れば 1 枚に載ります。24 GB のカード 2 枚に分けることもできますが（LLaMA-Factory の文書に例があります）、それはもう「T4 1 枚」や「RTX 4090 1 枚」の話ではありません。どのモデルでも、コマンドラインの `labs fit MODEL` で同じ計算ができます。
#
# ### この計算は正しいか
#
# 誰も確かめていない計算は、主張にすぎません。このマシンで確かめましょう。重みとオプティマイザーの状態は 1 バイトまで一致するはずです。1 ステップのピークは、torch が行ったすべてのメモリ確保と比べます。
# %%
from lab_helpers.labs.lab03.memory import measure_plans, plan_check_metrics

student = None
checked = measure_plans(lab.run.model_name, lab.settings["check_sequence"])
lab.table(checked, "checked")
lab.measured(**plan_check_metrics(checked))
print("bytes off in weights and states:", lab.run.metrics["exact_bytes_difference"])
print(f"peak of a step: {lab.run.metrics['step_peak_relative_error']:+.1%}")
# %% [raw] lang="ja"
# bytes off in weights and states: → 重みと状態のずれ（バイト）:
# "peak of a step: " → "1 ステップのピークの誤差: "
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
# ### Explore: the memory explorer
#
# Which term is the largest? Switch checkpointing off, double the sequence, change the method. (Without a live kernel: the picture at the top of the lab.)
# %% [markdown] lang="ja" of="be5e9a73"
# これで**示せていない**のは、GPU での結果です。CUDA が報告するピーク（`max_memory_allocated`）とこの予測値は、まだ比べられていません。T4 をお使いなら、ぜひご自身で比べてください。目標は誤差 10 % 以内です。
#
# ```python
# from lab_helpers.tuning.memory import Plan
# from lab_helpers.labs.lab03.memory_check import measure_plan
#
# measure_plan("Qwen/Qwen2.5-1.5B-Instruct", Plan(sequence=512))
# ```
#
# 差が出そうな点もわかっています。T4 では FlashAttention が使えません。ほかの融合カーネルも働かない場合、アテンションは系列長の 2 乗に比例するメモリを使います。`measure_plan` はモデル自身の損失を使うため、ロジット全体をメモリに置くものとして数えますが、トレーナーによっては、それをさらに float32 に写します。このほかに断片化が加わります。
#
# ### 触ってみる: メモリの計算
#
# いちばん大きい項目はどれでしょうか。チェックポイントを切ったり、系列長を 2 倍にしたり、方式を変えたりしてみてください（カーネルが動いていないときは、このラボの最初の図を見てください）。
# %%
from lab_helpers.figures.widgets import memory_explorer
from lab_helpers.labs.lab03.memory import draw_plan

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
# Kotori is small, and its weights have never been rounded before. How does a real model take it? The same measurements on SmolLM2, 135 million parameters (`labs run 03 --profile small`; one seed, 16 steps, the rate chosen on the validation rows, reply loss on the test rows). Its numbers come with the course.
# %% [markdown] lang="ja" of="c87ac14e"
# ## 実際のモデルでは
#
# Kotori は小さく、その重みはこれまで一度も丸められていません。実際のモデルではどうなるでしょうか。1.35 億パラメータの SmolLM2 で同じ測定をしました（`labs run 03 --profile small`。シードは 1 つ、16 ステップ、英語で、学習率は検証用の行で選び、回答の損失はテスト用の行で測定）。その値を講座に収めてあります。
# %%
lab.real_model(
    "error_nf4_model", "perplexity_float", "perplexity_int4", "perplexity_fp4", "perplexity_nf4",
    "nf4_perplexity_increase", "eval_loss_lora", "eval_loss_qlora",
    "qlora_loss_difference", "own_base_gain", "delta_relative_size", "merge_error_4bit",
    "merge_gain_kept_4bit",
)  # fmt: skip
# %% [markdown] lang="en"
# The norm ratio of the rounding is the same tenth, but it costs the real model more, and 16 steps do not win it back: there QLoRA stays behind LoRA, although its adapter works around the rounding as Kotori's does (`own_base_gain` lies below zero). FP4 does *better* than int4 there, as in the paper, and better than NF4 besides, on weights with a past of which more below. And its ΔW is so small beside W that the 4-bit merge loses it nearly whole: of the loss that training won, it keeps a few percent. The merge that looked passable on Kotori is a disaster here, just where the curve of section 3 said.
#
# Do larger models suffer more from rounding, then? Look at where the weights come from first. The package of SmolLM2 carries them **in 4 bits already** (GGUF's Q4_1: 16 even steps for every 32 weights). NF4 has other steps and other blocks, so here every weight is rounded a second time. Whether that matters can be tested on Kotori, whose exact weights you have: round to Q4_1 first, then to NF4.
# %% [markdown] lang="ja" of="a576792a"
# 丸め誤差のノルムの比は同じく 1 割ほどですが、失うものは実際のモデルのほうが大きく、16 ステップの学習では取り戻せません。そのアダプターも Kotori と同じように丸め誤差を補っていますが（`own_base_gain` は負です）、QLoRA は LoRA に及ばないままです。FP4 は、論文と同じく int4 に*勝ち*、さらに NF4 にも勝っています（ただし、後で述べるように、この重みにはいわくがあります）。そして ΔW は W に比べてごく小さいので、4 ビットのマージでほとんど消えます。学習で減らした損失のうち、マージ後に残るのは数パーセントです。Kotori ではまずまずに見えたマージが、ここでは台なしです。セクション 3 の曲線が示したとおりです。
#
# では、大きなモデルほど丸めの打撃が大きいのでしょうか。その前に、重みの出どころを見てください。SmolLM2 のパッケージに入っている重みは、**すでに 4 ビット**です（GGUF の Q4_1。重み 32 個ごとに等間隔の 16 段階）。NF4 は段階もブロックの大きさも違うので、ここではすべての重みが 2 度丸められています。それが効いているのかどうかは、正確な重みが手元にある Kotori で試せます。まず Q4_1 に、続けて NF4 に丸めます。
# %%
from lab_helpers.labs.lab03.second_rounding import measure_second_rounding

model, again = (load_model(lab.run)[0] for _ in range(2))  # the second ends up rounded
lab.measured(**measure_second_rounding(model, again, tokenizer, lab.language))
model = again = None
for kind in ("float", "q4_1"):
    print(f"NF4 over {kind:6s} perplexity {lab.run.metrics[f'nf4_increase_over_{kind}']:+.1%}")
# %% [raw] lang="ja"
# the second ends up rounded → 2 つ目は最後には丸められている
# "NF4 over " → "元の重み: "
# " perplexity " → " NF4 によるパープレキシティの増加 "
# %% [markdown] lang="en"
# After a first rounding, NF4 costs Kotori more than it cost the exact weights. What SmolLM2 loses can be its origin, then, at least in part; whether size plays a part as well is **not decided** here, and takes its original weights. What you can take to work: quantize from the original weights, never from a file that was quantized before.
#
# On a T4, `LAB_PROFILE=t4` runs this notebook with a real 1.5-billion-parameter model in 4 bits. There `plain_dtype` sets `bnb_4bit_compute_dtype` to fp16: a T4 has no native bf16. `labs fit "Qwen2.5 14B" --sequence 1024 --optimizer paged_adamw_8bit` tells you beforehand whether a larger one fits.
#
# ## An open experiment
#
# Nobody has written the answer down. The 4-bit merge loses a small ΔW because the rounding always goes to the *nearest* value. What if it were drawn at random between the two neighbours, the nearer one more likely, so that the sum is right on average? Write `quantize` so, put it into the cell of the curve in section 3, and look at `kept` and at `noise`. Then decide whether the merged model of section 3 would be better with it, and measure that too.
# %% [markdown] lang="ja" of="90cff130"
# 一度丸めたあとの NF4 は、正確な重みに対する NF4 より高くつきました。ですから、SmolLM2 が失ったものは、少なくとも一部は重みの出どころで説明がつきます。モデルの大きさも効いているのかどうかは、ここでは**決められません**。確かめるには、元の重みが必要です。仕事に持ち帰れる教訓はこうです。量子化は必ず元の重みから行い、一度量子化されたファイルからは行わないこと。
#
# T4 で `LAB_PROFILE=t4` を指定すると、このノートブックは 15 億パラメータの本物のモデルを 4 ビットで動かします。その場合、`plain_dtype` は `bnb_4bit_compute_dtype` に fp16 を選びます。T4 は bf16 をネイティブには扱えないからです。もっと大きなモデルが載るかどうかは、`labs fit "Qwen2.5 14B" --sequence 1024 --optimizer paged_adamw_8bit` で前もってわかります。
#
# ## 自由実験
#
# 答えはどこにも書いてありません。4 ビットのマージで小さな ΔW が消えるのは、必ず*最も近い*値に丸めるからです。では、両隣の値から乱数で選び、近いほうを選ぶ確率を高くして、平均すれば正しくなるようにしたらどうでしょうか。そのような `quantize` を書いて、セクション 3 の曲線のセルに入れ、残った割合と雑音を見てください。それから、セクション 3 のマージ後のモデルがこれで良くなるかどうかを予想し、測ってみてください。
# %% [markdown] lang="en"
# ## Quiz
# %% [markdown] lang="ja" of="f3a0b532"
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 04. The adapter works; what should it learn? From a dirty file to a tuned assistant.
#
# ## Appendix: a width that does not fit
#
# Only for those who run 4-bit models on a CPU. bitsandbytes has a silent fault there. A row whose length is no multiple of 64 shares a block with its neighbour. Quantizing is right; unpacking need not be. The error by hand and theirs, for matrices of several widths:
# %% [markdown] lang="ja" of="333dd157"
# **次は:** ラボ 04 です。アダプターの仕組みはわかりました。では、何を学ばせればよいのでしょうか。汚れたファイルから、調整済みのアシスタントまで進みます。
#
# ## 付録: 幅が合わない
#
# 4 ビットのモデルを CPU で動かす人向けの話です。CPU 版の bitsandbytes には、何も知らせずに起きる不具合があります。行の長さが 64 の倍数でないと、1 つのブロックが隣の行にまたがります。量子化は正しいのですが、元に戻す処理が正しいとはかぎりません。いくつかの幅の行列で、手でつくったものと誤差を比べてみます。
# %%
from lab_helpers.labs.lab03.rounding import measure_widths

lab.table(measure_widths())
# %% [markdown] lang="en"
# If a line shows twice the error, your processor has AVX-512 and bitsandbytes reads the scales of the wrong block. It raised nothing. (If not, your machine takes another path: check it on the one that you deploy on.) `ready_four_bit` reads such weights as one long row, `lab_helpers/models/four_bit.py`, and so is right everywhere; and it keeps bitsandbytes from repacking the weights at the first evaluation, after which no gradient would pass. All widths of Kotori, and of every model in the memory table, are multiples of 64.
# %% [markdown] lang="ja" of="cbe36fd8"
# 誤差が 2 倍ほどになっている行があれば、そのプロセッサは AVX-512 を備えており、bitsandbytes が別のブロックのスケールを読んでいます。エラーは何も出ません（どの行も同じなら、そのマシンでは別の処理が使われています。実際に動かすマシンで確かめてください）。`lab_helpers/models/four_bit.py` の `ready_four_bit` は、こうした重みを 1 本の長い行として読むので、どこでも正しく動きます。また、最初の評価のときに bitsandbytes が重みを詰め直すのも防ぎます。詰め直されると、そのあと勾配が通らなくなるからです。なお、Kotori も、メモリの表に出てくるモデルも、幅はすべて 64 の倍数です。
