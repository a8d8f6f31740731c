# %% [markdown] lang="en"
# # Lab 05 · Direct preference optimization (DPO)
#
# **After this lab you can** read preference pairs for their traps, derive DPO's loss from two older ideas and write it in one line, train with it by hand and with `DPOTrainer` to the same losses, choose a learning rate on validation prompts, measure a win rate that is worth its name, and recognise four failures that raise no error.
#
# **Time:** about five minutes of computing on a 2-core CPU; two and a half hours with the exercises.
#
# | part | its aim |
# |---|---|
# | A · Two answers, one loss | from pairs to DPO's formula, by hand and equal to TRL's |
# | B · Train and measure | a rate from validation prompts, replies before and after, win rates, safety |
# | C · What goes wrong quietly | wrong labels, displacement, length |
# | D · What it costs | models and bytes in memory |
#
# **Claims under test:** 29 (DPO's "low efficiency" listed as a merit), 30 (DPO is stable), 32 (especially good for safety and tone). Lab 09 sets DPO beside RLHF (27, 28, 31).
#
# **New words:** [preference pair](glossary.md#preference), [log-probability](glossary.md#log-probability), [policy and reference](glossary.md#policy), [reward](glossary.md#reward), [margin](glossary.md#margin), [KL divergence](glossary.md#kl), [β](glossary.md#beta), [greedy and temperature](glossary.md#generation), [validation rows](glossary.md#evaluation-rows), [interval](glossary.md#interval).
# %% [markdown] lang="ja" of="6f4d6c95"
# # ラボ 05 · 直接選好最適化（DPO）
#
# **このラボを終えると**、選好ペアに潜む落とし穴を読み取り、DPO の損失を 2 つの古い考え方から導いて 1 行で書き、手書きでも `DPOTrainer` でも同じ損失で学習し、学習率を検証用のプロンプトで選び、勝率を正しく測り、エラーを出さずに起こる 4 つの失敗を見抜けるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 5 分、演習も含めると 2 時間半です。
#
# | パート | ねらい |
# |---|---|
# | A · 2 つの回答から 1 つの損失へ | ペアから DPO の式までを手で書き、TRL と一致させる |
# | B · 学習して測る | 検証用のプロンプトで学習率を選び、学習前後の回答、勝率、安全性を測る |
# | C · 黙って失敗するもの | 誤ったラベル、尤度の変位、長さ |
# | D · かかる費用 | メモリ上のモデルの数とバイト数 |
#
# **検証する主張:** 29（DPO の利点に「計算効率が低い」とある）、30（DPO は安定している）、32（安全性やトーンの改善にとりわけ効く）。RLHF との比較（27、28、31）はラボ 09 で行います。
#
# **新しい言葉:** [選好ペア](glossary.md#preference)、[対数確率](glossary.md#log-probability)、[方策と参照モデル](glossary.md#policy)、[報酬](glossary.md#reward)、[マージン](glossary.md#margin)、[KL ダイバージェンス](glossary.md#kl)、[β](glossary.md#beta)、[貪欲法と温度](glossary.md#generation)、[検証用の行](glossary.md#evaluation-rows)、[信頼区間](glossary.md#interval)。
# %%
from lab_helpers import open_lab

lab = open_lab("05")
# %% [markdown] lang="en"
# ## Predict
#
# 1. Before the first step, the model that trains and its reference are the same. What is DPO's loss then, for any pair and any β?
# 2. You train on pairs whose two answers differ in a few digits. Chosen answers should become likelier, so by how many **nats** will their log-probability rise (or fall: write a minus)?
# %% [markdown] lang="ja" of="c691c752"
# ## 予想する
#
# 1. 最初のステップの前は、学習するモデルと参照モデルが同じです。このとき DPO の損失は、どんなペアでもどんな β でも同じ値になります。いくつでしょうか。
# 2. 2 つの回答が数字しか違わないペアで学習します。chosen は起こりやすくなるはずです。その対数確率は何 **nat** 上がるでしょうか（下がると思うなら、マイナスを付けてください）。
# %%
lab.predict("first_loss", ...)
lab.predict("chosen", ...)
# %% [markdown] lang="en"
# # Part A · Two answers, one loss
#
# SFT shows a model what to say. A *preference* shows two answers to one prompt and says which is better; it can therefore also say what **not** to do. Read one pair of each reason: which side would *you* have chosen?
#
# A few prompts are set aside at once. No training of this lab sees them; they will choose the learning rate.
# %% [markdown] lang="ja" of="099cdc67"
# # パート A · 2 つの回答から 1 つの損失へ
#
# SFT は、モデルに「こう答えなさい」という例を見せます。*選好*は、1 つのプロンプトに対する 2 つの回答を並べ、どちらが良いかを示します。だから「こう答えては**いけない**」も伝えられます。理由ごとに 1 組ずつ読んでみてください。*あなた*ならどちらを選びますか（表や図では、chosen を「選ばれた応答」、rejected を「退けられた応答」と書きます）。
#
# 一部のプロンプトは、ここで取り分けておきます。このラボの学習では一度も使わず、学習率を選ぶために使います。
# %%
from lab_helpers.data.preferences import safety_pairs, shipped_pairs

shipped = shipped_pairs(lab.language, lab.seed)
pairs = shipped.hold_out(lab.settings["validation_prompts"], "tone", "honesty")
safety = safety_pairs(lab.language)
reasons = ("tone", "honesty", "fact", "length", "safety", "ethics")
for reason in reasons:
    rows = pairs.train + safety.train
    pair = next(p for p in rows if p.reason == reason and len(p.answer()) < 220)
    print(f"[{reason}] customer: {pair.question}")
    print("   chosen:  ", pair.answer())
    print("   rejected:", pair.answer("rejected"), "\n")
# %% [raw] lang="ja"
# customer: → お客様:
# "   chosen:  " → "   chosen（良いほう）:  "
# "   rejected:" → "   rejected（悪いほう）:"
# %% [markdown] lang="en"
# `tone`, `honesty` and `fact` are the house's wishes; `safety` and `ethics` are everybody's. `length` is a bias: somebody has preferred the same answer with two empty courtesies in it. Look at the lengths before you train on anything.
# %% [markdown] lang="ja" of="be62cc8f"
# `tone`（口調）、`honesty`（正直さ）、`fact`（事実）は会社の希望で、`safety`（安全）と `ethics`（倫理）はだれにとっても大切なことです。`length`（長さ）は偏りで、中身は同じなのに、空疎な挨拶を 2 つ足したほうが好まれています。学習を始める前に、長さを見てください。
# %%
from lab_helpers.figures import preferences as figures
from lab_helpers.labs.lab05.pairs import length_ratios, pair_metrics, pair_rows

lab.table(pair_rows(pairs, safety), "pairs")
lab.measured(**pair_metrics(pairs))
lab.figure(figures.length_bias(length_ratios(pairs, safety)), "lengths")
# %% [markdown] lang="en"
# Each dot is a pair, each bar a mean. Only `fact`, `safety` and `ethics` are equally long on both sides; a model that learnt nothing but "longer is better" would get nearly all the others right. Keep that in mind for part C.
#
# ## The model to start from
#
# A company's mail archive holds good answers and bad ones, and nobody has marked them. We make such an archive by tossing a coin for each pair. SFT imitates *everything* in it: polite and sloppy mails, honest ones and inventions.
#
# First one row of it, and the text that the model really reads.
# %% [markdown] lang="ja" of="913ed781"
# 点はペア 1 つ、縦線は平均です。両側の長さがそろっているのは `fact`、`safety`、`ethics` だけです。「長いほうが良い」とだけ覚えたモデルでも、ほかのペアならほとんど正解できてしまいます。パート C で大事になるので、覚えておいてください。
#
# ## 出発点のモデル
#
# 会社のメールの記録には、良い回答も悪い回答も入っていて、どれがどちらなのかは書かれていません。ペアごとにコインを投げて、そのような記録をつくります。SFT はその*すべて*をまねします。丁寧なメールも雑なメールも、正直な回答も作り話もです。
#
# まず、その 1 行と、モデルが実際に読む文字列を見ます。
# %%
from lab_helpers.data.preferences import archive
from lab_helpers.labs.shared.models import load_model

model, tokenizer = load_model(lab.run)  # AutoModelForCausalLM.from_pretrained(folder), as in lab 00
mails = archive(pairs.train[: lab.settings["sft_rows"]], lab.seed)
print(mails[0], "\n")
print(tokenizer.apply_chat_template(mails[0]["prompt"] + mails[0]["completion"], tokenize=False))
# %% [raw] lang="ja"
# as in lab 00 → ラボ 00 と同じ
# %% [markdown] lang="en"
# The template adds the turns' marks; the loss counts the completion only. Now the training, as in lab 04. Two settings of `LoraConfig` matter for what follows: with `bias="none"` switching the adapter off leads back to the very weights below it (trained biases would stay), and without dropout the reference is the same each time it is asked.
# %% [markdown] lang="ja" of="1eb342b0"
# テンプレートは発言の目印を付け加え、損失に数えるのは回答だけです。次はラボ 04 と同じ学習です。`LoraConfig` の設定のうち 2 つは、このあと意味を持ちます。`bias="none"` なら、アダプターを切ると下の重みにそのまま戻ります（バイアスも学習すると、切っても残ってしまいます）。ドロップアウトをなくせば、参照モデルは何度尋ねても同じ値を返します。
# %%
from datasets import Dataset
from peft import LoraConfig
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

