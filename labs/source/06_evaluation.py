# %% [markdown] lang="en"
# # Lab 06 · Evaluation
#
# **After this lab you can** compute BLEU and ROUGE-L by hand and say what they do not see, evaluate Japanese without getting zeros, count inventions and needless refusals, tell a difference from chance, examine a judge before you trust it, run tests in the formats of MMLU, GSM8K and HumanEval, find out whether a test has leaked, and show **which answers** a tuning has broken and which it has mended.
#
# **Time:** about three minutes of computing on a 2-core CPU; three hours with the exercises. Each part stands for itself, so take breaks.
#
# | part | its aim |
# |---|---|
# | A · Three candidates | train them, read their replies, and see the roads from a reply to a number |
# | B · Shared words | BLEU and ROUGE-L by hand, Japanese, and what a shared word is worth |
# | C · Rules and chance | declining, invented facts, and whether a difference is more than luck |
# | D · Judges | what a judge reads, and its trial |
# | E · Benchmarks | multiple choice, word problems, programs, and a test that has leaked |
# | F · One dashboard | all numbers on one page, with the answers that changed |
#
# **Claims under test:** 34 (BLEU, ROUGE and METEOR for generated text), 37 (MMLU shows whether general knowledge was damaged), 38 (HumanEval and GSM8K measure the effect of tuning). Claim 35 (accuracy for entities) was lab 01's.
#
# **New words:** [n-gram](glossary.md#n-gram), [precision and recall](glossary.md#precision-recall), [hallucination](glossary.md#hallucination), [interval](glossary.md#interval), [bootstrap](glossary.md#bootstrap), [p-value](glossary.md#p-value), [judge](glossary.md#judge), [benchmark](glossary.md#benchmark), [contamination](glossary.md#contamination), [log-probability](glossary.md#log-probability).
# %% [markdown] lang="ja" of="82bc0195"
# # ラボ 06 · 評価
#
# **このラボを終えると**、BLEU と ROUGE-L を手で計算してその見落としを指摘し、0 点ばかりにならずに日本語を評価し、作り話と差し控えすぎを数え、偶然と本当の差を見分け、審査員を信じる前に審査し、MMLU・GSM8K・HumanEval の形式のテストを行い、テストの混入を見つけ、ファインチューニングで**どの答えが**壊れ、どの答えが直ったのかを示せるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 3 分、演習も含めると 3 時間です。パートごとに区切りがあるので、休みながら進めてください。
#
# | パート | ねらい |
# |---|---|
# | A · 3 つの候補 | 学習し、回答を読み、回答が数値になるまでの道を知る |
# | B · 共通の単語 | BLEU と ROUGE-L を手で計算し、日本語で試し、単語の一致の値打ちを測る |
# | C · 規則と偶然 | 差し控え、作り話、そして差が偶然を超えているかどうか |
# | D · 審査員 | 審査員が読むものと、審査員の審査 |
# | E · ベンチマーク | 選択問題、文章題、プログラム、そして混入したテスト |
# | F · 1 枚のダッシュボード | すべての数値を、変わった答えとともに 1 ページに |
#
# **検証する主張:** 34（生成テキストの評価は BLEU、ROUGE、METEOR）、37（汎用知識が損なわれていないかは MMLU で分かる）、38（チューニングの効果は HumanEval と GSM8K で測れる）。主張 35（固有表現抽出を正解率で測る）は、ラボ 01 で扱いました。
#
# **新しい言葉:** [n-gram](glossary.md#n-gram)、[適合率と再現率](glossary.md#precision-recall)、[ハルシネーション](glossary.md#hallucination)、[信頼区間](glossary.md#interval)、[ブートストラップ](glossary.md#bootstrap)、[p 値](glossary.md#p-value)、[審査員](glossary.md#judge)、[ベンチマーク](glossary.md#benchmark)、[混入](glossary.md#contamination)、[対数確率](glossary.md#log-probability)。
# %%
from lab_helpers import open_lab

lab = open_lab("06")
# %% [markdown] lang="en"
# ## Predict
#
# 1. You compare a Japanese sentence with **the very same sentence**. What does ROUGE-L say with the library's defaults (0 to 1)?
# 2. A model has learnt the house's tone. Asked for facts that it never read, in how many **percent** of its replies does it state a wrong value?
# 3. Half of a test leaks into the training data. By how many **points** (0 to 100) does the score on that half rise?
# %% [markdown] lang="ja" of="47596095"
# ## 予想する
#
# 1. 日本語の文を、**それとまったく同じ文**と比べます。ライブラリの既定の設定では、ROUGE-L はいくつになるでしょうか（0〜1）。
# 2. あるモデルが会社の口調を覚えました。読んだことのない事実を聞かれたとき、間違った値を答える割合は何 **%** でしょうか。
# 3. テストの半分が学習データに混ざりました。その半分の点数は、何**ポイント**上がるでしょうか（0〜100）。
# %%
lab.predict("rouge", ...)
lab.predict("invented", ...)
lab.predict("leaked", ...)
# %% [markdown] lang="en"
# # Part A · Three candidates
#
# Three models apply for the job of Hoshizora's assistant: the **base**, the same after **SFT** on a mail archive, and after **DPO** on top of it. They are made as in lab 05: the same rows, pairs, settings and seed. (DPO's rate stands in the cell: it is the one that lab 05's validation prompts chose in English.)
#
# One row of the archive, and the text that the model reads:
# %% [markdown] lang="ja" of="bb283d80"
# # パート A · 3 つの候補
#
# 星空電機のアシスタントに、3 つのモデルが応募してきました。**ベース**、メールの記録で **SFT** したもの、その上で **DPO** したものです。作り方はラボ 05 と同じで、行もペアも設定もシードも変えていません（違うのは DPO の学習率だけです。セルにある 1e-3 は、英語版のラボ 05 が検証用のプロンプトで選んだ値で、日本語版のラボ 05 が選んだのは、それより小さい 6e-4 でした）。
#
# 記録の 1 行と、モデルが実際に読む文字列です。
# %%
from lab_helpers.data.preferences import archive
from lab_helpers.labs.lab06.models import house_pairs
from lab_helpers.labs.shared.models import load_model

pairs = house_pairs(lab.run)
mails = archive(pairs.train[: lab.settings["sft_rows"]], lab.seed)
model, tokenizer = load_model(lab.run)  # AutoModelForCausalLM.from_pretrained(folder), as in lab 00
print(len(mails), "rows, for example:", mails[0], "\n")
print(tokenizer.apply_chat_template(mails[0]["prompt"] + mails[0]["completion"], tokenize=False))
# %% [raw] lang="ja"
# rows, for example: → 行。その 1 つ:
# ", as in lab 00" → "（ラボ 00 と同じ）"
# %% [markdown] lang="en"
# The archive holds good answers and sloppy ones, and SFT imitates both. All that decides stands in this cell.
# %% [markdown] lang="ja" of="163ccfed"
# 記録には良い回答も雑な回答も入っていて、SFT はその両方をまねします。結果を左右するものは、すべてこのセルにあります。
# %%
from datasets import Dataset
from peft import LoraConfig
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

adapter = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM",
                     lora_dropout=0.0, bias="none")  # fmt: skip
training = SFTConfig(
    num_train_epochs=lab.pick(tiny=3, small=2, t4=2),
    per_device_train_batch_size=lab.pick(tiny=8, small=4, t4=4),
    gradient_accumulation_steps=lab.pick(tiny=1, small=2, t4=1),  # small: the same 8 rows a step
    learning_rate=lab.pick(tiny=5e-3, small=2e-3, t4=2e-4, gpu=1e-4),  # 1-8B: about 2e-4
    lr_scheduler_type="cosine", max_length=lab.settings["max_length"],
    **lab.machine,  # precision, folder, seed, quiet logging
)  # fmt: skip
set_seed(lab.seed)
trainer = SFTTrainer(model, args=training, train_dataset=Dataset.from_list(mails),
                     processing_class=tokenizer, peft_config=adapter)  # fmt: skip
sft = lab.train(trainer)
print(f"loss {sft.losses[0]:.2f} -> {sft.losses[-1]:.2f}")
# %% [raw] lang="ja"
# small: the same 8 rows a step → small でも 1 ステップは同じ 8 行
# 1-8B: about 2e-4 → 10〜80 億パラメータなら 2e-4 前後
# precision, folder, seed, quiet logging → 精度、フォルダー、シード、控えめなログ
# "loss " → "損失 "
# %% [markdown] lang="en"
# Saved, loaded onto a fresh base and merged: DPO's own adapter comes on top of that. One preference pair, then the second training. Pairs show two answers to one prompt, the better one first.
# %% [markdown] lang="ja" of="22c6fa35"
# 保存し、まっさらなベースに読み込んでマージします。DPO のアダプターは、その上に載せます。選好ペアを 1 組見てから、2 つめの学習です。ペアには、同じプロンプトへの 2 つの回答が、良いほうから順に入っています。
# %%
from peft import PeftModel
from trl import DPOConfig, DPOTrainer

