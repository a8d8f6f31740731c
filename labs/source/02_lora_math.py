# %% [markdown] lang="en"
# # Lab 02 · The mathematics of LoRA
#
# **After this lab you can** say why LoRA exists and draw it, write it yourself in twenty lines, train a language model with your own lines and prove that they equal the library's, merge and unmerge by hand, count an adapter before you train it, and choose learning rate, rank and target layers by your own measurements.
#
# **Time:** about four minutes of computing on a 2-core CPU; two and a half hours with reading and exercises.
#
# **Claims under test:** 1 (parameters down to 1/10,000), 5 (PEFT is mandatory), 6 (ΔW ≈ BA), 7 (higher rank, better), 8 (usually q and v), 9 (all layers), 11 (weights never change), 12 (adapter size).
#
# **New words:** [weight](glossary.md#weight), [loss](glossary.md#loss), [gradient](glossary.md#gradient), [optimizer](glossary.md#optimizer), [learning rate](glossary.md#learning-rate), [step](glossary.md#step), [full fine-tuning](glossary.md#full-fine-tuning), [adapter](glossary.md#adapter), [rank](glossary.md#rank), [singular value](glossary.md#singular-value), [attention](glossary.md#attention), [MLP](glossary.md#mlp), [merge](glossary.md#merge), [validation rows](glossary.md#evaluation-rows)
#
# The lab has three parts: **A** why LoRA, and what full fine-tuning really changes; **B** LoRA by hand; **C** its knobs, measured.
# %% [markdown] lang="ja" of="45b31907"
# # ラボ 02 · LoRA の数理
#
# **このラボを終えると**、LoRA がなぜ生まれたのかを説明して図に描き、20 行ほどで自分で実装し、そのコードで言語モデルを学習させてライブラリと一致することを確かめ、手作業でマージとその取り消しを行い、アダプターのサイズを学習前に計算し、学習率・ランク・適用先を自分の測定で選べるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 4 分、読む時間と演習を含めると 2 時間半です。
#
# **検証する主張:** 1（パラメータは 1/10,000 に減る）、5（PEFT は必須）、6（ΔW ≈ BA）、7（ランクは高いほどよい）、8（通常は q と v）、9（全ての層）、11（重みは決して変わらない）、12（アダプターのサイズ）。
#
# **新しい言葉:** [重み](glossary.md#weight)、[損失](glossary.md#loss)、[勾配](glossary.md#gradient)、[オプティマイザー](glossary.md#optimizer)、[学習率](glossary.md#learning-rate)、[ステップ](glossary.md#step)、[フルファインチューニング](glossary.md#full-fine-tuning)、[アダプター](glossary.md#adapter)、[ランク](glossary.md#rank)、[特異値](glossary.md#singular-value)、[アテンション](glossary.md#attention)、[MLP](glossary.md#mlp)、[マージ](glossary.md#merge)、[検証用の行](glossary.md#evaluation-rows)
#
# ラボは 3 部構成です。**A** LoRA が必要な理由と、フルファインチューニングが実際に変えるもの。**B** 手書きの LoRA。**C** 設定の選び方を測る。
# %%
from lab_helpers import open_lab

lab = open_lab("02")
# %% [markdown] lang="en"
# ## Predict
#
# 1. Full fine-tuning changes a 256 × 256 matrix by some ΔW. Its 256 singular directions share the energy ‖ΔW‖². What **percentage** lies in the first 8?
# 2. The article promises 1 trainable parameter in 10,000. With its own settings (r = 16 on q and v) on Llama 3 8B, it is 1 in **how many**?
# 3. **How many times** the learning rate of full fine-tuning does LoRA want?
# %% [markdown] lang="ja" of="6a9ab493"
# ## 予想する
#
# 1. フルファインチューニングを行うと、256 × 256 の行列が ΔW だけ変化します。エネルギー ‖ΔW‖² は 256 個の特異方向に分かれています。最初の 8 個が占めるのは**何パーセント**でしょうか。
# 2. 記事によれば、学習するパラメータは 10,000 個に 1 個です。では、記事自身の設定（q と v に r = 16）を Llama 3 8B に当てはめると、**何個に 1 個**になるでしょうか。
# 3. LoRA に合う学習率は、フルファインチューニングの**何倍**でしょうか。
# %%
lab.predict("energy", ...)
lab.predict("one_in", ...)
lab.predict("rate", ...)
# %% [markdown] lang="en"
# # Part A · Why LoRA
#
# ## The problem: 16 bytes a weight
#
# To *use* a model you need its weights. To *train* it with AdamW, the usual optimizer, you need for every weight four numbers of 4 bytes: the weight, its gradient, and two running averages of gradients from which AdamW makes the step. Sixteen bytes a weight, before a single activation is stored.
#
# LoRA's idea: **freeze** the large matrix $W$ and train a thin detour beside it, two matrices $A$ and $B$. A frozen weight needs no gradient and no averages, and may lie there in 16 bits.
# %% [markdown] lang="ja" of="1cda19ae"
# # A · なぜ LoRA なのか
#
# ## 問題: 重み 1 個に 16 バイト
#
# モデルを*使う*だけなら、必要なのは重みだけです。しかし標準的なオプティマイザー AdamW で*学習*させるには、重み 1 個につき 4 バイトの数が 4 つ要ります。重みそのもの、その勾配、そして AdamW が更新量を決めるために使う勾配の移動平均が 2 つです。活性値を 1 つも保存しないうちから、重み 1 個あたり 16 バイトです。
#
# LoRA の考え方はこうです。大きな行列 $W$ は**凍結**し、その横に置いた細い迂回路、つまり 2 つの行列 $A$ と $B$ だけを学習させます。凍結した重みには勾配も移動平均も要らず、16 ビットのまま置いておけます。
# %%
from lab_helpers.figures import lora as lora_figures
from lab_helpers.tuning.lora_counts import lora_counts

large = lora_counts("Llama 3 8B", 16, "q, v")
gigabytes = {"weights": 4, "gradients": 4, "AdamW's averages": 8}  # bytes a weight
full_gb = {name: size * large["total"] / 1e9 for name, size in gigabytes.items()}
lora_gb = {"weights": 2 * large["total"] / 1e9, "adapter": 16 * large["trainable"] / 1e9}
lab.figure(lora_figures.idea(full_gb, lora_gb), "idea")
# %% [raw] lang="ja"
# bytes a weight → 重み 1 個あたりのバイト数
# %% [markdown] lang="en"
# Left: full fine-tuning of an 8B model overflows even a GPU of 80 GB; with LoRA the frozen model itself is nearly all that is left. (Activations come on top, for both; lab 03 counts them, and shrinks the frozen part to 4 bits.) Right: the input $x$ takes both ways, and their results are added. Everything below is about these two thin matrices.
# %% [markdown] lang="ja" of="0761361e"
# 左の図を見ると、8B のモデルのフルファインチューニングは、80 GB の GPU にも載りません。LoRA なら、残るのはほぼ凍結したモデルの分だけです（どちらにもこのほかに活性値が加わります。ラボ 03 ではそれも数え、凍結した部分を 4 ビットまで縮めます）。右の図では、入力 $x$ が 2 本の経路を通り、結果が足し合わされます。このラボで扱うのは、この細い 2 つの行列です。
# %% [markdown] lang="en"
# ## The task: answer like Hoshizora Electric
#
# We need a model small enough that full fine-tuning fits too, so that we can compare: Kotori, the course's own model of 5M weights, with the layer names of Llama (`q_proj`, `v_proj`, …). Its job: answer customers in the house tone. First one training row, as the model will read it.
# %% [markdown] lang="ja" of="f132d319"
# ## 課題: 星空電機の口調で答える
#
# 比べるためには、フルファインチューニングもできる小さなモデルが必要です。ここではこの講座の 500 万パラメータのモデル Kotori を使います。層の名前は Llama と同じ（`q_proj`、`v_proj` など）です。仕事は、会社の口調でお客様に答えること。まず学習用の 1 行を、モデルが読む形のまま見てみましょう。
# %%
from lab_helpers.labs.lab02.model import load_model_to_tune
from lab_helpers.labs.shared.support import gold_rows

# AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), and its AutoTokenizer
base, tokenizer = load_model_to_tune(lab.run)
sizes = {"train": 200, "validation": 40, "test": 60}
rows = {name: gold_rows(lab.language, name)[:size] for name, size in sizes.items()}