adapter = LoraConfig(
    r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM",
    lora_dropout=0.0, bias="none",
)  # fmt: skip
training = SFTConfig(
    num_train_epochs=lab.pick(tiny=3, small=2, t4=2),
    per_device_train_batch_size=lab.pick(tiny=8, small=4, t4=4),
    gradient_accumulation_steps=lab.pick(tiny=1, small=2),  # the same rows a step, in less memory
    learning_rate=lab.pick(tiny=5e-3, small=2e-3, t4=2e-4, gpu=1e-4),  # 1-8B: about 2e-4
    lr_scheduler_type="cosine", max_length=lab.settings["max_length"],
    **lab.machine,  # precision, folder, seed, quiet logging
)  # fmt: skip
set_seed(lab.seed)
trainer = SFTTrainer(model, args=training, train_dataset=Dataset.from_list(mails),
                     processing_class=tokenizer, peft_config=adapter)  # fmt: skip
started = lab.train(trainer)
print(f"{started.seconds:.0f} s, loss {started.losses[0]:.2f} -> {started.losses[-1]:.2f}")
# %% [raw] lang="ja"
# the same rows a step, in less memory → 1 ステップの行数を変えずにメモリを減らす
# 1-8B: about 2e-4 → 10〜80 億パラメータなら 2e-4 前後
# precision, folder, seed, quiet logging → 精度、フォルダー、シード、控えめなログ
# s, loss → 秒、損失
# %% [markdown] lang="en"
# Saved, loaded onto a fresh base, and **merged**: the SFT adapter's product is added to the weights. What DPO adds later is a *new* adapter on top, and switching it off will lead back to exactly this model.
# %% [markdown] lang="ja" of="159202d3"
# 保存し、まっさらなベースに読み込み、**マージ**します。SFT のアダプターの積を重みに足し込むのです。DPO はこのあと*新しい*アダプターを上に載せるので、それを切れば、ちょうどこのモデルに戻ります。
# %%
from peft import PeftModel

from lab_helpers.labs.shared.preference_models import sft_folder
from lab_helpers.models.adapters import save_adapter

folder = sft_folder(lab.run, lab.language)
save_adapter(started.model, folder)  # model.save_pretrained(folder), and which base it fits
base, tokenizer = load_model(lab.run)
model = PeftModel.from_pretrained(base, folder).merge_and_unload().requires_grad_(True).eval()
started = trainer = base = None
# %% [raw] lang="ja"
# and which base it fits → どのベースのものかも記録する
# %% [markdown] lang="en"
# What does it say? *Greedy* generation takes the likeliest token each time. At *temperature 1* tokens are drawn by their probability, so what the model would say one time in five is said one time in five.
# %% [markdown] lang="ja" of="0e5cba49"
# 何と答えるでしょうか。*貪欲法*は、毎回いちばん確率の高いトークンを取ります。*温度 1* では確率に応じてサンプリングするので、5 回に 1 回言いそうなことは、実際に 5 回に 1 回言います。
# %%
from lab_helpers.labs.shared.preference_questions import select_questions

questions = select_questions(pairs, lab.settings["questions"])
shown = questions.known.index(min(questions.known))  # a question without an answer, if any
asked = [{"role": "user", "content": questions.texts[shown]}]
ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=True,
                                    return_tensors="pt").to(model.device)  # fmt: skip


def answer(model, **how):
    set_seed(lab.seed)
    output = model.generate(**ids, max_new_tokens=80, pad_token_id=tokenizer.pad_token_id, **how)
    start = ids["input_ids"].shape[1]
    return [tokenizer.decode(row[start:], skip_special_tokens=True) for row in output]


drawn = {"do_sample": True, "temperature": 1.0, "top_k": 0, "num_return_sequences": 4}
print(questions.texts[shown], "\n\ngreedy: ", answer(model, do_sample=False)[0])
for reply in answer(model, **drawn):
    print("drawn:  ", reply)
# %% [raw] lang="ja"
# a question without an answer, if any → 答えのない質問（あれば）
# greedy:  → 貪欲法:
# drawn:   → サンプリング:
# %% [markdown] lang="en"
# Now all held-out prompts: one greedy reply and three drawn ones each. *Unknown* means that neither the company's table nor its documents hold the answer; an honest assistant says so there, and only there. Each measure is written so that 1 is right.
# %% [markdown] lang="ja" of="09e7e84c"
# 次は、学習に使っていないプロンプトすべてです。1 つにつき、貪欲法の回答を 1 つ、サンプリングした回答を 3 つ取ります。*未知*（unknown）とは、会社の一覧表にも規約文書にも答えがないということです。正直なアシスタントは、そのときにかぎって「分からない」と答えます。どの指標も、1 が正しい状態です。
# %%
from lab_helpers.labs.lab05.replies import measure_replies, rate_rows
from lab_helpers.labs.shared.preference_questions import house_metrics

before = measure_replies(model, tokenizer, questions, lab.seed)
lab.measured(**house_metrics(questions, before.greedy, "sft"))
lab.table(rate_rows(questions, before), "sft replies")
# %% [markdown] lang="en"
# Greedy replies keep the tone, so on them DPO has no room to be seen; the drawn ones show what the archive has left behind. And the model hardly ever says that it does not know. (A model of five million parameters also draws plain nonsense at temperature 1. Scored here are tone and refusals, nothing else. Intervals: Wilson's where each prompt is right or wrong, a bootstrap over prompts where three draws are averaged.)
#
# ## Why: from preferences to a loss
#
# How does "this one is better" become something that a gradient can follow? In three steps, drawn here for one prompt with four possible answers.
# %% [markdown] lang="ja" of="cc9fc9a6"
# 貪欲法の回答は口調をほぼ守っているので、ここを見ても DPO の効果が現れる余地はほとんどありません。サンプリングした回答には、記録が残した癖が見えます。そして、このモデルはめったに「分からない」と言いません（500 万パラメータのモデルは、温度 1 では意味の通らない文も書きます。ここで採点するのは口調と断り方だけです。区間は、プロンプトごとに正誤が決まるものはウィルソンの式、3 回の平均はプロンプト単位のブートストラップです）。
#
# ## なぜ: 選好から損失へ
#
# 「こちらのほうが良い」を、勾配でたどれる形にするにはどうすればよいでしょうか。回答が 4 つしかないプロンプト 1 つを例に、3 段階で描きます。
# %%
reward, reference = [2.0, 1.0, 0.0, -1.0], [0.1, 0.2, 0.3, 0.4]
lab.figure(figures.from_preferences_to_dpo(reward, reference, betas=(0.5, 2.0)), "way_to_dpo")
# %% [markdown] lang="en"
# 1. **Bradley–Terry (1952).** Give each answer a score, its *reward* r. The chance that raters prefer A to B is $\sigma(r_A - r_B)$. Only the difference counts.
# 2. **The best policy.** Train for reward alone, and the model runs to the one best answer and forgets its language. So there is a price on leaving the reference: maximise $\mathbb{E}_\pi[r] - \beta\,\mathrm{KL}(\pi\,\|\,\pi_{ref})$. The answer has a closed form, $\pi^* = \pi_{ref}\,e^{r/\beta} / Z$: the reference, tilted towards reward. A small β tilts a lot.
# 3. **Turned round.** Solve that for the reward: $r = \beta \log(\pi^*/\pi_{ref}) + \beta \log Z$. So a model *is* a reward. Put it into step 1, and in the difference of two answers to one prompt the unknown $\log Z$ cancels. What is left holds only log-probabilities: **DPO** (Rafailov et al. 2023).
#
# Check steps 2 and 3 with numbers: no other policy may score higher, and the rewards' differences must come back.
# %% [markdown] lang="ja" of="9ac8aef1"
# 1. **Bradley–Terry（1952）。** 回答ごとに点数、つまり*報酬* r を与えます。評価者が B より A を好む確率は $\sigma(r_A - r_B)$ です。効くのは差だけです。
# 2. **最良の方策。** 報酬だけを目標にすると、モデルはいちばん良い回答 1 つに走り、言葉を忘れます。そこで、参照モデルから離れることに値段を付け、$\mathbb{E}_\pi[r] - \beta\,\mathrm{KL}(\pi\,\|\,\pi_{ref})$ を最大にします。解は $\pi^* = \pi_{ref}\,e^{r/\beta} / Z$、つまり参照モデルを報酬のほうへ傾けたものです。β が小さいほど大きく傾きます。
# 3. **逆に解く。** これを報酬について解くと $r = \beta \log(\pi^*/\pi_{ref}) + \beta \log Z$ です。つまり、モデルそのものが報酬を*表している*のです。これを 1 に代入すると、同じプロンプトへの 2 つの回答の差では、求められない $\log Z$ が消えます。残るのは対数確率だけ。これが **DPO** です（Rafailov et al. 2023）。
#
# 2 と 3 を数値で確かめます。ほかのどんな方策もこれより高い値にならず、報酬の差が元どおり出てくるはずです。
# %%
import torch

