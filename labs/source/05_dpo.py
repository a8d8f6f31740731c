# %% [markdown] lang="en"
# # Lab 05 · Direct preference optimization (DPO)
#
# **After this lab you can** read preference pairs for their traps, write DPO's loss in one line and prove that yours is the library's, train with `DPOTrainer` and a reference that costs no memory, measure a win rate that deserves the name, and recognise four things that go wrong without any error message.
#
# **Time:** about 2 minutes of computing on a 2-core CPU; two hours with the exercises.
#
# **Claims under test:** 29 (DPO's "low efficiency" listed as a merit), 30 (DPO is stable), 32 (especially good for safety and tone). Lab 09 sets DPO beside RLHF (27, 28, 31).
# %% [markdown] lang="ja" of="ebb3b9e2"
# # ラボ 05 · 直接選好最適化（DPO）
#
# **このラボを終えると**、選好ペアに潜む落とし穴を読み取り、DPO の損失を 1 行で書いてライブラリのものと一致することを証明し、メモリを余分に使わない参照モデルと `DPOTrainer` で学習し、その名に値する勝率を測り、エラーも出さずに起こる 4 つの失敗を見抜けるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 2 分、演習も含めると 2 時間です。
#
# **検証する主張:** 29（DPO の利点に「計算効率が低い」とある）、30（DPO は安定している）、32（安全性とトーンの改善にとりわけ効く）。RLHF との比較（27、28、31）はラボ 09 で行います。
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
# ## Two answers, one of them better
#
# SFT shows a model what to say. A *preference* shows two answers to one prompt and says which is better; it can therefore also say what **not** to do. Four reasons stand behind the pairs of this course. Read one pair of each: which side would *you* have chosen?
# %% [markdown] lang="ja" of="b1b4148b"
# ## 2 つの回答、良いのはどちらか
#
# SFT は、モデルに「こう答えなさい」という例を見せます。*選好*は、1 つのプロンプトに対する 2 つの回答を並べ、どちらが良いかを示します。だから「こう答えては**いけない**」も伝えられます。この講座のペアには、4 つの理由があります。それぞれ 1 組ずつ読んでみてください。*あなた*ならどちらを選びますか。
# %%
from lab_helpers.data.preferences import shipped_pairs

pairs = shipped_pairs("en", lab.seed)
for reason in ("tone", "honesty", "fact", "length"):
    pair = next(p for p in pairs.train if p.reason == reason and len(p.answer()) < 200)
    print(f"[{reason}] customer: {pair.question}")
    print("   chosen:  ", pair.answer())
    print("   rejected:", pair.answer("rejected"), "\n")
# %% [markdown] lang="en"
# `tone`, `honesty` and `fact` are the house's wishes. `length` is a bias: somebody has preferred the same answer with two empty courtesies in it. Look at the lengths before you train on anything.
# %% [markdown] lang="ja" of="c858b2a3"
# `tone`（口調）、`honesty`（正直さ）、`fact`（事実）は会社の希望です。`length`（長さ）は偏りで、中身は同じなのに、空疎な挨拶を 2 つ足したほうが好まれています。学習を始める前に、長さを見てください。
# %%
from lab_helpers.figures import preferences as figures
from lab_helpers.labs.lab05.pairs import length_ratios, pair_metrics, pair_rows

lab.table(pair_rows(pairs), "pairs")
lab.measured(**pair_metrics(pairs))
lab.figure(figures.length_bias(length_ratios(pairs)), "lengths")
# %% [markdown] lang="en"
# Only `fact` pairs are equally long. A model that learns "longer is better" gets the others nearly all right; keep that in mind for later.
#
# ## The model to start from
#
# A company's mail archive holds good answers and bad ones, and nobody has marked them. We make such an archive by tossing a coin for each pair, and tune Kotori on it. SFT imitates *everything*: this model has seen polite and sloppy mails, honest ones and inventions.
# %% [markdown] lang="ja" of="45790aa0"
# 長さがそろっているのは `fact` だけです。「長いほうが良い」とだけ覚えたモデルでも、ほかのペアならほとんど正解できてしまいます。あとで大事になるので、覚えておいてください。
#
# ## 出発点のモデル
#
# 会社のメールの記録には、良い回答も悪い回答も入っていて、どれがどちらなのかは書かれていません。ペアごとにコインを投げてそのような記録をつくり、Kotori を調整します。SFT は*すべて*をまねします。このモデルは、丁寧なメールも雑なメールも、正直な回答も作り話も見たことになります。
# %%
from lab_helpers.labs.shared.preference_models import train_start_model
from lab_helpers.labs.shared.preference_questions import select_questions