def ask(question):
    chat = [{"role": "user", "content": question}]
    return tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)


row = rows["train"][0]
print({name: len(found) for name, found in rows.items()})
print(ask(row["question"]) + row["answer"] + tokenizer.eos_token)
# %% [raw] lang="ja"
# , and its AutoTokenizer → と、対応する AutoTokenizer
# %% [markdown] lang="en"
# `train` rows teach, `validation` rows choose settings, `test` rows are for the final comparison only. The loss shall count the answer's tokens alone: the model should learn to answer, not to ask. In the labels every token of the question becomes −100, which the loss ignores.
# %% [markdown] lang="ja" of="b3137b27"
# `train` の行で学習し、`validation` の行で設定を選び、`test` の行は最後の比較にだけ使います。損失に数えるのは回答のトークンだけです。覚えてほしいのは答え方であって、質問の仕方ではないからです。そこで、質問部分のトークンのラベルはすべて、損失が無視する値 −100 にします。
# %%
def encode(row):
    asked = tokenizer(ask(row["question"]), add_special_tokens=False)["input_ids"]
    answer = tokenizer(row["answer"] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
    return {"input_ids": asked + answer, "labels": [-100] * len(asked) + answer}


examples = {name: [encode(row) for row in found] for name, found in rows.items()}
first = examples["train"][0]
border = first["labels"].count(-100)  # here the answer begins
for i in range(border - 4, border + 4):
    token, label = first["input_ids"][i], first["labels"][i]
    print(f"{token:6} {label:6}  {tokenizer.decode([token])!r}")
# %% [raw] lang="ja"
# here the answer begins → ここから回答が始まる
# %% [markdown] lang="en"
# What does the untrained model answer? The lines inside `reply` are all there is to generating.
# %% [markdown] lang="ja" of="e7402e18"
# 学習前のモデルはどう答えるでしょうか。生成に必要なのは、`reply` の中の数行だけです。
# %%
import torch


def reply(model, question):
    prompt = tokenizer(ask(question), add_special_tokens=False, return_tensors="pt")
    with torch.no_grad():
        written = model.generate(**prompt.to(model.device), max_new_tokens=60, do_sample=False)
    new_tokens = written[0, prompt["input_ids"].shape[1] :]
    return tokenizer.decode(new_tokens, skip_special_tokens=True)


question = rows["validation"][0]["question"]
print("customer: ", question)
print("untrained:", reply(base, question))
# %% [raw] lang="ja"
# "customer: " → "お客様: "
# untrained: → 学習前:
# %% [markdown] lang="en"
# It has no idea of the house's opening and closing lines. Now train it. This loop is all of training, and the rest of the lab uses it for *every* arm: forward, loss, `backward()`, step. The learning rate falls in a straight line to zero.
# %% [markdown] lang="ja" of="f3869592"
# 会社の書き出しと結びの決まり文句を、まったく知りません。では学習させましょう。次のループが学習のすべてで、このラボの*どの*条件でも同じものを使います。順伝播、損失、`backward()`、更新の繰り返しです。学習率はゼロまで直線的に下げます。
# %%
from lab_helpers.runtime.progress import track


def train(model, batches, learning_rate):
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=learning_rate, weight_decay=0.0)
    losses = []
    for step, batch in enumerate(track(batches, "training", len(batches))):
        optimizer.param_groups[0]["lr"] = learning_rate * (1 - step / len(batches))
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)  # no single batch may pull too hard
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses
# %% [raw] lang="ja"
# no single batch may pull too hard → 1 つのバッチに引っ張られすぎないように
# training → 学習
# %%
import copy

from lab_helpers.labs.lab02.rows import make_batches
from lab_helpers.labs.lab02.scoring import measure_losses

full = copy.deepcopy(base)
batches = make_batches(examples["train"], batch_size=4, steps=20, seed=lab.seed, device=base.device)
# All weights move. 1e-3 suits 5M weights; a 1-8B model wants about 1e-5.
losses = train(full, batches, learning_rate=lab.pick(tiny=1e-3, small=1e-4, t4=1e-4))
print(f"training loss: {losses[0]:.2f} -> {losses[-1]:.2f}")
for name, model in {"untrained": base, "full fine-tuning": full}.items():
    print(f"validation loss, {name}: {measure_losses(model, examples['validation']).mean():.2f}")
print(reply(full, question))
# %% [raw] lang="ja"
# All weights move. 1e-3 suits 5M weights; a 1-8B model wants about 1e-5. → すべての重みが動く。500 万パラメータには 1e-3 が合うが、1〜8B のモデルなら 1e-5 程度
# training loss: → 学習損失:
# untrained → 学習前
# full fine-tuning → フルファインチューニング
# "validation loss, " → "検証損失、"
# %% [markdown] lang="en"
# Twenty steps of four rows, and the loss on rows it never saw has fallen far. The reply begins and ends as the house wants it; what stands in between is still poor, for this was eighty rows. Now the bill. After one step, count the bytes that lie in memory:
# %% [markdown] lang="ja" of="2e9303db"
# 4 行ずつ 20 ステップ学習しただけで、一度も見ていない行での損失が大きく下がりました。回答には会社の決まり文句が出てきます。中身がまだ貧弱なのは、学習した行が 80 行しかないからです。では、その費用はどうでしょう。1 ステップの後、メモリにあるバイト数を数えます。
# %%
from lab_helpers.labs.lab02.scoring import count_bytes


def bytes_a_weight(model, batch):
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained)
    model(**batch).loss.backward()
    optimizer.step()
    held = {"weights": list(model.parameters()), "gradients": [p.grad for p in trained]}
    states = optimizer.state.values()
    held["AdamW's averages"] = [s[name] for s in states for name in ("exp_avg", "exp_avg_sq")]
    total = sum(p.numel() for p in model.parameters())
    return {name: count_bytes(tensors) / total for name, tensors in held.items()}


found = bytes_a_weight(copy.deepcopy(base), batches[0])
lab.table([found | {"sum": sum(found.values())}])
lab.measured(bytes_per_weight_full=sum(found.values()))
# %% [markdown] lang="en"
# Four, four and eight: the sixteen bytes of the picture, counted on a real step.
# %% [markdown] lang="ja" of="5983d6a2"
# 4、4、8。図に描いた 16 バイトが、本物の 1 ステップで確かめられました。
# %% [markdown] lang="en"
# ## Why a thin detour might be enough
#
# A detour of rank $r$ can only make changes of the form $\Delta W = BA$, with $B$ of shape $(d, r)$ and $A$ of shape $(r, k)$: $r$ directions, no more. Does fine-tuning need more? Look at what the full fine-tuning above has really changed. The singular value decomposition sorts a matrix into directions, strongest first. The squared singular values add up to ‖ΔW‖², and no matrix of rank $r$ comes closer to ΔW than the first $r$ directions do (Eckart–Young).
#
# **Exercise (8 min).** Return the share of ‖ΔW‖² in the first 1, 2, 3, … directions.
# %% [markdown] lang="ja" of="16a8e200"
# ## 細い迂回路で足りるかもしれない理由
#
# ランク $r$ の迂回路が作れる変化は $\Delta W = BA$ の形だけです。$B$ の形は $(d, r)$、$A$ の形は $(r, k)$ で、使える方向は $r$ 個しかありません。ファインチューニングには、もっと多くの方向が必要でしょうか。上のフルファインチューニングが実際に変えたものを見てみましょう。特異値分解は、行列をいくつもの方向に分け、強い順に並べます。特異値の 2 乗の和は ‖ΔW‖² に等しく、ランク $r$ の行列のなかに、最初の $r$ 方向で作ったものより ΔW に近いものはありません（Eckart–Young の定理）。
#
# **演習（8 分）。** 最初の 1, 2, 3, … 個の方向が ‖ΔW‖² に占める割合を返してください。
# %% tags=["exercise"]
def energy(delta):
    ...  # your code → (min(d, k),)


energy = lab.check("energy", energy)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %%
from lab_helpers.labs.lab02.energy import compute_energies, energy_metrics, matrix_deltas