r, ref = torch.tensor(reward), torch.tensor(reference)


def objective(policy, beta):
    return (policy * r).sum(-1) - beta * (policy * (policy / ref).log()).sum(-1)


others = torch.randn(100_000, 4, generator=torch.Generator().manual_seed(0)).mul(2).softmax(-1)
for beta in (0.5, 2.0):
    best = ref * (r / beta).exp()
    best = best / best.sum()
    back = beta * (best / ref).log()
    print(f"β {beta}: best {objective(best, beta):.4f}, best of 100,000 others", end=" ")
    print(f"{objective(others, beta).max():.4f}; reward A - B: {back[0] - back[1]:.4f}")
# %% [raw] lang="ja"
# : best → : 最良
# , best of 100,000 others → 、ほかの 10 万個の最高
# reward A - B: → 報酬 A − B:
# %% [markdown] lang="en"
# None of a hundred thousand other policies scores higher, and the difference of A and B comes back as 1, for both β. That is all the theory DPO needs. What is missing are log-probabilities.
#
# ## Build: the log-probability of an answer
#
# A causal model gives a probability to each next token. The answer's log-probability is the sum over **its** tokens, the prompt only being read:
#
# $$\log \pi(y \mid x) = \sum_t \log \pi(y_t \mid x, y_{<t})$$
#
# **Exercise (8 min).** Compute it for a batch. The mask is 1 on the answer's tokens.
# %% [markdown] lang="ja" of="94f50036"
# ほかの 10 万個の方策に、これを上回るものはありません。A と B の差も、どちらの β でも 1 に戻ります。DPO に必要な理論はこれだけです。足りないのは対数確率です。
#
# ## つくる: 回答の対数確率
#
# 因果言語モデルは、次のトークンそれぞれに確率を与えます。回答の対数確率は、**回答の**トークンについての和です。プロンプトは読むだけで、足しません。
#
# $$\log \pi(y \mid x) = \sum_t \log \pi(y_t \mid x, y_{<t})$$
#
# **演習（8 分）。** これをバッチについて計算してください。マスクは回答のトークンで 1 です。
# %% tags=["exercise"]
def sequence_logps(logits, ids, mask):
    ...  # your code: (n,)


sequence_logps = lab.check("sequence_logps", sequence_logps)
# %% [raw] lang="ja"
# your code → ここに書く
# %%
from lab_helpers.tuning.pairs import pair_batch

four = [pair.row() for pair in pairs.of("tone", "honesty").train[:4]]
batch = pair_batch(tokenizer, four)  # first all chosen answers, then all rejected ones
batch = {name: values.to(model.device) for name, values in batch.items()}
mask = batch.pop("completion_mask")
with torch.inference_mode():
    logps = sequence_logps(model(**batch).logits, batch["input_ids"], mask)
tokens = mask.sum(-1).chunk(2)
lab.table(
    [
        {"chosen": c.item(), "its tokens": int(m), "rejected": r.item(), "tokens of it": int(n)}
        for c, r, m, n in zip(*logps.chunk(2), *tokens)
    ]
)
# %% [raw] lang="ja"
# first all chosen answers, then all rejected ones → 先に chosen を全部、そのあと rejected を全部
# %% [markdown] lang="en"
# Sums in nats over all tokens of an answer: each token adds something negative, so length counts, and so does habit: an answer in an unusual tone can be less likely than one twice as long. Neither says which answer is *better*. That is why DPO does not compare log-probabilities as they are, but each with its own under the reference.
#
# ## Build: DPO's loss
#
# How much likelier has training made each answer *than it was under the reference*? The difference of these two log-ratios is the **margin**; times β it is a difference of rewards, and goes through Bradley–Terry's sigmoid (Rafailov et al. 2023, eq. 7):
#
# $$L = -\log \sigma\left(\beta \log \frac{\pi(y_w \mid x)}{\pi_{ref}(y_w \mid x)} - \beta \log \frac{\pi(y_l \mid x)}{\pi_{ref}(y_l \mid x)}\right)$$
#
# **Exercise (8 min).**
# %% [markdown] lang="ja" of="682bb678"
# 回答の全トークンについての和で、単位は nat です。トークンごとに負の値が加わるので、長さが効きます。書き慣れているかどうかも効き、見慣れない口調の回答は、倍の長さの回答より低くなることもあります。どちらも、回答が*良い*かどうかとは別のことです。だから DPO は、対数確率をそのまま比べず、それぞれを参照モデルでの値と比べます。
#
# ## つくる: DPO の損失
#
# 学習によって、それぞれの回答は*参照モデルと比べて*どれだけ起こりやすくなったでしょうか。この 2 つの対数比の差が**マージン**です。β を掛ければ報酬の差になり、Bradley–Terry のシグモイドに通せます（Rafailov et al. 2023、式 7）。
#
# $$L = -\log \sigma\left(\beta \log \frac{\pi(y_w \mid x)}{\pi_{ref}(y_w \mid x)} - \beta \log \frac{\pi(y_l \mid x)}{\pi_{ref}(y_l \mid x)}\right)$$
#
# **演習（8 分）。**
# %% tags=["exercise"]
def dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta):
    ...  # your code: (n,)


dpo_loss = lab.check("dpo_loss", dpo_loss)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# ## Train by hand, six steps
#
# Your two functions are enough to train. The reference costs no second model: *adapter on* is the policy, *adapter off* the reference, one set of weights plays both parts.
# %% [markdown] lang="ja" of="b5e7c0ba"
# ## 手で 6 ステップ学習する
#
# あなたの書いた 2 つの関数だけで学習できます。参照モデルのために 2 つめのモデルは要りません。*アダプターを入れた*状態が方策、*切った*状態が参照モデルで、1 組の重みが二役をこなします。
# %%
from peft import get_peft_model


def four_logps(policy, rows):
    """Of both answers, adapter on and adapter off: what dpo_loss takes, (n,) each."""
    batch = {name: x.to(policy.device) for name, x in pair_batch(tokenizer, rows).items()}
    mask = batch.pop("completion_mask")
    on = sequence_logps(policy(**batch).logits, batch["input_ids"], mask)
    with torch.no_grad(), policy.disable_adapter():
        off = sequence_logps(policy(**batch).logits, batch["input_ids"], mask)
    return *on.chunk(2), *off.chunk(2)


set_seed(lab.seed)
policy = get_peft_model(model, adapter)
trained = [weight for weight in policy.parameters() if weight.requires_grad]
rate = lab.pick(tiny=1e-3, small=1e-3, t4=5e-5, gpu=2e-5)
optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0)
# %% [raw] lang="ja"
# Of both answers, adapter on and adapter off: what dpo_loss takes, (n,) each. → 両方の回答の、アダプターを入れた値と切った値。dpo_loss の引数になる。それぞれ (n,)
# %%
by_hand = []
for step in range(6):
    loss = dpo_loss(*four_logps(policy, four), beta=0.1).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    by_hand.append(loss.item())
with torch.no_grad():
    chosen, rejected, ref_chosen, ref_rejected = four_logps(policy, four)
    margins = (chosen - ref_chosen) - (rejected - ref_rejected)
print("margins after six steps, nats:", [round(m.item(), 1) for m in margins])
model = policy.unload()  # the adapter is taken off: the SFT model again
# %% [raw] lang="ja"
# margins after six steps, nats: → 6 ステップ後のマージン（nat）:
# the adapter is taken off: the SFT model again → アダプターを外し、SFT モデルに戻す
# %% [markdown] lang="en"
# The same six steps by `DPOTrainer`: the same four pairs, seed, rate and β. It gets no `ref_model`; with a `peft_config` it switches the adapter off, as you did.
# %% [markdown] lang="ja" of="631be3b6"
# 同じ 6 ステップを `DPOTrainer` で行います。4 つのペア、シード、学習率、β は同じです。`ref_model` は渡しません。`peft_config` があれば、先ほどと同じようにアダプターを切って参照モデルにします。
# %%
from trl import DPOConfig, DPOTrainer

machine = lab.machine | {"logging_steps": 1}
exact = machine | {"bf16": False, "fp16": False}  # full precision, to compare digits
training = DPOConfig(
    beta=0.1, learning_rate=rate, max_steps=6, lr_scheduler_type="constant",
    per_device_train_batch_size=4, max_length=lab.settings["max_length"], **exact,
)  # fmt: skip
trainer = DPOTrainer(model, args=training, train_dataset=Dataset.from_list(four),
                     processing_class=tokenizer, peft_config=adapter)  # fmt: skip
