# %% [markdown] lang="en"
# # Lab 08 · PEFT methods
#
# **After this lab you can** say what each family of parameter-efficient methods trains and draw it, configure nine of them in PEFT, choose each one's learning rate on validation rows, compare them fairly, recognise five faults, most of which raise no error, use several adapters on one base, and let a search choose settings for you.
#
# **Time:** about seven minutes of computing on a 2-core CPU; two hours with reading and exercises.
#
# **Claims under test:** 24 (AutoPeftModel chooses the best method), 25 (prompt tuning is extremely light, its accuracy varies); and a counterexample to 11 (the base is never touched).
#
# **New words:** [adapter](glossary.md#adapter), [rank](glossary.md#rank), [soft prompt](glossary.md#soft-prompt), [prefix tuning](glossary.md#prefix-tuning), [learning rate](glossary.md#learning-rate), [validation rows](glossary.md#evaluation-rows), [merge](glossary.md#merge), [quantization](glossary.md#quantization)
#
# Four parts: **A** what can be trained, and a first training; **B** nine methods, compared; **C** what goes wrong without a word, and several adapters on one base; **D** settings by search.
# %% [markdown] lang="ja" of="8e84d353"
# # ラボ 08 · PEFT の手法
#
# **このラボを終えると**、パラメータ効率のよい手法がそれぞれ何を学習するのかを図で説明し、そのうち 9 つを PEFT で設定し、手法ごとに検証用の行で学習率を選んで公平に比べ、5 つの間違い（ほとんどはエラーも出ません）を見分け、1 つのベースで複数のアダプターを使い、設定の選択を探索に任せられるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 7 分、読む時間と演習を含めると 2 時間です。
#
# **検証する主張:** 24（AutoPeftModel は最適な手法を選ぶ）、25（プロンプトチューニングはきわめて軽いが、精度は変動しやすい）。11（ベースの重みは変わらない）には、反例を挙げます。
#
# **新しい言葉:** [アダプター](glossary.md#adapter)、[ランク](glossary.md#rank)、[ソフトプロンプト](glossary.md#soft-prompt)、[プレフィックスチューニング](glossary.md#prefix-tuning)、[学習率](glossary.md#learning-rate)、[検証用の行](glossary.md#evaluation-rows)、[マージ](glossary.md#merge)、[量子化](glossary.md#quantization)
#
# ラボは 4 部構成です。**A** 何を学習できるか、そして最初の学習。**B** 9 つの手法の比較。**C** 黙って起こる失敗と、1 つのベースに複数のアダプター。**D** 探索による設定の選択。
# %%
from lab_helpers import open_lab

lab = open_lab("08")
# %% [markdown] lang="en"
# ## Predict
#
# 1. Nine methods, one task, the same steps, each at its own best learning rate. **How many** of them are level with the best (no decided difference)?
# 2. **By how many nats** does the held-out loss of prompt tuning, random start, lie above LoRA's?
# 3. AdaLoRA promises to move rank to where it is needed. In TRL's trainer, with nothing but its configuration: **how many** of the adapted matrices (10 in Kotori) end with another rank than they began with?
# %% [markdown] lang="ja" of="53ec0236"
# ## 予想する
#
# 1. 9 つの手法を、同じ課題、同じステップ数で、それぞれ最適な学習率で学習します。最良の手法と互角（差が決着しない）なのは**いくつ**でしょうか。
# 2. 乱数から始めたプロンプトチューニングのテスト損失は、LoRA より**何 nat** 高いでしょうか。
# 3. AdaLoRA は、必要なところへランクを移すとうたっています。TRL のトレーナーで、設定を渡しただけのとき、アダプターを付けた行列（Kotori では 10 個）のうち**いくつ**のランクが最初と変わるでしょうか。
# %%
lab.predict("same_quality", ...)
lab.predict("prompt_gap", ...)
lab.predict("ranks_moved", ...)
# %% [markdown] lang="en"
# # Part A · What can be trained
#
# ## Why: a frozen model has only a few places to push
#
# Full fine-tuning moves every weight. All other methods freeze them and put something small and trainable in the way of the numbers. There are only a few places where that can be:
# %% [markdown] lang="ja" of="fb24629f"
# # パート A · 何を学習できるか
#
# ## なぜ: 凍結したモデルに手を加えられる場所は少ない
#
# フルファインチューニングは、すべての重みを動かします。ほかの手法はどれも重みを凍結し、数値の通り道に学習できる小さな部品を置きます。置ける場所は、それほど多くありません。
# %%
from lab_helpers.figures import peft_methods as figures

lab.figure(figures.places(), "places")
# %% [markdown] lang="en"
# In the order of their numbers the methods reach deeper. A **soft prompt** (1) is a few trained vectors in front of the text: words that no tokenizer knows. A **prefix** (2) puts trained keys and values into every block, so attention finds something there to look at. **IA³** (3) multiplies what flows by one factor a channel. **LoRA and its kin** (4) put thin matrices beside the large ones (lab 02).
#
# ## The task, and a first training
#
# The job is lab 02's: answer the customers of Hoshizora Electric in the house tone. `train` rows teach, `validation` rows choose settings, `test` rows report: nothing is chosen on them.
# %% [markdown] lang="ja" of="4e64ace9"
# 図の番号が進むほど、手法は深いところに届きます。**ソフトプロンプト**（1）は、文の前に置く数個の学習可能なベクトルで、どのトークナイザーも知らない言葉のようなものです。**プレフィックス**（2）は、各ブロックに学習したキーとバリューを加え、アテンションの参照先を増やします。**IA³**（3）は、流れる値にチャンネルごとの係数を掛けます。**LoRA の仲間**（4）は、大きな行列の横に細い行列を置きます（ラボ 02）。
#
# ## 課題と、最初の学習
#
# 仕事はラボ 02 と同じで、星空電機のお客様に会社の口調で答えることです。`train` の行で学習し、`validation` の行で設定を選びます。`test` の行は結果の報告に使い、これで何かを選ぶことはありません。
# %%
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.tuning.sft import prompt_completion

model, tokenizer = load_model(lab.run)  # weights checked, then AutoModelForCausalLM
sizes = {"train": 200, "validation": 40, "test": 60}
examples = {
    name: prompt_completion(gold_rows(lab.language, name)[:size]) for name, size in sizes.items()
}
train_examples, validation_examples, test_examples = examples.values()
row = train_examples[0]
print(tokenizer.apply_chat_template(row["prompt"] + row["completion"], tokenize=False))
# %% [raw] lang="ja"
# weights checked, then AutoModelForCausalLM → 重みを照合してから AutoModelForCausalLM
# %% [markdown] lang="en"
# That is one row as the model reads it. First LoRA, written out. Everything below changes only `adapter` and the learning rate.
# %% [markdown] lang="ja" of="38483921"
# これが、モデルが読む形の 1 行です。まず LoRA を、省略せずに書きます。このあと変えるのは、`adapter` と学習率だけです。
# %%
from datasets import Dataset
from peft import LoraConfig
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

VO = ["v_proj", "o_proj"]  # of every block; why not q and v, part C tells
adapter = LoraConfig(r=8, lora_alpha=16, target_modules=VO, task_type="CAUSAL_LM")
shared = dict(
    per_device_train_batch_size=4, max_length=256,
    lr_scheduler_type="cosine", warmup_steps=0.1,  # a tenth of the steps
)  # fmt: skip
training = SFTConfig(
    max_steps=lab.pick(tiny=100, small=40, t4=100),  # 100 x 4 rows: twice over all
    learning_rate=lab.pick(tiny=5e-3, small=2e-3, t4=2e-4),  # a 1-8B model wants about 2e-4
    **shared, **lab.machine,
)  # fmt: skip
set_seed(lab.seed)  # A of LoRA is random
trainer = SFTTrainer(model, args=training, train_dataset=Dataset.from_list(train_examples),
                     processing_class=tokenizer, peft_config=adapter)  # fmt: skip
tuned = lab.train(trainer)
tuned.model.print_trainable_parameters()
# %% [raw] lang="ja"
# of every block; why not q and v, part C tells → 全ブロックの v と o。q と v にしない理由はパート C で
# a tenth of the steps → ステップの 1 割
# 100 x 4 rows: twice over all → 100 × 4 行で、全体をちょうど 2 回
# a 1-8B model wants about 2e-4 → 10〜80 億パラメータなら 2e-4 程度
# A of LoRA is random → LoRA の A は乱数で決まる
# %%
from lab_helpers.evaluation.answer_loss import answer_losses

with tuned.model.disable_adapter():
    untuned = answer_losses(tuned.model, tokenizer, validation_examples).mean()
loss = answer_losses(tuned.model, tokenizer, validation_examples).mean()
print(f"validation loss: untuned {untuned:.2f}, LoRA {loss:.2f}")
ids = tokenizer.apply_chat_template(validation_examples[0]["prompt"], add_generation_prompt=True,
                                    return_dict=True, return_tensors="pt")  # fmt: skip
print(validation_examples[0]["prompt"][0]["content"])


def show_reply(name):
    reply = tuned.model.generate(**ids.to(model.device), max_new_tokens=60, do_sample=False)[0]
    print(name, tokenizer.decode(reply[ids["input_ids"].shape[1] :], skip_special_tokens=True))


with tuned.model.disable_adapter():
    show_reply("before:")