delta = matrix_deltas(base, full)  # ΔW = after - before, of every matrix in every block
energies, reference = compute_energies(delta, lab.seed)
lab.measured(**energy_metrics(energies, reference))
lab.figure(lora_figures.spectrum(energies, reference), "spectrum")
lab.compare("energy")
# %% [raw] lang="ja"
# of every matrix in every block → 全ブロックの全行列について
# after - before → 後 - 前
# %% [markdown] lang="en"
# The solid line lies far above the dashed one: a real ΔW is no random matrix, its first directions hold several times what chance would give them. It is not of rank 8 either; a long tail remains. So "ΔW *is* low-rank" is too strong. "A low-rank ΔW is *enough for the task*" is the claim to test, and that takes training, not algebra: part C.
# %% [markdown] lang="ja" of="ab1fbfb9"
# 実線は破線よりはるかに上にあります。本物の ΔW はランダムな行列ではなく、最初の数方向に、偶然から期待される量の何倍ものエネルギーが集まっています。しかしランク 8 というわけでもなく、長い裾が残ります。「ΔW は低ランク*である*」は言い過ぎです。検証すべきなのは「低ランクの ΔW で*タスクには足りる*」という主張であり、それには代数ではなく学習が必要です（C 部）。
# %% [markdown] lang="en"
# ## Explore: the rank slider
#
# Left the real ΔW of one q matrix, in the middle its best copy of rank $r$, right what the copy leaves out. Without a live kernel you see rank 8.
# %% [markdown] lang="ja" of="e39e4242"
# ## 触ってみる: ランクのスライダー
#
# 左はある q 行列の本物の ΔW、中央はランク $r$ での最良の近似、右はその近似が取りこぼした分です。カーネルが動いていないときは、ランク 8 の図が表示されます。
# %%
from lab_helpers.figures.widgets import rank_explorer
from lab_helpers.tuning import spectrum

matrix = delta["layers.1.self_attn.q_proj"]
kept = energy(matrix)


def view(r):
    approximation = spectrum.best_rank(matrix, r).numpy()
    return lora_figures.rank_view(matrix.numpy(), approximation, r, float(kept[r - 1]))


lab.figure(view(8), "rank_view")
rank_explorer(view, highest=len(kept))
# %% [markdown] lang="en"
# # Part B · LoRA by hand
#
# ## Build: the layer
#
# The frozen layer stays where it is, and the detour is added to what it says:
#
# $$h = \mathrm{base}(x) + \frac{\alpha}{r}\, x A^\top B^\top$$
#
# The article leaves out the factor α/r. Part C shows what it is for, and what goes wrong with it.
#
# **Exercise (8 min).** Write the forward pass. `base` is the frozen `nn.Linear`; shapes: x (n, k), A (r, k), B (d, r).
# %% [markdown] lang="ja" of="58e8b8b0"
# # B · 手書きの LoRA
#
# ## つくる: 層
#
# 凍結した層はそのまま残し、その出力に迂回路の分を足します。
#
# $$h = \mathrm{base}(x) + \frac{\alpha}{r}\, x A^\top B^\top$$
#
# 記事の式には係数 α/r がありません。これが何のためにあり、どんな問題を起こすのかは C 部で見ます。
#
# **演習（8 分）。** 順伝播を書いてください。`base` は凍結した `nn.Linear`、形は x (n, k)、A (r, k)、B (d, r) です。
# %% tags=["exercise"]
def lora_forward(x, base, A, B, alpha, r):
    ...  # your code → (n, d)


lora_forward = lab.check("lora_forward", lora_forward)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %% [markdown] lang="en"
# **Exercise (6 min).** Choose the start: the adapted model must equal the base exactly, and still be able to learn.
# %% [markdown] lang="ja" of="ab3e9597"
# **演習（6 分）。** 初期値を決めてください。アダプターを付けたモデルは、開始時点でベースと完全に一致し、しかも学習できなければなりません。
# %% tags=["exercise"]
def init_lora(d, k, r):
    ...  # your code → A (r, k), B (d, r)


init_lora = lab.check("init_lora", init_lora)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %% [markdown] lang="en"
# The layer is a few lines around your two functions, and so is putting it into a model: freeze everything, then wrap each linear layer whose name is asked for. Together these are the twenty lines of LoRA.
# %% [markdown] lang="ja" of="63ac3508"
# 層は、いまの 2 つの関数のまわりに数行書き足すだけです。モデルへの組み込みも同じで、全体を凍結し、指定した名前の線形層を 1 つずつ包みます。合わせて 20 行ほど、これが LoRA のすべてです。
# %%
class LoRALinear(torch.nn.Module):
    def __init__(self, base, r, alpha):
        super().__init__()
        self.base, self.r, self.alpha = base, r, alpha
        A, B = init_lora(base.out_features, base.in_features, r)
        self.A = torch.nn.Parameter(A.to(base.weight.device))
        self.B = torch.nn.Parameter(B.to(base.weight.device))

    def forward(self, x):
        return lora_forward(x, self.base, self.A, self.B, self.alpha, self.r)


def add_lora(model, names, r, alpha):
    model.requires_grad_(False)
    for path, layer in list(model.named_modules()):
        parent, _, name = path.rpartition(".")
        if name in names:
            setattr(model.get_submodule(parent), name, LoRALinear(layer, r, alpha))
    return model
# %% [markdown] lang="en"
# Train it with the very loop from above. Before that, note a fingerprint of the frozen weights: claim 11 says that they do not change.
# %% [markdown] lang="ja" of="d2e93b6c"
# 上とまったく同じループで学習させます。その前に、凍結した重みの指紋（ハッシュ）を取っておきます。重みは変わらない、というのが主張 11 です。
# %%
from lab_helpers.labs.lab02.scoring import hash_weights

torch.manual_seed(lab.seed)  # A is random: the same seed, the same start
hand = add_lora(copy.deepcopy(base), ("q_proj", "v_proj"), r=16, alpha=32)
trained = sum(p.numel() for p in hand.parameters() if p.requires_grad)
print(f"{trained:,} of {sum(p.numel() for p in hand.parameters()):,} weights are trained")
fingerprint = hash_weights(hand)
# Ten times full tuning's rate, for now on trust; a 1-8B model wants about 2e-4.
hand_losses = train(hand, batches, learning_rate=lab.pick(tiny=1e-2, small=1e-3, t4=1e-3))
print(f"validation loss: {measure_losses(hand, examples['validation']).mean():.2f}")
print("base unchanged:", hash_weights(hand) == fingerprint)
lab.measured(base_hash_unchanged=int(hash_weights(hand) == fingerprint))
# %% [raw] lang="ja"
# A is random: the same seed, the same start → A は乱数。同じシードなら同じ初期値になる
# weights are trained → 個の重みを学習
# " of " → " / "
# Ten times full tuning's rate, for now on trust; a 1-8B model wants about 2e-4. → 学習率はフルファインチューニングの 10 倍（根拠は C 部で測る）。1〜8B のモデルなら 2e-4 程度
# validation loss: → 検証損失:
# base unchanged: → ベースは不変:
# %% [markdown] lang="en"
# Your own LoRA trains: the loss has fallen far below the untrained model's, with about 1.5 % of the weights, and the frozen ones are the same bytes as before. It has not reached full fine-tuning: part C finds out why, and mends it.
#
# ## Why B = 0, and what A waits for
#
# The gradient of $A$ contains $B$, and the gradient of $B$ contains $A$. At the start $B = 0$, so $A$'s gradient is exactly zero. Watch three steps at the same learning rate:
# %% [markdown] lang="ja" of="c98c80f1"
# 自分で書いた LoRA が学習しました。学習した重みは全体の 1.5 % ほどですが、損失は学習前よりはるかに低く、凍結した重みは 1 バイトも変わっていません。ただし、フルファインチューニングにはまだ届いていません。理由を突き止めて改善するのが C 部です。
#
# ## なぜ B = 0 なのか、A は何を待つのか
#
# $A$ の勾配には $B$ が、$B$ の勾配には $A$ が掛かります。開始時は $B = 0$ なので、$A$ の勾配はちょうどゼロです。学習率を一定にして、最初の 3 ステップを見てみましょう。
# %%
torch.manual_seed(lab.seed)
model = add_lora(copy.deepcopy(base), ("q_proj", "v_proj"), r=16, alpha=32)
layer = model.model.layers[0].self_attn.q_proj
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
steps = []
for step, batch in enumerate(batches[:3], 1):
    before = {"A": layer.A.detach().clone(), "B": layer.B.detach().clone()}
    optimizer.zero_grad()
    model(**batch).loss.backward()
    optimizer.step()
    noted = {"step": step}
    for name, factor in {"A": layer.A, "B": layer.B}.items():
        noted[f"gradient of {name}"] = float(factor.grad.abs().mean())
        noted[f"{name} moved by"] = float((factor.detach() - before[name]).abs().mean())
    steps.append(noted)