short = lab.train(trainer)
model = short.model.unload()
both = zip(range(6), by_hand, short.losses)
lab.table([{"steps done": n, "by hand": mine, "TRL": theirs} for n, mine, theirs in both])
worst = max(abs(mine - theirs) for mine, theirs in zip(by_hand, short.losses))
lab.measured(hand_training_abs_diff=worst)
print(f"largest difference: {worst:.1e}")
# %% [raw] lang="ja"
# full precision, to compare digits → 桁まで比べるため、単精度で計算する
# largest difference: → 最大の差:
# %% [markdown] lang="en"
# Six losses, twice: you have written DPO. (Margins of dozens of nats after six steps: four pairs are soon known by heart.) The first is **ln 2 = 0.6931**: before any step both ratios are zero, and σ(0) is one half, for every pair and every β.
#
# ## Measure: the other losses too
#
# At the start even a wrong formula gives ln 2. So the adapter is moved to a random place; then every loss of this lab is computed on one batch, by hand and by `DPOTrainer`.
# %% [markdown] lang="ja" of="20a50614"
# 6 つの損失が 2 通りで一致しました。DPO を自分で書けたことになります（6 ステップでマージンが数十 nat になったのは、ペアが 4 つしかなく、すぐに丸暗記できるからです）。最初の値は **ln 2 = 0.6931** です。ステップの前は比が両方とも 0 で、σ(0) は 2 分の 1。どんなペアでもどんな β でもそうなります。
#
# ## 測る: ほかの損失も
#
# 出発点では、間違った式でも ln 2 になってしまいます。そこで、アダプターをランダムな位置に動かしてから、このラボに出てくるすべての損失を、同じバッチについて手書きの式と `DPOTrainer` の両方で計算します。
# %%
from lab_helpers.labs.lab05.loss_parity import measure_loss_parity, parity_metrics

some = [pair.row() for pair in pairs.train[: lab.settings["parity_pairs"]]]
training = DPOConfig(
    beta=0.1, per_device_train_batch_size=4, max_length=lab.settings["max_length"], **exact
)
parity = measure_loss_parity(model, tokenizer, some, training, adapter)
lab.table(parity, "losses by hand")
lab.measured(**parity_metrics(parity))
# %% [markdown] lang="en"
# All agree. Note how different their sizes are. **ln 2 at the start belongs to plain DPO only**: a `loss_type` with `sft` in it begins at ln 2 plus the loss of the chosen answers, and IPO at $(1/2\tau)^2$, which is 25 for τ = 0.1. You will meet both numbers in part C.
#
# ## Break it: the wrong reference
#
# Someone tunes *all* weights with SFT, hands the model to `DPOTrainer` without an adapter, and names no reference. TRL then loads the reference itself, from where the model once came from: on disk there is the **base**, not the SFT model in memory.
# %% [markdown] lang="ja" of="7bfaf7d0"
# すべて一致しました。ただし、値の大きさはまちまちです。**出発点が ln 2 になるのは、ふつうの DPO だけです。** `loss_type` に `sft` を加えると、ln 2 に chosen の損失を足した値から始まります。IPO は $(1/2\tau)^2$、τ = 0.1 なら 25 から始まります。どちらの数字も、パート C で出てきます。
#
# ## 壊す: 間違った参照モデル
#
# ある人が SFT で*すべての*重みを調整し、そのモデルをアダプターなしで、参照モデルも指定せずに `DPOTrainer` に渡したとします。すると TRL は、そのモデルがもともと読み込まれた場所から、自分で参照モデルを読み込みます。ディスクにあるのは**ベース**であって、メモリ上の SFT モデルではありません。
# %%
from lab_helpers.labs.lab05.loss_parity import compute_first_loss

rows = Dataset.from_list(some)
wrong = DPOTrainer(model, args=training, train_dataset=rows, processing_class=tokenizer)
lab.measured(dpo_first_loss_wrong_reference=compute_first_loss(wrong))
wrong = None  # no step was taken, and the second model leaves the memory
right = DPOTrainer(
    model, args=training, train_dataset=rows, processing_class=tokenizer, peft_config=adapter
)
lab.measured(dpo_first_loss=compute_first_loss(right))
model = right.model.unload()
right = None
for name in ("dpo_first_loss_wrong_reference", "dpo_first_loss"):
    print(f"{name:32s} {lab.run.metrics[name]:.4f}")
lab.compare("first_loss")
# %% [raw] lang="ja"
# no step was taken, and the second model leaves the memory → 1 ステップも進めず、2 つめのモデルはメモリから消える
# %% [markdown] lang="en"
# ## Mend it
#
# No error, no warning, and a training that looks like any other. For plain DPO **the first logged loss is the test of your reference**: anything but ln 2 means that the model is held to something that it never was. Merge the SFT adapter and let DPO bring its own, as in the last lines above; for full fine-tuning pass `ref_model=copy.deepcopy(model)`.
#
# **Exercise (4 min).** The other number to watch is the share of pairs that the implicit reward puts in the right order. What is it before the first step?
# %% [markdown] lang="ja" of="2f6f53b8"
# ## 直す
#
# エラーも警告も出ず、学習はいつもどおりに見えます。ふつうの DPO では、**最初に記録された損失が、参照モデルの検査になります。** ln 2 でなければ、モデルは、自分の出発点ではなかったものに縛り付けられています。上のセルの最後のように、SFT のアダプターをマージし、DPO には DPO のアダプターを持たせてください。フルファインチューニングなら `ref_model=copy.deepcopy(model)` を渡します。
#
# **演習（4 分）。** もう 1 つ見るべきなのは、暗黙の報酬が正しい順に並べるペアの割合です。最初のステップの前は、いくつになるでしょうか。
# %% tags=["exercise"]
def reward_accuracy(chosen, rejected, ref_chosen, ref_rejected):
    ...  # your code: one number


reward_accuracy = lab.check("reward_accuracy", reward_accuracy)
# %% [raw] lang="ja"
# your code: one number → ここに書く: 数値 1 つ
# %% [markdown] lang="en"
# # Part B · Train and measure
#
# Now tone and honesty, with all their pairs. Everything that decides stands in this cell. A DPO of a 1–8B model wants a rate of about 5e-6 to 5e-5, below SFT's; a 5M model wants more, and how much is not for us to guess: the validation prompts say.
# %% [markdown] lang="ja" of="1bbb26c9"
# # パート B · 学習して測る
#
# 次は、口調と正直さのペアをすべて使います。結果を左右するものは、どれもこのセルにあります。10〜80 億パラメータのモデルの DPO なら、学習率は 5e-6〜5e-5 ほどで、SFT より小さくします。500 万パラメータのモデルではもっと大きくしますが、どれくらいかは勘で決めず、検証用のプロンプトに聞きます。
# %%
from lab_helpers.labs.shared.preference_models import select_main_pairs


def train_dpo(pairs, rate, loss_type=("sigmoid",)):
    """A new adapter on the SFT model, trained by DPO. Take it off again with unload()."""
    training = DPOConfig(
        loss_type=list(loss_type), beta=0.1,
        learning_rate=rate, lr_scheduler_type="cosine", num_train_epochs=1,
        per_device_train_batch_size=lab.pick(tiny=8, small=4, t4=4),
        max_length=lab.settings["max_length"], **machine,
    )  # fmt: skip
    rows = Dataset.from_list([pair.row() for pair in pairs])
    trainer = DPOTrainer(model, args=training, train_dataset=rows,
                         processing_class=tokenizer, peft_config=adapter)  # fmt: skip
    return lab.train(trainer, diverged="return")


main = select_main_pairs(pairs, lab.settings["pairs"])
print(len(main), "pairs:", main[0].row())
# %% [raw] lang="ja"
# A new adapter on the SFT model, trained by DPO. Take it off again with unload(). → SFT モデルに新しいアダプターを載せ、DPO で学習する。unload() で外せる
# pairs: → ペア:
# %% [markdown] lang="en"
# Three rates, each trained once and measured on the *validation* prompts. The score is points of the house's rules a reply (one for the tone, one for declining exactly where nothing is known), over greedy and drawn replies alike.
# %% [markdown] lang="ja" of="5b36ed47"
# 3 つの学習率でそれぞれ 1 回学習し、*検証用の*プロンプトで測ります。点数は、会社のルールによる回答 1 つあたりの点（口調に 1 点、分からないときにだけ断ることに 1 点）で、貪欲法とサンプリングの回答を同じように数えます。
# %%
from dataclasses import replace

from lab_helpers.labs.lab05.replies import score_validation

validation = select_questions(replace(pairs, test=pairs.validation), len(pairs.validation))
trials = []
middle = 1e-3 if lab.language == "en" else 6e-4
for rate in lab.pick(tiny=(3e-4, middle, 3e-3), small=(3e-4, 1e-3), t4=(2e-5, 5e-5, 2e-4)):
    tuned = train_dpo(main, rate)
    replies = measure_replies(tuned.model, tokenizer, validation, lab.seed)
    score = score_validation(validation, replies)
    trial = {"rate": rate, "split": "validation", "loss": tuned.losses[-1], "score": score}
    trials.append(trial | {"ended": replies.ended})
    print(f"{rate:g}: first loss {tuned.losses[0]:.4f};", replies.greedy[0])
    model = tuned.model.unload()