show_reply("LoRA:  ")
print(f"{tuned.seconds:.0f} s of training")
# %% [raw] lang="ja"
# "validation loss: untuned " → "検証用の行での損失: 学習前 "
# before: → 学習前:
# " s of training" → " 秒の学習"
# %% [markdown] lang="en"
# There is the win of this lab in small: seconds of training, and the reply opens and closes as the house wants it (its facts are lab 04's subject). Can other methods do it with less?
#
# # Part B · Nine methods
#
# ## Build: IA³, one factor a channel
#
# IA³ (Liu et al. 2022) learns a vector $l$ for the keys, the values and the inner activations of the MLP, and multiplies: $l \odot (Wx)$ for keys and values, $W(l \odot x)$ for the MLP's last matrix. All start at 1, so at first nothing changes. In the exercise `base` is the frozen layer: call it.
#
# **Exercise (5 min).** What does such a layer return?
# %% [markdown] lang="ja" of="58e2ecab"
# このラボの成果を先に小さく見せると、こうなります。短い学習だけで、回答の書き出しと結びが会社の望む形になりました（中身の正しさはラボ 04 で扱います）。ほかの手法は、もっと少ないパラメータで同じことができるでしょうか。
#
# # パート B · 9 つの手法
#
# ## つくる: IA³、チャンネルごとの係数
#
# IA³（Liu et al. 2022）は、キー、バリュー、MLP の中間の値に掛けるベクトル $l$ を学習します。キーとバリューでは $l \odot (Wx)$、MLP の最後の行列では $W(l \odot x)$ です。初期値はすべて 1 なので、最初は何も変わりません。演習の `base` は凍結した層で、関数のように呼び出せます。
#
# **演習（5 分）。** この層は何を返すでしょうか。
# %% tags=["exercise"]
def ia3_forward(x, base, scale):
    ...  # your code → (n, d)


ia3_forward = lab.check("ia3_forward", ia3_forward)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# ## Build: DoRA, direction and length apart
#
# Full fine-tuning changes the *direction* of a row of W and its *length* independently of each other; LoRA tends to change both together, say its authors (Liu et al. 2024, eq. 5). **DoRA** takes them apart, so that a small turn need not cost length: LoRA turns the row, and a trained **magnitude** $m$ says how long it is.
#
# $$W' = m \cdot \frac{W + \frac{\alpha}{r}BA}{\lVert W + \frac{\alpha}{r}BA \rVert}$$
#
# **Exercise (8 min).** Write W′. The norm is taken over each row, that is, over the inputs of one output.
# %% [markdown] lang="ja" of="802a717f"
# ## つくる: DoRA、向きと長さを分ける
#
# フルファインチューニングは、W の各行の*向き*と*長さ*を別々に変えます。LoRA では両方が一緒に変わりがちだ、と著者らは言います（Liu et al. 2024、式 5）。**DoRA** はこの 2 つを分け、向きを変えても長さは保てるようにします。向きを変えるのは LoRA で、長さを決めるのは学習する**マグニチュード** $m$ です。
#
# $$W' = m \cdot \frac{W + \frac{\alpha}{r}BA}{\lVert W + \frac{\alpha}{r}BA \rVert}$$
#
# **演習（8 分）。** W′ を書いてください。ノルムは行ごと、つまり 1 つの出力に対する全入力についてとります。
# %% tags=["exercise"]
def dora_weight(W, A, B, alpha, r, magnitude):
    ...  # your code → (d, k)


dora_weight = lab.check("dora_weight", dora_weight)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# Both formulas against the library, on real layers of Kotori with random numbers in the trained parts:
# %% [markdown] lang="ja" of="af553cc6"
# 2 つの式を、ライブラリと比べます。Kotori の実際の層を使い、学習する部分には乱数を入れます。
# %%
import torch
from peft import IA3Config, get_peft_model