lab.table(steps, "first steps")
# %% [markdown] lang="en"
# Step 1: the gradient of A is exactly 0. (A still moves by a hair: AdamW's weight decay.) Step 2: A's gradient is small, since B is small, **and A moves by most of the learning rate all the same**. AdamW divides every gradient by its own running size, so a small gradient is not a small step. "A gets almost no gradient" therefore explains nothing about LoRA's learning rate. What does? Look at the *product*. At one rate, how far does W move in full fine-tuning, and how far does $\frac{\alpha}{r}BA$?
# %% [markdown] lang="ja" of="374cfb6d"
# ステップ 1 では、A の勾配はちょうど 0 です（それでも A がごくわずかに動くのは、AdamW の重み減衰のためです）。ステップ 2 では、B がまだ小さいので A の勾配も小さいのですが、**A は学習率の大半に当たる幅で動きます**。AdamW は勾配をその移動平均の大きさで割るので、勾配が小さくても更新は小さくなりません。つまり「A にはほとんど勾配が届かない」では、LoRA の学習率を説明できません。では何が理由でしょうか。*積*のほうを見ます。同じ学習率で、フルファインチューニングの W はどれだけ動き、$\frac{\alpha}{r}BA$ はどれだけ動くでしょうか。
# %%
pulled = copy.deepcopy(base)
torch.manual_seed(lab.seed)
detour = add_lora(copy.deepcopy(base), ("q_proj", "v_proj"), r=16, alpha=32)
for model in (pulled, detour):
    train(model, batches[:3], learning_rate=1e-3)


def size(change):
    return float(change.detach().pow(2).mean().sqrt())  # of one entry, as a root mean square


moved = []
for block, old in enumerate(base.model.layers):
    new, thin = (m.model.layers[block].self_attn.q_proj for m in (pulled, detour))
    whole = size(new.weight - old.self_attn.q_proj.weight)
    product = size(thin.alpha / thin.r * thin.B @ thin.A)
    both = {"block": block, "full × 1000": 1000 * whole, "LoRA × 1000": 1000 * product}
    moved.append(both | {"ratio": whole / product})
lab.table(moved)
lab.measured(same_rate_move_ratio=sum(row["ratio"] for row in moved) / len(moved))
# %% [raw] lang="ja"
# of one entry, as a root mean square → 1 要素あたりの二乗平均平方根
# %% [markdown] lang="en"
# Entry by entry, full fine-tuning moves W several times as far as LoRA moves it at the same rate: AdamW steps of one size go into B, but then B is multiplied by the small entries of A (about $1/\sqrt{k}$). So LoRA wants the larger rate. How much larger is a question for a grid: part C.
#
# **Break it: both zero.** Someone finds one zero matrix good and two better:
# %% [markdown] lang="ja" of="279f98cd"
# 要素ごとに見ると、同じ学習率でフルファインチューニングは LoRA の何倍も大きく W を動かします。AdamW は B を一定の幅で動かしますが、その B に A の小さな要素（$1/\sqrt{k}$ 程度）が掛かるからです。だから LoRA には大きめの学習率が必要です。何倍かは、C 部で格子状に試して調べます。
#
# **壊す: どちらもゼロ。** 片方がゼロでよいなら両方ゼロのほうがよい、と考えた人がいます。
# %%
broken = add_lora(copy.deepcopy(base), ("q_proj", "v_proj"), r=16, alpha=32)
for layer in broken.modules():
    if isinstance(layer, LoRALinear):
        layer.A.data.zero_()  # the fault: now A = 0 and B = 0
train(broken, batches, learning_rate=lab.pick(tiny=1e-2, small=1e-3, t4=1e-3))
for name, model in {"untrained": base, "both zero": broken, "mended (B = 0)": hand}.items():
    print(f"validation loss, {name}: {measure_losses(model, examples['validation']).mean():.4f}")
# %% [raw] lang="ja"
# "the fault: now A = 0 and B = 0" → "間違い: これで A も B も 0 になる"
# untrained → 学習前
# both zero → 両方ゼロ
# mended (B = 0) → 修正後（B = 0）
# "validation loss, " → "検証損失、"
# %% [markdown] lang="en"
# No error, no warning, and not one digit of the loss has moved: each gradient contains the other factor, both are zero, and zero they stay. AdamW cannot help, for 0 divided by anything is 0. The mend is your `init_lora`: A random, B zero.
#
# ## Measure: is it the same as PEFT's?
#
# Now the library. `LoraConfig` says everything: rank, α, which layers, dropout, bias. Give PEFT the same random A, train it on the same batches, and compare.
# %% [markdown] lang="ja" of="3cfe70e2"
# エラーも警告も出ないのに、損失は最後の桁まで動いていません。どちらの勾配にも相手の行列が掛かり、両方ゼロなので、いつまでもゼロのままです。0 は何で割っても 0 なので、AdamW でも救えません。直し方は、先ほどの `init_lora`、つまり A は乱数、B はゼロです。
#
# ## 測る: PEFT の LoRA と同じか
#
# 次はライブラリです。`LoraConfig` には、ランク、α、対象の層、ドロップアウト、バイアスと、すべてが書かれています。PEFT に同じ乱数の A を与え、同じバッチで学習させて比べます。
# %%
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer

config = LoraConfig(
    r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"],
    lora_dropout=0.0, bias="none", task_type="CAUSAL_LM",
)
library = get_peft_model(copy.deepcopy(base), config)
torch.manual_seed(lab.seed)
start = add_lora(copy.deepcopy(base), ("q_proj", "v_proj"), r=16, alpha=32)
mine = [layer for layer in start.modules() if isinstance(layer, LoRALinear)]
theirs = [layer for layer in library.modules() if isinstance(layer, LoraLayer)]
for ours, their in zip(mine, theirs, strict=True):
    their.lora_A["default"].weight.data.copy_(ours.A)
peft_losses = train(library, batches, learning_rate=lab.pick(tiny=1e-2, small=1e-3, t4=1e-3))
# %%
from lab_helpers.labs.lab02.scoring import measure_difference

batch = batches[0]
curve = max(abs(a - b) for a, b in zip(hand_losses, peft_losses, strict=True))
parity = {
    "step0_max_abs_diff": measure_difference(start, base, batch),
    "hand_lora_max_abs_diff": measure_difference(hand, library, batch),
    "hand_curve_max_abs_diff": curve,
    "adapter_effect": measure_difference(hand, base, batch),
}
parity["peft_max_abs_diff_forward"] = parity["hand_lora_max_abs_diff"]
lab.measured(**parity)
lab.table([{"measurement": name, "value": value} for name, value in parity.items()])
# %% [markdown] lang="en"
# Read it line by line. `step0`: before training the adapter changes nothing. `hand_lora`: after twenty steps of training, your lines and the library give the same logits. `hand_curve`: their losses agreed at every step. `adapter_effect`: the adapter did do something, otherwise all those zeros would prove nothing. PEFT is a convenience (a good one), not a necessity.
# %% [markdown] lang="ja" of="cf1a4930"
# 1 行ずつ読みましょう。`step0`: 学習前のアダプターは何も変えません。`hand_lora`: 20 ステップ学習した後も、手書きのコードとライブラリのロジットは一致します。`hand_curve`: 損失もすべてのステップで一致しました。`adapter_effect`: アダプターは確かに働いています。そうでなければ、ここに並ぶゼロは何の証明にもなりません。PEFT は便利な道具（それも優れたもの）ですが、必需品ではありません。
# %% [markdown] lang="en"
# ## Build: merge
#
# **Exercise (5 min).** After training, fold the detour into the weight: $W' = W + \frac{\alpha}{r} BA$. Return a new tensor; the base must survive.
# %% [markdown] lang="ja" of="a8cf1c73"
# ## つくる: マージ
#
# **演習（5 分）。** 学習が終わったら、迂回路を重みにマージします: $W' = W + \frac{\alpha}{r} BA$。新しいテンソルを返し、ベースは元のまま残してください。
# %% tags=["exercise"]
def merge(W, A, B, alpha, r):
    ...  # your code → (d, k)