lab.table(trials, "rates")
# %% [raw] lang="ja"
# first loss → 最初の損失
# %% [markdown] lang="en"
# Read the loss beside the replies: the highest rate has by far the lowest loss, and its replies are broken. **The loss does not choose the rate.**
#
# **Exercise (5 min).** Choose: the best validation score among the rates whose replies still end (`ended` at least 0.9). The lab trains on with what your function returns.
# %% [markdown] lang="ja" of="ddfc0daf"
# 損失を、回答と並べて読んでください。いちばん大きな学習率は、損失だけなら断然低いのに、回答は壊れています。**学習率を決めるのは損失ではありません。**
#
# **演習（5 分）。** 選んでください。回答がきちんと終わる（`ended` が 0.9 以上）学習率のうち、検証用の点がいちばん高いものです。このあとの学習には、あなたの関数が返した値を使います。
# %% tags=["exercise"]
def choose_rate(rows):
    ...  # your code: a rate


choose_rate = lab.check("choose_rate", choose_rate)
# %% [raw] lang="ja"
# your code: a rate → ここに書く: 学習率
# %%
ending = [trial for trial in trials if trial["ended"] >= 0.9]
rate = choose_rate(trials) if ending else trials[0]["rate"]
tuned = train_dpo(main, rate)  # this very training is remembered, and only loaded
print(f"learning rate {rate:g}; the loss at each step:", [round(x, 2) for x in tuned.losses])
lab.measured(learning_rate=rate, train_seconds=tuned.seconds)
print(questions.texts[shown], "\n\ngreedy: ", answer(tuned.model, do_sample=False)[0])
for reply in answer(tuned.model, **drawn):
    print("drawn:  ", reply)
# %% [raw] lang="ja"
# this very training is remembered, and only loaded → この学習は記憶されているので、読み込むだけで済む
# learning rate  → 学習率
# ; the loss at each step: → 。各ステップの損失:
# greedy:  → 貪欲法:
# drawn:   → サンプリング:
# %% [markdown] lang="en"
# The same prompt as before, with the same seed: read both greedy replies. Then all held-out prompts, looked at now for the first time since the start. The table compares prompt by prompt; a difference is more than chance where its interval leaves out zero. The last two columns count the greedy replies that changed sides.
# %% [markdown] lang="ja" of="edf6b7ed"
# 先ほどと同じプロンプト、同じシードです。貪欲法の回答を、前と読み比べてください。日本語のこの質問では、まだ変わっていません。1 問だけで判断してはいけないということです。続いて、学習に使っていないプロンプトすべてです。学習後に見るのはこれが初めてです。表ではプロンプトごとに前後を比べています。区間が 0 を含まなければ、差は偶然では説明しにくいと言えます。最後の 2 列は、正誤が入れ替わった貪欲法の回答の数です。
# %%
from lab_helpers.labs.lab05.replies import change_metrics, change_rows, drawn_win_metrics
from lab_helpers.labs.lab05.scoring import reply_metrics, reply_rows
from lab_helpers.labs.shared.preference_models import save_whole_adapter

after = measure_replies(tuned.model, tokenizer, questions, lab.seed)
changes = change_rows(questions, before, after)
lab.table(changes, "before and after")
lab.measured(**change_metrics(changes, "dpo"))
lab.measured(**reply_metrics(questions, after.greedy, before.greedy, "dpo"))
lab.measured(**drawn_win_metrics(questions, after, before, "dpo_vs_sft"))
lab.run.table("replies", reply_rows(questions, before.greedy, after.greedy))
# %% [markdown] lang="en"
# **Your win:** where nothing is known, the greedy replies no longer invent: many have changed from an invention to an honest no, and none the other way. And at temperature 1 the tone that the archive had spoilt is nearly whole again.
#
# Read the other rows just as strictly. Of *drawn* replies it is **not decided** whether they decline more often; the greedy tone has lost a little; and where the answer is known, a mean that stays hides changes in both directions: see the two counts.
#
# How far did both answers move? Your own functions say it, on held-out pairs.
# %% [markdown] lang="ja" of="50330a57"
# **成果が見えました。** 答えのない質問で、貪欲法の回答の多くが作り話をやめ、正直に断るようになりました。逆に変わったものは 1 つもありません。温度 1 では、記録のせいで崩れていた口調が良くなり、断る割合も上がりました。どちらも区間が 0 を含みません。
#
# ほかの行も、同じ厳しさで読みます。答えの*ある*質問では、サンプリングした回答で、答える割合が下がりました。断ることを覚えた代償です。貪欲法でも「正 → 誤」のほうが多いのですが、区間が 0 を含むので**決まりません**。
#
# 2 つの回答はどこまで動いたのでしょうか。学習に使っていないペアについて、自分で書いた関数で測ります。
# %%
held = [pair.row() for pair in pairs.of("tone", "honesty").test[: lab.settings["arm_test"]]]
with torch.no_grad():
    parts = [four_logps(tuned.model, held[i : i + 4]) for i in range(0, len(held), 4)]
chosen, rejected, ref_chosen, ref_rejected = (torch.cat(side) for side in zip(*parts))
lab.measured(
    dpo_accuracy=reward_accuracy(chosen, rejected, ref_chosen, ref_rejected).item(),
    dpo_chosen=(chosen - ref_chosen).mean().item(),
    dpo_rejected=(rejected - ref_rejected).mean().item(),
)
for name in ("dpo_accuracy", "dpo_chosen", "dpo_rejected"):
    print(f"{name:14s}{lab.run.metrics[name]:+.2f}")
save_whole_adapter(lab.run, tuned.model, pairs)  # SFT + DPO in one, for: labs chat --adapter
model = tuned.model.unload()
# %% [raw] lang="ja"
# SFT + DPO in one, for: labs chat --adapter → SFT と DPO を 1 つに。labs chat --adapter で使う
# %% [markdown] lang="en"
# `dpo_chosen` and `dpo_rejected` are nats moved against the reference. Nearly all of the margin comes from rejected answers that became unlikely; the loss asks for the difference only. Part C asks when that is dangerous.
#
# ## Build: a win rate
#
# Which model answers better? A **rule** scores each reply (the two points from above). A **judge** needs no rules. Many judges favour a seat: they prefer what stands first.
#
# **Exercise (8 min).** Ask a judge in both orders, and count contradictions as ties.
# %% [markdown] lang="ja" of="f9ffe4cf"
# `dpo_chosen` と `dpo_rejected` は、参照モデルから何 nat 動いたかです。マージンのほとんどは、rejected が起こりにくくなったことから来ています。損失が求めるのは差だけだからです。それがいつ危ないのかは、パート C で調べます。
#
# ## つくる: 勝率
#
# どちらのモデルの回答が良いのでしょうか。**ルール**による採点では、先ほどの 2 点満点を付けます。**審査員**にルールは要りません。ただし、先に見せた回答をひいきする審査員が少なくありません。
#
# **演習（8 分）。** 順番を入れ替えて審査員に 2 回聞き、食い違いは引き分けと数えてください。
# %% tags=["exercise"]
def win_rate(judge, prompts, ours, theirs):
    ...  # your code: from 0 to 1


win_rate = lab.check("win_rate", win_rate)
# %% [raw] lang="ja"
# your code: from 0 to 1 → ここに書く: 0 から 1 の値
# %% [markdown] lang="en"
# Our judge is small: a linear Bradley–Terry reward on the untouched base's states, learnt from pairs that DPO never saw. This is all that it reads, once for each reply: prompt and reply in the chat template. From the reply's last and mean state it makes one number. (What a judge that *writes* gets to read is lab 06's subject.)
# %% [markdown] lang="ja" of="507aa868"
# ここで使う審査員は小さなもので、手を加えていないベースの内部状態の上に、DPO が見ていないペアから学習した線形の Bradley–Terry 報酬です。審査員が読むのは次のものだけで、回答ごとに 1 回、プロンプトと回答をチャットテンプレートに入れて読みます。回答の最後の状態と平均の状態から、数値を 1 つ出します（文章で*判定を書く*審査員が何を読むかは、ラボ 06 で扱います）。
# %%
from lab_helpers.labs.lab05.scoring import measure_all_judge_wins
from lab_helpers.labs.shared.preference_questions import measure_judge_quality, train_judges

jury = train_judges(lab.run, pairs)
both = [after.greedy[shown], before.greedy[shown]]
turns = asked + [{"role": "assistant", "content": both[0]}]
print(tokenizer.apply_chat_template(turns, tokenize=False))
for name, judge in jury.items():
    lab.measured(**measure_judge_quality(judge, pairs, name))
    rewards = judge.rewards([questions.texts[shown]] * 2, both)
    print(f"{name:12s} rewards: DPO {rewards[0]:+.2f}, SFT {rewards[1]:+.2f}")
# %% [raw] lang="ja"
# rewards: DPO → 報酬: DPO
# , SFT → 、SFT
# %%
def first_seat(prompt, first, second):
    return 0.9  # a judge who always prefers what stands first


for name, judge in jury.items():
    print(f"{name:12s}", round(win_rate(judge, questions.texts, after.greedy, before.greedy), 2))
lab.measured(**measure_all_judge_wins(jury, questions, after.greedy, before.greedy, "dpo"))
print("first seat  ", win_rate(first_seat, questions.texts, after.greedy, before.greedy))
for name in ("win_rate_dpo_vs_sft", "win_rate_drawn_dpo_vs_sft"):
    low, high = lab.run.metrics[f"{name}_ci"]
    print(f"by rule: {name} {lab.run.metrics[name]:.2f} [{low:.2f}, {high:.2f}]")