started = train_start_model(lab.run, pairs)
print(f"{started.seconds:.0f} s, loss {started.losses[0]:.2f} -> {started.losses[-1]:.2f}")
questions = select_questions(pairs, lab.settings["questions"])
print(len(questions.pairs), "held-out prompts,", sum(questions.known), "with a known answer")
# %% [markdown] lang="en"
# ## Where does the reference come from?
#
# DPO compares the model in training with a frozen **reference**: itself, before DPO. With LoRA there is a trick: *adapter on* is the policy, *adapter off* is the reference, and one set of weights is enough. But off must lead back to the **SFT model**, not to the bare base. So the SFT adapter is merged into the weights first, and DPO gets a new adapter on top. (The other way keeps two adapters, a trained one and a frozen copy: `model_adapter_name` and `ref_adapter_name` in older TRL; TRL 1.16 makes the copy itself when you hand it a `PeftModel`.)
# %% [markdown] lang="ja" of="d74da793"
# ## 参照モデルはどこから来るのか
#
# DPO では、学習中のモデルを、凍結した**参照モデル**と比べます。参照モデルとは、DPO を始める前の自分自身です。LoRA なら、うまい手があります。*アダプターを入れた*状態をポリシー、*切った*状態を参照モデルとすれば、重みは 1 組で済みます。ただし、切ったときに戻る先は、素のベースではなく **SFT モデル**でなければなりません。そこで、SFT のアダプターを先に重みへ統合し、その上に DPO 用の新しいアダプターを載せます（アダプターを 2 つ、つまり学習するものとその凍結コピーを持つ方法もあります。以前の TRL では `model_adapter_name` と `ref_adapter_name` で指定しました。TRL 1.16 は、`PeftModel` を渡すと自分でコピーをつくります）。
# %%
from lab_helpers.labs.shared.preference_models import load_start_model
from lab_helpers.labs.shared.preference_questions import answer_questions, house_metrics

model, tokenizer = load_start_model(lab.run)  # base + SFT adapter, merged
before = answer_questions(model, tokenizer, questions).texts
lab.measured(**house_metrics(questions, before, "sft"))
for text, known, reply in list(zip(questions.texts, questions.known, before))[:6]:
    print("known:  " if known else "unknown:", text, "\n         ", reply)
for name in ("tone_compliance_sft", "refusal_rate_sft", "false_refusal_rate_sft"):
    print(name, round(lab.run.metrics[name], 2))
# %% [markdown] lang="en"
# *Unknown* means that neither the company's table nor its documents hold the answer. An honest assistant says so there, and only there: `refusal_rate` should be 1 and `false_refusal_rate` 0. (Whether a *known* answer is right is another matter; lab 04 and lab 07 are about that.)
#
# ## Build: the log-probability of an answer
#
# A causal model gives a probability to each next token. The answer's log-probability is the sum over **its** tokens, the prompt only being read:
#
# $$\log \pi(y \mid x) = \sum_t \log \pi(y_t \mid x, y_{<t})$$
#
# **Exercise (8 min).** Compute it for a batch. The mask is 1 on the answer's tokens.
# %% [markdown] lang="ja" of="84426a0b"
# ここでの*未知*（unknown）とは、会社の一覧表にも規約文書にも答えがないということです。正直なアシスタントは、そのときにかぎって「分からない」と答えます。つまり `refusal_rate` は 1、`false_refusal_rate` は 0 であるべきです（*既知*の質問への答えが正しいかどうかは別の話で、ラボ 04 と 07 で扱います）。
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
    ...  # your code → (n,)


sequence_logps = lab.check("sequence_logps", sequence_logps)
# %%
import torch

from lab_helpers.tuning.pairs import pair_batch

few = [pair.row() for pair in pairs.of("tone", "honesty").train[:4]]
batch = pair_batch(tokenizer, few)  # first all chosen answers, then all rejected ones
mask = batch.pop("completion_mask").to(model.device)
batch = {name: values.to(model.device) for name, values in batch.items()}
with torch.inference_mode():
    logps = sequence_logps(model(**batch).logits, batch["input_ids"], mask)