merge = lab.check("merge", merge)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %%
def fold(model, how):
    """A copy of ``model`` with ``how(W, A, B, alpha, r)`` in place of each adapted layer."""
    model = copy.deepcopy(model)
    for path, layer in list(model.named_modules()):
        if isinstance(layer, LoRALinear):
            W = how(layer.base.weight, layer.A, layer.B, layer.alpha, layer.r)
            layer.base.weight.data = W.detach()
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, layer.base)  # the detour is gone
    return model


def unmerge(W, A, B, alpha, r):
    return merge(merge(W, A, B, alpha, r), A, B, -alpha, r)  # in, and out again


merged, unmerged = fold(hand, merge), fold(hand, unmerge)
# %% [raw] lang="ja"
# the detour is gone → 迂回路はなくなった
# in, and out again → 足してから、また引く
# A copy of ``model`` with ``how(W, A, B, alpha, r)`` in place of each adapted layer. → ``model`` のコピー。適用した層の重みを ``how(W, A, B, alpha, r)`` で置き換える。
# %%
folded = {
    "merge_max_abs_diff": measure_difference(merged, hand, batch),
    "unmerge_max_abs_diff": measure_difference(unmerged, base, batch),
}
print("same reply:", reply(hand, question) == reply(merged, question))
pairs = zip(unmerged.parameters(), base.parameters(), strict=True)
same = all(torch.equal(one, other) for one, other in pairs)
print("base back, to the bit:", same)
copied = copy.deepcopy(library).merge_and_unload()  # PEFT's own merge
folded["peft_max_abs_diff_merged"] = measure_difference(merged, copied, batch)
lab.measured(**folded)
lab.table([{"measurement": name, "value": value} for name, value in folded.items()])
# %% [raw] lang="ja"
# PEFT's own merge → PEFT 自身のマージ
# same reply: → 同じ回答:
# base back, to the bit: → ビット単位でベースに戻った:
# %% [markdown] lang="en"
# Merging costs rounding only: the reply is word for word the same and PEFT's merge agrees. Unmerging gives the base back up to rounding, but not to the bit. So claim 11 holds *until you merge*: after that, only a kept copy of the base is the base.
#
# **Break it: α/r forgotten.** The commonest fault of hand-written merges:
# %% [markdown] lang="ja" of="a8cb7f74"
# マージで生じるのは丸め誤差だけです。回答は一字一句同じで、PEFT のマージとも一致します。マージを取り消すと、丸め誤差の範囲でベースに戻りますが、ビット単位では戻りません。つまり主張 11 が成り立つのは*マージするまで*です。マージした後は、別に残しておいたコピーだけがベースです。
#
# **壊す: α/r を忘れる。** 手書きのマージで最も多い間違いです。
# %%
def merge_without_scaling(W, A, B, alpha, r):
    return W + B @ A  # the fault: alpha / r is missing


wrong = fold(hand, merge_without_scaling)
arms = {"before merging": hand, "merged": merged, "merged without α/r": wrong, "untrained": base}
for name, model in arms.items():
    print(f"{name}: {measure_losses(model, examples['validation']).mean():.3f}")
# %% [raw] lang="ja"
# the fault: alpha / r is missing → 間違い: alpha / r がない
# before merging → マージ前
# merged without α/r → α/r なしでマージ
# merged → マージ後
# untrained → 学習前
# %% [markdown] lang="en"
# Again no error. With α/r = 2 half of what was learned is silently thrown away, and the model looks merely "a bit undertrained". The mend is the test you have just run: compare the merged model with the unmerged one **before** you ship it.
#
# ## Save it, load it, weigh it
# %% [markdown] lang="ja" of="2e756331"
# これもエラーになりません。α/r = 2 なら、学習した変化の半分が黙って捨てられ、モデルは単に「少し学習不足」に見えます。対策は、いま行ったテストそのものです。公開する**前に**、マージ前後のモデルを比べてください。
#
# ## 保存し、読み込み、重さを量る
# %%
from peft import PeftModel

folder = lab.run.folder / "adapter"
library.save_pretrained(folder)
lab.run.artifact(folder)
loaded = PeftModel.from_pretrained(copy.deepcopy(base), folder)
print("same reply as your own:", reply(loaded, question) == reply(hand, question))
for path in sorted(folder.iterdir()):
    print(f"{path.name}: {path.stat().st_size:,} bytes")
# %% [raw] lang="ja"
# same reply as your own: → 手書きの LoRA と同じ回答:
# bytes → バイト
# %% [markdown] lang="en"
# The whole tuning is one small file beside a base that everybody has. How small can be said beforehand.
#
# **Exercise (4 min).** How many parameters does rank $r$ cost on matrices of shapes (d, k)?
# %% [markdown] lang="ja" of="8f9176a3"
# 学習の成果は、誰もが持っているベースの横に置く小さなファイル 1 つに収まります。どれほど小さいかは、事前に計算できます。
#
# **演習（4 分）。** 形 (d, k) の行列それぞれにランク $r$ のアダプターを付けると、パラメータは全部で何個になりますか。
# %% tags=["exercise"]
def adapter_parameters(shapes, r):
    ...  # your code → int


adapter_parameters = lab.check("adapter_parameters", adapter_parameters)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# %%
shapes = [tuple(layer.base.weight.shape) for layer in mine]
numbers = adapter_parameters(shapes, 16)
half = copy.deepcopy(base).to(torch.bfloat16)  # a base of 16 bits, as large models are
sizes = []
for cast in (True, False):  # True is PEFT's default
    model = get_peft_model(copy.deepcopy(half), config, autocast_adapter_dtype=cast)
    folder = lab.run.folder / f"adapter_cast_{cast}"
    model.save_pretrained(folder)
    size = (folder / "adapter_model.safetensors").stat().st_size
    factor = next(p for name, p in model.named_parameters() if "lora_A" in name)
    kind = str(factor.dtype).removeprefix("torch.")
    sizes.append({"autocast": str(cast), "numbers": numbers, "kind": kind, "bytes": size})
lab.table(sizes, "adapter sizes")
by_default = sizes[0]["bytes"]
lab.measured(adapter_bytes=by_default, adapter_bytes_rel_error=by_default / (4 * numbers) - 1)
# %% [raw] lang="ja"
# a base of 16 bits, as large models are → 大きなモデルと同じ、16 ビットのベース
# True is PEFT's default → True が PEFT の既定値
# %% [markdown] lang="en"
# Even on a 16-bit base PEFT keeps the adapter in float32 and saves it so, 4 bytes a number and a small header: AdamW needs the digits. Only with `autocast_adapter_dtype=False` is it 2 bytes. Whoever counts 2 finds a file twice as large as promised.
#
# Which layers are adapted at all? The article says "all layers" in one place and "the attention layers" in another.
# %% [markdown] lang="ja" of="d8620676"
# ベースが 16 ビットでも、PEFT はアダプターを float32 で持ち、そのまま保存します。1 個あたり 4 バイトに小さなヘッダーが付きます（AdamW の更新には桁数が必要だからです）。2 バイトになるのは `autocast_adapter_dtype=False` を指定したときだけです。2 バイトで見積もると、実際のファイルは 2 倍の大きさになります。
#
# そもそも、どの層に適用されるのでしょうか。記事は、ある箇所では「全ての層」、別の箇所では「Attention 層」と書いています。
# %%
linear = [path for path, m in base.model.named_modules() if isinstance(m, torch.nn.Linear)]
adapted = [path for path, m in start.model.named_modules() if isinstance(m, LoRALinear)]
print(*[("* " if path in adapted else "  ") + path for path in linear[:7]], sep="\n")
print(f"{len(adapted)} of {len(linear)} linear layers are adapted, in every block")
lab.measured(
    adapted_matrices_qv=len(adapted), linear_matrices_total=len(linear),
    adapted_share_qv=len(adapted) / len(linear),
)
# %% [raw] lang="ja"
# " of " → " / "
# linear layers are adapted, in every block → 個の線形層に適用（どのブロックにも適用される）
# %% [markdown] lang="en"
# Every *block* has an adapter (the stars), far from every *matrix*. Both of the article's sentences can be read as true; which one you mean must be said. The other options of `LoraConfig`, on the four attention matrices q, k, v and o:
# %% [markdown] lang="ja" of="934a651d"
# どの*ブロック*にもアダプターは付きますが（* 印）、すべての*行列*に付くわけではありません。記事の 2 つの記述はどちらも正しいと読めるので、どちらの意味かを明示する必要があります。`LoraConfig` の残りの設定を、アテンションの 4 つの行列 q、k、v、o で見てみましょう。
# %%
names = ["q_proj", "k_proj", "v_proj", "o_proj"]
options = []
for chosen in ({}, {"bias": "all"}, {"lora_dropout": 0.1}):
    torch.manual_seed(lab.seed)
    # init_lora_weights=False: B is random too, so that the detour is heard at once
    shown = LoraConfig(r=16, lora_alpha=32, target_modules=names, init_lora_weights=False, **chosen)
    model = get_peft_model(copy.deepcopy(base), shown)
    with torch.no_grad():
        passes = [model.train(mode)(**batch).loss.item() for mode in (True, True, False, False)]
    options.append({
        "option": str(chosen or "defaults"), "trained": model.get_nb_trainable_parameters()[0],
        "training mode": abs(passes[0] - passes[1]), "eval mode": abs(passes[2] - passes[3]),
    })