x = torch.randn(5, model.config.hidden_size, device=model.device)
dora = LoraConfig(r=8, lora_alpha=16, use_dora=True, init_lora_weights=False, target_modules=VO)
ia3 = IA3Config(target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"])
with torch.no_grad():
    layer = get_peft_model(load_model(lab.run)[0], dora).model.model.layers[0].self_attn.v_proj
    A, B, m = layer.lora_A.default.weight, layer.lora_B.default.weight, layer.lora_magnitude_vector
    mine = x @ dora_weight(layer.weight, A, B, 16, 8, m.default.weight).T
    mine = mine if layer.bias is None else mine + layer.bias
    print("DoRA:", float((mine - layer(x)).abs().max()))
    layer = get_peft_model(load_model(lab.run)[0], ia3).model.model.layers[0].self_attn.v_proj
    layer.ia3_l.default.uniform_(0, 2)
    mine = ia3_forward(x, layer.base_layer, layer.ia3_l.default.flatten())
    print("IA³: ", float((mine - layer(x)).abs().max()))
# %% [markdown] lang="en"
# The largest differences are rounding: your lines are the library's.
#
# ## Build: a soft prompt
#
# Prompt tuning trains $k$ vectors that stand before the embedded text. The model reads them like words. Two things are easy to forget: every row of the batch gets them, and the loss must not count them.
#
# **Exercise (8 min).** Put the prompt in front, and lengthen the labels.
# %% [markdown] lang="ja" of="12991831"
# 差は丸め誤差だけです。書いた式は、ライブラリと同じものです。
#
# ## つくる: ソフトプロンプト
#
# プロンプトチューニングが学習するのは、埋め込んだ文の前に置く $k$ 個のベクトルです。モデルは、それを単語と同じように読みます。忘れやすいことが 2 つあります。バッチのどの行にも付けること、そして損失に数えないことです。
#
# **演習（8 分）。** プロンプトを前に付け、ラベルも同じだけ延ばしてください。
# %% tags=["exercise"]
def prepend_prompt(prompt, embeddings, labels):
    ...  # your code → (n, k + t, e), (n, k + t)


prepend_prompt = lab.check("prepend_prompt", prepend_prompt)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# Now train with it, a prompt of 16 vectors and not one weight of the model, in a loop of your own:
# %% [markdown] lang="ja" of="61763663"
# これで学習してみます。動かすのは 16 個のベクトルだけで、モデルの重みは 1 つも動きません。ループも自分で書きます。
# %%
from lab_helpers.evaluation.answer_loss import pad_right
from lab_helpers.tuning.masks import ids_and_labels

frozen = load_model(lab.run)[0].requires_grad_(False)
words = frozen.get_input_embeddings()
some = torch.randint(words.num_embeddings, (16,), generator=torch.Generator().manual_seed(lab.seed))
prompt = torch.nn.Parameter(words.weight[some.to(words.weight.device)].clone())  # random words
optimizer = torch.optim.AdamW([prompt], lr=lab.pick(tiny=0.3, t4=0.03), weight_decay=0.0)
rows = [ids_and_labels(tokenizer, row) for row in train_examples[:4]]
ids, labels = pad_right([r[0] for r in rows], 0), pad_right([r[1] for r in rows], -100)
embedded, curve = words(ids.to(prompt.device)), []
for _ in range(8):  # the same four rows, eight times
    longer, targets = prepend_prompt(prompt, embedded, labels.to(prompt.device))
    loss = frozen(inputs_embeds=longer, labels=targets).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    curve.append(round(loss.item(), 2))
print(curve)
# %% [raw] lang="ja"
# random words → 乱数で選んだ単語
# the same four rows, eight times → 同じ 4 行を 8 回
# %% [markdown] lang="en"
# The loss of these four rows falls although not one weight of the model has moved: 16 trained "words" steer it. (Padding stands on the right, where it hides from every earlier word.)
#
# ## Build: AdaLoRA, ranks that move
#
# LoRA gives every matrix the same rank. **AdaLoRA** writes the detour as $P\,\mathrm{diag}(\lambda)\,Q$ like a singular value decomposition, gives every matrix more rank than the budget allows, and during training sets the least important $\lambda$ to zero, wherever they are (Zhang et al. 2023). It needs a schedule: nothing is cut for `tinit` steps, then every `deltaT` steps, and for the last `tfinal` steps the ranks stand still so that what is left can settle.
#
# **Exercise (10 min).** Configure it for a training of `steps` steps: v and o, 12 ranks each at the start and 4 on average at the end, `lora_alpha=32`; at most a quarter of the steps before the first cut, at least a quarter after the last, and at least three cuts between.
# %% [markdown] lang="ja" of="c78b2f46"
# モデルの重みは 1 つも動いていないのに、この 4 行での損失が下がっています。学習した 16 個の「単語」が、モデルの振る舞いを変えているのです（パディングは右側にあり、それより前の単語からは見えません）。
#
# ## つくる: AdaLoRA、動くランク
#
# LoRA では、どの行列も同じランクです。**AdaLoRA** は迂回路を特異値分解のように $P\,\mathrm{diag}(\lambda)\,Q$ と書き、どの行列にも予算より大きなランクを与えておいて、学習中に重要度の低い $\lambda$ を、場所を問わずゼロにしていきます（Zhang et al. 2023）。そのためのスケジュールが必要です。最初の `tinit` ステップは何も削らず、そのあと `deltaT` ステップごとに削り、最後の `tfinal` ステップはランクを固定して、残ったものを落ち着かせます。
#
# **演習（10 分）。** `steps` ステップの学習用に設定してください。対象は v と o、ランクは最初がそれぞれ 12、最後が平均 4、`lora_alpha=32` です。最初に削るまでは全体の 4 分の 1 以下、最後に削ったあとは 4 分の 1 以上とし、その間に 3 回以上削ります。
# %% tags=["exercise"]
def adalora_config(steps):
    ...  # your code → AdaLoraConfig


adalora_config = lab.check("adalora_config", adalora_config)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# **Break it:** hand it to the trainer as it is.
# %% [markdown] lang="ja" of="93fb1358"
# **壊す:** 設定を、そのままトレーナーに渡します。
# %%
from lab_helpers.labs.lab08.scoring import count_ranks
from lab_helpers.labs.shared.training import train_arm

settings = shared | {"max_steps": lab.pick(tiny=24, t4=100)}  # short: many arms will follow
recipe = (lab.run, train_examples, settings)  # load, SFTConfig, SFTTrainer: the cells above
rate = {"learning_rate": lab.pick(tiny=3e-2, small=1e-2, t4=2e-3)}
broken = train_arm(*recipe, adalora_config(settings["max_steps"]), **rate)
start = dict.fromkeys(count_ranks(broken.model), adalora_config(100).init_r)
unmoved = count_ranks(broken.model)
changed = sum(unmoved[name] != start[name] for name in start)
lab.measured(adalora_ranks_changed_without_callback=changed)
print("ranks:", unmoved)
lab.compare("ranks_moved")
# %% [raw] lang="ja"
# "short: many arms will follow" → "短く。このあと条件がいくつも続く"
# "load, SFTConfig, SFTTrainer: the cells above" → "読み込み、SFTConfig、SFTTrainer。上のセルと同じ"
# "ranks:" → "ランク:"
# %% [markdown] lang="en"
# No rank has moved, and nobody said a word: what trained was a plain detour of rank 12. PEFT only *offers* a method, `update_and_allocate`, and someone must call it after each step of the optimizer, while the gradients are still there. TRL's trainer does not know of it.
#
# **Mend it:** a callback of three lines.
# %% [markdown] lang="ja" of="ecdb2e17"
# ランクは 1 つも変わらず、警告もありません。学習したのは、ただのランク 12 の迂回路でした。PEFT が用意しているのは `update_and_allocate` というメソッド*だけ*で、オプティマイザーの各ステップのあと、勾配が残っているうちに誰かが呼ばなければなりません。TRL のトレーナーは、その存在を知りません。
#
# **直す:** 3 行のコールバックです。
# %%
from transformers import TrainerCallback


class Reallocate(TrainerCallback):
    def on_optimizer_step(self, args, state, control, model=None, **rest):
        model.base_model.update_and_allocate(state.global_step)


config = adalora_config(settings["max_steps"])
mended = train_arm(*recipe, config, callbacks=(Reallocate(),), **rate)
moved = count_ranks(mended.model)
lab.measured(adalora_ranks_changed=sum(moved[name] != start[name] for name in start))
stages = {"at the start": start, "without the callback": unmoved, "with the callback": moved}
lab.figure(figures.ranks(stages), "adalora_ranks")
# %% [markdown] lang="en"
# Now the ranks have moved, down to 4 on average, and unevenly: some matrices have kept several times as many as others, where AdaLoRA's importance score asked for it. Whether that spread does the task any good is another question; the table below has the method's loss.
#
# ## All nine, each at its own learning rate
#
# A comparison at one common rate compares nothing but luck: what trains 16 vectors wants another rate than what trains matrices. So each method gets its own grid on the validation rows. These are the configurations:
# %% [markdown] lang="ja" of="f0b1c323"
# 今度はランクが動き、平均 4 まで減りました。減り方は一様ではなく、AdaLoRA の重要度のスコアに従って、ほかの何倍ものランクを残した行列もあります。この配分が課題の役に立つかどうかは別の話で、この手法の損失はあとの表に出てきます。
#
# ## 9 つの手法、それぞれの学習率で
#
# 同じ学習率で比べても、運の良し悪しを比べるだけです。16 個のベクトルと行列とでは、合う学習率が違うからです。そこで、手法ごとに検証用の行で学習率を選びます。設定は次のとおりです。
# %%
from peft import PrefixTuningConfig, PromptEncoderConfig, PromptTuningConfig

lm, steps = {"task_type": "CAUSAL_LM"}, settings["max_steps"]  # 20-100 virtual tokens: 1-8B
low_rank = lm | {"r": 8, "lora_alpha": 16, "target_modules": VO}
text = train_examples[0]["completion"][0]["content"]  # one reply in the house tone
tokenizer.save_pretrained(lab.run.folder / "tokenizer")
from_text = {"prompt_tuning_init": "TEXT", "prompt_tuning_init_text": text,
             "tokenizer_name_or_path": str(lab.run.folder / "tokenizer")}  # fmt: skip
adapters = {
    "LoRA": lambda: LoraConfig(**low_rank),
    "rsLoRA": lambda: LoraConfig(use_rslora=True, **low_rank),  # α/√r in place of α/r
    "DoRA": lambda: LoraConfig(use_dora=True, **low_rank),
    "AdaLoRA": lambda: adalora_config(steps),
    "IA³": lambda: IA3Config(target_modules=["k_proj", "v_proj", "down_proj"],
                             feedforward_modules=["down_proj"], **lm),
    "prefix tuning": lambda: PrefixTuningConfig(num_virtual_tokens=16, **lm),
    "P-tuning": lambda: PromptEncoderConfig(num_virtual_tokens=16, encoder_hidden_size=128, **lm),
    "prompt tuning": lambda: PromptTuningConfig(num_virtual_tokens=16, **lm),
    "prompt from text": lambda: PromptTuningConfig(num_virtual_tokens=16, **from_text, **lm),
}  # fmt: skip
# %% [raw] lang="ja"
# 20-100 virtual tokens: 1-8B → 10〜80 億なら仮想トークンは 20〜100 個
# one reply in the house tone → 会社の口調の回答 1 つ
# α/√r in place of α/r → α/r の代わりに α/√r
# %% [markdown] lang="en"
# (A function each, so that every training gets a fresh one.) P-tuning (Liu et al. 2021) trains a small network that *writes* the soft prompt; the last arm starts the prompt at the words of a real reply instead of random ones. Now a grid of three rates each:
# %% [markdown] lang="ja" of="a3f1be52"
# どれも関数にしてあるのは、学習のたびに新しい設定を作るためです。P-tuning（Liu et al. 2021）は、ソフトプロンプトを*書き出す*小さなネットワークを学習します。最後の条件は、乱数ではなく、実際の回答の単語からプロンプトを始めます。学習率は、それぞれ 3 つずつ試します。
# %%
scale = lab.pick(tiny=1.0, small=0.3, t4=0.03)  # the larger the model, the smaller the rate
centres = {"LoRA": 1e-2, "rsLoRA": 1e-2, "DoRA": 1e-2, "AdaLoRA": 3e-2, "IA³": 0.1,
           "prefix tuning": 0.3, "P-tuning": 1e-2, "prompt tuning": 0.6,
           "prompt from text": 0.1}  # fmt: skip


def train_method(name, rate, seed):
    extra = (Reallocate(),) if name == "AdaLoRA" else ()
    changes = {"learning_rate": rate, "seed": seed, "callbacks": extra}
    return train_arm(*recipe, adapters[name](), **changes)


grid = []
for name, centre in centres.items():
    for rate in (scale * centre / 3, scale * centre, scale * centre * 3):
        model = train_method(name, rate, lab.seed).model
        found = answer_losses(model, tokenizer, validation_examples).mean()
        grid.append({"method": name, "learning_rate": rate, "seed": lab.seed, "loss": float(found)})
# %% [raw] lang="ja"
# the larger the model, the smaller the rate → モデルが大きいほど学習率は小さく
# %%
from lab_helpers.labs.shared.arms import choose_rate

chosen = {name: choose_rate([r for r in grid if r["method"] == name]) for name in centres}
lab.run.table("rates", grid)
table = []
for name in centres:
    own = {f"{r['learning_rate']:.0e}": r["loss"] for r in grid if r["method"] == name}
    table.append({"method": name, "chosen rate": chosen[name], "rate → loss": own})
lab.table(table, "chosen rates")
best = {name: min(r["loss"] for r in grid if r["method"] == name) for name in centres}
lora = [r["loss"] for r in grid if r["method"] == "LoRA"]
print(f"between LoRA's rates: {max(lora) - min(lora):.1f} nats,", end=" ")
print(f"between the methods at their best: {max(best.values()) - min(best.values()):.1f}")
print(f"largest chosen rate / smallest: {max(chosen.values()) / min(chosen.values()):.0f}")
# %% [raw] lang="ja"
# "between LoRA's rates: " → "LoRA の学習率による幅: "
# " nats," → " nat、"
# "between the methods at their best: " → "最良どうしの手法による幅: "
# "largest chosen rate / smallest: " → "選んだ学習率の最大 / 最小: "
# %% [markdown] lang="en"
# Read across, then down, and compare the two spreads below the table. One wrong step of the rate can cost more than any choice of method, and the rates that were chosen lie far apart: a comparison at LoRA's rate would have buried the soft prompts. (A rate at the edge of its grid is only the best *tried*.)
#
# Now the final comparison: three seeds, test rows, and the paired difference to LoRA on the same questions.
# %% [markdown] lang="ja" of="4dbfde53"
# まず横に、次に縦に読み、表の下の 2 つの幅を比べてください。学習率を 1 段間違えるほうが、手法の選択より高くつくことがあります。選ばれた学習率も手法によって大きく違い、LoRA の学習率で比べていたら、ソフトプロンプトは埋もれていたでしょう（格子の端で選ばれた学習率は、*試した中で*最良というだけです）。
#
# 最後の比較です。シードは 3 つ、テスト用の行を使い、同じ質問での LoRA との対応のある差を見ます。
# %%
import numpy as np

seeds, losses, kept, costs = range(lab.seed, lab.seed + lab.pick(tiny=3, small=1)), {}, {}, {}
for name in centres:
    found = []
    for seed in seeds:
        arm = train_method(name, chosen[name], seed)
        found.append(answer_losses(arm.model, tokenizer, test_examples))
        if seed == lab.seed:
            folder = lab.run.folder / name.replace(" ", "_")
            arm.model.save_pretrained(folder)
            kept[name] = folder
            size = (folder / "adapter_model.safetensors").stat().st_size
            count = arm.model.get_nb_trainable_parameters()[0]
            costs[name] = {"parameters": count, "bytes": size, "seconds": arm.seconds}
    losses[name] = np.stack(found)
# %%
from lab_helpers.evaluation.significance import difference_metrics
from lab_helpers.labs.lab08.scoring import method_metrics, method_rows, prompt_metrics

with tuned.model.disable_adapter():
    before = float(answer_losses(tuned.model, tokenizer, test_examples).mean())
rows = method_rows(losses, costs, "LoRA")
lab.table(rows, "methods")
lab.figure(figures.quality_by_size(rows), "methods")
lab.measured(untuned_test_loss=before, **method_metrics(losses, costs, before))
lab.measured(**prompt_metrics(grid, lab.run.metrics["methods"], before))
gap = losses["prompt tuning"].mean(axis=0), losses["LoRA"].mean(axis=0)
lab.measured(**difference_metrics("prompt_minus_lora", *gap))
lab.compare("same_quality"), lab.compare("prompt_gap")
print(f"untuned: {before:.2f}")
# %% [raw] lang="ja"
# "untuned: " → "学習前: "
# %% [markdown] lang="en"
# Each row says whether its difference to LoRA is decided: the interval excludes zero, and all seeds agree in sign. rsLoRA, DoRA, LoRA and prefix tuning stand close together at the top: differences of up to a tenth there may come from the coarse grid of rates as well as from the method (rsLoRA's factor before BA is 2.8 times LoRA's, which acts like another rate). AdaLoRA lies behind in so short a training; why, this table cannot say. IA³ has a seventh of the parameters. Soft prompts at the input come last, and among them the *start* decides: one that begins at the words of a real reply is ahead of one that begins at random words, with the same number of parameters. P-tuning trains the most and saves as little as the smallest: its network only writes the prompt and is thrown away.
#
# Two cautions. This is one task in few steps, and more steps may change the order: the open experiment at the end asks. And in a model of five million parameters there may be little for a prompt to call up. In PEFT's own benchmark (Llama-3.2-3B on MetaMathQA, 5,000 steps, accuracy on GSM8K) LoRA and its kin lead too and prompt tuning comes last; the middle is ordered otherwise: LoRA r = 32 0.478, rsLoRA r = 64 0.513, DoRA 0.469, IA³ 0.398, AdaLoRA 0.373, prefix tuning 0.186–0.416, prompt tuning 0.057–0.343 by rate and start.
#
# (`quality` in the record is the share of the untuned model's loss that a method has taken away.) Which method, then? LoRA, at a rate that you have chosen. The others are answers to special questions: a hundred tenants on one server (soft prompts, IA³: kilobytes each), a fixed budget of rank (AdaLoRA).
#
# ## AutoPeftModel: what it does, and what it does not
#
# The article says that it "chooses the best method automatically". Reload all nine with it, and compare with the models that were saved; then give it a base without an adapter.
# %% [markdown] lang="ja" of="96d4c389"
# LoRA との差が決着したかどうかは、各行に書いてあります。区間が 0 を含まず、どのシードでも符号が同じなら決着です。上位には DoRA、LoRA、rsLoRA が僅差で並びます。ここでの 100 分の数 nat の差は、手法ではなく、学習率の格子の粗さから来ているかもしれません（rsLoRA で BA に掛かる係数は LoRA の 2.8 倍で、選ばれた学習率は逆に LoRA の約 3 分の 1 です）。AdaLoRA とプレフィックスチューニングが少し遅れて続きますが、その理由はこの表からは分かりません。IA³ のパラメータ数は LoRA の 7 分の 1 ほどです。入力に付けるソフトプロンプトは最後ですが、その中では*初期値*がものを言います。同じパラメータ数でも、実際の回答の単語から始めたもののほうが、乱数の単語から始めたものより良い結果です。P-tuning は学習する個数がいちばん多いのに、ファイルは最も小さいものと同じ大きさです。ネットワークはプロンプトを書き出すだけで、最後に捨てられるからです。
#
# 注意が 2 つあります。これは 1 つの課題を短いステップで試した結果です。ステップを増やせば順序は変わるかもしれません（最後の自由実験で確かめてください）。また、500 万パラメータのモデルには、プロンプトで引き出せるものがあまりないのかもしれません。PEFT 自身のベンチマーク（Llama-3.2-3B、MetaMathQA、5,000 ステップ、GSM8K の正解率）でも、LoRA の仲間が上位、プロンプトチューニングが最下位ですが、中間の順序は違います。LoRA（r = 32）0.478、rsLoRA（r = 64）0.513、DoRA 0.469、IA³ 0.398、AdaLoRA 0.373、プレフィックスチューニング 0.186〜0.416、プロンプトチューニングは学習率と初期値によって 0.057〜0.343 です。
#
# （記録の `quality` は、学習前の損失のうち、その手法が取り除いた割合です。）では、どれを選べばよいでしょうか。自分で選んだ学習率での LoRA です。ほかの手法は、特別な事情があるときに選ぶものです。1 台のサーバーに 100 のテナントを載せる（1 つ数 KB のソフトプロンプトや IA³）、ランクの予算が決まっている（AdaLoRA）といった場合です。
#
# ## AutoPeftModel がすること、しないこと
#
# 記事によれば、これは「最適な手法を自動的に適用」します。9 つすべてを読み込み直して、保存したモデルと比べます。続いて、アダプターのないベースを渡してみます。
# %%
from peft import AutoPeftModel, AutoPeftModelForCausalLM

same = 0
for name, folder in kept.items():
    again = AutoPeftModelForCausalLM.from_pretrained(folder, dtype=tuned.model.dtype)
    found = answer_losses(again.eval().to(tuned.model.device), tokenizer, test_examples[:20])
    same += float(abs(found - losses[name][0][:20]).max()) < 1e-3
print("reloaded with the same losses:", same, "/", len(kept))
base_folder = again.peft_config["default"].base_model_name_or_path
refused = []
for loader, folder in ((AutoPeftModel, kept["LoRA"]), (AutoPeftModelForCausalLM, base_folder)):
    try:
        loader.from_pretrained(folder)
    except (ValueError, OSError) as error:
        refused.append(loader.__name__)
        print(f"{loader.__name__}: {str(error).split(' at ')[0][:90]}")
adapts = int("AutoPeftModelForCausalLM" not in refused)
lab.measured(autopeft_methods_reloaded=same, autopeft_adapts_plain_model=adapts)
# %% [raw] lang="ja"
# "reloaded with the same losses:" → "同じ損失で読み込めたもの:"
# %% [markdown] lang="en"
# It *loads*, and does that well: method, class and base all come from the saved `adapter_config.json`. (Only the number format does not: without `dtype` the base comes as it was published, here in bf16. Leave it out and count again.) It chooses nothing: given a plain model it looks for that file and gives up. And the bare `AutoPeftModel` refuses a config that names its task.
#
# # Part C · Faults without a word, and several adapters
#
# ## Break it: DoRA divides by nothing
#
# Everybody's first choice would be q and v. Try DoRA there:
# %% [markdown] lang="ja" of="7e6547a6"
# AutoPeftModel は*読み込む*ためのもので、その仕事はきちんとこなします。手法もクラスもベースも、保存された `adapter_config.json` から決まります（数値の形式だけは別です。`dtype` を渡さないと、ベースは公開時の形式、ここでは bf16 で読み込まれます。省いて、もう一度数えてみてください）。選ぶことは何もしません。素のモデルを渡すと、そのファイルを探して諦めます。また、`AutoPeftModel` そのものは、task_type が書かれた設定を受け付けません。
#
# # パート C · 黙って起こる失敗と、複数のアダプター
#
# ## 壊す: DoRA がゼロで割る
#
# 最初に思いつくのは q と v でしょう。DoRA をそこに付けてみます。
# %%
on_qv = LoraConfig(**low_rank | {"target_modules": ["q_proj", "v_proj"]}, use_dora=True)
broken = train_arm(*recipe, on_qv, learning_rate=chosen["DoRA"])
print("losses:", broken.losses[:3], broken.stopped)
base = load_model(lab.run)[0]
for target in ("q_proj", "v_proj", "o_proj"):
    layers = [w for name, w in base.named_parameters() if name.endswith(f"{target}.weight")]
    dead = sum(int((weight.norm(dim=1) == 0).sum()) for weight in layers)
    print(target, "rows of length zero:", dead, "/", sum(len(weight) for weight in layers))
    if target == "q_proj":
        lab.measured(dead_rows_q=dead)
# %% [raw] lang="ja"
# "losses:" → "損失:"
# "rows of length zero:" → "長さ 0 の行:"
# %% [markdown] lang="en"
# If your losses are `nan`, the table below them says why: some rows of q are exactly zero (a likely cause: weight decay in pre-training shrinks what no gradient defends), and DoRA divides by the length of each row (your formula above). LoRA never looks at lengths; in lab 02 it trains on the same matrix. The mend is to leave such a matrix out, which is why this lab works on v and o. Before DoRA on a model of your own: look for rows of length zero.
#
# ## Break it: prefix tuning with gradient checkpointing
#
# TRL switches gradient checkpointing on by default, to save memory (`lab.machine` has it off on a CPU; transformers 5 calls it *activation* checkpointing, and means the same). A prefix lives in the cache of keys and values, and checkpointing throws that cache away:
# %% [markdown] lang="ja" of="9c36e74c"
# 損失が `nan` になっていたら、理由はその下の表にあります。q の一部の行がちょうどゼロで（事前学習の重み減衰が、勾配の届かない行を縮めたのでしょう）、DoRA は各行の長さで割るからです（上で書いた式のとおりです）。LoRA は長さを見ません。ラボ 02 では、同じ行列で学習しています。直すには、その行列を対象から外します。このラボが v と o を使うのはそのためです。自分のモデルで DoRA を使う前に、長さ 0 の行がないか確かめてください。
#
# ## 壊す: プレフィックスチューニングと勾配チェックポイント
#
# TRL は、メモリを節約するために、既定で勾配チェックポイントを有効にします（CPU では `lab.machine` が切っています。transformers 5 では *activation* checkpointing と呼びますが、同じものです）。プレフィックスはキーとバリューのキャッシュに置かれますが、チェックポイントはそのキャッシュを捨ててしまいます。
# %%
for checkpointing in (True, False):
    try:
        arm = train_arm(*recipe, adapters["prefix tuning"](), max_steps=5,
                        learning_rate=chosen["prefix tuning"],
                        activation_checkpointing=checkpointing)  # fmt: skip
        print(f"activation_checkpointing={checkpointing}: trains, loss {arm.losses[-1]:.2f}")
        failed = 0
    except RuntimeError as error:
        print(f"activation_checkpointing={checkpointing}: stops, RuntimeError: {str(error)[:90]}")
        failed = 1
    if checkpointing:
        lab.measured(prefix_fails_with_checkpointing=failed)
# %% [raw] lang="ja"
# ": trains, loss " → ": 学習できる。損失 "
# ": stops, RuntimeError: " → ": 停止。RuntimeError: "
# %% [markdown] lang="en"
# The two sizes differ by the length of the prefix: the mask still counts it, the keys are gone. At least this fault says something. Write `activation_checkpointing=False` beside every prefix; soft prompts and LoRA do not mind it.
#
# ## Break it: a new token that nobody trains
#
# A chat format of your own often brings new tokens. Here every answer shall begin with `<|hoshizora|>`. The embedding of a new token is random or an average, and LoRA on v and o does not train embeddings. In PEFT, `trainable_token_indices` does, for these tokens alone. (The loop is a plain one: TRL 1.16's fused loss asks the output layer for a `bias` that PEFT's wrapper for such tokens does not have, and stops.)
# %% [markdown] lang="ja" of="a88ad847"
# 2 つの長さの差は、ちょうどプレフィックスの長さです。マスクには数えられているのに、キーは捨てられています。この間違いは、少なくともエラーになりました。プレフィックスを使うときは、必ず `activation_checkpointing=False` と書いてください。ソフトプロンプトと LoRA には影響しません。
#
# ## 壊す: だれも学習させない新しいトークン
#
# 独自の対話形式には、新しいトークンが付きものです。ここでは、どの回答も `<|hoshizora|>` で始めることにします。新しいトークンの埋め込みは乱数か平均で、v と o の LoRA は埋め込みを学習しません。PEFT の `trainable_token_indices` を使うと、そのトークンだけを学習できます（ここでは素朴なループを使います。TRL 1.16 の融合損失は出力層に `bias` を求めますが、こうしたトークンのための PEFT のラッパーには `bias` がなく、止まってしまうからです）。
# %%
from lab_helpers.labs.lab08 import new_tokens

TOKEN = "<|hoshizora|>"
load = new_tokens.load_with_token(TOKEN)  # tokenizer.add_tokens, model.resize_token_embeddings
marked = {n: new_tokens.rows_with_token(examples[n], TOKEN) for n in ("train", "test")}
print(marked["train"][0]["completion"][0]["content"])
# %% [raw] lang="ja"
# "tokenizer.add_tokens, model.resize_token_embeddings" → "tokenizer.add_tokens と model.resize_token_embeddings"
# %%
from lab_helpers.runtime.lexicon import term

for arm in ("new token frozen", "new token trained"):
    model, wider = load(lab.run)
    number = wider.convert_tokens_to_ids(TOKEN)
    more = {"trainable_token_indices": [number]} if arm == "new token trained" else {}
    set_seed(lab.seed)
    pupil = get_peft_model(model, LoraConfig(**low_rank, **more)).train()
    trained = [p for p in pupil.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=chosen["LoRA"])
    for batch in new_tokens.make_batches(wider, marked["train"], 4, steps, pupil.device):
        pupil(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    found = new_tokens.measure_token(pupil.eval(), wider, marked["test"], number)
    lab.measured(**{arm.replace(" ", "_"): found.probability})
    print(f"{term(arm)}: p(token at the start) {found.probability:.3f},", end=" ")
    print(f"embedding moved {found.moved:.3f}")
# %% [raw] lang="ja"
# ": p(token at the start) " → ": 先頭にトークンが出る確率 "
# "embedding moved " → "埋め込みの移動 "
# %% [markdown] lang="en"
# The first line shows the fault: the embedding has not moved by a hair. Whether the model can say the token all the same, by turning the rest of itself towards an average vector, you see in its probability. (Kotori's output layer is *tied* to the embedding, as in most small models: one row serves for reading the token and for writing it.)
#
# ## DoRA on a 4-bit base: does the magnitude train?
#
# A report (trl#7268) says that under QLoRA DoRA's magnitude stands still: it would be LoRA at the price of DoRA. Look instead of believing:
# %% [markdown] lang="ja" of="e00c0bf8"
# 1 行目に間違いが現れています。埋め込みはまったく動いていません。それでもモデルがこのトークンを出せるか、つまり残りの部分を平均ベクトルのほうへ向けて対応できるかは、確率を見れば分かります。なお、小さなモデルの多くと同じく、Kotori の出力層は埋め込みと*共有*されています。1 つの行が、そのトークンを読むためにも書くためにも使われます。
#
# ## 4 ビットのベースでの DoRA: マグニチュードは学習されるか
#
# QLoRA では DoRA のマグニチュードが動かない、という報告があります（trl#7268）。それなら、DoRA の代金で LoRA を使っていることになります。信じる代わりに、確かめます。
# %%
from lab_helpers.labs.lab08.four_bit import load_four_bit  # BitsAndBytesConfig: lab 03


def magnitudes(model):
    return {n: p.detach().clone() for n, p in model.named_parameters() if "magnitude" in n}


for name, loader in {"base in full": load_model, "in 4 bits": load_four_bit}.items():
    arm = train_arm(*recipe, adapters["DoRA"](), load=loader, learning_rate=chosen["DoRA"])
    start = magnitudes(get_peft_model(loader(lab.run)[0], adapters["DoRA"]()))
    shift = [float((m.float() - start[n].float()).abs().mean() / start[n].float().abs().mean())
             for n, m in magnitudes(arm.model).items()]  # fmt: skip
    print(f"{name}: loss {arm.losses[-1]:.2f}, magnitude moved by {np.mean(shift):.2%}")
    key = "dora_magnitude_moved" + ("_4bit" if loader is load_four_bit else "")
    lab.measured(**{key: np.mean(shift)})
# %% [raw] lang="ja"
# base in full → 元の精度のベース
# in 4 bits → 4 ビットのベース
# ": loss " → ": 損失 "
# ", magnitude moved by " → "、マグニチュードの変化 "
# "BitsAndBytesConfig: lab 03" → "BitsAndBytesConfig はラボ 03"
# %% [markdown] lang="en"
# If both lines show about the same movement, the magnitude trains on this base as on the other, with these versions. What a report says holds for its versions; two lines that print a trained parameter before and after settle it for yours.
#
# ## Several adapters on one base
#
# The house tone is one adapter. Train a second one on another task, naming the kind of a request in one word, and put both on one base.
# %% [markdown] lang="ja" of="90a283be"
# 2 行の変化が同じくらいなら、このバージョンでは、4 ビットのベースでもマグニチュードは学習されています。報告の内容が当てはまるのは、その報告のバージョンです。学習するパラメータを前後で表示する 2 行があれば、自分の環境で決着がつきます。
#
# ## 1 つのベースに複数のアダプター
#
# 会社の口調は 1 つのアダプターです。別の課題、つまり問い合わせの種類を 1 語で答える課題で 2 つ目を学習し、1 つのベースに載せます。
# %%
from peft import PeftModel


kinds = {n: new_tokens.kind_examples(lab.language, n, size) for n, size in sizes.items()}
print(kinds["train"][0])
rate = {"learning_rate": chosen["LoRA"]}
second = train_arm(lab.run, kinds["train"], settings, adapters["LoRA"](), **rate)
second.model.save_pretrained(lab.run.folder / "kinds")
both = PeftModel.from_pretrained(load_model(lab.run)[0], kept["LoRA"], adapter_name="tone")
both.load_adapter(lab.run.folder / "kinds", adapter_name="kinds")
# %%
tasks = {"house tone": test_examples, "kind of request": kinds["test"]}


def both_tasks():
    model = both.eval()
    return {n: answer_losses(model, tokenizer, rows) for n, rows in tasks.items()}


def means(way):
    return {"way": way} | {n: float(found.mean()) for n, found in by_row[way].items()}


with both.disable_adapter():
    by_row = {"no adapter": both_tasks()}
for name in ("tone", "kinds"):
    both.set_adapter(name)  # switched: one line, no loading
    by_row[f"{name} alone"] = both_tasks()
rows = [means(way) for way in by_row]
lab.table(rows)
# %% [raw] lang="ja"
# "switched: one line, no loading" → "切り替えは 1 行で、読み込みは不要"
# %% [markdown] lang="en"
# Switched, each does its own job and lies far behind on the other's; compare with the line "no adapter": what one task teaches may help a little or harm. Can one adapter do both? Adding their ΔW is the obvious way.
#
# **Exercise (4 min).** The weighted sum of several ΔW.
# %% [markdown] lang="ja" of="ab5621d8"
# 切り替えて使えば、それぞれ自分の仕事はこなしますが、相手の仕事では遠く及びません。「アダプターなし」の行と比べてください。少し役立つことも、かえって邪魔になることもあります。1 つのアダプターに両方をさせられるでしょうか。素直な方法は、ΔW を足すことです。
#
# **演習（4 分）。** いくつかの ΔW の重み付き和を書いてください。
# %% tags=["exercise"]
def merge_deltas(deltas, weights):
    ...  # your code → (d, k)


merge_deltas = lab.check("merge_deltas", merge_deltas)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# PEFT has several ways under one name. `cat` stacks the thin matrices (rank 8 + 8): exactly your sum. `linear` adds A to A and B to B, and $(B_1 + B_2)(A_1 + A_2)$ has two products in it that nobody trained. `ties` keeps only the larger half of the entries (`density=0.5`) and settles disputes about the sign (Yadav et al. 2023); `dare_ties` drops entries at random first (Yu et al. 2023).
# %% [markdown] lang="ja" of="ce567b6f"
# PEFT には、同じ名前でいくつもの方法があります。`cat` は細い行列を積み重ねます（ランク 8 + 8）。これは上で書いた和そのものです。`linear` は A どうし、B どうしを足すので、$(B_1 + B_2)(A_1 + A_2)$ には、誰も学習していない積が 2 つ混ざります。`ties` は大きいほうの半分の要素だけを残し（`density=0.5`）、符号の食い違いを多数決で決めます（Yadav et al. 2023）。`dare_ties` は、その前に要素を乱数で捨てます（Yu et al. 2023）。
# %%
layer = both.base_model.model.model.layers[0].self_attn.v_proj
deltas = [layer.get_delta_weight(name).detach() for name in ("tone", "kinds")]
wanted = merge_deltas(deltas, [1.0, 1.0])
names = {"cat": "sum (cat)", "linear": "by parts (linear)",
         "ties": "TIES", "dare_ties": "DARE + TIES"}  # fmt: skip
for way, name in names.items():
    density = {"density": 0.5} if "ties" in way else {}
    torch.manual_seed(lab.seed)
    both.add_weighted_adapter(["tone", "kinds"], [1.0, 1.0], way, combination_type=way, **density)
    both.set_adapter(way)
    off = float((layer.get_delta_weight(way).detach() - wanted).norm() / wanted.norm())
    lab.measured(**{f"merged_off_{way}": off})
    by_row[name] = both_tasks()
    rows.append(means(name) | {"off the sum": off})
shown = [{k: v for k, v in row.items() if k != "off the sum"} for row in rows]
lab.table([row | {"off the sum": row.get("off the sum", "–")} for row in rows], "interference")
lab.figure(figures.interference(shown), "interference")
for task, alone in {"house tone": "tone alone", "kind of request": "kinds alone"}.items():
    key = f"interference_{task.replace(' ', '_')}"
    lab.measured(**difference_metrics(key, by_row["sum (cat)"][task], by_row[alone][task]))
    low, high = lab.run.metrics[f"{key}_ci"]
    print(f"{term(task)}: {lab.run.metrics[key]:+.2f} [{low:+.2f}, {high:+.2f}]")
# %% [markdown] lang="en"
# `cat` differs from your sum by rounding only; `linear` does not, and the last column says by how much, as a share of the sum's size. The two lines under the bars are the price of sharing: the loss of the exact sum minus that of the adapter that was trained for the task, row by row. Where the interval lies above zero there is **interference**: both adapters move the same weights, in directions that know nothing of each other. No way of mixing reaches either adapter on its own task; which one loses least differs from task to task. Where tasks can be told apart beforehand, switch; where one model must do both, a training on both kinds of rows together is the thing to try.
#
# ## "The base is never touched": a counterexample
#
# Claim 11 of lab 02 holds for LoRA, whose B starts at zero. **PiSSA** (Meng et al. 2024) starts A and B at the largest singular directions of W and *takes these out of W*. Same class, same call, one argument:
# %% [markdown] lang="ja" of="ca26f29f"
# `cat` と和との差は、丸め誤差だけです。`linear` はそうではなく、和の大きさに対してどれだけ違うかが最後の列に出ています。棒グラフの下の 2 行は、共有の代償です。正確な和の損失から、その課題専用のアダプターの損失を、行ごとに引いています。区間が 0 より上なら、**干渉**が起きています。2 つのアダプターが、互いを知らないまま、同じ重みを別々の方向へ動かしているからです。どの混ぜ方も、専用のアダプターには届きません。どの方法がいちばんましかは、課題によって違います。課題を前もって区別できるなら切り替え、1 つのモデルで両方が必要なら、両方の行を混ぜた学習を試してください。
#
# ## 「ベースの重みは変わらない」の反例
#
# ラボ 02 の主張 11 は、B をゼロから始める LoRA では成り立ちます。**PiSSA**（Meng et al. 2024）は、W の最大の特異方向から A と B を始め、その分を *W から取り除きます*。クラスも呼び方も同じで、違うのは引数 1 つです。
# %%
def first_v(model):
    return model.base_model.model.model.layers[0].self_attn.v_proj.base_layer.weight.detach()


original = load_model(lab.run)[0].model.layers[0].self_attn.v_proj.weight.detach()
for start in (True, "pissa"):
    config = LoraConfig(**low_rank, init_lora_weights=start)
    arm = train_arm(*recipe, config, learning_rate=chosen["LoRA"] / 3)  # PiSSA starts large
    arm.model.save_pretrained(lab.run.folder / f"start_{start}")
    again = AutoPeftModelForCausalLM.from_pretrained(lab.run.folder / f"start_{start}").eval()
    gone = float((first_v(arm.model) - original).norm() / original.norm())
    pair = (float(answer_losses(m, tokenizer, test_examples).mean()) for m in (arm.model, again))
    trained, reloaded = pair
    print(f"init_lora_weights={start}: base changed by {gone:.1%},", end=" ")
    print(f"loss {trained:.2f}, after reloading {reloaded:.2f}")
    lab.measured(**{f"base_changed_{'pissa' if start == 'pissa' else 'lora'}": gone})
# %% [raw] lang="ja"
# PiSSA starts large → PiSSA は大きな値から始まる
# ": base changed by " → ": ベースの変化 "
# "loss " → "損失 "
# ", after reloading " → "、読み込み直すと "
# %% [markdown] lang="en"
# With LoRA the base is the same to the last bit. With PiSSA a good part of W now lives in the adapter, so "adapter off" is not the base any more, and such adapters cannot simply be put side by side on one. Reloading works as long as PEFT finds the same base and decomposes it in the same way: whether the loss comes back you see in the last number. To share such an adapter safely, let PEFT convert it to a plain LoRA (`save_pretrained(…, path_initial_model_for_weight_conversion=…)`).
# %% [markdown] lang="ja" of="4637de0d"
# LoRA では、ベースは最後のビットまで同じです。PiSSA では、W のかなりの部分がアダプターに移っているので、「アダプターを切ればベースに戻る」とは言えず、そのままでは、1 つのベースに並べて載せることもできません。読み込み直しは、PEFT が同じベースを見つけて同じように分解するかぎりうまくいきます。損失が元どおりになったかどうかは、最後の数字を見てください。こうしたアダプターを安全に配るには、PEFT に普通の LoRA へ変換させます（`save_pretrained(…, path_initial_model_for_weight_conversion=…)`）。
# %% [markdown] lang="en"
# # Part D · Choose settings by search
#
# So far one setting, the learning rate, moved while the others stood still. That is how one learns what a setting does, and a poor way to find good ones: r, α, layers, dropout and learning rate make hundreds of combinations, and they interact. Wanted is a good combination for the price of a dozen trainings.
#
# **New words:** [trial and study](glossary.md#study), [pruning](glossary.md#pruning), [validation rows](glossary.md#evaluation-rows).
#
# Two ideas make it cheap. The first: where only one of two settings matters, a grid wastes most of its trainings.
# %% [markdown] lang="ja" of="74f42d49"
# # パート D · 設定を探索で選ぶ
#
# ここまでは、学習率だけを動かし、ほかの設定は固定してきました。1 つの設定が何をするのかを知るには良い方法ですが、良い設定を見つけるには向きません。r、α、適用する層、ドロップアウト、学習率の組み合わせは何百通りにもなり、互いに影響し合うからです。十数回の学習だけで、良い組み合わせを見つけたいところです。
#
# **新しい言葉:** [試行とスタディ](glossary.md#study)、[枝刈り](glossary.md#pruning)、[検証用の行](glossary.md#evaluation-rows)。
#
# 安く済ませる工夫は 2 つあります。1 つ目は次の図です。2 つの設定のうち片方しか効かないとき、格子状に試すと学習の大半が無駄になります。
# %%
from lab_helpers.figures import sweeps as sweep_figures

lab.figure(sweep_figures.grid_and_random(), "grid_and_random")
# %% [markdown] lang="en"
# Both spend nine trainings (blue). Seen from above, where only the learning rate counts (red), the grid has tried three values and chance nine, one of them near the top (Bergstra & Bengio 2012). Optuna begins by chance, then draws more often where trials went well.
#
# The second idea: a training that is far behind after a quarter of its steps need not be finished. Stopping it is called **pruning**. The *median rule* stops a trial whose best validation loss so far is above the median that the finished trials had at the same step.
#
# **Exercise (6 min).** Write that rule. Further down it judges every decision of Optuna's.
# %% [markdown] lang="ja" of="222dcf17"
# どちらも学習は 9 回です（青）。学習率だけに注目して上から見ると（赤）、格子が試した値は 3 つ、乱数は 9 つで、そのうち 1 つは頂上の近くにあります（Bergstra & Bengio 2012）。Optuna は、まず乱数で選び、そのあとは良い結果が出たあたりを多めに試します。
#
# 2 つ目の工夫です。ステップの 4 分の 1 で大きく後れを取っている学習を、最後まで続ける必要はありません。途中でやめることを**枝刈り**と呼びます。*中央値の規則*では、それまでで最も良い検証データの損失が、完了した試行の同じステップでの中央値より大きければ、そこで打ち切ります。
#
# **演習（6 分）。** この規則を書いてください。あとで、Optuna の判断を 1 つずつこれで確かめます。
# %% tags=["exercise"]
def is_behind(seen, finished):
    ...  # your code: True or False


is_behind = lab.check("is_behind", is_behind)
# %% [raw] lang="ja"
# your code: True or False → ここに書く: True か False
# %% [markdown] lang="en"
# A **trial** is one training with one set of settings. First, how it draws them. α is drawn as a multiple of r, because LoRA's output is scaled by α/r: a bare α would mean something else at every rank. The rate is drawn on a logarithmic scale: from 1e-3 to 2e-3 is as far as from 1e-2 to 2e-2.
# %% [markdown] lang="ja" of="64b4da18"
# **試行**とは、1 組の設定で行う 1 回の学習です。まず、設定の選び方を書きます。LoRA の出力は α/r 倍されるので、α は r の何倍かで選びます。α をそのまま選ぶと、ランクごとに意味が変わってしまいます。学習率は対数目盛りで選びます。1e-3 から 2e-3 までの距離と、1e-2 から 2e-2 までの距離を等しく扱うということです。
# %%
TARGETS = {
    "q,v": ["q_proj", "v_proj"],
    "v,o": ["v_proj", "o_proj"],  # this lab's own
    "q,k,v,o": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "all-linear": "all-linear",
}
RATES = lab.pick(tiny=(1e-3, 4e-2), small=(3e-4, 1e-2), t4=(2e-5, 2e-3))  # 1-8B: 2e-5 to 2e-3


def draw(trial):
    rank = trial.suggest_categorical("r", [4, 8, 16, 32, 64])
    alpha = rank * trial.suggest_categorical("alpha_over_r", [0.5, 1, 2, 4])
    targets = trial.suggest_categorical("targets", list(TARGETS))
    dropout = trial.suggest_categorical("dropout", [0.0, 0.05, 0.1])
    rate = trial.suggest_float("learning_rate", *RATES, log=True)
    adapter = LoraConfig(r=rank, lora_alpha=alpha, target_modules=TARGETS[targets],
                         lora_dropout=dropout, task_type="CAUSAL_LM")  # fmt: skip
    return adapter, rate
# %% [raw] lang="ja"
# 1-8B: 2e-5 to 2e-3 → 10〜80 億なら 2e-5〜2e-3
# this lab's own → このラボで使った層
# %% [markdown] lang="en"
# Pruning takes six lines: after each evaluation, tell the study the loss and ask whether to go on. (`others` is for `lab.train` alone: what the rule compares with decides where this training ends, so it belongs to what is remembered.)
# %% [markdown] lang="ja" of="ef80cf46"
# 枝刈りは 6 行で書けます。評価のたびに損失をスタディへ報告し、続けるかどうかを尋ねます（`others` は `lab.train` のためのものです。規則が何と比べるかで学習の終わる位置が変わるので、保存した結果を見分けるのに必要です）。
# %%
from lab_helpers.tuning.sweep_training import finish_trial, other_losses


class Prune(TrainerCallback):
    def __init__(self, trial):
        self._trial = trial
        self.others = other_losses(trial)

    def on_evaluate(self, args, state, control, metrics, **rest):
        self._trial.report(metrics["eval_loss"], state.global_step)
        if self._trial.should_prune():
            control.should_training_stop = True
# %% [markdown] lang="en"
# Now the **objective**: settings in, validation loss out. The search may look at the first half of the validation rows only; on the second half its winner will be judged. Whoever picks the best of many by a number must not report that number: the luckiest always looks better than it is.
# %% [markdown] lang="ja" of="ac5b4a81"
# 次は**目的関数**です。設定を受け取り、検証データの損失を返します。探索に見せるのは検証用の行の前半だけで、後半は勝者を判定するために取っておきます。多くの中からある数値で最良を選んだら、その同じ数値を成績として報告してはいけません。いちばん運の良かったものは、いつも実力より良く見えるからです。
# %%
choosing, judging = validation_examples[::2], validation_examples[1::2]
STEPS = settings["max_steps"]


def objective(trial):
    adapter, rate = draw(trial)
    training = SFTConfig(learning_rate=rate, max_steps=STEPS, **shared, **lab.machine,
                         eval_strategy="steps", eval_steps=STEPS // 4)  # fmt: skip
    model, tokenizer = load_model(lab.run)
    set_seed(lab.seed)
    trainer = SFTTrainer(model, args=training, train_dataset=Dataset.from_list(train_examples),
                         eval_dataset=Dataset.from_list(choosing), processing_class=tokenizer,
                         peft_config=adapter, callbacks=[Prune(trial)])  # fmt: skip
    tuned = lab.train(trainer, diverged="return")
    return finish_trial(trial, tuned, STEPS)  # the last loss; a stopped trial raises TrialPruned
# %% [raw] lang="ja"
# the last loss; a stopped trial raises TrialPruned → 最後の損失。打ち切った試行は TrialPruned を送出する
# %% [markdown] lang="en"
# A **study** is the memory of all trials, here one SQLite file. Several processes may open it at once and share the work; a killed search goes on where it was. Part B's LoRA, with the rate that its grid chose, is the first trial: what the search finds has to beat it.
# %% [markdown] lang="ja" of="6d046e6b"
# **スタディ**は、すべての試行の記録で、ここでは 1 つの SQLite ファイルです。複数のプロセスが同時に開いて分担でき、途中で止まっても続きから再開できます。最初の試行は、パート B の LoRA を、格子で選んだ学習率で使ったものです。探索はこれに勝たなければなりません。
# %%
import optuna

by_hand = {"r": 8, "alpha_over_r": 2, "targets": "v,o", "dropout": 0.0,
           "learning_rate": chosen["LoRA"]}  # fmt: skip
optuna.logging.set_verbosity(optuna.logging.WARNING)
storage = optuna.storages.RDBStorage(f"sqlite:///{lab.run.folder / 'sweep.db'}")
study = optuna.create_study(
    study_name="lora", storage=storage, direction="minimize", load_if_exists=True,
    sampler=optuna.samplers.TPESampler(seed=lab.seed, n_startup_trials=6),  # 6 by chance
    pruner=optuna.pruners.MedianPruner(n_startup_trials=4),  # 4 whole trials to compare with
)  # fmt: skip
study.enqueue_trial(by_hand)
study.optimize(objective, n_trials=lab.pick(tiny=12, small=10, t4=30))
storage.engine.dispose()  # closes the file
# %% [raw] lang="ja"
# 6 by chance → 6 回は乱数で選ぶ
# 4 whole trials to compare with → 比べる相手として、まず 4 回は最後まで学習する
# closes the file → ファイルを閉じる
# %%
from lab_helpers.tuning.sweep_results import best_trial, importances, pruning_savings, trial_rows

trials, saved = trial_rows(study), pruning_savings(study)
spent = sum(row["seconds"] for row in trials)
lab.figure(sweep_figures.trial_curves(trials), "sweep_losses")
lab.measured(sweep_trials=len(trials), sweep_pruned=saved.trials, sweep_seconds=spent,
             sweep_seconds_saved=saved.seconds)  # fmt: skip
print(f"{len(trials)} trials, {saved.trials} stopped early:", end=" ")
print(f"{spent:.0f} s of training, about {saved.seconds:.0f} s saved")
# %% [raw] lang="ja"
# " trials, " → " 件の試行、うち打ち切り "
# " stopped early:" → " 件:"
# " s of training, about " → " 秒学習し、約 "
# " s saved" → " 秒を節約"
# %% [markdown] lang="en"
# Each line is a trial, a cross where it was stopped. The first four run to the end, for there is nothing to compare them with; later ones must keep up. What was saved is an estimate: the steps left out, at each trial's own pace.
#
# Pruning is a bet that who is behind now stays behind. It loses where a slow starter would have won, such as a small learning rate with many steps to go; where the lines cross, one can see it.
# %% [markdown] lang="ja" of="4822d766"
# 1 本の線が 1 つの試行で、打ち切ったところに × があります。最初の 4 つは比べる相手がないので最後まで進み、あとの試行はついていけなければ打ち切られます。節約した秒数は推定で、学習しなかったステップ数に、その試行の 1 ステップの時間を掛けたものです。
#
# 枝刈りは、「今遅れているものは、この先も遅れたまま」という賭けです。ステップを重ねれば追い付く小さな学習率のように、出足の遅い試行が勝つはずの場面では外れます。線が交差しているところがあれば、それが見て取れます。
# %%
same = []
for row in trials:
    earlier = [t for t in trials if t["state"] == "complete" and t["trial"] < row["trial"]]
    finished = [dict(t["curve"]) for t in earlier]
    for n, (step, _) in enumerate(row["curve"], 1):
        yours = len(finished) >= 4 and is_behind(dict(row["curve"][:n]), finished)
        optunas = row["state"] == "pruned" and step == row["step"]
        same += [yours == optunas] if step < STEPS else []  # after the last step nothing is left
print(f"{sum(same)} of {len(same)} decisions are the same")
lab.measured(pruning_decisions_same=sum(same) / len(same))
# %% [raw] lang="ja"
# after the last step nothing is left → 最後のステップのあとには何も残っていない
# " of " → " / "
# " decisions are the same" → " 件の判断が一致"
# %% [markdown] lang="en"
# Your rule, asked at every evaluation, against what Optuna did there. (Where one differs, look for a loss that blew up: `lab.train` stops such a training by itself, before there are four trials to compare with.) And the settings themselves:
# %% [markdown] lang="ja" of="29bfd868"
# すべての評価について、あなたの規則と Optuna の判断を比べました（食い違いがあれば、損失が発散した試行を探してください。そうした学習は、比べる試行が 4 つそろう前でも、`lab.train` が自分で止めます）。次は、設定そのものを見ます。
# %%
names = ["r", "alpha_over_r", "targets", "dropout", "learning_rate"]
best = best_trial(study)
print("best:", best.params)
lab.figure(sweep_figures.parallel_coordinates(trials, names), "sweep_settings")
# %% [raw] lang="ja"
# best: → 最良:
# %% [markdown] lang="en"
# **Parallel coordinates:** every line is one trial, walking from setting to setting and ending at its loss (low is good; grey ends at the loss where it was stopped). Look for the axis on which the blue and red lines gather while grey ones spread: that setting has sorted good from bad. Where all lines mix, it has not.
#
# The eye is easily fooled with so few lines. The same question as a number:
# %% [markdown] lang="ja" of="a906530e"
# **平行座標**では、1 本の線が 1 つの試行です。設定から設定へ進み、最後に損失に至ります（下ほど良い。灰色の線は、打ち切った時点の損失で終わります）。青と赤の線が集まり、灰色の線が散らばっている軸を探してください。その設定が、良し悪しを分けています。どの線も混ざっている軸は、そうではありません。
#
# これだけ少ない線では、目は簡単にだまされます。同じ問いに数値で答えます。
# %%
shares = importances(study)
lab.figure(sweep_figures.setting_importances(shares), "sweep_importance")
lab.measured(sweep_rate_importance=shares["learning_rate"])
# %% [markdown] lang="en"
# **Importance:** how differently a setting is spread over the better trials than over all of them (PED-ANOVA, Watanabe et al. 2023); the shares add up to 1. Only complete trials count, so a bar out of a handful of trials is a hint where to look next, not a measurement: it says nothing of what a setting could do at values that nobody drew.
#
# Now the rows that the search has not seen. The hand-chosen settings and the winner, row by row (part B's grid has seen these rows when it chose its rate, so any unfairness is on the side of the hand):
# %% [markdown] lang="ja" of="623bb8e1"
# **重要度**は、良かった試行での値の散らばり方が、全体での散らばり方とどれだけ違うかです（PED-ANOVA、Watanabe et al. 2023）。割合の和は 1 です。数えるのは完了した試行だけなので、わずかな試行から出した棒は、次にどこを調べるかの手掛かりであって、測定値ではありません。だれも試していない値で何が起こるかも、これでは分かりません。
#
# 次は、探索に見せていない行です。手で選んだ設定と探索の勝者を、1 行ずつ比べます（パート B の格子は、学習率を選ぶときにこの行も見ています。不公平があるとすれば、手で選んだほうに有利です）。
# %%
from lab_helpers.evaluation.significance import paired_bootstrap


def judge(settings):
    trial = optuna.trial.FixedTrial(settings)
    adapter, rate = draw(trial)
    training = SFTConfig(learning_rate=rate, max_steps=STEPS, **shared, **lab.machine)
    model, tokenizer = load_model(lab.run)
    set_seed(lab.seed)
    trainer = SFTTrainer(model, args=training, train_dataset=Dataset.from_list(train_examples),
                         processing_class=tokenizer, peft_config=adapter)  # fmt: skip
    tuned = lab.train(trainer)
    return answer_losses(tuned.model, tokenizer, judging)
# %%
from lab_helpers.runtime.lexicon import term

hand, found = judge(by_hand), judge(best.params)
gap = paired_bootstrap(hand, found)
lab.measured(**difference_metrics("sweep_gain", hand, found))
lab.table([
    {"settings": name, "loss": float(losses.mean())}
    for name, losses in (("chosen by hand", hand), ("found by search", found))
], "hand or search")  # fmt: skip
print(f"gain {gap.difference:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]:", end=" ")
print(term("decided" if gap.decided else "not decided"))
# %% [raw] lang="ja"
# "gain " → "差 "
# %% [markdown] lang="en"
# The interval is of the *paired* difference, row by row, hand minus search: above zero, the search has won. If it holds zero, a dozen trials have found nothing that this lab's grid had missed; that is a result too, and the usual one where the grid was good. If it lies below zero, the search has fallen for luck on the rows that chose.
#
# Neither says what a *longer* training would do: the best learning rate of a short one is often too high for a long one, so search with the steps that you can afford to repeat, and check the winner once at full length.
#
# ## Your own rows, and more than one machine
#
# `labs sweep --data FILE` does all this with your own file: reads it as lab 04 does, sets aside the rows on which `labs run 04 --data` reports, searches, and ends with `LoraConfig` and `SFTConfig` to paste. The same command goes on with a search that was stopped.
#
# | workers | where the study lies | `--study` |
# |---|---|---|
# | one machine | an SQLite file; `--workers 2` shares it | `sweep.db` |
# | several machines, a shared disk | Optuna's journal, a file that only grows (SQLite's locks cannot be trusted over NFS) | `/shared/sweep.journal` |
# | several machines, a network | a database server | `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE` |
#
# On each machine the same command with `--worker`. A trial whose worker dies is put back into the queue: at once on the same machine, on another after a minute without a sign of life (not with a journal, which has none).
# %% [markdown] lang="ja" of="b88f2ef9"
# 区間は、行ごとに「手で選んだ設定 − 探索」とした*対応のある*差のものです。0 より上なら探索の勝ちです。0 を含むなら、十数回の試行では、このラボの格子が見落としたものは何も見つからなかったということです。これも立派な結果で、格子が良ければ普通はこうなります。0 より下なら、探索は、選ぶのに使った行での運にだまされたのです。
#
# どちらの場合も、*もっと長い*学習でどうなるかは分かりません。短い学習に最適な学習率は、長い学習には高すぎることがよくあります。繰り返せるだけのステップ数で探索し、勝者は本番の長さで一度確かめてください。
#
# ## 自分のデータで、複数のマシンで
#
# `labs sweep --data FILE` は、ここまでのすべてを手元のファイルで行います。ラボ 04 と同じように読み込み、`labs run 04 --data` が成績を出す行を取り分け、探索して、最後に貼り付け用の `LoraConfig` と `SFTConfig` を示します。途中で止めた探索は、同じコマンドで続きから再開します。
#
# | 分担のしかた | スタディの保存先 | `--study` |
# |---|---|---|
# | 1 台のマシン | SQLite ファイル（`--workers 2` で分担） | `sweep.db` |
# | 複数のマシン、共有ディスク | Optuna のジャーナル（追記だけのファイル。NFS では SQLite のロックは当てになりません） | `/shared/sweep.journal` |
# | 複数のマシン、ネットワーク | データベースサーバー | `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE` |
#
# 各マシンで、同じコマンドに `--worker` を付けて実行します。分担していたプロセスが落ちると、その試行は列に戻ります。同じマシンならすぐに、別のマシンなら応答が 1 分途絶えたあとに戻ります（ジャーナルには応答の仕組みがないので戻りません）。
# %%
from lab_helpers.tuning.sweep_space import settings_code

print("# to paste")
print(settings_code(best.params, {"max_steps": STEPS, **shared}))
# %% [raw] lang="ja"
# to paste → 貼り付け用
# %% [markdown] lang="en"
# That is what `labs sweep` prints at its end, here for this lab's search.
# %% [markdown] lang="ja" of="da93c00b"
# `labs sweep` が最後に表示するのはこの形です。ここでは、このラボの探索の結果を示しました。
# %% [markdown] lang="en"
# ## Explore: what a method costs on a real model
#
# Choose a model and where LoRA goes; the table counts what trains. Soft prompts of 16 vectors would be 16 × the width of the model: 65,536 numbers for Llama 3 8B.
# %% [markdown] lang="ja" of="eb060a8e"
# ## 触ってみる: 実際のモデルではいくつになるか
#
# モデルと、LoRA を付ける場所を選んでください。学習する個数が表に出ます。16 個のベクトルのソフトプロンプトなら、16 × モデルの幅で、Llama 3 8B では 65,536 個です。
# %%
from lab_helpers.figures.widgets import parameter_explorer
from lab_helpers.models.known_configs import KNOWN, TARGET_SETS
from lab_helpers.tuning.lora_counts import lora_counts

lab.table([lora_counts("Llama 3 8B", 8, "q, v")])
parameter_explorer(lora_counts, list(KNOWN), list(TARGET_SETS))
# %% [markdown] lang="en"
# ## Verdict
# %% [markdown] lang="ja" of="297877e6"
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## On a real model
#
# The same cells run on a real language model of 135M parameters (`labs run 08 --profile small`), with smaller rates; on a GPU they take a larger model. Two things should change with size. Soft prompts gain most: Lester et al. (2021) find prompt tuning level with full fine-tuning only at billions of parameters. And rows of length zero are a matter of one model's pre-training: look for them again.
# %% [markdown] lang="ja" of="e1079d70"
# ## 実際のモデルでは
#
# 同じセルは、1.35 億パラメータの実際の言語モデルでも、小さめの学習率で動きます（`labs run 08 --profile small`）。GPU があれば、もっと大きなモデルを使います。規模によって変わりそうなことが 2 つあります。いちばん得をするのはソフトプロンプトです。Lester ら（2021）によれば、プロンプトチューニングがフルファインチューニングに並ぶのは、数十億パラメータになってからです。また、長さ 0 の行があるかどうかは、モデルの事前学習しだいです。もう一度調べてください。
# %%
lab.real_model("prompt_minus_lora", "prompt_tuning_quality_spread", "adalora_ranks_changed")
# %% [markdown] lang="en"
# ## An open experiment
#
# Are soft prompts only slow starters? Give "prompt from text" ten times the steps at a third of its rate, on validation rows, and write down first how much of the gap to LoRA you expect to go. A second one: 4, 16 and 64 virtual tokens at the same number of steps.
#
# **Next:** lab 09. So far somebody wrote down the right answer. What if nobody can, and one can only say which of two answers is better, or check a result?
#
# ## Quiz
# %% [markdown] lang="ja" of="d1cdd4fa"
# ## 自由実験
#
# ソフトプロンプトは、立ち上がりが遅いだけなのでしょうか。「文から始めるプロンプト」に、学習率を 3 分の 1 にして 10 倍のステップを与え、検証用の行で測ってください。LoRA との差がどれだけ縮まるか、先に予想を書いておきましょう。もう 1 つ、仮想トークンを 4・16・64 個にして、同じステップ数で比べてみてください。
#
# **次は:** ラボ 09 です。ここまでは、誰かが正解を書いてくれました。正解は書けず、2 つの回答のどちらが良いかや、結果の検算しかできないときは、どうすればよいでしょうか。
#
# ## クイズ
# %%
lab.quiz()