chosen, rejected = logps.chunk(2)
lab.table([{"chosen": float(c), "rejected": float(r)} for c, r in zip(chosen, rejected)])
# %% [markdown] lang="en"
# Sums over some fifty tokens, in nats: longer answers are less probable, whatever they say. That is one reason why nobody compares log-probabilities as they are.
#
# ## Build: DPO's loss
#
# How much likelier has training made each answer *than it was under the reference*? The difference of these two log-ratios, times β, goes through a sigmoid, as if it were a difference of rewards (Rafailov et al. 2023, eq. 7):
#
# $$L = -\log \sigma\left(\beta \log \frac{\pi(y_w \mid x)}{\pi_{ref}(y_w \mid x)} - \beta \log \frac{\pi(y_l \mid x)}{\pi_{ref}(y_l \mid x)}\right)$$
#
# No reward model, no sampling: the model is its own reward, $r(x, y) = \beta \log \pi/\pi_{ref}$.
#
# **Exercise (8 min).**
# %% [markdown] lang="ja" of="35d8a423"
# およそ 50 トークンについての和で、単位は nat です。長い回答ほど、中身にかかわらず確率は低くなります。対数確率をそのまま比べることがないのは、このためでもあります。
#
# ## つくる: DPO の損失
#
# 学習によって、それぞれの回答は*参照モデルと比べて*どれだけ起こりやすくなったでしょうか。この 2 つの対数比の差に β を掛け、報酬の差であるかのようにシグモイドに通します（Rafailov et al. 2023、式 7）。
#
# $$L = -\log \sigma\left(\beta \log \frac{\pi(y_w \mid x)}{\pi_{ref}(y_w \mid x)} - \beta \log \frac{\pi(y_l \mid x)}{\pi_{ref}(y_l \mid x)}\right)$$
#
# 報酬モデルも、サンプリングも要りません。モデル自身が報酬 $r(x, y) = \beta \log \pi/\pi_{ref}$ になります。
#
# **演習（8 分）。**
# %% tags=["exercise"]
def dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta):
    ...  # your code → (n,)


dpo_loss = lab.check("dpo_loss", dpo_loss)
# %% [markdown] lang="en"
# ## Measure: is it TRL's?
#
# At the start both ratios are zero and even a wrong formula gives ln 2. So the adapter is moved to a random place first; then every loss of this lab is computed twice on one batch, by hand and by `DPOTrainer`.
# %% [markdown] lang="ja" of="0b4e1289"
# ## 測る: TRL の損失と同じか
#
# 出発点では比が両方とも 0 なので、間違った式でも ln 2 になってしまいます。そこで、まずアダプターをランダムな位置に動かします。そのうえで、このラボに出てくるすべての損失を、同じバッチについて手書きの式と `DPOTrainer` の両方で計算します。
# %%
from lab_helpers.labs.lab05.loss_parity import measure_loss_parity, parity_metrics
from lab_helpers.labs.shared.preference_models import make_dpo_config, make_lora_config

some = [pair.row() for pair in pairs.train[: lab.settings["parity_pairs"]]]
config = make_dpo_config(lab.run, model)
parity = measure_loss_parity(model, tokenizer, some, config, make_lora_config())
lab.table(parity, "losses by hand")
lab.measured(**parity_metrics(parity))
# %% [markdown] lang="en"
# ## Break it: the wrong reference
#
# Now a silent failure. Someone tunes *all* weights with SFT, hands the model to `DPOTrainer` without an adapter, and names no reference. TRL then loads the reference itself, from the place where the model once came from: on disk there is the **base**, not the SFT model in memory.
# %% [markdown] lang="ja" of="cdb1f25e"
# ## 壊す: 間違った参照モデル
#
# 静かな失敗の 1 つめです。ある人が SFT で*すべての*重みを調整し、そのモデルをアダプターなしで、参照モデルも指定せずに `DPOTrainer` に渡したとします。すると TRL は、そのモデルがもともと読み込まれた場所から、自分で参照モデルを読み込みます。ディスクにあるのは**ベース**であって、メモリ上の SFT モデルではありません。
# %%
from lab_helpers.labs.lab05.loss_parity import measure_first_losses

found = measure_first_losses(model, tokenizer, some, config, make_lora_config())
lab.measured(**found)
for name, value in found.items():
    print(f"{name:32s} {value:.4f}")
lab.compare("first_loss")
# %% [markdown] lang="en"
# ## Mend it
#
# ln 2 = 0.6931, for every pair and every β: **the first logged loss is the test of your reference.** Anything else means that DPO holds the model to something that it is not. Merge the SFT adapter and let DPO bring its own, as above; for full fine-tuning pass `ref_model` (the course's `dpo_trainer` copies the model as it is *now*).
#
# **Exercise (4 min).** The other number to watch is the share of pairs that the implicit reward puts in the right order. What is it before the first step?
# %% [markdown] lang="ja" of="f8f79abb"
# ## 直す
#
# どんなペアでも、どんな β でも ln 2 = 0.6931 になるはずです。**最初に記録された損失が、参照モデルの検査になります。** それ以外の値なら、DPO はモデルを、出発点とは別のものに縛り付けています。先ほどのように SFT のアダプターを統合し、DPO には DPO のアダプターを持たせてください。フルファインチューニングなら `ref_model` を渡します（この講座の `dpo_trainer` は、*今の*モデルをコピーします）。
#
# **演習（4 分）。** もう 1 つ見るべきなのは、暗黙の報酬が正しい順に並べるペアの割合です。最初のステップの前は、いくつになるでしょうか。
# %% tags=["exercise"]
def reward_accuracy(chosen, rejected, ref_chosen, ref_rejected):
    ...  # your code → one number