from lab_helpers.labs.shared.preference_models import select_main_pairs, sft_folder
from lab_helpers.models.adapters import save_adapter

folder = sft_folder(lab.run, lab.language)
save_adapter(sft.model, folder)  # model.save_pretrained(folder), and which base it fits
sft.model = None
base, tokenizer = load_model(lab.run)
model = PeftModel.from_pretrained(base, folder).merge_and_unload().requires_grad_(True).eval()
main = select_main_pairs(pairs, lab.settings["pairs"])
for side, turns in main[0].row().items():
    print(f"{side:9s}", turns[-1]["content"])
# %% [raw] lang="ja"
# ", and which base it fits" → "。どのベースのものかも記録する"
# %%
training = DPOConfig(
    beta=0.1, num_train_epochs=1, per_device_train_batch_size=lab.pick(tiny=8, small=4, t4=4),
    learning_rate=lab.pick(tiny=1e-3, small=1e-3, t4=5e-5, gpu=2e-5),  # 1-8B: 5e-6 to 5e-5
    lr_scheduler_type="cosine", max_length=lab.settings["max_length"],
    **lab.machine | {"logging_steps": 1},
)  # fmt: skip
trainer = DPOTrainer(model, args=training, train_dataset=Dataset.from_list([p.row() for p in main]),
                     processing_class=tokenizer, peft_config=adapter)  # fmt: skip
dpo = lab.train(trainer)
print(f"first loss {dpo.losses[0]:.4f} (ln 2 = 0.6931), last {dpo.losses[-1]:.2f}")
lab.measured(train_seconds_sft=sft.seconds, train_seconds_dpo=dpo.seconds)
# %% [raw] lang="ja"
# 1-8B: 5e-6 to 5e-5 → 10〜80 億パラメータなら 5e-6〜5e-5
# "first loss " → "最初の損失 "
# , last → 、最後の損失
# %% [markdown] lang="en"
# The first loss is ln 2, so the reference is the model we meant (lab 05). Now one base in memory, and each candidate is an adapter that is put on. The same question to all three:
# %% [markdown] lang="ja" of="0d52f465"
# 最初の損失は ln 2 です。参照モデルは、意図したとおりのモデルでした（ラボ 05）。メモリに置くベースは 1 つだけにして、候補ごとにアダプターを付け替えます。3 つのモデルに同じ質問をしましょう。
# %%
from lab_helpers.labs.lab06.models import load_compared_models
from lab_helpers.labs.shared.preference_models import save_whole_adapter
from lab_helpers.labs.shared.preference_questions import select_questions

save_whole_adapter(lab.run, dpo.model, pairs)  # SFT + DPO in one adapter of the plain base
model = base = trainer = dpo.model = None
models = load_compared_models(lab.run)
asked = select_questions(pairs, lab.settings["questions"])
shown = asked.known.index(min(asked.known))  # a question without an answer, if any
turns = [{"role": "user", "content": asked.texts[shown]}]
ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True,
                                    return_tensors="pt").to(models.model.device)  # fmt: skip