lab.table(options)
# %% [raw] lang="ja"
# "init_lora_weights=False: B is random too, so that the detour is heard at once" → "init_lora_weights=False: 迂回路の働きがすぐ見えるように、B も乱数にする"
# %% [markdown] lang="en"
# The last two columns are how much two passes over the same batch differ. `lora_dropout` blanks inputs of the detour at random, **in training mode only**: it helps against overfitting on few rows, and costs nothing afterwards. `bias="all"` also trains the base's own biases: a few more numbers, but then switching the adapter off no longer gives the base back. Leave it at `"none"`.
# %% [markdown] lang="ja" of="6559f157"
# 右の 2 列は、同じバッチを 2 回通したときの損失の差です。`lora_dropout` は迂回路への入力をランダムにゼロにしますが、それは**学習モードのときだけ**です。行が少ないときの過学習を抑え、推論時には何の負担にもなりません。`bias="all"` にすると、ベース自身のバイアスも学習します。数は少し増えるだけですが、アダプターを外してもベースには戻らなくなります。`"none"` のままにしておきましょう。
# %% [markdown] lang="en"
# # Part C · The knobs, measured
#
# ## Count before you train
#
# The models below are built from their real configurations on the *meta device*: every layer with its shape, no weight in memory. So a laptop can count 175 billion parameters with your function.
# %% [markdown] lang="ja" of="f76b69e4"
# # C · 設定の選び方を測る
#
# ## 学習する前に数える
#
# 以下のモデルは、実際の設定をもとに*メタデバイス*上に組み立てたものです。どの層にも形はありますが、重みはメモリに一切載りません。だから、自分の関数を使って、ノート PC でも 1,750 億個のパラメータを数えられます。
# %%
from lab_helpers.labs.lab02.counts import COUNTED, count_metrics
from lab_helpers.models.known_configs import target_shapes

shapes = target_shapes("Llama 3 8B", "q, v")
print(f"Llama 3 8B, r=16, q and v: {adapter_parameters(shapes, 16):,}")
counts = [lora_counts(*choice) for choice in COUNTED]
lab.measured(**count_metrics(counts))
lab.table(counts, "counts")
lab.figure(lora_figures.parameter_counts(counts), "counts")
lab.compare("one_in")
# %% [raw] lang="ja"
# q and v: → q と v:
# %% [markdown] lang="en"
# 1/10,000 (the dotted line) needs a giant, a tiny rank and only two matrices a block: GPT-3 with r = 4, the example in the LoRA paper; Llama 3 70B comes near it. The article's own settings on an 8B model are far from it. And "tens to hundreds of MB" holds for the middle of the table; both ends lie outside. Try your own:
# %% [markdown] lang="ja" of="b3fd25c2"
# 1/10,000（点線）に届くのは、巨大なモデルで、ランクが極めて小さく、対象がブロックあたり 2 つの行列だけの場合です。LoRA の論文が例に挙げた r = 4 の GPT-3 がそれで、Llama 3 70B がこれに近い値になります。8B のモデルに記事自身の設定を使うと、遠く及びません。また「数十 MB から数百 MB」が当てはまるのは表の中ほどで、両端は外れます。自分の設定でも試してみましょう。
# %%
from lab_helpers.figures.widgets import parameter_explorer
from lab_helpers.models.known_configs import KNOWN, TARGET_SETS

lab.table([lora_counts("Llama 3 8B", 16, "q, v")])
parameter_explorer(lora_counts, list(KNOWN), list(TARGET_SETS))
# %% [markdown] lang="en"
# ## Break it: raise the rank, leave α alone
#
# Here is a task that *needs* rank: a frozen layer must store 64 random key→value pairs through your `LoRALinear`, and a perfect ΔW has rank 64. We raise r and leave α = 16, as many a tutorial does. The scaling α/r then falls from 16 to 0.25.
# %% [markdown] lang="ja" of="b68fad9b"
# ## 壊す: α はそのままに、ランクを上げる
#
# 今度は、ランクを*必要とする*課題です。凍結した層に、先ほどの `LoRALinear` を通して、ランダムなキー→値のペアを 64 組記憶させます。完璧な ΔW のランクは 64 です。多くのチュートリアルと同じように、α = 16 のまま r を上げていきます。するとスケーリング α/r は 16 から 0.25 まで下がります。
# %%
from lab_helpers.labs.lab02.capacity import (
    CapacityTask,
    capacity_figure,
    capacity_metrics,
    measure_capacity,
)

capacity = measure_capacity(CapacityTask(), LoRALinear, seeds=[0, 1, 2])
lab.table(capacity, "capacity")
lab.measured(**capacity_metrics(capacity))
lab.figure(capacity_figure(capacity), "capacity")
# %% [markdown] lang="en"
# The numbers are the loss that remains, as a share of the loss before (1 = nothing learned). More rank stores more. But under α/r, r = 64 is left with several times the loss that it has under α/√r: the scaling starves it.
#
# **Mend it: α/√r.** Dividing by √r keeps the update's size as r grows (the second line). In PEFT that is one word, `LoraConfig(r=64, lora_alpha=16, use_rslora=True)`; with your own layer you raise α with √r. From here on we do: α = 8√r, which is the usual α = 2r at r = 16.
# %% [markdown] lang="ja" of="08dec515"
# 数字は、学習前の損失に対して残った損失の割合です（1 なら何も学んでいません）。ランクが高いほど多く記憶できます。しかし r = 64 では、α/r で残る損失が α/√r の数倍になります。スケーリングが小さくなりすぎて、本来の力を出せないからです。
#
# **直す: α/√r。** r の代わりに √r で割ると、r が大きくなっても更新の大きさが保たれます（2 本目の線）。PEFT なら 1 語加えるだけです: `LoraConfig(r=64, lora_alpha=16, use_rslora=True)`。手書きの層なら、α を √r に比例させます。ここから先は α = 8√r とします。r = 16 ではよく使われる α = 2r と同じ値です。
# %% [markdown] lang="en"
# ## Measure: the learning rate first
#
# A rank compared at a wrong rate compares nothing. So first the rates, for three methods: full fine-tuning, your LoRA, and the cheapest rival, a **frozen probe** that trains the head alone. Three rates each, three seeds each, judged on *validation* rows.
# %% [markdown] lang="ja" of="d6d05c1b"
# ## 測る: まず学習率から
#
# 学習率が合っていなければ、ランクを比べても意味がありません。そこで、まず学習率を 3 つの方法について調べます。フルファインチューニング、手書きの LoRA、そして最も安上がりな対抗馬として、ヘッドだけを学習する**凍結プローブ**です。それぞれ学習率 3 つ × シード 3 つを、*検証用*の行で評価します。
# %%
def everything(model):
    return model.requires_grad_(True)


def with_lora(model, r=16, names=("q_proj", "v_proj")):
    return add_lora(model, names, r, alpha=8 * r**0.5)


def head_only(model):
    model.requires_grad_(False)
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    return model