reward_accuracy = lab.check("reward_accuracy", reward_accuracy)
# %% [markdown] lang="en"
# ## Train
#
# `DPOConfig` is the field's own object; change it and run again. `loss_type` is a list: to DPO's `sigmoid` we add `sft`, plain next-token training on the chosen answers. You will see further down what it is for. On a CPU with bf16 instructions the trainings of this lab run in bf16 autocast, as on a newer GPU; elsewhere in float32, twice as long, and the second digit of a figure may differ.
# %% [markdown] lang="ja" of="5eabce40"
# ## 学習する
#
# `DPOConfig` は、実務で使われているものそのままです。値を変えて、もう一度実行してみてください。`loss_type` はリストで、DPO の `sigmoid` に `sft`（chosen に対するふつうの次トークン学習）を加えています。何のためなのかは、あとで分かります。bf16 の命令をもつ CPU では、新しい GPU と同じように bf16 の autocast で学習します。それ以外では float32 で、時間は 2 倍かかり、数値の 2 桁目が変わることがあります。
# %%
from trl import DPOConfig

from lab_helpers.labs.shared.preference_models import select_main_pairs
from lab_helpers.tuning.dpo import dpo_trainer
from lab_helpers.tuning.trainer_config import trainer_config

settings = trainer_config(
    DPOConfig, lab.machine, loss_type=["sigmoid", "sft"], beta=lab.settings["beta"],
    learning_rate=lab.settings["learning_rate"], lr_scheduler_type="cosine", num_train_epochs=1,
    per_device_train_batch_size=lab.settings["batch_size"], max_length=config.max_length,
    logging_steps=1,
)  # fmt: skip
main = [pair.row() for pair in select_main_pairs(pairs, lab.settings["pairs"])]
tuned = lab.train(dpo_trainer(model, tokenizer, main, settings, make_lora_config()))
print(len(main), "pairs,", len(tuned.losses), "steps,", f"{tuned.seconds:.0f} s")
print("loss", [round(value, 2) for value in tuned.losses])
print("accuracy", [round(value, 2) for _, value in tuned.curve("rewards/accuracies")])
# %% [markdown] lang="en"
# The accuracy is near 1 after a few steps. Does that mean that the *replies* are better? Ask the held-out prompts again.
# %% [markdown] lang="ja" of="8b9040c0"
# 数ステップで、正解率はほぼ 1 になりました。では、*回答*も良くなったのでしょうか。未使用のプロンプトに、もう一度答えさせてみましょう。
# %%
from lab_helpers.labs.lab05.scoring import reply_metrics

after = answer_questions(tuned.model, tokenizer, questions).texts
lab.measured(**reply_metrics(questions, after, before, "dpo"))
for text, known, reply in list(zip(questions.texts, questions.known, after))[:6]:
    print("known:  " if known else "unknown:", text, "\n         ", reply)
for name in ("tone_compliance", "refusal_rate", "false_refusal_rate"):
    was, now = (lab.run.metrics[f"{name}_{way}"] for way in ("sft", "dpo"))
    print(f"{name:20s} {was:.2f} -> {now:.2f}")
# %% [markdown] lang="en"
# It learnt to say that it does not know, and says so about things that the company *does* know as well. Nothing is wrong with the training: in every pair with a refusal in it, the refusal is the better answer. The model has understood: *refusing is good*. You get what the pairs reward, not what you meant.
#
# How far did it go? The trainer logs implicit rewards; divided by β they are the log-ratios of both sides.
# %% [markdown] lang="ja" of="a508f3c2"
# 「分からない」と言うことを覚えました。ただし、会社が*知っている*ことにまで、そう答えています。学習のしかたが悪いのではありません。断る回答が出てくるペアでは、いつもそれが良いほうの回答でした。モデルは*断るのは良いことだ*と理解したのです。手に入るのは、ペアが報いたものであって、あなたが意図したものではありません。
#
# どこまで動いたのでしょうか。トレーナーは暗黙の報酬を記録しています。β で割れば、両側の対数比になります。
# %%
from lab_helpers.labs.lab05.scoring import measure_drift, reply_rows
from lab_helpers.labs.lab05.variants import compute_ratio_curves
from lab_helpers.labs.shared.preference_models import save_whole_adapter