print(asked.texts[shown], "\n")
for name, model in models:
    output = model.generate(**ids, do_sample=False, max_new_tokens=80)
    reply = tokenizer.decode(output[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
    print(f"{name:5s}", reply)
# %% [raw] lang="ja"
# SFT + DPO in one adapter of the plain base → SFT と DPO を合わせた、ベース用のアダプター
# a question without an answer, if any → 答えのない質問（あれば）
# %% [markdown] lang="en"
# The company has no answer to this one. Read which candidate knows that. Now all held-out questions, in batches; six of them for reading, three with an answer and three without.
# %% [markdown] lang="ja" of="c08b8e9c"
# この質問の答えは、会社にもありません。どの候補がそれを分かっているか、読み比べてください。次は、学習に使っていない質問すべてに、まとめて答えさせます。そのうち 6 つ、答えのあるものとないものを 3 つずつ読みます。
# %%
from lab_helpers.labs.lab06 import customers

replies = customers.measure_replies(models, asked)
lab.table(customers.reply_rows(asked, replies), "replies")
# %% [markdown] lang="en"
# Which one would you hire? Mind that nonsense can be perfectly polite. You have read six questions, and there are thousands: someone has to turn replies into numbers. There are four roads, and each of them is blind to something.
# %% [markdown] lang="ja" of="e8ef6ecd"
# あなたなら、どれを採用しますか。礼儀正しい文が、意味の通る文とは限らないことにも注意してください。いま読んだ質問は 6 つですが、実際には何千とあります。回答を数値に変えなければなりません。道は 4 つあり、どれにも見えないものがあります。
# %%
from lab_helpers.figures import evaluation as figures

lab.figure(figures.roads(), "roads")
# %% [markdown] lang="en"
# Parts B to E walk these roads from top to bottom. One rule holds on all of them: **every ruler is measured before it measures anything.**
#
# # Part B · Shared words
#
# ## Build: BLEU counts what is shared
#
# BLEU asks how many of the reply's n-grams (runs of n words) stand in the reference. A word may not be rewarded more often than the reference has it, or "the the the the" would be perfect: the counts are **clipped** (Papineni et al. 2002, §2.1).
#
# **Exercise (10 min).**
# %% [markdown] lang="ja" of="5c09df07"
# パート B から E まで、この道を上から順に歩きます。どの道にも通じる決まりが 1 つあります。**何かを測る前に、まず測る道具のほうを確かめる**ことです。
#
# # パート B · 共通の単語
#
# ## つくる: BLEU は共通部分を数える
#
# BLEU は、回答の n-gram（n 語の並び）のうち、いくつが参照文にもあるかを数えます。ある語を、参照文にある回数より多く数えてはいけません。そうしないと「the the the the」が満点になってしまいます。そこで、回数に**上限**を設けます（Papineni et al. 2002、§2.1）。
#
# **演習（10 分）。**
# %% tags=["exercise"]
def clipped_precision(hypothesis, references, n):
    ...  # your code: from 0 to 1


clipped_precision = lab.check("clipped_precision", clipped_precision)
# %% [raw] lang="ja"
# your code: from 0 to 1 → ここに書く: 0 から 1 の値
# %%
from lab_helpers.evaluation.text_metrics.tokenizers import for_language
from lab_helpers.labs.lab06 import texts

words = for_language(lab.language)
said, right = texts.ONE_PAIR[lab.language]
print("said: ", words(said), "\nright:", words(right))
for n in range(1, 5):
    print(f"{n}-grams in the reference: {clipped_precision(words(said), [words(right)], n):.2f}")
# %% [raw] lang="ja"
# "said: " → "回答:  "
# \nright: → \n参照文:
# -grams in the reference: → -gram のうち参照文にもある割合:
# %% [markdown] lang="en"
# Longer runs are found less often. BLEU is the geometric mean of these four, times a **brevity penalty** for texts that are too short. One zero makes the whole product zero, therefore libraries smooth; and therefore BLEU of a *single* sentence says little.
#
# ## Build: ROUGE-L follows the order
#
# ROUGE-L looks for the **longest common subsequence**: the words that stand in both texts in the same order, with gaps. Precision divides its length by the reply's, recall by the reference's, F1 is their harmonic mean (Lin 2004, §3).
#
# **Exercise (15 min).** Your function will measure the candidates.
# %% [markdown] lang="ja" of="755de07f"
# 長い並びほど、参照文に見つかりにくくなります。BLEU は、この 4 つの幾何平均に、短すぎる文への**罰則**（brevity penalty）を掛けたものです。1 つでも 0 があると、積は 0 になります。だからライブラリはスムージングをしますし、*1 文だけ*の BLEU はあまり当てになりません。
#
# ## つくる: ROUGE-L は順序をたどる
#
# ROUGE-L は**最長共通部分列**、つまり両方の文に同じ順序で現れる語の列を探します（あいだは空いてもかまいません）。その長さを回答の長さで割ると適合率、参照文の長さで割ると再現率、その調和平均が F1 です（Lin 2004、§3）。
#
# **演習（15 分）。** 3 つの候補は、あなたの関数で測ります。
# %% tags=["exercise"]
def rouge_l(hypothesis, reference, tokenize):
    ...  # your code: precision, recall and F1


rouge_l = lab.check("rouge_l", rouge_l)
# %% [raw] lang="ja"
# your code: precision, recall and F1 → ここに書く: 適合率、再現率、F1
# %% [markdown] lang="en"
# **METEOR** pairs words off one by one (equal words first, then equal stems, in English also synonyms) and punishes a reply whose matches lie in many pieces (Banerjee & Lavie 2005). All of them by hand and by library, first on one pair, then on many.
# %% [markdown] lang="ja" of="fe65860a"
# **METEOR** は、語を 1 つずつ対応づけます（まず同じ語、次に語幹の同じ語、英語では同義語も）。対応した語がいくつもの断片に分かれている回答には、罰則があります（Banerjee & Lavie 2005）。以上のすべてを、手書きとライブラリで、まず 1 組、続いて多くの組について計算します。
# %%
from lab_helpers.evaluation.text_metrics.meteor import align, chunks
from lab_helpers.evaluation.text_metrics.tokenizers import rouge_words

matches = align(words(said), words(right))
print(f"METEOR: {len(matches)} words matched, in {chunks(matches)} pieces")
by_hand = rouge_l(said, right, rouge_words(lab.language))
print("ROUGE-L by you (precision, recall, F1):", [round(x, 3) for x in by_hand])
lab.table(texts.pair_rows(said, right, lab.language), "metrics by hand")
worst = texts.measure_largest_differences(lab.settings["text_pairs"], lab.seed)
lab.measured(**worst)
print(f"largest difference over all pairs, both languages: {max(worst.values()):.1e}")
# %% [raw] lang="ja"
# " words matched, in " → " 語が対応し、断片は "
# " pieces" → " 個"
# ROUGE-L by you (precision, recall, F1): → あなたの ROUGE-L（適合率、再現率、F1）:
# largest difference over all pairs, both languages: → 日英すべての組での最大の差:
# %% [markdown] lang="en"
# Written out by hand and taken from sacrebleu, rouge-score and nltk, the numbers are the same to the last digits of a float. So the formulas hold no secret. The trouble starts one step earlier.
#
# ## Break it: Japanese
#
# Three pairs of Japanese texts: two identical ones, two unrelated ones, and one said in other words.
# %% [markdown] lang="ja" of="be85dd3f"
# 手で書いた値と、sacrebleu・rouge-score・nltk の値は、浮動小数点数の最後の桁まで一致しました。式に秘密はありません。問題は、その一歩手前で起こります。
#
# ## 壊す: 日本語
#
# 日本語の文を 3 組比べます。まったく同じ文、無関係な文、同じ内容の言い換えです。
# %%
from lab_helpers.figures.display import show_folded
from lab_helpers.runtime.language import say

rows = texts.japanese_rows()
lab.run.table("Japanese", rows)
lab.measured(**texts.japanese_metrics(rows))
lab.figure(figures.tokenizers(rows), "japanese")
lab.compare("rouge")
show_folded(say("What the tokenizers make of it", "各トークナイザーの結果"), texts.token_rows())
# %% [markdown] lang="en"
# With the default, a text scores nothing against itself, and two texts that share "30" are identical to it: it keeps `a-z` and `0-9` and throws the rest away. No error, no warning. (Open the fold to see the tokens.)
#
# ## Mend it
#
# Hand each library a tokenizer that knows Japanese: `RougeScorer(["rougeL"], tokenizer=...)`, `BLEU(tokenize="ja-mecab")`. Characters are the way out without a dictionary, and score higher. **Numbers from different tokenizers cannot be compared**, so write the tokenizer beside the score.
#
# <details><summary>The same in code</summary>
#
# ```python
# from rouge_score.rouge_scorer import RougeScorer
# from sacrebleu.metrics import BLEU
# from lab_helpers.evaluation.text_metrics.tokenizers import ForRouge, japanese_words
#
# RougeScorer(["rougeL"], tokenizer=ForRouge(japanese_words)).score(reference, reply)["rougeL"]
# BLEU(tokenize="ja-mecab", effective_order=True).sentence_score(reply, [reference])
# ```
#
# </details>
#
# ## What a shared word is worth
#
# Now that the ruler is straight: does it measure what *we* want? Below, each reply is held against the house's answer. The first two have a **wrong number** in them; the others have the facts right, in another tone.
# %% [markdown] lang="ja" of="85c7b9ef"
# 既定のままでは、同じ文どうしが 0 点になり、「30」だけが共通する 2 つの文は、まったく同じ文に見えてしまいます。`a-z` と `0-9` だけを残し、あとは捨てるからです。エラーも警告も出ません（折りたたみを開くと、トークンを見られます）。
#
# ## 直す
#
# どのライブラリにも、日本語の分かるトークナイザーを渡しましょう。`RougeScorer(["rougeL"], tokenizer=...)`、`BLEU(tokenize="ja-mecab")` です。辞書がなければ文字単位でもかまいませんが、点数は高めに出ます。**トークナイザーの違う点数は比べられません**。点数には、トークナイザーの名前を必ず添えてください。
#
# <details><summary>コードで書くと</summary>
#
# ```python
# from rouge_score.rouge_scorer import RougeScorer
# from sacrebleu.metrics import BLEU
# from lab_helpers.evaluation.text_metrics.tokenizers import ForRouge, japanese_words
#
# RougeScorer(["rougeL"], tokenizer=ForRouge(japanese_words)).score(reference, reply)["rougeL"]
# BLEU(tokenize="ja-mecab", effective_order=True).sentence_score(reply, [reference])
# ```
#
# </details>
#
# ## 単語の一致に、どれほどの価値があるか
#
# 道具は直りました。では、それで*私たちの*知りたいことが測れるでしょうか。次の表では、回答を会社の模範回答と比べています。はじめの 2 つは**数字が間違って**います。残りは、事実は正しいのですが、口調が違います。
# %%
shown_rows, found = texts.measure_blindness(pairs, lab.language)
lab.table(shown_rows, "wrong number, right fact")
lab.measured(**found)
print(f"wrong number: {found['rouge_l_wrong_fact']:.2f} (mean of all such held-out pairs)")
print(f"right fact, other tone: {found['rouge_l_right_fact']:.2f}")
# %% [raw] lang="ja"
# "wrong number: " → "数字が違う回答: "
# " (mean of all such held-out pairs)" → "（学習に使っていない該当ペアすべての平均）"
# "right fact, other tone: " → "事実は正しく、口調が違う回答: "
# %% [markdown] lang="en"
# A wrong price costs a single word and scores higher than the right price in plain words. Overlap rewards *sounding* like the reference. For a translation that may be enough; for an assistant, **check the fact itself**.
#
# # Part C · Rules and chance
#
# ## Measure: knowing when to decline
#
# For each held-out question we know whether the company has an answer. Declining is thus a classification, and the old tools work: accuracy, precision, recall, F1, a confusion matrix. Your `rouge_l` goes along, for the dashboard.
# %% [markdown] lang="ja" of="643b60ad"
# 値段の間違いは 1 語の違いでしかなく、ふつうの言葉で正しい値段を答えるより点が高くなります。一致率で高い点が付くのは、模範回答に*言い回しが近い*回答です。翻訳ならそれで足りることもありますが、アシスタントなら、**事実そのものを確かめて**ください。
#
# # パート C · 規則と偶然
#
# ## 測る: 差し控えるべきときを知っているか
#
# 学習に使っていない質問のそれぞれについて、会社に答えがあるかどうかが分かっています。すると「差し控える」ことは分類問題になり、昔ながらの道具が使えます。正解率、適合率、再現率、F1、混同行列です。あなたの `rouge_l` も、あとのダッシュボードのためにここで使います。
# %%
lab.measured(**customers.reply_metrics(asked, replies, overlap=rouge_l))
truth, done = customers.read_decisions(asked, replies)
lab.measured(**customers.decision_metrics(truth, done))
lab.table(customers.decision_rows(truth, done), "declining")
lab.figure(figures.confusion(customers.count_decisions(truth, done)), "declining")
# %% [markdown] lang="en"
# By **accuracy**, a program that always answers does well where most questions have an answer. It has never declined anything: its recall is 0, and F1 shows it. Read each model's second row of the matrix (where it should decline) and the first (where it should not): which mistake is worse, no metric knows. You have to say so, and then choose the metric.
#
# A rate hides *which* questions changed. So look at the flips from base to DPO: how many decisions became right and how many became wrong, and two of each with both replies.
# %% [markdown] lang="ja" of="eb14cb16"
# **正解率**で見ると、答えのある質問が多ければ、何にでも答えるプログラムでも好成績です。しかし、一度も差し控えていないので再現率は 0 で、F1 にはそれが表れます。それぞれのモデルの行列で、2 行目（差し控えるべき質問）と 1 行目（答えるべき質問）を見比べてください。どちらの間違いが重いのか、指標は教えてくれません。それを決めるのはあなたで、指標を選ぶのはそのあとです。
#
# 割合からは、*どの*質問が変わったのかが分かりません。そこで、ベースから DPO への入れ替わりを見ます。正しくなった判断と誤りになった判断はいくつあるでしょうか。2 つずつ、両方の回答も読んでください。
# %%
turned = customers.find_decision_flips(asked, replies, "base", "dpo")
lab.table([turned.counts()], "declining flips")
lab.table(turned.rows(2), "declining, changed")
lab.measured(decline_won_dpo=turned.counts()["wrong to right"],
             decline_lost_dpo=turned.counts()["right to wrong"])  # fmt: skip
# %% [markdown] lang="en"
# **Your win:** in the rows `wrong to right` the base invents an answer that nobody has, and DPO says honestly that it does not know. The rows `right to wrong`, if there are any, are the price: questions with an answer that DPO now turns away. `p` says how often luck alone would part the two counts so far (McNemar's exact test): rarely.
#
# A *right* decision is not yet a good reply: the base is right to answer where an answer exists, and answers nonsense. Whether what is said is true comes next.
#
# ## Measure: invented facts
#
# The base has never read a line about the company, and the archive held right and wrong values side by side. But the company's facts are a table. So we can count: a reply to "How much is …?" is *right*, *declined*, *invented* (another value than the table's), or contains *no value*.
# %% [markdown] lang="ja" of="960042cf"
# **成果が見えました。** 「不正解から正解へ」の行では、ベースが誰も知らない答えをでっち上げているのに対し、DPO は正直に「分からない」と答えています。「正解から不正解へ」の行があれば、それが代償です。答えのある質問まで断るようになったものです。正しくなった判断は、誤りになった判断の 2 倍ほどあります。`p` は、偶然だけでこれほどの開きが出る割合です（マクネマーの正確検定）。ここでは 0.05 をわずかに超えるので、差し引きで良くなったかどうかは、この問題数ではまだ**決まりません**。
#
# 判断が*正しい*だけでは、良い回答とは言えません。答えのある質問に答えるベースの判断は正しくても、中身は的外れです。言っていることが事実かどうかは、次に測ります。
#
# ## 測る: 作り話
#
# ベースは会社について 1 行も読んだことがなく、学習に使ったメールの記録には正しい値も誤った値も混ざっていました。ただし、会社の事実は一覧表になっています。ですから、数えられます。「…はいくらですか」への回答を、*正しい*、*差し控え*、*作り話*（表と違う値を答えた）、*値なし*の 4 つに分けます。
# %%
facts = customers.measure_facts(models, lab.language, lab.settings["facts"])
columns = ["question", "table", "model", "reply", "counted as"]
lab.table(customers.fact_rows(facts, 2), columns=columns)
lab.run.table("facts", customers.fact_rows(facts))
lab.measured(**customers.fact_metrics(facts))
lab.figure(figures.categories(customers.share_by_category(facts)), "hallucination")
lab.compare("invented")
# %% [markdown] lang="en"
# SFT has taught the *form*: made-up values now come in perfect manners. DPO makes inventions rarer; but look at *right*: **a hallucination rate near zero is cheap, a model that always declines has it.** Read it beside the share of right answers, and beside the needless refusals above. (Only retrieval makes the answers right: lab 07.)
#
# ## Build: is that difference chance?
#
# Ask other questions, and every rate moves. How far? The **bootstrap** draws the items again, with replacement, thousands of times. Two models answered the *same* items, so draw both together: hard questions are hard for both, and that part cancels.
#
# **Exercise (10 min).** `draws[i]` says which items resample *i* takes.
# %% [markdown] lang="ja" of="12530ba6"
# ベースに作り話が少ないのは、正直だからではありません。「値なし」が多いとおり、値を答える文になっていないだけです。SFT が教えたのは*形*でした。そのぶん、でたらめな値を、完璧な作法で答えるようになりました。DPO で作り話は減りましたが、「正しい」の割合を見てください。**作り話の割合を 0 に近づけるだけなら簡単で、いつも差し控えるモデルがそうです。** 正しい答えの割合や、先ほどの不要な差し控えと並べて読んでください（答えを正しくするのは検索です。ラボ 07 で扱います）。
#
# ## つくる: その差は偶然か
#
# 別の質問をすれば、どの割合も動きます。どのくらい動くのでしょうか。**ブートストラップ**では、問題を重複を許して何千回も引き直します。2 つのモデルは*同じ*問題に答えたのですから、対にしたまま引きます。難しい問題はどちらにも難しいので、その分は打ち消し合います。
#
# **演習（10 分）。** `draws[i]` は、i 回目の標本で使う問題の番号です。
# %% tags=["exercise"]
def paired_interval(ours, theirs, draws):
    ...  # your code: [low, high]


paired_interval = lab.check("paired_interval", paired_interval)
# %% [raw] lang="ja"
# your code: [low, high] → ここに書く: [下限, 上限]
# %% [markdown] lang="en"
# Your interval decides in this table. `draws` is made inside, 2,000 resamples of the items.
# %% [markdown] lang="ja" of="48e583f3"
# 次の表の区間は、あなたの関数で計算します。`draws` は関数の中で作られ、問題を 2,000 回引き直しています。
# %%
items = customers.score_items(asked, replies, facts, overlap=rouge_l)
rows = customers.comparison_rows(items, interval=paired_interval)
lab.table(rows, "dpo minus sft")
lab.measured(**customers.comparison_metrics(rows))
lab.figure(figures.differences(rows), "differences")
# %% [markdown] lang="en"
# `p` comes from a **permutation test**: were the models equal, swapping their names on any item would change nothing; how often does random swapping give a difference this large? Blue: the interval leaves out zero and p is below 0.05. Grey: **not decided** on so many items. Where the two disagree, the difference lies on the border, and only more questions would tell. For *hallucination* a negative difference is the good direction, for the others a positive one. "DPO improved the model" is not one number.
#
# # Part D · Judges
#
# For style and helpfulness there is no table to check. The field asks another model: **LLM-as-judge**. Here the base is the judge. What does it read? One pair of replies whose better one is known:
# %% [markdown] lang="ja" of="58acec6d"
# `p` は**並べ替え検定**の値です。2 つのモデルが同じ実力なら、どの問題で名前を入れ替えても何も変わらないはずです。でたらめに入れ替えて、これほど大きな差がどれくらい出るかを数えます。青は、区間が 0 を含まず、p も 0.05 未満の差です。灰色は、この問題数では**決まりません**。区間と p の判断が食い違うのは、差が境目にあるときです。問題を増やさなければ分かりません。「作り話」は差が負なら良い方向、ほかは正なら良い方向です。「DPO でモデルが良くなった」は、1 つの数字では言えません。
#
# # パート D · 審査員
#
# 読みやすさや親切さには、照らし合わせる表がありません。そこで、別のモデルに聞きます。**LLM-as-judge** です。ここではベースに審査させます。審査員は何を読むのでしょうか。良いほうが分かっている回答の組を 1 つ見せてみます。
# %%
from lab_helpers.evaluation.judge import LikelihoodJudge
from lab_helpers.labs.lab06 import judges as judging

gold, jury = judging.select_gold_pairs(lab.run), judging.train_jury(lab.run)
letters: LikelihoodJudge = jury["judge"]
pair = gold[0]
print(letters.prompt_of(pair.prompt, pair.better, pair.worse))
# %% [markdown] lang="en"
# This is the judge's whole prompt, as the model reads it: the question, both replies, the request for a letter, and the opening of its own turn. Of the next token two probabilities are read, of "A" and of "B". `judge(prompt, first, second)` is the share of the first.
#
# **Exercise (8 min).** Judges favour a seat. Ask in both orders; your rule decides every comparison below.
# %% [markdown] lang="ja" of="aa0ec4ad"
# これが審査員の読むプロンプトのすべてです。質問、2 つの回答、文字での回答の求め、そして自分の発言の書き出しが並びます。次のトークンについて、「A」と「B」の確率だけを読み取ります。`judge(prompt, first, second)` は、そのうち先に置いた回答の割合です。
#
# **演習（8 分）。** 審査員には、置かれた位置の好みがあります。順番を入れ替えて 2 回聞いてください。以下の比較は、すべてあなたの規則で決まります。
# %% tags=["exercise"]
def position_swapped(judge, prompt, ours, theirs):
    ...  # your code: 1.0, 0.0 or 0.5


position_swapped = lab.check("position_swapped", position_swapped)
# %% [raw] lang="ja"
# your code: 1.0, 0.0 or 0.5 → ここに書く: 1.0、0.0、0.5 のどれか
# %%
from collections import Counter

some = gold[:: max(1, len(gold) // 20)]
once = [letters(p.prompt, p.better, p.worse) > 0.5 for p in some]
twice = [position_swapped(letters, p.prompt, p.better, p.worse) for p in some]
print("better reply first, asked once: right in", sum(once), "of", len(some))
print("both orders, 1 right, 0 wrong, 0.5 a tie:", dict(Counter(twice)))
# %% [raw] lang="ja"
# better reply first, asked once: right in → 良い回答を先に置いて 1 回だけ聞いた場合の正解:
# "of" → "/"
# both orders, 1 right, 0 wrong, 0.5 a tie: → 両方の順番で聞いた場合（1 は正解、0 は不正解、0.5 は引き分け）:
# %% [markdown] lang="en"
# Asked once, with the better reply in the first place, the judge looks like an expert. In both orders little of it is left: nearly every pair is a tie, since the judge has chosen the place and not the reply.
#
# ## Measure: the judges on trial
#
# Held-out pairs with the house's own preference are the **gold**. Three judges that need no network: the base asked for a letter; the base's *likelihood* of each reply; and a small reward *learned from* other pairs (lab 05). `at equal lengths` estimates what the agreement would be if both replies were equally long (Dubois et al. 2024).
# %% [markdown] lang="ja" of="3b976433"
# 良いほうを先に置いて 1 回だけ聞くと、名審査員に見えます。ところが両方の順番で聞くと、ほとんど何も残りません。選んでいたのは回答ではなく位置だったので、ほぼすべてが引き分けになります。
#
# ## 測る: 審査員を審査する
#
# 会社自身の好みが分かっている、学習に使っていないペアを**正解ラベル**とします。ネットワークの要らない審査員は 3 人です。文字で答えるベース、各回答の*尤度*で選ぶベース、そして別の*ペアから学習した*小さな報酬（ラボ 05）です。「長さをそろえた場合」は、2 つの回答の長さが同じだったら一致率がいくつになるかを推定したものです（Dubois et al. 2024）。
# %%
verdicts = judging.measure_verdicts(jury, gold)
found = judging.judge_metrics(verdicts)
lab.measured(**found)
lab.table(judging.judge_rows(found), "judges")
lengths = judging.length_rows(verdicts)
lab.run.table("judges by length", lengths)
lab.figure(figures.judges(judging.judge_rows(found), lengths), "judges")
# %% [markdown] lang="en"
# - *Asks A or B* chooses by place: see its position bias, and an agreement near one half, a coin's.
# - *Likelihood* has no favourite place, but a favourite length: a sum of log-probabilities falls with every token, so the shorter reply wins, and here the better reply is mostly longer.
# - *Learned from pairs* agrees with the house most often while the better reply is the longer one. Equally long pairs differ in a number mostly: **nobody can judge a fact that they do not know.**
#
# Large judges are better than these and have the same vices in smaller doses (Zheng et al. 2023). The test is the same: **gold, both orders, lengths.** Now the best of the three may compare DPO with SFT, by your rule.
# %% [markdown] lang="ja" of="7d6148db"
# - *A か B かを聞く*審査員は、位置で選びます。位置バイアスを見てください。一致率は 0.5 前後で、コイン投げと変わりません。
# - *尤度*に位置の好みはありませんが、長さの好みがあります。対数確率の和はトークンが増えるたびに下がるので、短いほうが勝ちます。ところが、ここではたいてい長いほうが良い回答です。
# - *ペアから学習*した審査員は、良いほうが長いときに会社の好みとよく一致します。長さが同じペアは、たいてい数字だけが違います。**知らない事実を審査することは、誰にもできません。**
#
# 大きな審査員はもっと優秀ですが、程度の差こそあれ、同じ癖を持っています（Zheng et al. 2023）。検査の方法は同じです。**正解ラベルとの一致、両方の順番、長さ**を調べてください。では、3 人のうち最も良い審査員に、DPO と SFT をあなたの規則で比べてもらいましょう。
# %%
best = judging.choose_best_judge(found)
won = judging.measure_wins(jury[best], asked, replies["dpo"], replies["sft"], position_swapped)
lab.measured(**won)
low, high = won["judge_win_rate_dpo_vs_sft_ci"]
print(f"DPO wins {won['judge_win_rate_dpo_vs_sft']:.2f} [{low:.2f}, {high:.2f}]")
print(f"at equal lengths {won['judge_win_rate_dpo_vs_sft_at_equal_lengths']:.2f}")
print(f"same verdict in both orders {won['judge_win_rate_steady']:.2f}")
jury = letters = None  # its model leaves the memory
# %% [raw] lang="ja"
# "DPO wins " → "DPO の勝率 "
# "at equal lengths " → "長さをそろえた場合 "
# "same verdict in both orders " → "両方の順番で同じ判定になる割合 "
# its model leaves the memory → モデルをメモリから降ろす
# %% [markdown] lang="en"
# The judge has learnt from the same kind of pairs as DPO and likes refusals as much. So read its verdict beside the rules above, which see needless refusals and the tone apart. Both are true; only one of them would be on a slide.
#
# ## Measure: speed
#
# The customer waits too. One reply at a time: half are done within **p50**, 19 of 20 within **p95**; the **first token** is what a streaming interface shows.
# %% [markdown] lang="ja" of="1342d486"
# この審査員は、DPO と同じ種類のペアから学び、同じように差し控えを好みます。ですから、その判定は、不要な差し控えと口調を別々に見る先ほどの規則と並べて読んでください。どちらも本当ですが、発表資料に載るのは片方だけでしょう。
#
# ## 測る: 速さ
#
# お客様は待っています。回答を 1 つずつ測ります。半数は **p50** 以内、20 回に 19 回は **p95** 以内に終わります。**最初のトークン**までの時間は、逐次表示の画面で体感する速さです。
# %%
from lab_helpers.evaluation.latency import latency_rows
from lab_helpers.labs.lab06 import dashboard as boards

few = asked.texts[: lab.settings["latency_replies"]]
speed = boards.measure_latencies(models, few, lab.settings["latency_tokens"])
lab.table(latency_rows(speed), "latency")
lab.measured(**boards.latency_metrics(speed))
# %% [markdown] lang="en"
# An adapter that is *put on* costs time in every layer: compare tokens/s with the base's (`merge_and_unload()` gives it back). How long the customer waits also depends on how much is written: see `tokens a reply`, and `cut off`, the replies that the limit has ended. Means hide the waiting: look at p95 (of so few replies it is nearly the slowest one; for your own server time hundreds).
#
# # Part E · Benchmarks
#
# ## Measure: MMLU, in two forms
#
# The shipped mini sets have the formats of the famous ones, so your real files run as they are. First multiple choice, which is scored by **log-likelihood**.
# %% [markdown] lang="ja" of="843c363a"
# *付けたまま*のアダプターは、どの層でも時間を使います。トークン/秒をベースと比べてください（`merge_and_unload()` で取り戻せます）。待ち時間は、書く量にもよります。「回答あたりのトークン数」と、上限で打ち切られた回答の数を見てください。平均には待ち時間が表れません。p95 を見ましょう（この件数では、ほぼ最も遅い回答の値です。自分のサーバーを測るなら、何百件も測ってください）。
#
# # パート E · ベンチマーク
#
# ## 測る: 2 つの形式の MMLU
#
# 同梱のミニデータは本家と同じ形式なので、手元にある本物のファイルもそのまま動きます。まずは選択問題で、**対数尤度**で採点します。
# %%
from lab_helpers.evaluation.benchmarks import prompts
from lab_helpers.evaluation.benchmarks.formats import read_multiple_choice

item = read_multiple_choice(lab.language)[0]
print(prompts.heading(item.subject, lab.language), end="")
print(*prompts.lettered(item, lab.language), sep="◀▶")
print("\n---\n")
print(*prompts.cloze(item, lab.language), sep="◀▶")
print("\n---\n", item.choices)
# %% [markdown] lang="en"
# One item in both forms, as the model reads it; behind ◀▶ stands the text whose likelihood is taken. In the first form it is a letter, and all choices have been shown. In the second, **cloze**, the model sees the question alone, and each choice is read as its answer. No text is written: the likeliest choice counts.
# %% [markdown] lang="ja" of="964ea19a"
# 同じ問題を、2 つの形式で、モデルが読むとおりに表示しました。◀▶ の後ろが、尤度を測る文字列です。1 つめの形式（letters）では、選択肢をすべて見せたあとの文字 1 つです。2 つめの形式（**cloze**、穴埋め）では、モデルには問題文だけを見せ、それぞれの選択肢を答えとして読ませます。文章は書かせず、最も起こりやすい選択肢を答えとみなします。
# %%
from lab_helpers.labs.lab06 import benchmarks

shipped = benchmarks.measure_shipped(lab.settings, models, lab.language)
groups = benchmarks.group_rows(shipped)
lab.run.table("mmlu by group", groups)
lab.measured(**benchmarks.two_ways_metrics(shipped), **benchmarks.drop_metrics(shipped))
lab.figure(figures.two_ways(groups, shipped["mmlu"]["base"].chance), "mmlu")
# %% [markdown] lang="en"
# One model, the same questions: asked for letters it stays near the dotted line of chance; asked by cloze it knows nearly everything that it has read (*known*). It has never read about the *company*, and is at chance there. *Withheld* facts lie far below chance: the wrong choices are words that it has met, the right one is not. The form of the question decides what is measured.
#
# And claim 37, MMLU as an alarm for forgetting? What has SFT cost, by both ways of asking, and which answers changed?
# %% [markdown] lang="ja" of="f7f4a7f2"
# モデルも問題も同じです。それなのに、文字で答えさせると点線（偶然）の近くにとどまり、cloze で聞くと、読んだこと（*既知*）はほとんど知っています。*会社*については読んだことがないので、偶然と変わりません。*未学習*の事実が偶然を大きく下回るのは、誤答のほうが見覚えのある言葉で、正解がそうではないからです。何が測れるかは、聞き方しだいです。
#
# では、主張 37 の「忘却の警報としての MMLU」はどうでしょうか。SFT で失われた分を、両方の聞き方で見ます。どの答えが変わったのかも見てみましょう。
# %%
for name in ("mmlu_letters", "mmlu"):
    drop, (low, high) = (lab.run.metrics[f"{name}_drop_sft{end}"] for end in ("", "_ci"))
    print(f"{name:13s} base - SFT: {drop:+.3f}  [{low:+.3f}, {high:+.3f}]")
turned = boards.find_benchmark_flips({"mmlu": shipped["mmlu"]}, "base", "sft")[0]
lab.table([turned.counts()], "mmlu flips")
lab.table(turned.rows(3), "mmlu, changed")
# %% [markdown] lang="en"
# Not every row is knowledge: the base is at chance on questions about the company, and such answers flip by luck. But more answers were lost than won, and `p` says that the surplus is no luck. **The damage is real, and the letters do not see it** (their interval holds zero): a test at chance has nothing to lose.
#
# ## Build: an answer out of a text
#
# Word problems in the format of GSM8K: the model writes a solution, and a number is compared. Which number? A surprising part of every GSM8K score is this small function.
#
# **Exercise (10 min).**
# %% [markdown] lang="ja" of="bc9f64a0"
# すべての行が知識の変化とはかぎりません。会社についての問題では、ベースは当て推量なので、偶然でも入れ替わります。それでも失われた答えのほうが多く、`p` を見ると、その差は偶然では説明できません。**損傷は現実に起きているのに、letters では見えません**（区間が 0 を含みます）。当て推量の成績には、下がる余地がないからです。
#
# ## つくる: 文章から答えを取り出す
#
# 次は GSM8K の形式の文章題です。モデルが解き方を書き、数を正解と比べます。どの数を比べるのでしょうか。GSM8K の点数は、意外なほどこの小さな関数に左右されます。
#
# **演習（10 分）。**
# %% tags=["exercise"]
def extract_answer(reply):
    ...  # your code: text such as "8700", or None


extract_answer = lab.check("extract_answer", extract_answer)
# %% [raw] lang="ja"
# your code: text such as "8700", or None → ここに書く: "8700" のような文字列か None
# %% [markdown] lang="en"
# Two rules are in use, and lm-eval reports both: **strict** takes only what follows `####`; **lenient** (yours) falls back on the last number. Here is an item as a base model reads it, and what both rules make of SFT's replies.
# %% [markdown] lang="ja" of="6da73783"
# 使われている規則は 2 つあり、lm-eval は両方を報告します。**strict** は `####` の後ろだけを取り、**lenient**（あなたの関数）は、なければ最後の数を取ります。ベースモデルが読むとおりの問題を 1 つと、SFT の回答を 2 つの規則で読んだ結果です。
# %%
from lab_helpers.evaluation.benchmarks.formats import read_gsm8k

print(*prompts.problem(read_gsm8k(lab.language)[0], lab.language), sep="◀▶")
lab.table(benchmarks.answer_rows(shipped["gsm8k"]["sft"], extract_answer))
# %% [markdown] lang="en"
# The model was not taught the form `####`, so the strict rule finds nothing to compare; the lenient one often finds a number, and a number can be right by accident. State both, and say which is which.
#
# ## Build: pass@k
#
# HumanEval-style tests **run** the model's program. Draw n programs for a task, c of them pass: how likely is it that at least one of k passes? (Chen et al. 2021, eq. 1.)
#
# **Exercise (8 min).**
# %% [markdown] lang="ja" of="d941c4b8"
# モデルは `####` という書き方を教わっていないので、strict では比べる数が見つかりません。lenient なら数が見つかることが多くなりますが、たまたま正解になることもあります。両方の値を、どちらなのかを添えて示してください。
#
# ## つくる: pass@k
#
# HumanEval 形式のテストでは、モデルのプログラムを**実際に動かします**。1 つの課題に n 個のプログラムを書かせ、c 個が合格しました。k 個のうち少なくとも 1 つが合格する確率はいくつでしょうか（Chen et al. 2021、式 1）。
#
# **演習（8 分）。**
# %% tags=["exercise"]
def pass_at_k(n, c, k):
    ...  # your code: from 0 to 1


pass_at_k = lab.check("pass_at_k", pass_at_k)
# %% [raw] lang="ja"
# your code: from 0 to 1 → ここに書く: 0 から 1 の値
# %%
from lab_helpers.evaluation.benchmarks.formats import read_humaneval

program = read_humaneval(lab.language)[0]
print(program.prompt, "◀▶", program.canonical_solution, "\n---\n", program.test, sep="")
for k in (1, 5, 10):
    naive = 1 - (1 - 3 / 20) ** k
    print(f"3 of 20 pass: pass@{k} = {pass_at_k(20, 3, k):.3f}, naive formula {naive:.3f}")
# %% [raw] lang="ja"
# "3 of 20 pass: " → "20 個中 3 個が合格: "
# ", naive formula " → "、素朴な式では "
# %% [markdown] lang="en"
# A task, one right solution behind ◀▶, and the tests that decide. (The naive formula draws the same program again and again, and comes out too low.)
#
# A model's program may delete your files, by malice or by accident. The course runs it in a **sandbox**, and the sandbox is examined like everything else: hostile programs try to break out, to use everything up, and to be counted as right. Whether they succeeded is looked up from *outside*: their own word counts for nothing.
# %% [markdown] lang="ja" of="bff128d7"
# 課題、◀▶ の後ろに正しい解答の 1 つ、そして合否を決めるテストです（素朴な式は同じプログラムを何度も引いてしまうため、低すぎる値になります）。
#
# モデルの書いたプログラムは、悪意があってもなくても、あなたのファイルを消すかもしれません。講座では**サンドボックス**の中で動かします。そして、ほかのものと同じように、サンドボックス自体も検査します。敵対的なプログラムが、脱出し、資源を使い尽くし、正解と数えられようとします。成功したかどうかは*外から*確かめます。プログラム自身の言い分は、いっさい信用しません。
# %%
refusal = benchmarks.find_sandbox_refusal()
layers, attacks = say("the layers", "サンドボックスの層"), say("the attacks", "攻撃の一覧")
show_folded(layers, benchmarks.measure_protections())
if refusal:
    print(refusal)
else:
    hostile = benchmarks.measure_hostile_programs()
    lab.run.table("sandbox", hostile)
    show_folded(attacks, hostile, ["program", "tries", "status", "escaped"])
    lab.measured(**benchmarks.hostile_metrics(hostile))
    print("escaped:", sum(row["escaped"] for row in hostile), "of", len(hostile))
# %% [raw] lang="ja"
# escaped: → 脱出したプログラム:
# "of" → "/"
# %% [markdown] lang="en"
# None may escape. Where a layer is missing (macOS, Windows), the sandbox says what is weaker, and runs nothing before you agree. Now all four tests of all candidates, GSM8K by both rules, the lenient one being yours:
# %% [markdown] lang="ja" of="1bb9a716"
# 1 つも脱出してはなりません。欠けている層があるとき（macOS、Windows）は、何が弱いのかを伝え、同意を得るまで何も動かしません。では、すべての候補の 4 つのテストの結果です。GSM8K は両方の規則で示します。lenient はあなたの関数です。
# %%
lab.table(benchmarks.result_rows(shipped, extract_answer), "benchmarks")
lab.measured(**benchmarks.result_metrics(shipped, extract_answer))
# %% [markdown] lang="en"
# A score of zero on word problems and programs says only that the test is too hard for a model of this size; the upper end of its interval is what can be excluded. A benchmark says something about models for which it is neither too hard nor too easy.
#
# ## Break it: the test has leaked
#
# Benchmarks are on the internet, and training data come from the internet. Half of the items now leak into a training, as a crawl would bring them: question and solution, repeated. The other half stays fresh, for comparison.
# %% [markdown] lang="ja" of="fbd77062"
# 文章題とプログラムの 0 点は、このサイズのモデルには難しすぎるということしか意味しません。区間の上限が、否定できる範囲を示します。ベンチマークが何かを語れるのは、難しすぎも易しすぎもしないモデルについてだけです。
#
# ## 壊す: テストが混ざった
#
# ベンチマークはインターネットにあり、学習データもインターネットから来ます。そこで、半分の問題を学習に混ぜてみます。クローラーが集めるように、問題と解答がそのまま、繰り返し出てきます。残りの半分は混ぜずにおき、比較に使います。
# %%
from lab_helpers.labs.lab06 import leaks
from lab_helpers.runtime.lexicon import term

halves = leaks.split_halves(lab.run)
leaked, tokenizer = leaks.train_leaked(lab.run, halves.leaked)
with leaked.model.disable_adapter():  # the base, which has seen nothing of it
    before = leaks.measure_both_halves(lab.run, leaked.model, tokenizer, halves)
after = leaks.measure_both_halves(lab.run, leaked.model, tokenizer, halves)
rows = leaks.leak_rows(halves, before, after)
lab.table(rows, "leak")
lab.measured(**leaks.leak_metrics(before, after), train_seconds_leak=leaked.seconds)
lab.figure(figures.leak(rows), "leak")
for half in ("leaked", "fresh"):
    solved, (low, high) = (lab.run.metrics[f"score_{half}_after{end}"] for end in ("", "_ci"))
    print(f"{term(half)}: solved after the training {solved:.2f} [{low:.2f}, {high:.2f}]")
lab.compare("leaked")
# %% [raw] lang="ja"
# the base, which has seen nothing of it → 問題を見ていないベース
# ": solved after the training " → ": 学習後の正解率 "
# %% [markdown] lang="en"
# A model that cannot add now "solves" word problems and passes unit tests. On the fresh half it solves next to nothing; the upper end of that interval is all that it can have learnt. **The gap between leaked and fresh items is the measurement**; GSM1k was written as a fresh counterpart of GSM8K for exactly this (Zhang et al. 2024).
#
# Greedy replies are one draw. With several programs a task, drawn at temperature 1, your pass@k measures:
# %% [markdown] lang="ja" of="9181ff79"
# 足し算もできないモデルが、文章題を「解き」、単体テストに合格するようになりました。混入していない半分は、ほとんど解けません。何かを学んだとしても、その区間の上限までです。**混入した問題と、新しい問題との差こそが、測るべきものです。** GSM1k は、まさにこのために GSM8K と対になる新しい問題として書かれました（Zhang et al. 2024）。
#
# 貪欲法の回答は、1 回きりの抽選のようなものです。温度 1 で課題ごとに何個もプログラムを書かせ、あなたの pass@k で測ります。
# %%
for half, members in (("leaked", halves.leaked), ("fresh", halves.fresh)):
    passed = leaks.draw_programs(lab.run, leaked.model, tokenizer, members, count=5)
    for k in (1, 3) if passed else ():
        rates = [pass_at_k(5, sum(runs), k) for runs in passed.values()]
        rate = sum(rates) / len(rates)
        lab.measured(**{f"leak_pass_at_{k}_{half}": rate})
        print(f"{term(half)}: pass@{k} = {rate:.2f} (5 programs for each of {len(rates)} tasks)")
# %% [raw] lang="ja"
# " (5 programs for each of " → "（各 5 個のプログラム、課題数 "
# " tasks)" → "）"
# %% [markdown] lang="en"
# More attempts find more, but only where the solution has been read.
#
# ## Mend it: look for the copies
#
# The check needs only the two files: which test items share a run of *n* words with the training data? GPT-3 used 13 (Brown et al. 2020, appendix C). Then the guilty rows go.
#
# **Exercise (12 min).** Clean a training file. Your function cleans the lab's.
# %% [markdown] lang="ja" of="254b78d9"
# 試行を増やせば合格は増えますが、それは解答を読んだ問題にかぎります。
#
# ## 直す: 丸写しを探す
#
# 検査に要るのは、2 つのファイルだけです。*n* 語の並びを学習データと共有しているテスト問題はどれでしょうか。GPT-3 では 13 語でした（Brown et al. 2020、付録 C）。見つかった行は、学習データから除きます。
#
# **演習（12 分）。** 学習データをきれいにしてください。このラボのデータも、あなたの関数で掃除します。
# %% tags=["exercise"]
def remove_leaks(rows, test_texts, n=13):
    ...  # your code: the rows that stay


remove_leaks = lab.check("remove_leaks", remove_leaks)
# %% [raw] lang="ja"
# your code: the rows that stay → ここに書く: 残す行のリスト
# %%
counts = leaks.measure_detection(lab.run, halves)
lab.table(counts, "leaks found")
lab.measured(**leaks.detection_metrics(lab.run, counts))
lab.measured(**leaks.mended_metrics(lab.run, halves, remove_leaks))
numbers = lab.run.metrics
print(f"copies found, 13 words in a row: {numbers['leak_detection_recall']:.0%}")
print(f"reworded problems found: {numbers['leak_detection_recall_reworded']:.0%}")
print("rows before and after:", numbers["leak_rows"], numbers["leak_rows_mended"])
# %% [raw] lang="ja"
# "copies found, 13 words in a row: " → "13 語続きで見つかった丸写し: "
# "reworded problems found: " → "見つかった言い換え: "
# rows before and after: → 掃除の前後の行数:
# %% [markdown] lang="en"
# Every planted copy is found, and taking those rows out leaves the house's own rows whole. But problems that were **reworded** by hand all go through. So a clean n-gram check proves that there are no copies, not that there is no leak; with training on rephrased test items a 13B model reached GPT-4's level on benchmarks (Yang et al. 2023, arXiv:2311.04850). On two files of your own: `contaminated_files(test, training)` in `lab_helpers.evaluation.contamination`.
#
# # Part F · One dashboard
#
# Everything about the three models on one page. ★ marks the best and whatever is not told apart from it: item by item where the same items were answered (the paired interval holds zero), by overlapping intervals elsewhere. Where all stand at the bottom of a scale, nobody gets a star. Below: which answers changed from the base on.
# %% [markdown] lang="ja" of="6e26ee1b"
# 仕込んだ丸写しはすべて見つかり、その行を除いても、会社自身のデータは無傷で残ります。ところが、手で**言い換えた**問題は、すべてすり抜けました。n-gram の検査で分かるのは、丸写しがないことであって、混入がないことではありません。言い換えたテスト問題で学習した 13B のモデルが、ベンチマークで GPT-4 並みの点を取ったという報告もあります（Yang et al. 2023、arXiv:2311.04850）。手元の 2 つのファイルには、`lab_helpers.evaluation.contamination` の `contaminated_files(test, training)` を使えます。
#
# # パート F · 1 枚のダッシュボード
#
# 3 つのモデルについて測ったすべてを 1 ページにまとめます。★ は、最良のモデルと、それと見分けのつかないモデルです。同じ問題に答えたものは問題ごとに比べ（対にした差の区間が 0 を含むかどうか）、それ以外は区間の重なりで判断します。全員が最低点なら、★ は付きません。その下は、ベースからどの答えが変わったかです。
# %%
from lab_helpers.figures import dashboard as dashboard_figures
from lab_helpers.labs.lab06.dashboard_page import write_dashboard
from lab_helpers.runtime.language import language

flips = [turn for name in ("sft", "dpo") for turn in
         [customers.find_decision_flips(asked, replies, "base", name),
          *boards.find_benchmark_flips(shipped, "base", name)]]  # fmt: skip
board = boards.build_dashboard(lab.run.metrics, boards.collect_items(items, shipped))
lab.table(board.rows(language()), "dashboard")
lab.figure(dashboard_figures.bars(board), "bars")
lab.table([flip.counts() for flip in flips], "flips")
lab.figure(figures.flips([flip.counts() for flip in flips]), "flips")
page = write_dashboard(lab.run.folder / "dashboard.html", board, boards.NOTES, flips)
lab.run.artifact(page)
# %% [markdown] lang="en"
# No column decides alone, and no model wins them all. That is the normal case, and the reason to show the columns *before* someone asks which model is best. The bars below show what the columns hide: behind nearly equal rates many answers may have changed, in both directions.
#
# The same page stands in the run's folder as `dashboard.html`, with the changed replies behind folds, for those who do not open notebooks. `labs eval --adapter ...` writes it for your own adapters.
#
# Between two tuned models it works the same way: did DPO cost facts that SFT still had?
# %% [markdown] lang="ja" of="ccc0dcc8"
# 1 つの列だけでは決まりませんし、すべてに勝つモデルもありません。それがふつうで、だからこそ「どれが一番か」と聞かれる*前に*、列を並べて見せるのです。下の棒グラフは、列が隠しているものを見せています。割合がほとんど同じでも、その裏で多くの答えが両方向に変わっていることがあります。
#
# 同じページが、実行結果のフォルダーに `dashboard.html` としてあり、変わった回答も折りたたんで入っています。ノートブックを開かない人にはこちらをどうぞ。`labs eval --adapter ...` を使えば、自分のアダプターについても同じページができます。
#
# チューニングした 2 つのモデルどうしでも、同じように比べられます。SFT がまだ知っていた事実を、DPO は失ったでしょうか。
# %%
turned = boards.find_benchmark_flips({"mmlu": shipped["mmlu"]}, "sft", "dpo")[0]
lab.table([turned.counts()])
lab.table(turned.rows(2))
# %% [markdown] lang="en"
# The counts answer it, and `p` says whether they can.
#
# ## Explore
#
# Choose models and metrics, as bars or radar. A radar looks impressive; try to read the intervals in it.
# %% [markdown] lang="ja" of="16fdc078"
# 答えは 2 つの数に表れ、それで決められるかどうかは `p` に表れています。
#
# ## 触ってみる
#
# モデルと指標を選び、棒グラフかレーダーで表示してみてください。レーダーは見栄えがします。では、そこから区間を読み取れるでしょうか。
# %%
from lab_helpers.figures.widgets import dashboard_explorer

lab.figure(dashboard_figures.radar(board), "radar")
dashboard_explorer(
    lambda kind, metrics, names: dashboard_figures.picture(board.only(metrics, names), kind),
    [(metric.label(language()), metric.name) for metric in board.metrics],
    board.models,
)
# %% [markdown] lang="en"
# ## Verdict
# %% [markdown] lang="ja" of="297877e6"
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# Claim 37 can come out three ways: *true* if the letters see the loss that cloze sees, *conditional* if only cloze sees it, *cannot be measured* where nothing was lost.
#
# ## On a real model
#
# Is all this about Kotori's size? The same cells ran on SmolLM2, 135 million parameters, which its makers have taught to follow instructions (`labs run 06 --profile small`). Its record was taken with this lab's earlier cells; what it lacks is a dash.
# %% [markdown] lang="ja" of="f5c7183c"
# 主張 37 の判定は 3 通りありえます。cloze で見える損失が letters でも見えれば*正しい*、cloze でしか見えなければ*条件つき*、何も失われていなければ*測れない*です。
#
# ## 実際のモデルでは
#
# ここまでの結果は、Kotori が小さいせいなのでしょうか。同じセルを、指示に従うよう調整済みの 1.35 億パラメータのモデル、SmolLM2 でも実行しました（`labs run 06 --profile small`）。この記録は以前のセルで測ったもので、ない値は「–」と表示します。
# %%
lab.real_model(
    "mmlu_letters_base", "mmlu_base", "mmlu_sft", "mmlu_drop_sft", "gsm8k_base", "humaneval_base",
    "judge_agreement", "judge_position_bias", "learned_judge_agreement",
    "hallucination_rate_sft", "hallucination_rate_dpo", "decline_f1_dpo",
    "score_leaked_after", "score_fresh_after",
)  # fmt: skip
# %% [markdown] lang="en"
# Read the two columns row by row. In the kept record the real model, too, answers by letters no better than by guessing and knows much more when it is asked by cloze; it solves no word problem by the strict rule; it prefers the same seat when asked "A or B"; and leaked items raise the score of what has leaked and of nothing else. Whether DPO moves a model of that size as it moved Kotori is a question of pairs and rate as well; where the columns differ, the reason is **not decided** here.
#
# ## Scale up
#
# - **Your adapters, your files:** `labs eval --adapter RUN/adapter --benchmark HumanEval.jsonl.gz --html page.html` puts the base and any adapters through the same examination, on the original GSM8K, HumanEval, MMLU or JCommonsenseQA files as they are, and shows which answers each adapter changed. `labs run 06 --data FILE` adds one file to this lab.
# - **The field's harness:** with `pip install 'llm-finetuning-labs[eval]'`, `lab_helpers.evaluation.benchmarks.lm_eval` runs the same sets through lm-eval, offline, and gives the same numbers.
# - **A strong judge:** `EndpointJudge` in `lab_helpers.evaluation.judge` asks any OpenAI-compatible server, on your terms. Put it on trial first.
#
# ## An open experiment
#
# Which single number would you show to someone who must choose between SFT and DPO? Write it down, then find a change that improves this number and makes the model worse: a longer training (`num_train_epochs`), more pairs of one reason (`pairs.of("honesty")`), a system message. Show the flips. If you find none, you have a good metric; most people find one within half an hour.
#
# ## Quiz
# %% [markdown] lang="ja" of="f77b450a"
# 2 つの列を、行ごとに読み比べてください。SmolLM2 が読めるのは英語だけなので、右の列は英語のデータで測った値です。保存されている記録では、実際のモデルも、文字で答えさせると当て推量と変わらず、cloze で聞けばずっと多くを知っています。strict の規則では文章題が 1 問も解けません。「A か B か」と聞くと、いつも同じ位置を選びます。そして、混入した問題の点だけが上がり、ほかは上がりません。DPO がこの大きさのモデルを Kotori と同じように動かすかどうかは、ペアの数や学習率にもよります。列が食い違うところの理由は、ここでは**決められません**。
#
# ## 大きくする
#
# - **自分のアダプター、自分のファイル:** `labs eval --adapter RUN/adapter --benchmark HumanEval.jsonl.gz --html page.html` で、ベースと好きなアダプターに同じ試験を受けさせ、アダプターごとに変わった答えを調べられます。GSM8K、HumanEval、MMLU、JCommonsenseQA の元のファイルを、そのまま渡してください。`labs run 06 --data FILE` なら、このラボにファイルを 1 つ加えられます。
# - **業界標準の評価ツール:** `pip install 'llm-finetuning-labs[eval]'` を入れると、`lab_helpers.evaluation.benchmarks.lm_eval` が同じデータを lm-eval で、オフラインで測ります。値は同じになります。
# - **強い審査員:** `lab_helpers.evaluation.judge` の `EndpointJudge` は、OpenAI 互換のサーバーなら何にでも、あなたの契約のもとで質問できます。その前に、審査員自身の審査を忘れずに。
#
# ## 自由な実験
#
# SFT と DPO のどちらかを選ばなければならない人に、数字を 1 つだけ見せるなら、どれにしますか。書き留めてから、その数字が良くなるのにモデルは悪くなる変更を探してください。学習を長くする（`num_train_epochs`）、ある理由のペアばかり増やす（`pairs.of("honesty")`）、システムメッセージを変える、などです。入れ替わった答えも見せてください。見つからなければ、良い指標です。たいていは 30 分もあれば見つかります。
#
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 07. No tuning has made a single price right. Retrieval does, and the two together do what neither can.
# %% [markdown] lang="ja" of="968fe05b"
# **次は:** ラボ 07 です。チューニングでは、値段ひとつ正しくなりませんでした。検索ならそれができます。そして 2 つを組み合わせると、片方だけではできないことができます。