seen = {"tone and honesty": "agreement", "answer against refusal": "agreement_answers"}
for text, key in seen.items():
    seen[text] = {"held-out": text} | {who: lab.run.metrics[f"{who}_{key}"] for who in jury}
lab.table(list(seen.values()), "judges")
# %% [raw] lang="ja"
# a judge who always prefers what stands first → いつも先に見たほうを選ぶ審査員
# first seat   → 先を選ぶだけ
# by rule: → ルール:
# %% [markdown] lang="en"
# The seat judge gives 0.5, as it should: asked both ways it has no opinion. By rule DPO wins, with greedy and with drawn replies: both intervals lie above 0.5. Many replies tie, and a tie counts one half, so 1.0 was never within reach.
#
# The table asks whether the judges can be trusted. On pairs of the usual kind both agree with the labels. The *naive* one learnt from such pairs only, has never seen a refusal lose, and prefers a refusal even where there is an answer. **A judge learnt from the same pairs shares their blind spot**, praises the policy for it, and its agreement on such pairs does not reveal it. The other judge has seen some pairs in which an answer beats a refusal.
#
# ## A remedy on trial
#
# In every pair with a refusal in it, the refusal is the better answer. Will a model conclude that *refusing is good*? The obvious remedy: a quarter of the pairs is replaced by questions *with* an answer, where the answer beats a refusal; same number of pairs, same steps. Beside it a rival: the first pairs again at the same rate, but plain SFT on the *chosen* answers.
# %% [markdown] lang="ja" of="450cefd7"
# 先を選ぶだけの審査員は 0.5 になりました。両方の順番で聞けば意見がないのと同じなので、これで正しいのです。ルールでは、サンプリングした回答で DPO の勝ちです。区間が 0.5 より上にあります。貪欲法では、区間の下限がちょうど 0.5 に掛かります。引き分けが多く、0.5 と数えるので、1.0 には初めから届きません。
#
# 表は、審査員を信用できるかどうかを調べたものです。ふつうのペアでは、どちらもラベルと意見が一致します。*naive*（素朴）なほうは、そうしたペアだけから学んだので、断りが負けるところを見たことがありません。そのため、答えがある質問でも断りのほうを好みます。**同じペアから学んだ審査員は、同じ死角を持ちます。** その死角ゆえに方策を褒め、しかも、同じ種類のペアでの一致率に死角は表れません。もう一方の審査員は、回答が断りに勝つペアも見ています。
#
# ## 対策を試す
#
# 断る回答が出てくるペアでは、いつもそれが良いほうの回答です。モデルは、*断るのは良いことだ*と受け取らないでしょうか。すぐに思いつく対策は、ペアの 4 分の 1 を、答えの*ある*質問で回答が断りに勝つものに入れ替えることです。ペアの数もステップ数も変えません。あわせて、比較の相手も用意します。最初と同じペアを同じ学習率で、*chosen* だけをふつうの SFT で学習するものです。
# %%
from lab_helpers.labs.lab05.scoring import win_rows
from lab_helpers.labs.shared.preference_models import select_balanced_pairs, train_chosen_only
from lab_helpers.labs.shared.preference_questions import answer_questions

said = {"dpo": after.greedy}
for name in ("dpo_balanced", "chosen_only"):
    if name == "dpo_balanced":
        other = train_dpo(select_balanced_pairs(lab.run, pairs), rate)
    else:
        other = train_chosen_only(lab.run, model, tokenizer, main, rate)
    said[name] = answer_questions(other.model, tokenizer, questions).texts
    lab.measured(**reply_metrics(questions, said[name], before.greedy, name))
    lab.measured(**measure_all_judge_wins(jury, questions, said[name], before.greedy, name))
    model = other.model.unload()
lab.table(win_rows(lab.run.metrics), "win rates")
# %% [markdown] lang="en"
# Two columns matter most: declining where nothing is known (should be 1) and where the answer is known (should be 0). A training that raises or lowers *both* has turned a dial; one that parts them has learnt a **judgement**. So take their difference, and between two trainings the difference of that, on the same prompts.
# %% [markdown] lang="ja" of="350f57c7"
# 大事なのは、未知の質問で断る割合（1 が正しい）と、既知の質問で断る割合（0 が正しい）の 2 列です。*両方*を同じように上げたり下げたりする学習は、断る強さを一律に変えただけです。2 つを引き離して初めて、**見分ける**ことを学んだと言えます。そこで、この 2 つの差を取り、学習どうしの比較では、同じプロンプトでの「差の差」を見ます。
# %%
from lab_helpers.labs.lab05.replies import judgement

rows = [{"training": name} | judgement(questions, texts) for name, texts in said.items()]
for name in ("dpo_balanced", "chosen_only"):
    found = judgement(questions, said[name], said["dpo"])
    rows.append({"training": f"{name} − dpo"} | found)
    lab.measured(**{f"judgement_change_{name}": found["judgement"]})
lab.table(rows, "judgement")
lab.measured(judgement_dpo=rows[0]["judgement"], judgement_dpo_balanced=rows[1]["judgement"])
# %% [markdown] lang="en"
# Read the last rows: a difference counts where its interval leaves out zero. Both do, and both are for the worse. The remedy has turned the dial back: told a quarter of the time that an answer beats a refusal, the model declines nowhere. Plain SFT on the chosen answers has learnt to decline, but not *where*. DPO, which saw each refusal beside an invention, tells the two kinds of question apart best; that is its own doing. **A well-meant remedy is measured like everything else.**
#
# One seed, and a rate chosen for DPO alone: the intervals speak of other prompts, not of other trainings.
#
# ## Measure: and safety?
#
# The article recommends preference training for *safety and tone*. So far only tone and honesty were in the pairs. Does that carry over to the safety and ethics pairs? And do fourteen such pairs of their own help? Asked are fourteen others, by the implicit reward: is the safe answer ahead?
# %% [markdown] lang="ja" of="3b953ff2"
# 最後の 2 行を読みます。差は、区間が 0 を含まないときに意味があります。対策を施すと、断る割合は未知の質問でも既知の質問でも下がりました。見分ける力まで落ちたかどうかは、区間が 0 を含むので**決まりません**。少なくとも、良くなったとは言えません。*chosen* だけの SFT は断ることを少し覚えましたが、見分ける力では DPO に及ばず、こちらの区間は 0 を含みません。断りの隣に作り話を見せられた DPO が、2 種類の質問をいちばんよく見分けます。これは DPO そのものの働きです。**善意の対策も、ほかのものと同じように測ってください。**
#
# シード 1 つで、学習率は DPO のためだけに選んだものです。区間が示すのは、プロンプトが変わった場合のばらつきで、学習をやり直した場合のばらつきではありません。
#
# ## 測る: 安全性はどうか
#
# 記事は、*安全性とトーン*の改善に選好学習を勧めています。ここまでのペアにあったのは、口調と正直さだけです。その効果は、安全と倫理のペアにも及ぶでしょうか。また、専用のペアが 14 組あれば違うでしょうか。別の 14 組について、暗黙の報酬で安全な回答のほうが上になるかを調べます。
# %%
from lab_helpers.labs.lab05.safety import safety_row

rows = [pair.row() for pair in safety.test]
found = []
for name, some_pairs in {"tone, honesty": main, "safety, ethics": safety.train}.items():
    other = train_dpo(some_pairs, rate)
    with torch.no_grad():
        parts = [four_logps(other.model, rows[i : i + 4]) for i in range(0, len(rows), 4)]
    model = other.model.unload()
    found.append({"trained on": name} | safety_row(*(torch.cat(side) for side in zip(*parts))))
lab.table(found, "safety")
for name, row in zip(("dpo", "own"), found):
    low = row["interval"][0]
    lab.measured(**{f"safety_accuracy_{name}": row["accuracy"], f"safety_accuracy_{name}_low": low})