lab.measured(train_seconds=tuned.seconds, **measure_drift(lab.run, tuned.model, tokenizer, pairs))
lab.figure(figures.ratios(compute_ratio_curves(tuned, lab.settings["beta"])), "curves")
lab.run.table("replies", reply_rows(questions, before, after))
save_whole_adapter(lab.run, tuned.model, pairs)  # SFT + DPO in one, for: labs chat --adapter
model = tuned.model.unload()  # the adapter is taken off: the SFT model again
# %% [markdown] lang="en"
# ## Build: a win rate
#
# Which model answers better? A **rule** scores each reply: one point for the tone, one for declining exactly where nothing is known. A **judge** needs no rules: here a small linear reward, learnt from other pairs on the untouched Kotori's states. Judges have a favourite seat: many prefer what stands first.
#
# **Exercise (8 min).** Ask a judge in both orders, and count contradictions as ties.
# %% [markdown] lang="ja" of="22fb2468"
# ## つくる: 勝率
#
# どちらのモデルの回答が良いのでしょうか。**ルール**による採点では、口調に 1 点、分からないときにだけ断ることに 1 点を与えます。**審査員**にルールは要りません。ここでは、手を加えていない Kotori の内部状態の上に、別のペアから学習した小さな線形の報酬を使います。審査員には席の好みがあり、先に見せた回答をひいきするものが少なくありません。
#
# **演習（8 分）。** 順番を入れ替えて審査員に 2 回聞き、食い違いは引き分けと数えてください。
# %% tags=["exercise"]
def win_rate(judge, prompts, ours, theirs):
    ...  # your code → from 0 to 1


win_rate = lab.check("win_rate", win_rate)
# %%
from lab_helpers.labs.lab05.scoring import measure_all_judge_wins
from lab_helpers.labs.shared.preference_questions import measure_judge_quality, train_judges


def first_seat(prompt, first, second):
    return 0.9  # a judge who always prefers what stands first


jury = train_judges(lab.run, pairs)
for name, judge in jury.items():
    lab.measured(**measure_judge_quality(judge, pairs, name))
    print(f"{name:12s}", round(win_rate(judge, questions.texts, after, before), 2))
lab.measured(**measure_all_judge_wins(jury, questions, after, before, "dpo"))
print("first seat  ", win_rate(first_seat, questions.texts, after, before))
print("by rule     ", round(lab.run.metrics["win_rate_dpo_vs_sft"], 2))
# %%
quality = {
    "tone and honesty pairs": "agreement",
    "answer against refusal": "agreement_answers",
}
lab.table(
    [
        {"held-out": text, **{who: lab.run.metrics[f"{who}_{key}"] for who in jury}}
        for text, key in quality.items()
    ]
)
# %% [markdown] lang="en"
# Both judges agree with the raters on held-out pairs of the usual kind. The *naive* one learnt from such pairs only; it has never seen a refusal lose, and prefers a refusal even where there is an answer. **A judge learnt from the same pairs shares their blind spot**, praises the policy for it, and its agreement on such pairs does not reveal it. The other judge has seen some pairs in which an answer beats a refusal.
#
# ## Mend it: pairs that say what you mean
#
# A quarter of the pairs is replaced by such pairs: questions *with* an answer, where the answer beats a refusal. Same number of pairs, same steps. Beside it a fair rival: the first pairs again, but plain SFT on the *chosen* answers. It never hears what is bad about the others.
# %% [markdown] lang="ja" of="1043eff4"
# どちらの審査員も、ふつうの未使用ペアでは評価者と意見が一致します。*naive*（素朴）なほうは、そうしたペアだけから学んだので、断りが負けるところを見たことがありません。そのため、答えがある質問でも断りのほうを好みます。**同じペアから学んだ審査員は、同じ死角を持ちます。** その死角ゆえにポリシーを褒め、しかも、同じ種類のペアでの一致率に死角は表れません。もう一方の審査員は、回答が断りに勝つペアも見ています。
#
# ## 直す: 意図を伝えるペア
#
# ペアの 4 分の 1 を、そのようなペア、つまり答えの*ある*質問で回答が断りに勝つものに入れ替えます。ペアの数もステップ数も変えません。あわせて、公平な競争相手も用意します。最初と同じペアを使い、*chosen* だけをふつうの SFT で学習するもので、もう一方の回答のどこが悪いのかは聞かされません。
# %%
from lab_helpers.labs.lab05.scoring import win_rows
from lab_helpers.labs.lab05.training import list_trainings
from lab_helpers.labs.shared.preference_models import train_preferences

for name, some_pairs in list_trainings(lab.run, pairs)[1:]:
    other = train_preferences(lab.run, model, tokenizer, name, some_pairs)
    replies = answer_questions(other.model, tokenizer, questions).texts
    lab.measured(**reply_metrics(questions, replies, before, name))
    lab.measured(**measure_all_judge_wins(jury, questions, replies, before, name))
    model = other.model.unload()