def train_arm(make, rate, seed, steps=20):
    torch.manual_seed(seed)
    model = make(copy.deepcopy(base))
    train(model, make_batches(examples["train"], 4, steps, seed, base.device), rate)
    return model
# %%
seeds = lab.pick(tiny=[0, 1, 2], small=[0])
scale = lab.pick(tiny=1.0, small=0.1, t4=0.1)  # larger models want smaller rates; 1-8B: 1/50
methods = {
    "full": (everything, [3e-4, 1e-3, 3e-3]),
    "LoRA": (with_lora, [3e-3, 1e-2, 3e-2]),
    "head only": (head_only, [3e-3, 1e-2, 3e-2]),
}
grid = []
for method, (make, rates) in methods.items():
    for rate in (scale * one for one in rates):
        for seed in seeds:
            losses = measure_losses(train_arm(make, rate, seed), examples["validation"])
            noted = {"method": method, "learning_rate": rate, "seed": seed}
            grid.append(noted | {"loss": float(losses.mean()), "losses": losses})
# %% [raw] lang="ja"
# larger models want smaller rates; 1-8B: 1/50 → 大きなモデルほど学習率は小さい。1〜8B なら 1/50 程度
# %% [markdown] lang="en"
# **Exercise (8 min).** Choose: of the rows of one method, return the learning rate with the lowest mean validation loss over its seeds. A training that diverged has the loss NaN, and must not win. Your choice is what all arms below are trained with.
# %% [markdown] lang="ja" of="f36b9e05"
# **演習（8 分）。** 選んでください。1 つの方法の行を受け取り、シード平均の検証損失が最も低い学習率を返します。発散した学習の損失は NaN なので、選ばれてはいけません。ここで選んだ学習率を、この後のすべての条件で使います。
# %% tags=["exercise"]
def choose_rate(rows):
    ...  # your code → one of the learning rates


choose_rate = lab.check("choose_rate", choose_rate)
# %% [raw] lang="ja"
# your code → ここにコードを書く
# one of the learning rates → 学習率のうちの 1 つ
# %%
from lab_helpers.labs.shared.arms import possible_rates, rate_metrics, rate_rows

best = {name: choose_rate([r for r in grid if r["method"] == name]) for name in methods}
lab.table(rate_rows(grid), "learning rates")
lab.figure(lora_figures.losses_by_rate(rate_rows(grid), best), "learning_rates")
lab.measured(**rate_metrics(grid))
also = {name: possible_rates(grid, name) for name in methods}
lab.table([{"method": n, "chosen rate": best[n], "not decidedly worse": also[n]} for n in methods])
lab.compare("rate")
# %% [markdown] lang="en"
# The chosen rates are ringed, and neighbours that are *not decidedly* worse (paired over the validation questions, all seeds agreeing) stand beside them in the last table. LoRA's best rate lies above everything that is still possible for full tuning: *that* is decided. "Ten times" is the nearest point of a grid whose steps are a factor of three; a finer figure is not decided here. The commonest silent fault is to take full tuning's rate along: follow LoRA's line to the left, and the training has hardly begun, without any error. To the right it ends as suddenly.
# %% [markdown] lang="ja" of="d38dd492"
# 丸で囲んだのが選ばれた学習率です。最後の表には、それより*はっきり劣るとは言えない*学習率も並べました（検証用の質問ごとに対応させて比べ、全シードの符号が一致するときだけ「決着」としています）。LoRA に最適な学習率は、フルファインチューニングで可能性の残るどの学習率よりも高いところにあります。*ここまで*は決着しました。ただし「10 倍」は、約 3 倍刻みの格子のなかで最も近い点にすぎず、これより細かい倍率はこの測定では決まりません。最もよくある静かな失敗は、フルファインチューニングの学習率をそのまま使うことです。LoRA の線を左へたどると、エラーも出ないまま、学習がほとんど進んでいません。右へ行き過ぎても、急に悪くなります。
# %% [markdown] lang="en"
# ## Measure: probe, LoRA and full fine-tuning
#
# Now the test rows, which no setting has seen. Each method at its own chosen rate, three seeds. The difference is *paired*: question by question, then averaged; it is "decided" only if its 95 % interval excludes zero and every seed has the same sign.
# %% [markdown] lang="ja" of="5a845f7c"
# ## 測る: プローブ、LoRA、フルファインチューニング
#
# いよいよ、設定選びに一度も使っていないテスト用の行です。各方法を、それぞれ選ばれた学習率で、3 つのシードで学習させます。差は質問ごとに*対応させて*取り、平均します。95 % 区間がゼロを含まず、すべてのシードで符号が同じときだけ「決着」とします。
# %%
import numpy as np

from lab_helpers.labs.shared.arms import comparison_metrics, comparison_rows


def test_losses(make, rate):
    """Losses by seed and test question."""
    models = (train_arm(make, rate, seed) for seed in seeds)
    return np.stack([measure_losses(model, examples["test"]) for model in models])


arms = {"untrained": np.stack([measure_losses(base, examples["test"])] * len(seeds))}
for method, (make, _) in methods.items():
    arms[method] = test_losses(make, best[method])
lab.table(comparison_rows(arms, "LoRA"), "arms")
lab.figure(lora_figures.differences(comparison_rows(arms, "LoRA")[1:], "LoRA"), "arms")
lab.measured(**comparison_metrics("lora_minus_full", arms["LoRA"], arms["full"]))
lab.measured(**comparison_metrics("lora_minus_head", arms["LoRA"], arms["head only"]))
# %% [raw] lang="ja"
# Losses by seed and test question. → シードとテスト用の質問ごとの損失。
# %% [markdown] lang="en"
# Left of zero is better than LoRA on q and v. The frozen probe is cheap and clearly worse: here it pays to reach into the blocks. Full fine-tuning is clearly better than rank 16 on q and v **after these twenty steps**, with sixty times as many trained weights. So a low-rank ΔW on two matrices is *not yet enough*. Is the rank to blame, or the choice of the matrices?
# %% [markdown] lang="ja" of="ef1bf0fd"
# ゼロより左なら、q と v の LoRA よりも良いという意味です。凍結プローブは安上がりですが、はっきり劣ります。この課題では、ブロックの中まで手を入れる価値があるということです。一方フルファインチューニングは、**この 20 ステップの学習では**、q と v にランク 16 を適用した LoRA よりはっきり優れています（学習する重みは約 60 倍です）。2 つの行列の低ランクな ΔW では、*まだ足りない*わけです。原因はランクでしょうか、それとも行列の選び方でしょうか。
# %% [markdown] lang="en"
# ## Measure: does a real task want rank?
# %% [markdown] lang="ja" of="6c6c13c7"
# ## 測る: 実際のタスクにランクは要るか
# %%
from functools import partial

ranks = {"r = 4": test_losses(partial(with_lora, r=4), best["LoRA"]), "r = 16": arms["LoRA"]}
ranks["r = 64"] = test_losses(partial(with_lora, r=64), best["LoRA"])
lab.table(comparison_rows(ranks, "r = 16"), "ranks")
lab.figure(lora_figures.differences(comparison_rows(ranks, "r = 16"), "r = 16"), "ranks")
lab.measured(**comparison_metrics("rank_64_minus_4", ranks["r = 64"], ranks["r = 4"]))
lab.measured(**comparison_metrics("rank_64_minus_16", ranks["r = 64"], ranks["r = 16"]))
# %% [markdown] lang="en"
# Everything is measured against r = 16. From 4 to 16 to 64 the loss falls each time, and the last column says that it is decided: on this task, in these twenty steps, more rank did help. Two cautions before you write "the more, the better". These ranks share α/√r; the section above shows what α/r does to a large rank. And twenty steps measure how *soon* a rank learns as much as how much it *can* learn: the open experiment at the end takes the two apart. At r = 64 the loss is still above that of full fine-tuning in the table before.
# %% [markdown] lang="ja" of="03e62979"
# どれも r = 16 との差です。「決着」の列を見てください。r = 4 は r = 16 にはっきり劣ります。この課題の 20 ステップでは、ある程度のランクが確かに要りました。一方、r = 64 の上積みはずっと小さく、「シードごと」の列を見ると、差の大きさもまちまちです。「ランクは高いほどよい」と書く前に、あと 2 つ注意してください。ここで比べたのは α/√r をそろえたランクです。α/r だと大きなランクに何が起こるかは、前の節で見たとおりです。また、20 ステップの比較が測っているのは、どこまで学べるかだけでなく、どれだけ*早く*学ぶかでもあります。最後の自由実験では、この 2 つを切り分けます。
# %% [markdown] lang="en"
# ## Measure: which matrices?
#
# The usual advice is q and v. To compare fairly, every arm gets (nearly) **the same number of parameters**: what q and v have at r = 64 is spread thinner over more matrices. The learning rate is the one chosen *for q and v*, so if the comparison favours anybody, it favours them.
# %% [markdown] lang="ja" of="089d7254"
# ## 測る: どの行列に適用するか
#
# よく勧められるのは q と v です。公平に比べるため、どの条件でも**パラメータ数を（ほぼ）同じ**にします。q と v に r = 64 で使う数を、より多くの行列に薄く配るわけです。学習率は *q と v のために*選んだものなので、この比較がどこかに有利だとすれば、それは q と v です。
# %%
from lab_helpers.labs.lab02.model import TARGETS