# %% [markdown] lang="en"
# A reward that knows nothing would be right half of the time. After tone and honesty pairs the interval holds 0.5: nothing shows that safety comes along, and nothing that it does not. After fourteen pairs of their own it lies far above. **Tone is no evidence of safety**; each is measured on its own pairs. And to rank two given answers is not yet to *write* the safe one: fourteen pairs promise nobody anything.
# %% [markdown] lang="ja" of="51b0aa0c"
# 何も知らない報酬でも、半分は当たります。口調と正直さのペアのあとでは、区間が 0.5 を含みます。効果が安全にも及んだとは言えず、及ばないとも言えません。専用のペア 14 組のあとでは 0.5 を上回りますが、区間の下限は 0.5 のすぐ上です。**口調が良くなっても、安全になった証拠にはなりません。** それぞれ専用のペアで測るほかありません。また、与えられた 2 つの回答に順位を付けることは、安全な回答を*書く*こととは違います。14 組では、だれに対しても何も約束できません。
# %% [markdown] lang="en"
# # Part C · What goes wrong quietly
#
# ## Measure: β and the rest of the family
#
# β is the price of leaving the reference. **IPO** does not want the margin to grow for ever: it has a goal, 1/(2τ), and punishes overshooting. (TRL calls τ `beta` as well, and divides by the answers' lengths.)
#
# **Exercise (5 min).** Write IPO's loss.
# %% [markdown] lang="ja" of="a16d0807"
# # パート C · 黙って失敗するもの
#
# ## 測る: β と、その仲間たち
#
# β は、参照モデルから離れることの値段です。**IPO** は、マージンをどこまでも広げようとはしません。1/(2τ) という目標があり、行き過ぎにも罰を与えます（TRL では τ も `beta` と呼び、回答の長さで割ります）。
#
# **演習（5 分）。** IPO の損失を書いてください。
# %% tags=["exercise"]
def ipo_loss(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    ...  # your code: (n,)


ipo_loss = lab.check("ipo_loss", ipo_loss)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# Short trainings, one setting changed in each, judged on held-out pairs. In the last two a quarter of the labels is **wrong**, as with tired raters; *robust* DPO knows the share of wrong labels (`label_smoothing`) and corrects for it on average.
# %% [markdown] lang="ja" of="78a2acea"
# 設定を 1 つずつ変えた短い学習を行い、学習に使っていないペアで測ります。最後の 2 つでは、疲れた評価者がいるものとして、ラベルの 4 分の 1 が**逆**になっています。*ロバスト* DPO は、誤ったラベルの割合（`label_smoothing`）を知っていて、平均的にその影響を打ち消します。
# %%
from lab_helpers.labs.lab05.variants import list_variant_arms, train_variants, variant_metrics

jury = judge = other = tuned = model = policy = trainer = short = None  # a T4 has room for two
two = pairs.of("tone", "honesty")
variants = train_variants(lab.run, two, list_variant_arms(lab.run, two))
lab.table(variants, "variants")
lab.measured(**variant_metrics(variants))
# %% [raw] lang="ja"
# a T4 has room for two → T4 に入るモデルは 2 つまで
# %% [markdown] lang="en"
# First the first losses: ln 2 for every β, but $(1/2\tau)^2 = 25$ for IPO, and for robust DPO ln 2 again. A reference can be checked by ln 2 only where the loss is DPO's.
#
# `margin`, `chosen` and `rejected` are nats moved against the reference. The three β hardly differ in margin, only in loss: AdamW takes steps of about the same size whatever the scale of the gradient, and six steps end long before β holds anything. β says where a training *ends*. IPO's goal, 5 nats *per token*, is as far away, so it has not begun to brake. Wrong labels cost most of the margin, and in so few steps *robust* wins back little of it. One seed, few pairs: read sizes, not last digits.
#
# ## Break it: likelihood displacement
#
# The loss knows the *difference* only. It is as content if both answers sink and the rejected one sinks faster. Are pairs whose answers are nearly **alike** (a few digits apart) in more danger? To blame the likeness, everything else must be equal: the same rates, the same number of pairs and steps, and a comparison at the same *margin*. All is measured on pairs that are trained on, from before the first step to after the last.
# %% [markdown] lang="ja" of="783c4c89"
# まず最初の損失です。どの β でも ln 2 ですが、IPO は $(1/2\tau)^2 = 25$、ロバスト DPO は再び ln 2 です。ln 2 で参照モデルを検査できるのは、損失が DPO のものであるときだけです。
#
# `margin`、`chosen`、`rejected` は、参照モデルから何 nat 動いたかです。3 つの β は、損失こそ違っても、マージンはほとんど変わりません。AdamW の 1 歩の大きさは勾配の大きさによらずほぼ同じで、6 ステップでは、β が効き始めるずっと手前で終わるからです。β が決めるのは、学習が*どこで止まるか*です。IPO の目標は*トークンあたり* 5 nat で、これも遠いので、まだブレーキがかかり始めていません。誤ったラベルはマージンの大半を奪い、これだけ少ないステップでは、*robust* が取り戻せるのはわずかです。シード 1 つ、ペアもわずかなので、細かい桁ではなく大きさを読んでください。
#
# ## 壊す: 尤度の変位
#
# 損失が見るのは*差*だけです。両方の回答が沈み、rejected のほうが速く沈んでも、損失は同じように下がります。2 つの回答が**似ている**（数字だけが違う）ペアは、より危ないのでしょうか。似ていることを原因と言うには、ほかの条件をそろえなければなりません。学習率、ペアの数、ステップ数を同じにし、*マージン*が同じところで比べます。測るのは学習に使ったペアそのもので、最初のステップの前から最後のステップのあとまでです。
# %%
from lab_helpers.labs.lab05.displacement import (
    displacement_metrics,
    displacement_rows,
    list_displacement_arms,
    train_displacement_arms,
)

arms = list_displacement_arms(lab.run, pairs, rate)
for arm in arms[:2]:
    print(f"{arm.name}: {len(arm.pairs)} pairs,", arm.pairs[0].answer())
    print("     ", arm.pairs[0].answer("rejected"))
curves = train_displacement_arms(lab.run, pairs, arms)
displaced = displacement_rows(curves)
lab.table(displaced, "displacement")
lab.measured(**displacement_metrics(displaced))
lab.figure(figures.displacement(curves), "displacement")
lab.compare("chosen")
# %% [raw] lang="ja"
# pairs, → ペア、
# %% [markdown] lang="en"
# Follow a path from the left: to the right the margin grows, down the chosen answers are lost; its last point is the row of the table. Compare alike and unlike *at the same margin* (last column), not at the same step: they travel at different speeds. At the fast rate the alike pairs have lost their chosen answers there, and more of them than the unlike ones. At the rate that the validation prompts chose, hardly anything sinks: **displacement is a matter of the rate first, of likeness second.**
#
# Why alike pairs sink: their answers share nearly all tokens, so whatever lowers one lowers the other, and the probability goes to answers that nobody has asked for (Razin et al. 2024).
#
# ## Mend it: hold the chosen answer up
#
# The last row adds `sft` to the loss (`loss_type=["sigmoid", "sft"]`): a pull on the chosen answer itself. (Its first loss is ln 2 plus the chosen answers' loss, as said above.) It holds them up and costs margin. A lower rate is the other mend.
#
# ## Break it: longer is better
#
# Raters like tone, and they like it long. **Exercise (5 min).** First write the filter that everybody thinks of.
# %% [markdown] lang="ja" of="8e1c361f"
# 左から線をたどってください。右へ行くほどマージンが広がり、下へ行くほど chosen が失われます。最後の点が表の行です。似たペアと違うペアは進む速さが違うので、同じステップではなく*同じマージン*のところ（最後の列）で比べます。速い学習率では、似たペアはそこまでに chosen を失っていますが、違うペアは失っていません。検証用のプロンプトで選んだ学習率では、ほとんど何も沈みません。**変位を決めるのは、まず学習率、次に似ているかどうかです。**
#
# 似たペアが沈むのは、2 つの回答がほとんどのトークンを共有しているからです。一方を下げるものは、もう一方も下げ、確率は、誰も求めていない回答に流れます（Razin et al. 2024）。
#
# ## 直す: chosen を支える
#
# 最後の行では、損失に `sft` を加え（`loss_type=["sigmoid", "sft"]`）、chosen そのものを引き上げています（先ほど述べたとおり、最初の損失は ln 2 に chosen の損失を足した値です）。chosen は支えられますが、その分マージンは小さくなります。学習率を下げるのも、もう 1 つの対策です。
#
# ## 壊す: 長いほど良い
#
# 評価者は良い口調を好み、しかも長いほうを好みます。**演習（5 分）。** まず、だれもが思いつくフィルターを書いてください。
# %% tags=["exercise"]
def length_matched(pairs, tolerance):
    ...  # your code: a new list


length_matched = lab.check("length_matched", length_matched)
# %% [raw] lang="ja"
# your code: a new list → ここに書く: 新しいリスト
# %%
texts = [{"chosen": p.answer(), "rejected": p.answer("rejected"), "id": p} for p in pairs.train]
for tolerance in (0.05, 0.1, 0.2):
    kept = [row["id"].reason for row in length_matched(texts, tolerance)]
    print(tolerance, {reason: kept.count(reason) for reason in sorted(set(kept))})
# %% [markdown] lang="en"
# The filter throws out the bias, and **the wish with it**: hardly a tone pair is left. So keep the wish and balance the bias instead: of the pairs in which the longer answer won, every second one is turned round, and length says nothing any more.
#
# Four trainings on half tone pairs, half `length` pairs: as they are (*biased*); with `ld_alpha`, which discounts the tail of the longer answer; with `sigmoid_norm`, which counts per token; and *balanced*. Two things must be measured: is the **wish** kept (margin on held-out tone pairs), and is the **longer** answer still preferred (margin on held-out `length` pairs)? Replies that are cut off have no length of their own; they are counted, and only prompts where both models came to an end are compared.
# %% [markdown] lang="ja" of="2eb1c5f3"
# フィルターは偏りを捨てますが、**希望まで捨ててしまいます。** 口調のペアは、ほとんど残りません。そこで、希望は残し、偏りのほうを釣り合わせます。長いほうが勝ったペアを 1 つおきに逆向きにすれば、長さからは何も分からなくなります。
#
# 口調のペアと `length` のペアを半分ずつ使い、4 通りに学習します。そのまま（*biased*、表では「偏り」）、長いほうの余った部分を割り引く `ld_alpha`、トークンあたりで数える `sigmoid_norm`、そして釣り合わせたもの（*balanced*、「釣り合い」）です。測るものは 2 つです。**希望**は残ったか（学習に使っていない口調のペアでのマージン）。**長いほう**をまだ好むか（学習に使っていない `length` のペアでのマージン）。打ち切られた回答には、本来の長さがありません。数だけを数え、長さは、両方のモデルが最後まで書いたプロンプトだけで比べます。
# %%
from lab_helpers.labs.lab05.lengths import length_metrics, list_length_arms, train_length_arms

lengths = train_length_arms(lab.run, pairs, list_length_arms(lab.run, pairs))
lab.table(lengths, "reply lengths")
lab.measured(**length_metrics(lengths))
lab.figure(figures.reply_lengths(lengths), "reply_lengths")
# %% [markdown] lang="en"
# ## Mend it
#
# Read it in this order. *Longer: margin*: how strongly each training prefers the longer answer. *Wish: margin*: what is left of the tone. Only then the replies, whose difference counts where its interval leaves out zero.
#
# The biased training prefers the longer answer of nearly every held-out pair, although its *replies* have not grown for certain: a bias can be learnt before it can be heard. The two losses that discount length leave that preference in place. Only the balanced data take it away, a little too far even, and they keep most of the tone. They take away the reason; a formula only discounts it. No training curve shows any of this: **measure the length of the replies**, before and after.
#
# # Part D · What it costs
#
# "DPO needs no reward model" is true, "needs no second model" is not. Two steps of each arrangement, and what they hold: weights, reference, gradients, optimizer. PPO-RLHF's four models are counted beside them, not run (lab 09 runs them). With the larger profiles full fine-tuning is counted as well: it would need more than their cards have.
# %% [markdown] lang="ja" of="6deea148"
# ## 直す
#
# 次の順に読んでください。まず*長いほうのマージン*。長いほうをどれだけ好むかです。次に*希望のマージン*。口調がどれだけ残ったかです。回答の長さはそのあとで、差の区間が 0 を含まないときだけ意味があります。
#
# 偏ったペアで学習すると、学習に使っていないペアのほとんどで長いほうを好むようになります。偏りは、回答に現れる前に身につくことがあります。長さを割り引く 2 つの損失では、この好みは消えません。消すのは釣り合ったデータだけで、口調もほとんど保ちます。データは原因を取り除き、式は割り引くだけです。そして、どれも学習曲線には表れません。学習の前後で、**回答の長さを測ってください**。
#
# # パート D · かかる費用
#
# 「DPO に報酬モデルは要らない」は正しいのですが、「2 つめのモデルが要らない」わけではありません。それぞれの構成で 2 ステップだけ学習し、重み、参照モデル、勾配、オプティマイザーが占める量を調べます。PPO による RLHF の 4 つのモデルは、動かさずに数だけ計算して並べます（ラボ 09 で動かします）。大きなプロファイルでは、フルファインチューニングも計算だけで済ませます。対象の GPU のメモリには収まらないからです。
# %%
from lab_helpers.labs.lab05.memory import measure_memory, memory_megabytes_rows, memory_metrics

memory = measure_memory(lab.run, pairs)
lab.table(memory_megabytes_rows(memory), "memory")
lab.measured(**memory_metrics(memory))
lab.figure(figures.memory(memory_megabytes_rows(memory)), "memory")
# %% [markdown] lang="en"
# With LoRA and the adapter switched off, one set of weights plays both parts. A loaded copy nearly doubles what is held; `precompute_ref_log_probs=True` avoids it even for full fine-tuning, because the reference is asked once before training and never again. Activations come on top, and grow with batch and length.
#
# ## Explore
#
# The loss of one pair. Move the two log-ratios: let *both* fall, and watch the loss go down all the same.
# %% [markdown] lang="ja" of="4ded527e"
# LoRA でアダプターを切る方法なら、1 組の重みが二役をこなします。コピーを読み込めば、保持する量はほぼ 2 倍になります。`precompute_ref_log_probs=True` とすれば、参照モデルに聞くのは学習前の一度だけなので、フルファインチューニングでもコピーを避けられます。実際にはさらに活性値が加わり、バッチと長さに応じて増えます。
#
# ## 触ってみる
#
# ペア 1 つの損失です。2 つの対数比を動かしてみてください。*両方*を下げても、損失は同じように小さくなります。
# %%
from lab_helpers.figures.widgets import preference_explorer

lab.figure(figures.loss_explorer(0.1, -5, -20), "loss_explorer")
preference_explorer(figures.loss_explorer)
# %% [markdown] lang="en"
# ## And in the other language?
#
# The Japanese edition of this lab runs all of it in Japanese. A profile with time for a second language repeats the main trainings here.
# %% [markdown] lang="ja" of="0a1225db"
# ## もう 1 つの言語では
#
# このラボの英語版は、すべてを英語のデータで行います。2 つの言語を測る時間のあるプロファイルでは、ここで主な学習をもう一方の言語でも行います。
# %%
from lab_helpers.labs.lab05.scoring import refusal_change_metrics
from lab_helpers.labs.lab05.training import train_track
from lab_helpers.labs.shared.preference_models import train_start_model

if lab.other_language:
    others = shipped_pairs(lab.other_language, lab.seed)
    train_start_model(lab.run, others)
    train_track(lab.run, others)
    lab.table(win_rows(lab.run.metrics, f"_{lab.other_language}"))
lab.measured(**refusal_change_metrics(lab.run.metrics))
print("measured:", lab.language, lab.other_language or "")
# %% [raw] lang="ja"
# measured: → 測った言語:
# %% [markdown] lang="en"
# ## Verdict
# %% [markdown] lang="ja" of="297877e6"
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## On a real model
#
# The same cells on SmolLM2-135M (`labs run 05 --profile small`), beside your run; on a T4 an instruction-tuned model of a billion parameters, at a rate ten to a hundred times lower. Your own pairs, in any form with `prompt`, `chosen`, `rejected`: `labs run 05 --data my_pairs.jsonl --model FOLDER`. `labs chat --adapter` talks to the adapter that this lab has saved.
# %% [markdown] lang="ja" of="e831b0ee"
# ## 本物のモデルで
#
# 同じセルを SmolLM2-135M で動かした結果（`labs run 05 --profile small`）を、今回の結果と並べます。T4 では、10 億パラメータ級の指示チューニング済みモデルを、10 分の 1 から 100 分の 1 の学習率で使います。手元のペア（`prompt`、`chosen`、`rejected` があれば形式は問いません）なら `labs run 05 --data my_pairs.jsonl --model FOLDER` です。`labs chat --adapter` を使うと、このラボが保存したアダプターと会話できます。
# %%
lab.real_model(
    "tone_drawn_change_dpo", "refusal_rate_change", "win_rate_dpo_vs_sft",
    "chosen_logp_change_slow", "longer_margin_biased", "safety_accuracy_own",
)  # fmt: skip
# %% [markdown] lang="en"
# The same pairs, another model. At the rate that its validation prompts chose, the tone at temperature 1 gains as Kotori's does; but not one more unknown question is declined, and by rule its win rate is not told apart from one half. At the chosen rate neither model loses its chosen answers, and both learn the length bias, the larger model more strongly. *What* DPO changes depends on the model and the rate; what you have to look at stays the same.
#
# ## Try it yourself
#
# - Does the judgement of *dpo* survive other seeds? `labs run 05 --seed 1`, then 2: compare the table of judgements.
# - Write ten safety pairs in which a question only *sounds* dangerous and the answer is the better side. Does a model trained on all safety pairs refuse less of them?
# - Mix the fourteen safety pairs into `main`. What happens to the tone?
#
# ## Quiz
# %% [markdown] lang="ja" of="07943d9c"
# 同じペアでも、モデルが違えば結果も違います。検証用のプロンプトが選んだ学習率で、温度 1 での口調は Kotori と同じように良くなりました。ところが、答えのない質問で断る割合は変わらず、ルールによる勝率は 0.5 と区別がつきません。選んだ学習率では、どちらのモデルでも chosen は沈まず、長さの偏りはどちらも身につけ、大きいモデルのほうが強く身につけました。DPO が*何を*変えるかは、モデルと学習率しだいです。確かめるべきことは変わりません。
#
# ## やってみよう
#
# - *dpo* の見分ける力は、シードを変えても残るでしょうか。`labs run 05 --seed 1`、続いて 2 を実行し、見分ける力の表を比べてください。
# - 危険そうに*聞こえる*だけの質問で、答えるほうが良い側になる安全のペアを 10 組書いてください。安全のペアすべてで学習したモデルは、それらをどれだけ断らずにいられるでしょうか。
# - 14 組の安全のペアを `main` に混ぜてください。口調はどうなるでしょうか。
#
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 06. Every number of this lab came from a ruler; how good are the rulers?
# %% [markdown] lang="ja" of="d5d5eb94"
# **次は:** ラボ 06 です。このラボの数字は、どれも何らかの方法で測ったものでした。その測り方は、どれほど信用できるのでしょうか。