lab.table(win_rows(lab.run.metrics), "win rates")
model = other = tuned = jury = judge = None  # what follows loads its own: a T4 has room for two
# %% [markdown] lang="en"
# Read the table honestly.
#
# - **Refusals are a dial before they are a judgement.** Compare the two refusal columns: a mend that lowers both alike has turned the dial back, it has not taught the difference between what is known and what is not. So it is here, at five million parameters and a dozen steps; in Japanese, with the same settings, the mend does keep the difference (try it at the end of the lab). More pairs of *both* kinds, more steps and a larger model are the way on.
# - A win rate counts **ties as one half**, and there are many: where the SFT model already keeps the tone, DPO can at best draw.
# - What the rival reaches without ever seeing a rejected answer is not DPO's merit.
#
# ## Measure: β and the rest of the family
#
# β sets the price of leaving the reference. **IPO** does not want the margin to grow for ever: it has a goal, 1/(2τ), and punishes overshooting. (TRL calls τ `beta` as well, and divides by the answers' lengths.)
#
# **Exercise (5 min).** Write IPO's loss.
# %% [markdown] lang="ja" of="1c0c760e"
# 表を正直に読みましょう。
#
# - **断るかどうかは、判断である前に、まずダイヤルです。** 2 つの拒否率の列を比べてください。両方を同じように下げる対策は、ダイヤルを戻しただけで、知っていることと知らないことの違いを教えてはいません。500 万パラメータ、十数ステップの今回が、まさにそれです。ただし日本語では、同じ設定のままで違いが残ります（ラボの終わりで試せます）。この先へ進むには、*両方の*種類のペアを増やし、ステップを増やし、もっと大きなモデルを使うことになります。
# - 勝率では**引き分けを 0.5 と数え**、その引き分けがたくさんあります。SFT モデルがすでに口調を守っているところでは、DPO はせいぜい引き分けです。
# - rejected を一度も見ない競争相手が届いたところまでは、DPO の手柄ではありません。
#
# ## 測る: β と、その仲間たち
#
# β は、参照モデルから離れるときに払う値段です。**IPO** は、差をどこまでも広げようとはしません。1/(2τ) という目標があり、行き過ぎにも罰を与えます（TRL では τ も `beta` と呼び、回答の長さで割ります）。
#
# **演習（5 分）。** IPO の損失を書いてください。
# %% tags=["exercise"]
def ipo_loss(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    ...  # your code → (n,)


ipo_loss = lab.check("ipo_loss", ipo_loss)
# %% [markdown] lang="en"
# Short trainings, one setting changed in each, judged on held-out pairs. In the last two a quarter of the labels is **wrong**, as with tired raters; *robust* DPO knows the share of wrong labels (`label_smoothing`) and corrects for it on average.
# %% [markdown] lang="ja" of="78a2acea"
# 設定を 1 つずつ変えた短い学習を行い、未使用のペアで測ります。最後の 2 つでは、疲れた評価者がいるものとして、ラベルの 4 分の 1 が**逆**になっています。*ロバスト* DPO は、誤ったラベルの割合（`label_smoothing`）を知っていて、平均的にその影響を打ち消します。
# %%
from lab_helpers.labs.lab05.variants import list_variant_arms, train_variants, variant_metrics

two = pairs.of("tone", "honesty")
variants = train_variants(lab.run, two, list_variant_arms(lab.run, two))
lab.table(variants, "variants")
lab.measured(**variant_metrics(variants))
# %% [markdown] lang="en"
# `margin`, `chosen` and `rejected` are nats moved against the reference. Accuracies are close to each other and to 1, so look at the *distances*. A larger β keeps the model nearer to its reference. IPO's goal, 5 nats *per token* at τ = 0.1, lies far beyond a few steps, so it has not begun to brake. A quarter of wrong labels costs more than half of the margin, and in so few steps the correction wins back little of it.
# %% [markdown] lang="ja" of="e844d295"
# `margin`、`chosen`、`rejected` は、参照モデルから何 nat 動いたかです。正解率はどれも 1 に近く、差がつきません。見るべきは*距離*です。β が大きいほど、モデルは参照モデルの近くにとどまります。IPO の目標は、τ = 0.1 なら*トークンあたり* 5 nat です。数ステップでは遠く及ばないので、まだブレーキがかかり始めていません。ラベルの 4 分の 1 が逆だと、差の半分以上が失われます。これだけ少ないステップでは、補正で取り戻せるのはわずかです。
# %% [markdown] lang="en"
# ## Break it: likelihood displacement
#
# Pairs whose answers differ in a few digits. DPO should push the right numbers up and the wrong ones down. Each panel shows both log-ratios over the steps; left DPO as in the paper. The learning rate is three times that of the main training, so that a few steps show where it leads.
# %% [markdown] lang="ja" of="da5026f9"
# ## 壊す: 尤度の変位
#
# 2 つの回答が数字しか違わないペアです。DPO は、正しい数字を押し上げ、誤った数字を押し下げるはずです。どちらの図も、ステップごとの両側の対数比を示します。左は論文どおりの DPO です。少ないステップでも行き先が見えるように、学習率は主な学習の 3 倍にしています。
# %%
from lab_helpers.labs.lab05.variants import (
    displacement_metrics,
    list_displacement_arms,
    train_displacement_arms,
)

arms = list_displacement_arms(lab.run, pairs)
alike, curves = train_displacement_arms(lab.run, pairs, arms)
lab.table(alike, "displacement")
lab.measured(**displacement_metrics(alike))
lab.figure(figures.displacement(curves), "displacement")
lab.compare("chosen")
# %% [markdown] lang="en"
# ## Mend it: hold the chosen answer up
#
# The loss knows the *difference* only. The two answers share nearly all their tokens, so whatever lowers one lowers the other; the margin may grow while **both** sink, and the probability goes to answers that nobody has asked for (Razin et al. 2024). The right panel adds `sft`: a pull on the chosen answer itself.
#
# ## Break it: longer is better
#
# Now the `length` pairs: the preferred answer carries two empty courtesies. **Exercise (5 min).** First write the filter that would have caught it.
# %% [markdown] lang="ja" of="f3004534"
# ## 直す: chosen を支える
#
# 損失が見るのは*差*だけです。2 つの回答はほとんどのトークンを共有しているので、一方を下げるものは、もう一方も下げます。**両方**が沈みながら差だけが広がることもあり、そのとき確率は、誰も求めていない回答に流れます（Razin et al. 2024）。右の図では `sft` を加え、chosen そのものを引き上げています。
#
# ## 壊す: 長いほど良い
#
# 次は `length` のペアです。好まれるほうに、空疎な挨拶が 2 つ付いています。**演習（5 分）。** まず、これを防げたはずのフィルターを書いてください。
# %% tags=["exercise"]
def length_matched(pairs, tolerance):
    ...  # your code → a new list


length_matched = lab.check("length_matched", length_matched)
# %%
texts = [{"chosen": p.answer(), "rejected": p.answer("rejected"), "id": p} for p in pairs.train]
for tolerance in (0.05, 0.1, 0.2):
    kept = [row["id"].reason for row in length_matched(texts, tolerance)]
    print(tolerance, {reason: kept.count(reason) for reason in sorted(set(kept))})
# %% [markdown] lang="en"
# Train on the biased pairs, and with three remedies: `ld_alpha` discounts the tail of the longer answer, `sigmoid_norm` counts per token, and *matched* takes other pairs, of equal length. (The rate and the number of pairs were picked so that the bias shows within a few steps; how much longer replies get is therefore no prediction, only that they do.)
# %% [markdown] lang="ja" of="77a3a146"
# 偏ったペアでそのまま学習する場合と、3 つの対策をとる場合を比べます。`ld_alpha` は、長いほうの回答の余った部分を割り引きます。`sigmoid_norm` は、トークンあたりで数えます。*matched* は、長さのそろった別のペアを使います（学習率とペアの数は、偏りが数ステップで現れるように選びました。回答が長くなること自体は確かめられますが、その程度は予測ではありません）。
# %%
from lab_helpers.labs.lab05.variants import list_length_arms, length_metrics, train_length_arms

lengths = train_length_arms(lab.run, pairs, list_length_arms(lab.run, pairs))
lab.table(lengths, "reply lengths", columns=["arm", "characters", "ended", "ratio", "a reply"])
lab.measured(**length_metrics(lengths))
lab.figure(figures.reply_lengths(lengths), "reply_lengths")
# %% [markdown] lang="en"
# ## Mend it
#
# Of the three remedies only one has worked: **data of matched length**. Look at the place where the two answers of a pair part: one says goodbye, the other adds a courtesy. Every one of these losses pushes the goodbye down there, and a model that has unlearnt it talks on until it is cut off. `ld_alpha` discounts what comes *after* the shorter answer's length, not this fork; counting per token softens the pull of long answers, not its direction. They may do better where answers differ in length all along. And no training curve shows any of this: **measure the length of the replies**, before and after.
#
# ## Measure: what is in memory
#
# "DPO needs no reward model" is true, "needs no second model" is not. Two steps of each arrangement, and what they hold: weights, reference, gradients, optimizer. PPO-RLHF's four models are counted beside them, not run (lab 09 runs them). With the larger profiles full fine-tuning is counted as well: it would need more than their cards have.
# %% [markdown] lang="ja" of="01f3bed3"
# ## 直す
#
# 3 つの対策のうち、効いたのは**長さのそろったデータ**だけでした。ペアの 2 つの回答が分かれるところを見てください。一方は結びの言葉に入り、もう一方は挨拶を付け足します。どの損失も、そこで結びの言葉を押し下げます。結び方を忘れたモデルは、打ち切られるまで話し続けます。`ld_alpha` が割り引くのは短いほうの回答の長さより*あと*の部分で、この分かれ目ではありません。トークンあたりで数えても、長い回答の引く力が弱まるだけで、向きは変わりません。回答の長さが全体を通して違うようなデータなら、もっと効くかもしれません。そして、どれも学習曲線には表れません。学習の前後で、**回答の長さを測ってください**。
#
# ## 測る: メモリにあるもの
#
# 「DPO に報酬モデルは要らない」は正しいのですが、「2 つめのモデルが要らない」わけではありません。それぞれの構成で 2 ステップだけ学習し、重み、参照モデル、勾配、オプティマイザーが占める量を調べます。PPO による RLHF の 4 つのモデルは、動かさずに数だけ計算して並べます（ラボ 09 で動かします）。大きなプロファイルでは、フルファインチューニングも計算だけで済ませます。対象の GPU のメモリには収まらないからです。
# %%
from lab_helpers.labs.lab05.memory import measure_memory, memory_megabytes_rows, memory_metrics

memory = measure_memory(lab.run, pairs)
lab.table(memory_megabytes_rows(memory), "memory")
lab.measured(**memory_metrics(memory))
lab.figure(figures.memory(memory_megabytes_rows(memory)), "memory")
# %% [markdown] lang="en"
# With LoRA and the adapter switched off, one set of weights plays both parts. A loaded copy doubles them; `precompute_ref_log_probs=True` avoids it even for full fine-tuning, because the reference is asked once before training and never again. Activations come on top, and grow with batch and length.
#
# ## Explore
#
# The loss of one pair. Move the two log-ratios: let *both* fall, and watch a loss that is quite content.
# %% [markdown] lang="ja" of="6af9b77b"
# LoRA でアダプターを切る方法なら、1 組の重みが二役をこなします。コピーを読み込めば、重みは 2 倍になります。`precompute_ref_log_probs=True` とすれば、参照モデルに聞くのは学習前の一度だけなので、フルファインチューニングでもコピーを避けられます。実際にはさらにアクティベーションが加わり、バッチと長さに応じて増えます。
#
# ## 触ってみる
#
# ペア 1 つの損失です。2 つの対数比を動かしてみてください。*両方*を下げても、損失が満足したままなのが分かります。
# %%
from lab_helpers.figures.widgets import preference_explorer

lab.figure(figures.loss_explorer(0.1, -5, -20), "loss_explorer")
preference_explorer(figures.loss_explorer)
# %% [markdown] lang="en"
# ## And in Japanese?
#
# The tiny profile measures one language to stay quick; put `"ja"` into `languages` of `[tiny.lab05]`, or take a larger profile, and the next cell repeats the main training in Japanese.
# %% [markdown] lang="ja" of="c9d20fdb"
# ## 日本語ではどうか
#
# tiny プロファイルでは、時間を節約するために 1 言語だけを測ります。`[tiny.lab05]` の `languages` に `"ja"` を加えるか、大きなプロファイルを使うと、次のセルが主な学習を日本語でも行います。
# %%
from lab_helpers.labs.lab05.scoring import refusal_change_metrics
from lab_helpers.labs.lab05.training import train_track

languages = lab.settings["languages"]
for language in languages[1:]:
    others = shipped_pairs(language, lab.seed)
    train_start_model(lab.run, others)
    train_track(lab.run, others)
    lab.table(win_rows(lab.run.metrics, f"_{language}"))
lab.measured(**refusal_change_metrics(lab.run.metrics))
print("measured:", ", ".join(languages))
# %% [markdown] lang="en"
# ## Verdict
# %% [markdown] lang="ja" of="297877e6"
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## Scale up
#
# On a T4 the same cells take an instruction-tuned model, a rate ten to a hundred times lower and more pairs; its log-probabilities are higher, and so are the stakes of displacement. From the terminal: `labs run 05`, or `labs run 05 --data my_pairs.jsonl --model FOLDER` with pairs of your own in any form (`prompt`, `chosen`, `rejected`). `labs chat --adapter` talks to the adapter that this lab has saved.
# %% [markdown] lang="ja" of="faa62aa2"
# ## 大きくする
#
# T4 では、同じセルのまま、指示チューニング済みのモデル、10 分の 1 から 100 分の 1 の学習率、より多くのペアに切り替わります。モデルの対数確率が高いぶん、変位の影響も大きくなります。ターミナルからは `labs run 05`、手元のペア（`prompt`、`chosen`、`rejected`。形式は問いません）なら `labs run 05 --data my_pairs.jsonl --model FOLDER` です。`labs chat --adapter` を使うと、このラボが保存したアダプターと会話できます。
# %% [markdown] lang="en"
# ## Quiz
# %% [markdown] lang="ja" of="f3a0b532"
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 06. Every number of this lab came from a ruler; how good are the rulers?
# %% [markdown] lang="ja" of="d5d5eb94"
# **次は:** ラボ 06 です。このラボの数字は、どれも何らかのものさしで測ったものでした。では、そのものさしは、どれほど信用できるのでしょうか。