sets = {"q, k, v, o": TARGETS[:4], "MLP": TARGETS[4:], "all linear": TARGETS}


def shapes_of(names):
    found = [m for path, m in base.named_modules() if path.split(".")[-1] in names]
    return [tuple(module.weight.shape) for module in found]


budget = adapter_parameters(shapes_of(("q_proj", "v_proj")), 64)
targets, spread = {"q, v": ranks["r = 64"]}, []
for name, names in sets.items():
    r = round(budget / adapter_parameters(shapes_of(names), 1))
    spread.append({"targets": name, "r": r, "parameters": adapter_parameters(shapes_of(names), r)})
    targets[name] = test_losses(partial(with_lora, r=r, names=names), best["LoRA"])
lab.table([{"targets": "q, v", "r": 64, "parameters": budget}, *spread])
# %%
shown = targets | {"full": arms["full"]}
lab.table(comparison_rows(shown, "q, v"), "targets")
lab.figure(lora_figures.differences(comparison_rows(shown, "q, v"), "q, v"), "targets")
for name in ("q, k, v, o", "MLP", "all linear"):
    key = name.replace(", ", "").replace(" ", "_").lower()
    key = f"equal_params_{key}_minus_qv"
    lab.measured(**comparison_metrics(key, targets[name], targets["q, v"]))
lab.measured(**comparison_metrics("all_linear_minus_full", targets["all linear"], arms["full"]))
lab.table(comparison_rows({"all linear": targets["all linear"], "full": arms["full"]}, "full"))
# %% [markdown] lang="en"
# As many numbers, better placed: the MLP and all linear layers end well below q and v, and that is decided. Adding k and o to q and v brings little in comparison. The second table says what is left between all linear layers and full fine-tuning: a small part of what it was with q and v alone. So both count, the rank and the place where it is spent, and a better place costs no parameter. QLoRA's authors found the same on large models (§4: only with all linear layers does LoRA match full fine-tuning); PEFT's default is still q and v. Write `target_modules="all-linear"`.
# %% [markdown] lang="ja" of="2e0dfecc"
# 同じ数のパラメータでも、置き場所で結果が変わります。MLP と全線形層は、q と v だけの場合よりはっきり損失が低く、「決着」しています。それに比べると、q と v に k と o を加えた効果はわずかです。2 つ目の表は、全線形層とフルファインチューニングのあいだに残る差を示しています。q と v だけのときに比べて、ずっと小さくなりました。つまり、ランクだけでなく、それをどこに使うかが効きます。しかも、置き場所を変えるのに余分なパラメータは要りません。QLoRA の著者らも、大きなモデルで同じ結果を得ています（§4: LoRA がフルファインチューニングに並ぶのは、全線形層に適用したときだけ）。それでも PEFT の既定値は今も q と v です。`target_modules="all-linear"` と書きましょう。
# %% [markdown] lang="en"
# ## The win: your own twenty lines make an assistant
#
# Take what the measurements say (all linear layers, LoRA's own rate), and train your LoRA a little longer: 80 steps. Then ask it what no training row asked.
# %% [markdown] lang="ja" of="daebfeaa"
# ## 成果: 自分で書いた 20 行がアシスタントになる
#
# 測定の結論（全線形層、LoRA に合った学習率）に従って、手書きの LoRA をもう少し長く、80 ステップ学習させます。そのうえで、学習に使っていない質問をしてみましょう。
# %%
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.models.generation import generate

make = partial(with_lora, r=16, names=TARGETS)
assistant = train_arm(make, best["LoRA"] / 2, lab.seed, steps=80)  # longer training, gentler rate
asked = [[{"role": "user", "content": row["question"]}] for row in rows["test"][:40]]
replies = {"untrained": generate(base, tokenizer, asked).texts}
replies["your LoRA"] = generate(assistant, tokenizer, asked).texts
shown = [{"customer": row["question"]} for row in rows["test"][:3]]
for i, line in enumerate(shown):
    line.update({name: texts[i] for name, texts in replies.items()})
lab.table(shown)
# %% [raw] lang="ja"
# longer training, gentler rate → 長く学習させるので、学習率は控えめに
# %%
from lab_helpers.runtime.intervals import interval_metrics

tone = []
for name, key in {"untrained": "tone_untrained", "your LoRA": "tone_hand_lora"}.items():
    kept = tone_compliance(replies[name], lab.language)
    lab.measured(**interval_metrics(key, kept))
    counted = {"arm": name, "replies": len(kept), "in tone": int(kept.sum())}
    tone.append(counted | {"interval": lab.run.metrics[f"{key}_ci"]})
lab.table(tone, "tone")
# %% [markdown] lang="en"
# Before: not one reply in the house tone. After: nearly every one, from the twenty lines that you wrote. Read the middles too, though: the sentences are shaky and the facts invented. A tone is learned from 200 rows; knowledge is not, and lab 04 is about that difference.
# %% [markdown] lang="ja" of="e8a714d6"
# 学習前は、会社の口調で答えた回答が 1 件もありませんでした。学習後は、ほとんどの回答が口調を守っています。自分で書いた 20 行の成果です。ただし、真ん中の文も読んでみてください。文章は頼りなく、事実は作り話です。口調は 200 行で身につきますが、知識は身につきません。この違いを扱うのがラボ 04 です。
# %% [markdown] lang="en"
# ## Verdict
# %% [markdown] lang="ja" of="297877e6"
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## On a real model
#
# The same cells run on a real language model of 135M parameters (`labs run 02 --profile small`), with its own rates; on a GPU they take one of 0.5B. What must be measured anew at every size is the rate: as a rule, the larger the model, the smaller the rate. The counting cells need no weights at all.
# %% [markdown] lang="ja" of="bd0cb8d7"
# ## 実際のモデルでは
#
# 同じセルは、1.35 億パラメータの本物の言語モデルでも、そのモデルに合った学習率で動きます（`labs run 02 --profile small`）。GPU があれば 0.5B のモデルを使います。規模が変わるたびに測り直すべきなのは学習率です。ふつうは、モデルが大きいほど小さくなります。数えるセルには重みが要りません。
# %%
lab.real_model("energy_top_8", "lora_minus_full", "rank_64_minus_4", "rate_ratio")
# %% [markdown] lang="en"
# ## An open experiment
#
# Is a small rank *unable*, or only *slower*? Train r = 4 with `steps=40` in `train_arm` against r = 64 with 20, on validation rows, and write down what you expect before you look. A second one: swap the start, A = 0 and B random. The algebra says that it works as well; does it want another learning rate?
#
# Lab 03 keeps the detour and shrinks the frozen W to 4 bits.
#
# ## Quiz
# %% [markdown] lang="ja" of="96acb6cd"
# ## 自由実験
#
# 小さなランクは「できない」のでしょうか、それとも「遅い」だけでしょうか。`train_arm` の `steps=40` で r = 4 を学習させ、20 ステップの r = 64 と検証用の行で比べてみてください。結果を見る前に、予想を書いておきましょう。もう 1 つ、初期値を入れ替えて、A = 0、B を乱数にしてみます。代数の上では同じように動くはずです。では、合う学習率も同じでしょうか。
#
# ラボ 03 では、迂回路はそのまま残し、凍結した W を 4 ビットまで縮めます。
#
# ## クイズ
# %%
lab.quiz()
