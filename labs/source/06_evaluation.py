# %% [markdown] lang="en"
# # Lab 06 · Evaluation
#
# **After this lab you can** compute BLEU, ROUGE-L and METEOR by hand and say what they do not see, evaluate Japanese without getting zeros, run tests in the formats of MMLU, GSM8K and HumanEval, execute a model's programs without fear, examine a judge before you trust it, tell a difference from chance, and find out whether a test has leaked into the training data.
#
# **Time:** about 2 minutes of computing on a 2-core CPU; two hours with the exercises.
#
# **Claims under test:** 34 (BLEU, ROUGE and METEOR for generated text), 37 (MMLU shows whether general knowledge was damaged), 38 (HumanEval and GSM8K measure the effect of tuning). Claim 35 (accuracy for entities) was lab 01's.
# %% [markdown] lang="ja" of="0c5c967c"
# # ラボ 06 · 評価
#
# **このラボを終えると**、BLEU・ROUGE-L・METEOR を手で計算してその見落としを指摘し、0 点ばかりにならずに日本語を評価し、MMLU・GSM8K・HumanEval の形式のテストを行い、モデルが書いたプログラムを安心して動かし、審査員を信じる前に審査し、偶然と本当の差を見分け、テストが学習データに混ざっていないかを調べられるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 2 分、演習も含めると 2 時間です。
#
# **検証する主張:** 34（生成テキストの評価は BLEU、ROUGE、METEOR）、37（汎用知識が損なわれていないかは MMLU で分かる）、38（チューニングの効果は HumanEval と GSM8K で測れる）。主張 35（固有表現抽出を正解率で測る）は、ラボ 01 で扱いました。
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
# ## The candidates
#
# Three models apply for the job of Hoshizora's assistant: the **base** Kotori, the same after **SFT** on a mail archive, and after **DPO** on top of it, both as in lab 05. One base stays in memory; each candidate is an adapter that is put on.
# %% [markdown] lang="ja" of="bda2f559"
# ## 候補者
#
# 星空電機のアシスタントに、3 つのモデルが応募してきました。**ベース**の Kotori、メールの記録で **SFT** したもの、その上で **DPO** したものです（どちらもラボ 05 と同じ方法）。メモリに置くベースは 1 つだけで、候補者ごとにアダプターを付け替えます。
# %%
from lab_helpers.labs.lab06.models import (
    house_pairs,
    load_compared_models,
    train_dpo,
    train_sft,
)

sft, dpo = train_sft(lab.run), train_dpo(lab.run)
lab.measured(train_seconds_sft=sft.seconds, train_seconds_dpo=dpo.seconds)
models = load_compared_models(lab.run)
print(", ".join(models.names), f"| trained in {sft.seconds + dpo.seconds:.0f} s")
# %%
from lab_helpers.labs.lab06 import customers
from lab_helpers.labs.shared.preference_questions import select_questions

spoken = lab.settings["language"]
asked = select_questions(house_pairs(lab.run), lab.settings["questions"])
replies = customers.measure_replies(models, asked)
lab.table(customers.reply_rows(asked, replies), "replies")
# %% [markdown] lang="en"
# Which one would you hire? Mind that nonsense can be perfectly polite. You have read six questions; there are thousands. So we need rulers, and **every ruler must be measured before it measures anything**.
#
# ## Build: BLEU counts what is shared
#
# BLEU asks how many of the reply's n-grams (runs of n words) stand in the reference. A word may not be rewarded more often than the reference has it, or "the the the the" would be perfect: the counts are **clipped** (Papineni et al. 2002, §2.1).
#
# **Exercise (8 min).**
# %% [markdown] lang="ja" of="331b869a"
# あなたなら、どれを採用しますか。礼儀正しい文が、意味の通る文とは限らないことにも注意してください。いま読んだ質問は 6 つですが、実際には何千とあります。そこで、ものさしが要ります。ただし、**何かを測る前に、まずものさし自身を測らなければなりません**。
#
# ## つくる: BLEU は共通部分を数える
#
# BLEU は、回答の n-gram（n 語の並び）のうち、いくつが参照文にもあるかを数えます。ある語を、参照文にある回数より多く数えてはいけません。そうしないと「the the the the」が満点になってしまいます。そこで、回数に**上限**を設けます（Papineni et al. 2002、§2.1）。
#
# **演習（8 分）。**
# %% tags=["exercise"]
def clipped_precision(hypothesis, references, n):
    ...  # your code → from 0 to 1


clipped_precision = lab.check("clipped_precision", clipped_precision)
# %%
from lab_helpers.evaluation.text_metrics.tokenizers import for_language
from lab_helpers.labs.lab06 import texts

words = for_language(spoken)
said, right = texts.ONE_PAIR[spoken]
print("said: ", words(said), "\nright:", words(right))
for n in range(1, 5):
    print(f"{n}-grams in the reference: {clipped_precision(words(said), [words(right)], n):.2f}")
# %% [markdown] lang="en"
# BLEU is the geometric mean of these four, times a **brevity penalty** for texts that are too short. One zero makes the whole product zero, therefore libraries smooth; and therefore BLEU of a *single* sentence says little.
#
# ## Build: ROUGE-L follows the order
#
# ROUGE-L looks for the **longest common subsequence**: the words that stand in both texts in the same order, with gaps. Recall divides by the reference, precision by the reply, F1 is their harmonic mean (Lin 2004, §3).
#
# **Exercise (10 min).**
# %% [markdown] lang="ja" of="34114d28"
# BLEU は、この 4 つの幾何平均に、短すぎる文への**罰則**（brevity penalty）を掛けたものです。1 つでも 0 があると、積は 0 になります。だからライブラリはスムージングをしますし、*1 文だけ*の BLEU はあまり当てになりません。
#
# ## つくる: ROUGE-L は順序をたどる
#
# ROUGE-L は**最長共通部分列**、つまり両方の文に同じ順序で現れる語の列を探します（あいだは空いてもかまいません）。参照文の長さで割ると再現率、回答の長さで割ると適合率、その調和平均が F1 です（Lin 2004、§3）。
#
# **演習（10 分）。**
# %% tags=["exercise"]
def rouge_l(hypothesis, reference):
    ...  # your code → from 0 to 1


rouge_l = lab.check("rouge_l", rouge_l)
# %% [markdown] lang="en"
# **METEOR** pairs words off one by one (equal words first, then equal stems, in English also synonyms) and punishes a reply whose matches lie in many pieces (Banerjee & Lavie 2005).
# %% [markdown] lang="ja" of="27c4945a"
# **METEOR** は、語を 1 つずつ対応づけます（まず同じ語、次に語幹の同じ語、英語では同義語も）。対応した語がいくつもの断片に分かれている回答には、罰則があります（Banerjee & Lavie 2005）。
# %%
from lab_helpers.evaluation.text_metrics.meteor import align, chunks

matches = align(words(said), words(right))
print(f"{len(matches)} words matched, in {chunks(matches)} pieces")
print("ROUGE-L by you:", round(rouge_l(words(said), words(right)), 3))
lab.table(texts.pair_rows(said, right, spoken), "metrics by hand")
lab.measured(**texts.measure_largest_differences(lab.settings["text_pairs"], lab.seed))
print("largest difference over all pairs, both languages:")
print({k: v for k, v in lab.run.metrics.items() if k.endswith("abs_diff")})
# %% [markdown] lang="en"
# Written out by hand and taken from sacrebleu, rouge-score and nltk, every number is the same. (The table's ROUGE uses rouge-score's own words, which drop commas; yours used BLEU's.) So the formulas hold no secret. The trouble starts one step earlier.
#
# ## Break it: Japanese
#
# Three pairs of Japanese texts: two identical ones, two unrelated ones, and one said in other words.
# %% [markdown] lang="ja" of="246b1169"
# 手で書いた値と、sacrebleu・rouge-score・nltk の値は、すべて一致しました（表の ROUGE は、コンマを捨てる rouge-score 自身の単語分割を使っています。あなたの値は BLEU の分割によるものです）。式に秘密はありません。問題は、その一歩手前で起こります。
#
# ## 壊す: 日本語
#
# 日本語の文を 3 組比べます。まったく同じ文、無関係な文、同じ内容の言い換えです。
# %%
from lab_helpers.figures import evaluation as figures

rows = texts.japanese_rows()
lab.run.table("Japanese", rows)
lab.measured(**texts.japanese_metrics(rows))
lab.figure(figures.tokenizers(rows), "japanese")
lab.compare("rouge")
# %%
for name, tokenize in texts.rouge_tokenizers().items():
    for sentence in ("保証書をご用意ください。", "加湿器の水は30分でなくなります。"):
        print(f"{name:12s}", tokenize(sentence))
# %% [markdown] lang="en"
# ## Mend it
#
# The default keeps `a-z` and `0-9` and throws the rest away. Nothing against nothing is 0, and two texts that share "30" are identical to it. No error, no warning. Hand each library a tokenizer that knows Japanese; characters are the way out without a dictionary, and score higher. **Numbers from different tokenizers cannot be compared**, so write the tokenizer beside the score.
# %% [markdown] lang="ja" of="b21ff016"
# ## 直す
#
# 既定では `a-z` と `0-9` だけを残し、あとは捨てます。空の文どうしは 0 点になり、「30」だけが共通する 2 つの文は、まったく同じ文に見えてしまいます。エラーも警告も出ません。どのライブラリにも、日本語の分かるトークナイザーを渡しましょう。辞書がなければ文字単位でもかまいませんが、点数は高めに出ます。**トークナイザーの違う点数は比べられません**。点数には、トークナイザーの名前を必ず添えてください。
# %%
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU

from lab_helpers.evaluation.text_metrics.tokenizers import ForRouge, japanese_words

reworded, reference = texts.JAPANESE_PAIRS["the same in other words"]
scorer = RougeScorer(["rougeL"], tokenizer=ForRouge(japanese_words))
print(scorer.score(reference, reworded)["rougeL"])
print(BLEU(tokenize="ja-mecab", effective_order=True).sentence_score(reworded, [reference]))
# %% [markdown] lang="en"
# ## What a shared word is worth
#
# Now that the ruler is straight: does it measure what *we* want? Below, each reply is held against the house's answer. The first two have a **wrong number** in them; the others have the facts right, in another tone.
# %% [markdown] lang="ja" of="94893fb0"
# ## 単語の一致に、どれほどの価値があるか
#
# ものさしはまっすぐになりました。では、それで*私たちの*知りたいことが測れるでしょうか。次の表では、回答を会社の模範回答と比べています。はじめの 2 つは**数字が間違って**います。残りは、事実は正しいのですが、口調が違います。
# %%
shown, found = texts.measure_blindness(house_pairs(lab.run), spoken)
lab.table(shown, "wrong number, right fact")
lab.measured(**found)
for name, value in found.items():
    print(f"{name:20s} {value:.2f}  (mean of all such held-out pairs)")
# %% [markdown] lang="en"
# A wrong price costs a single word and scores higher than the right price in plain words. Overlap rewards *sounding* like the reference. For a translation that may be enough; for an assistant, **check the fact itself**.
#
# ## Measure: knowing when to decline
#
# For each held-out question we know whether the company has an answer. Declining is thus a classification, and the old tools work: accuracy, precision, recall, F1, a confusion matrix.
# %% [markdown] lang="ja" of="3cd7e342"
# 値段の間違いは 1 語の違いでしかなく、ふつうの言葉で正しい値段を答えるより点が高くなります。一致率が報いるのは、模範回答に*似た響き*です。翻訳ならそれで足りることもありますが、アシスタントなら、**事実そのものを確かめて**ください。
#
# ## 測る: 差し控えるべきときを知っているか
#
# 未使用の質問のそれぞれについて、会社に答えがあるかどうかが分かっています。すると「差し控える」ことは分類問題になり、昔ながらの道具が使えます。正解率、適合率、再現率、F1、混同行列です。
# %%
lab.measured(**customers.reply_metrics(asked, replies))
truth, done = customers.read_decisions(asked, replies)
lab.table(customers.decision_rows(truth, done), "declining")
lab.measured(**customers.decision_metrics(truth, done))
lab.figure(figures.confusion(customers.count_decisions(truth, done)), "declining")
# %% [markdown] lang="en"
# By **accuracy**, a program that always answers does well, because most questions have an answer. It has never declined anything: its recall is 0. DPO declines most of what it should, and much of what it should not (look at the first row of its matrix), and is punished for it. Which mistake is worse, no metric knows. You have to say so, and then choose the metric.
#
# ## Measure: invented facts
#
# Kotori has never read the company's price list, and the list is a table. So we can count: a reply to "How much is …?" is *right*, *declined*, *invented* (another value than the table's), or contains *no value*.
# %% [markdown] lang="ja" of="6b0874df"
# **正解率**で見ると、何にでも答えるプログラムは好成績です。答えのある質問のほうが多いからです。しかし、一度も差し控えていないので、再現率は 0 です。DPO は、差し控えるべき質問の多くを差し控えましたが、そうでない質問もたくさん差し控え（行列の 1 行目を見てください）、そのぶん減点されました。どちらの間違いが重いのか、指標は教えてくれません。それを決めるのはあなたで、指標を選ぶのはそのあとです。
#
# ## 測る: 作り話
#
# Kotori は会社の価格表を読んだことがなく、その価格表は手元にあります。ですから、数えられます。「…はいくらですか」への回答を、*正しい*、*差し控え*、*作り話*（表と違う値を答えた）、*値なし*の 4 つに分けます。
# %%
facts = customers.measure_facts(models, spoken, lab.settings["facts"])
columns = ["question", "table", "model", "reply", "counted as"]
lab.table(customers.fact_rows(facts, 2), columns=columns)
lab.run.table("facts", customers.fact_rows(facts))
lab.measured(**customers.fact_metrics(facts))
lab.figure(figures.categories(customers.share_by_category(facts)), "hallucination")
lab.compare("invented")
# %% [markdown] lang="en"
# SFT has taught the *form*: a made-up price now comes in perfect manners. DPO has made the inventions rare; but look at "right": **a hallucination rate near zero is cheap, a model that always declines has it.** Read it beside the share of right answers, and beside the false refusals above. (Only retrieval makes the answers right: lab 07.)
#
# ## Build: is that difference chance?
#
# Ask other 70 questions, and every rate moves. How far? The **bootstrap** draws the items again, with replacement, thousands of times. Two models answered the *same* items, so draw both together: hard questions are hard for both, and that part cancels.
#
# **Exercise (6 min).** `draws[i]` says which items resample *i* takes.
# %% [markdown] lang="ja" of="088f0e46"
# SFT が教えたのは*形*でした。でたらめな値段を、完璧な作法で答えるようになったのです。DPO で作り話はまれになりましたが、「正しい」の欄を見てください。**作り話の割合を 0 に近づけるだけなら簡単で、いつも差し控えるモデルがそうです。** 正しい答えの割合や、先ほどの「差し控えすぎ」と並べて読んでください（答えを正しくするのは検索です。ラボ 07 で扱います）。
#
# ## つくる: その差は偶然か
#
# 別の質問をすれば、どの割合も動きます。どのくらい動くのでしょうか。**ブートストラップ**では、問題を重複を許して何千回も引き直します。2 つのモデルは*同じ*問題に答えたのですから、対にしたまま引きます。難しい問題はどちらにも難しいので、その分は打ち消し合います。
#
# **演習（6 分）。** `draws[i]` は、i 回目の標本で使う問題の番号です。
# %% tags=["exercise"]
def bootstrap_interval(ours, theirs, draws):
    ...  # your code → [low, high]


bootstrap_interval = lab.check("bootstrap_interval", bootstrap_interval)
# %%
import numpy as np

items = customers.score_items(asked, replies, facts)
ours, theirs = items["hallucination"]["dpo"], items["hallucination"]["sft"]
draws = np.random.default_rng(0).integers(0, len(ours), (2000, len(ours)))
print("invented facts, DPO - SFT:", (ours - theirs).mean().round(2))
print("95 % interval by you:", bootstrap_interval(ours, theirs, draws).round(2))
rows = customers.comparison_rows(items)
lab.table(rows, "dpo minus sft")
lab.measured(**customers.comparison_metrics(rows))
lab.figure(figures.differences(rows), "differences")
# %% [markdown] lang="en"
# `p` comes from a **permutation test**: were the models equal, swapping their names on any item would change nothing; how often does random swapping give a difference this large? Inventions fell for certain. At five million parameters they cost something as well: house tone and overlap with the right answers went down, also beyond chance. "DPO improved the model" is not one number.
#
# ## Build: a judge, read in both orders
#
# For style and helpfulness there is no table to check. The field asks another model: **LLM-as-judge**. We shall ask Kotori, "Reply A or reply B?", and read the probabilities of the two letters.
#
# **Exercise (6 min).** Judges have favourite places. Ask in both orders.
# %% [markdown] lang="ja" of="33267951"
# `p` は**並べ替え検定**の値です。2 つのモデルが同じ実力なら、どの問題で名前を入れ替えても何も変わらないはずです。でたらめに入れ替えて、これほど大きな差がどれくらい出るかを数えます。作り話は確かに減りました。ただし、500 万パラメータのモデルでは代償もあり、口調と、正解との一致も、偶然では説明できないほど下がりました。「DPO でモデルが良くなった」は、1 つの数字では言えません。
#
# ## つくる: 両方の順番で聞く審査員
#
# 文体や親切さには、照らし合わせる表がありません。そこで、別のモデルに聞きます。**LLM-as-judge** です。ここでは Kotori に「回答 A と回答 B のどちらが良いですか」と聞き、2 つの文字の確率を読み取ります。
#
# **演習（6 分）。** 審査員には席の好みがあります。両方の順番で聞いてください。
# %% tags=["exercise"]
def position_swapped(judge, prompt, ours, theirs):
    ...  # your code → "win", "loss" or "tie"


position_swapped = lab.check("position_swapped", position_swapped)
# %%
from collections import Counter

from lab_helpers.labs.lab06 import judges as judging

gold, jury = judging.select_gold_pairs(lab.run), judging.train_jury(lab.run)


def letter(prompt, first, second):
    return "A" if jury["judge"](prompt, first, second) > 0.5 else "B"


some = gold[:: len(gold) // 20]
print("one order:  ", Counter(letter(p.prompt, p.better, p.worse) for p in some))
print("both orders:", Counter(position_swapped(letter, p.prompt, p.better, p.worse) for p in some))
# %% [markdown] lang="en"
# A perfect record, as long as the better reply stands first! In both orders nothing is left of it.
#
# ## Measure: the judges on trial
#
# Held-out pairs with the house's own preference are the **gold**. Three judges that need no network: Kotori asked for a letter; Kotori's *likelihood* of each reply; and a small reward *learned from* 96 other pairs (lab 05). `at equal lengths` asks what the agreement would be if both replies were equally long (Dubois et al. 2024).
# %% [markdown] lang="ja" of="c6a2edd9"
# 良いほうを先に置けば、全問正解です。ところが両方の順番で聞くと、何も残りません。
#
# ## 測る: 審査員を裁判にかける
#
# 会社自身の好みが分かっている未使用のペアを**正解**（gold）とします。ネットワークの要らない審査員は 3 人です。文字で答える Kotori、各回答の*尤度*で選ぶ Kotori、そして別の 96 組の*ペアから学習した*小さな報酬（ラボ 05）です。`at equal lengths` は、2 つの回答の長さが同じだったら一致率がいくつになるかを推定したものです（Dubois et al. 2024）。
# %%
verdicts = judging.measure_verdicts(jury, gold)
found = judging.judge_metrics(verdicts)
lab.measured(**found)
lab.table(judging.judge_rows(found), "judges")
lengths = judging.length_rows(verdicts)
lab.run.table("judges by length", lengths)
lab.figure(figures.judges(judging.judge_rows(found), lengths), "judges")
# %% [markdown] lang="en"
# - *Asks A or B* chooses the first place, always. Its agreement is one half, a coin's.
# - *Likelihood* has no favourite place, but a favourite length: a sum of log-probabilities falls with every token, so the shorter reply wins, and here the better reply is mostly longer.
# - *Learned from pairs* agrees with the house while the better reply is the longer one. Equally long pairs differ in a number mostly, and there it tosses a coin, as the last column does: **nobody can judge a fact that they do not know.**
#
# Large judges are better than these and have the same vices in smaller doses (Zheng et al. 2023). The test is the same: **gold, both orders, lengths.** Now the best of the three may compare DPO with SFT.
# %% [markdown] lang="ja" of="34d6bd83"
# - *asks A or B*（文字で答える）は、いつも先に置かれたほうを選びます。一致率は 0.5、コイン投げと同じです。
# - *likelihood*（尤度）に席の好みはありませんが、長さの好みがあります。対数確率の和はトークンが増えるたびに下がるので、短いほうが勝ちます。ところが、ここではたいてい長いほうが良い回答です。
# - *learned from pairs*（ペアから学習）は、良いほうが長いときには会社の好みと一致します。長さが同じペアは、たいてい数字だけが違います。そこではコイン投げと変わらず、最後の列もそうなっています。**知らない事実を審査することは、誰にもできません。**
#
# 大きな審査員はもっと優秀ですが、同じ癖を、より小さな度合いで持っています（Zheng et al. 2023）。検査の方法は同じです。**正解との一致、両方の順番、長さ**を調べてください。では、3 人のうち最も良い審査員に、DPO と SFT を比べてもらいましょう。
# %%
best = judging.choose_best_judge(found)
won = judging.measure_wins(jury[best], asked, replies["dpo"], replies["sft"])
lab.measured(**won)
print("judge:", judging.NAMES[best])
for name, value in won.items():
    print(f"{name:45s}", np.round(value, 2))
jury = None  # its model leaves the memory
# %% [markdown] lang="en"
# A clear win for DPO, says a judge that learnt from the same kind of pairs as DPO did and likes refusals as much. The tests above said: fewer inventions, worse tone, many refusals too many. Both are true; only one of them would be on a slide.
#
# ## Measure: speed
#
# The customer waits too. One reply at a time: half are done within **p50**, 19 of 20 within **p95**; the **first token** is what a streaming interface shows.
# %% [markdown] lang="ja" of="b332d67e"
# DPO の圧勝です。ただし、そう言っているのは、DPO と同じ種類のペアから学び、同じように差し控えを好む審査員です。先ほどの検査では、作り話は減り、口調は悪くなり、差し控えが多すぎました。どちらも本当ですが、発表資料に載るのは片方だけでしょう。
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
# An adapter that is *put on* costs time in every layer (`merge_and_unload()` gives it back), and longer replies cost more than slower ones. Means hide the waiting: look at p95.
#
# ## Build: an answer out of a text
#
# **Public benchmarks** next, first in the format of GSM8K: word problems, the model writes a solution, a number is compared. Which number? A surprising part of every GSM8K score is this small function.
#
# **Exercise (6 min).**
# %% [markdown] lang="ja" of="258f0983"
# *付けたまま*のアダプターは、どの層でも時間を使います（`merge_and_unload()` で取り戻せます）。また、遅い回答より長い回答のほうが待たされます。平均には待ち時間が表れません。p95 を見てください。
#
# ## つくる: 文章から答えを取り出す
#
# 次は**公開ベンチマーク**です。まず GSM8K の形式、つまり文章題です。モデルが解き方を書き、数を正解と比べます。どの数を比べるのでしょうか。GSM8K の点数は、意外なほどこの小さな関数に左右されます。
#
# **演習（6 分）。**
# %% tags=["exercise"]
def extract_answer(reply):
    ...  # your code → text such as "8700", or None


extract_answer = lab.check("extract_answer", extract_answer)
# %%
from lab_helpers.evaluation.benchmarks.numbers import flexible_answer, strict_answer

for reply in ("6 × 1,450 = 8,700 yen.\n#### 8700", "It costs ¥8,700.", "答えは８７００円です。"):
    by_rule = {"strict": strict_answer(reply), "flexible": flexible_answer(reply)}
    print(repr(reply), "-> yours:", extract_answer(reply), by_rule)
# %% [markdown] lang="en"
# *Strict* takes only what follows `####`, *flexible* the last number, and lm-eval reports both; the course's versions also read full-width digits (the last reply) and 万. State which one you report.
#
# ## Build: pass@k
#
# HumanEval-style tests **run** the model's program. Draw n programs for a task, c of them pass: how likely is it that at least one of k passes? (Chen et al. 2021, eq. 1.)
#
# **Exercise (5 min).**
# %% [markdown] lang="ja" of="995d3363"
# *strict* は `####` の後ろだけ、*flexible* は最後の数を取ります。lm-eval は両方を報告します。講座の関数は、全角数字（最後の例）や「万」も読めます。どちらの値なのかを、必ず書き添えてください。
#
# ## つくる: pass@k
#
# HumanEval 形式のテストでは、モデルのプログラムを**実際に動かします**。1 つの課題に n 個のプログラムを書かせ、c 個が合格しました。k 個のうち少なくとも 1 つが合格する確率はいくつでしょうか（Chen et al. 2021、式 1）。
#
# **演習（5 分）。**
# %% tags=["exercise"]
def pass_at_k(n, c, k):
    ...  # your code → from 0 to 1


pass_at_k = lab.check("pass_at_k", pass_at_k)
# %%
for k in (1, 5, 10):
    naive = 1 - (1 - 3 / 20) ** k
    print(f"3 of 20 pass: pass@{k} = {pass_at_k(20, 3, k):.3f}  (naive formula: {naive:.3f})")
# %% [markdown] lang="en"
# ## Break it: programs that nobody has read
#
# A model's program may delete your files, by malice or by accident. The course runs it in a **sandbox**, and the sandbox is examined like everything else: hostile programs try to break out, to use everything up, and to be counted as right. Whether they succeeded is looked up from *outside*: their own word counts for nothing.
# %% [markdown] lang="ja" of="88a5906f"
# ## 壊す: 誰も読んでいないプログラム
#
# モデルの書いたプログラムは、悪意があってもなくても、あなたのファイルを消すかもしれません。講座では**サンドボックス**の中で動かします。そして、ほかのものと同じように、サンドボックス自体も検査します。敵対的なプログラムが、脱出し、資源を使い尽くし、正解と数えられようとします。成功したかどうかは*外から*確かめます。プログラム自身の言い分は、いっさい信用しません。
# %%
from lab_helpers.labs.lab06 import benchmarks

lab.table(benchmarks.measure_protections())
refusal = benchmarks.find_sandbox_refusal()
if refusal:
    print(refusal)
else:
    hostile = benchmarks.measure_hostile_programs()
    lab.table(hostile, "sandbox", columns=["program", "tries", "status", "escaped"])
    lab.measured(**benchmarks.hostile_metrics(hostile))
# %% [markdown] lang="en"
# Where a layer is missing (macOS, Windows), the sandbox says what is weaker, and runs nothing before you agree.
#
# ## Measure: MMLU, GSM8K, HumanEval
#
# The shipped mini sets have the formats of the famous ones, so your real files run as they are. Multiple choice is scored by **log-likelihood**: no text is written, the likeliest choice counts. MMLU compares the *letters* A to D after showing all choices. The *cloze* way compares the choices' whole texts after the question alone.
# %% [markdown] lang="ja" of="80fef737"
# 欠けている層があるとき（macOS、Windows）は、何が弱いのかを伝え、同意を得るまで何も動かしません。
#
# ## 測る: MMLU、GSM8K、HumanEval
#
# 同梱のミニデータは本家と同じ形式なので、手元にある本物のファイルもそのまま動きます。選択問題は**対数尤度**で採点します。文章は書かせず、最も起こりやすい選択肢を答えとみなします。MMLU では、選択肢をすべて見せてから、A〜D の*文字*（letters）を比べます。*cloze*（穴埋め）では、問題文だけを見せて、選択肢の文そのものを比べます。
# %%
shipped = benchmarks.measure_shipped(lab.settings, models)
groups = benchmarks.group_rows(shipped)
lab.run.table("mmlu by group", groups)
lab.measured(**benchmarks.two_ways_metrics(shipped), **benchmarks.drop_metrics(shipped))
lab.figure(figures.two_ways(groups, shipped["mmlu"]["base"].chance), "mmlu")
# %% [markdown] lang="en"
# One model, the same questions: asked for letters it guesses, asked in cloze form it knows nearly everything that it has read (*known*), and nothing else. (*withheld* lies below chance: the wrong choices are words that it knows.) The form of the question decides what is measured.
#
# And claim 37, MMLU as an alarm for forgetting? Here is what SFT has cost, by both ways of asking:
# %% [markdown] lang="ja" of="f988fe20"
# モデルも問題も同じです。それなのに、文字で答えさせると当て推量、cloze で聞くと、読んだこと（*known*）はほとんど知っていて、それ以外は何も知りません（*withheld* が偶然を下回るのは、誤答のほうが見覚えのある言葉だからです）。何が測れるかは、聞き方しだいです。
#
# では、主張 37 の「忘却の警報としての MMLU」はどうでしょうか。SFT で失われた分を、両方の聞き方で見てみます。
# %%
for name in ("mmlu_letters", "mmlu"):
    drop, (low, high) = (lab.run.metrics[f"{name}_drop_sft{end}"] for end in ("", "_ci"))
    print(f"{name:13s} base - SFT: {drop:+.3f}  [{low:+.3f}, {high:+.3f}]")
print("known facts alone (cloze):", round(lab.run.metrics["mmlu_known_drop_sft"], 3))
lab.table(benchmarks.result_rows(shipped), "benchmarks")
lab.measured(**benchmarks.result_metrics(shipped))
# %% [markdown] lang="en"
# The damage is real, and the letters do not see it: **a test at chance has nothing to lose.** The same goes for the zeros of GSM8K and HumanEval. Kotori cannot calculate and writes no programs; a benchmark says something only about models for which it is neither too hard nor too easy.
#
# What does such a wrong reply look like? Always read some.
# %% [markdown] lang="ja" of="5c0dcde4"
# 損傷は現実に起きているのに、文字で聞くと見えません。**当て推量の成績には、下がる余地がない**からです。GSM8K と HumanEval の 0 点も同じです。Kotori は計算ができず、プログラムも書けません。ベンチマークが何かを語れるのは、難しすぎも易しすぎもしないモデルについてだけです。
#
# 間違えた回答はどんなものでしょうか。必ずいくつか読んでください。
# %%
for name in ("gsm8k", "humaneval"):
    for item in shipped[name]["base"].examples(2) if name in shipped else []:
        print(f"[{name}] {item.question.strip()[:160]}\n   gold: {item.gold.strip()[:60]}")
        print("   model:", repr(item.answer[:90]), "\n")
# %% [markdown] lang="en"
# ## Break it: the test has leaked
#
# Benchmarks are on the internet, and training data come from the internet. Half of the items now leak into a training, as a crawl would bring them: question and solution, repeated. The other half is their **fresh twin**.
# %% [markdown] lang="ja" of="495c5daf"
# ## 壊す: テストが混ざった
#
# ベンチマークはインターネットにあり、学習データもインターネットから来ます。そこで、半分の問題を学習に混ぜてみます。クローラーが集めるように、問題と解答がそのまま、繰り返し出てきます。残りの半分は、混ざっていない**双子**です。
# %%
from lab_helpers.labs.lab06 import leaks

halves = leaks.split_halves(lab.run)
leaked, tokenizer = leaks.train_leaked(lab.run, halves.leaked)
with leaked.model.disable_adapter():  # the base, which has seen nothing of it
    before = leaks.measure_both_halves(lab.run, leaked.model, tokenizer, halves)
after = leaks.measure_both_halves(lab.run, leaked.model, tokenizer, halves)
rows = leaks.leak_rows(halves, before, after)
lab.table(rows, "leak")
lab.measured(**leaks.leak_metrics(before, after), train_seconds_leak=leaked.seconds)
lab.figure(figures.leak(rows), "leak")
lab.compare("leaked")
# %% [markdown] lang="en"
# A model that cannot add now "solves" word problems and passes unit tests. It has learnt nothing: the twins stand where they stood. **The gap between leaked and fresh items is the measurement**; GSM1k was written as a fresh twin of GSM8K for exactly this (Zhang et al. 2024).
#
# ## Mend it: look for the copies
#
# The other check needs only the two files: which test items share a run of *n* words with the training data? GPT-3 used 13 (Brown et al. 2020, appendix C).
# %% [markdown] lang="ja" of="20999805"
# 足し算もできないモデルが、文章題を「解き」、単体テストに合格するようになりました。何かを学んだわけではありません。双子のほうは、元のままです。**混入した問題と、新しい問題との差こそが、測るべきものです。** GSM1k は、まさにこのために GSM8K の双子として書かれました（Zhang et al. 2024）。
#
# ## 直す: 丸写しを探す
#
# もう 1 つの検査に要るのは、2 つのファイルだけです。*n* 語の並びを学習データと共有しているテスト問題はどれでしょうか。GPT-3 では 13 語でした（Brown et al. 2020、付録 C）。
# %%
counts = leaks.measure_detection(lab.run, halves)
lab.table(counts, "leaks found")
lab.measured(**leaks.detection_metrics(lab.run, counts), **leaks.mended_metrics(lab.run, halves))
for name in ("detection_recall", "detection_recall_reworded", "rows", "rows_mended"):
    print(f"leak_{name:28s}", lab.run.metrics[f"leak_{name}"])
# %% [markdown] lang="en"
# Every planted copy is found, and taking those rows out leaves the house's own data whole. But problems that were **reworded** by hand all go through. So a clean n-gram check proves that there are no copies, not that there is no leak; with training on rephrased test items a 13B model reached GPT-4's level on benchmarks (Yang et al. 2023, arXiv:2311.04850). On two files of your own: `contaminated_files(test, training)` in `lab_helpers.evaluation.contamination`.
#
# ## One dashboard
#
# Everything about base, SFT and DPO on one page. ★ marks the best, and whatever is not told apart from it.
# %% [markdown] lang="ja" of="08ab267f"
# 仕込んだ丸写しはすべて見つかり、その行を除いても、会社自身のデータは無傷で残ります。ところが、手で**言い換えた**問題は、すべてすり抜けました。n-gram の検査で分かるのは、丸写しがないことであって、混入がないことではありません。言い換えたテスト問題で学習した 13B のモデルが、ベンチマークで GPT-4 並みの点を取ったという報告もあります（Yang et al. 2023、arXiv:2311.04850）。手元の 2 つのファイルには、`lab_helpers.evaluation.contamination` の `contaminated_files(test, training)` を使えます。
#
# ## 1 枚のダッシュボード
#
# ベース、SFT、DPO について測ったすべてを 1 ページにまとめます。★ は、最良のモデルと、それと見分けのつかないモデルです。
# %%
from lab_helpers.labs.lab06.dashboard_page import write_dashboard
from lab_helpers.runtime.language import language
from lab_helpers.figures import dashboard as dashboard_figures

board = boards.build_dashboard(lab.run.metrics)
lab.table(board.rows(language()), "dashboard")
page = write_dashboard(lab.run.folder / "dashboard.html", board, boards.NOTES)
lab.run.artifact(page)
lab.figure(dashboard_figures.bars(board), "bars")
# %% [markdown] lang="en"
# No column decides alone, and no model wins them all. That is the normal case, and the reason to show the columns *before* someone asks which model is best. Mind the stars of mini MMLU: SFT has one, because its interval touches the base's; the paired comparison above saw the drop. Overlap proves nothing. The same page stands in the run's folder as `dashboard.html`, for those who do not open notebooks.
#
# ## Explore
#
# Choose models and metrics, as bars or radar. A radar looks impressive; try to read the intervals in it.
# %% [markdown] lang="ja" of="1119afe1"
# 1 つの列だけでは決まりませんし、すべてに勝つモデルもありません。それがふつうで、だからこそ「どれが一番か」と聞かれる*前に*、列を並べて見せるのです。ミニ MMLU の ★ には注意してください。SFT にも ★ が付いているのは、区間がベースと接しているからで、対にした先ほどの比較では、低下がはっきり見えていました。区間の重なりは何の証明にもなりません。同じページが、実行結果のフォルダーに `dashboard.html` としてあります。ノートブックを開かない人にはこちらをどうぞ。
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
# ## On a real model
#
# Is all this about Kotori's size? The same cells ran on SmolLM2, 135 million parameters, which its makers have taught to follow instructions (`labs run 06 --profile small`).
# %% [markdown] lang="ja" of="94470c6b"
# ## 実際のモデルでは
#
# ここまでの結果は、Kotori が小さいせいなのでしょうか。同じセルを、指示に従うよう調整済みの 1.35 億パラメータのモデル、SmolLM2 でも実行しました（`labs run 06 --profile small`）。
# %%
lab.real_model(
    "mmlu_letters_base", "mmlu_base", "mmlu_sft", "mmlu_drop_sft", "gsm8k_base", "humaneval_base",
    "judge_agreement", "judge_position_bias", "learned_judge_agreement",
    "hallucination_rate_sft", "hallucination_rate_dpo", "decline_f1_dpo",
    "score_leaked_after", "score_fresh_after",
)  # fmt: skip
# %% [markdown] lang="en"
# Most of it comes out again. The larger model, too, answers by letters no better than by guessing, knows much more when it is asked by cloze, and loses some of that in SFT (the interval of the drop lies above zero). It solves none of the word problems and none of the programs, it always prefers the same seat when asked "A or B", and leaked items raise the score of what has leaked and of nothing else.
#
# One thing does not come out again: DPO taught Kotori to decline, and hardly moved SmolLM2. It had half the pairs and a fifth of the learning rate; which of the two it was, or whether the model is harder to move, is **not decided**.
# %% [markdown] lang="ja" of="7e601938"
# ほとんどの結果は、ここでも同じでした。文字で答えさせると当てずっぽうと変わらず、穴埋めで尋ねればずっと多くを知っていて、その一部を SFT で失います（低下幅の区間は 0 より上にあります）。文章題もプログラムも 1 問も解けません。「A か B か」と尋ねると、いつも同じ席を選びます。そして、混入した問題の点だけが上がり、ほかは上がりません。
#
# 1 つだけ違いました。DPO は Kotori に回答の差し控えを教えましたが、SmolLM2 はほとんど動きませんでした。ペアの数は半分、学習率は 5 分の 1 です。そのどちらが原因なのか、それともこのモデルが動きにくいのかは、**決められません**。
# %% [markdown] lang="en"
# ## Scale up
#
# - **Your adapters, your files:** `labs eval --adapter RUN/adapter --benchmark HumanEval.jsonl.gz --html page.html` puts the base and any adapters through the same examination, on the original GSM8K, HumanEval, MMLU or JCommonsenseQA files as they are. `labs run 06 --data FILE` adds one file to this lab.
# - **The field's harness:** with `pip install 'llm-finetuning-labs[eval]'`, `lab_helpers.evaluation.benchmarks.lm_eval` runs the same sets through lm-eval, offline, and gives the same numbers.
# - **A strong judge:** `EndpointJudge` in `lab_helpers.evaluation.judge` asks any OpenAI-compatible server, on your terms. Put it on trial first.
# - On a T4 the same cells examine an instruction-tuned model, which is above chance; set `language = "ja"` in `[tiny.lab06]` and the whole lab runs in Japanese.
# %% [markdown] lang="ja" of="c763f3e1"
# ## 大きくする
#
# - **自分のアダプター、自分のファイル:** `labs eval --adapter RUN/adapter --benchmark HumanEval.jsonl.gz --html page.html` で、ベースと好きなアダプターに同じ試験を受けさせられます。GSM8K、HumanEval、MMLU、JCommonsenseQA の元のファイルを、そのまま渡してください。`labs run 06 --data FILE` なら、このラボにファイルを 1 つ加えられます。
# - **業界標準の評価ツール:** `pip install 'llm-finetuning-labs[eval]'` を入れると、`lab_helpers.evaluation.benchmarks.lm_eval` が同じデータを lm-eval で、オフラインで測ります。値は同じになります。
# - **強い審査員:** `lab_helpers.evaluation.judge` の `EndpointJudge` は、OpenAI 互換のサーバーなら何にでも、あなたの契約のもとで質問できます。その前に、裁判にかけるのを忘れずに。
# - T4 では、同じセルのまま、当て推量を上回る指示チューニング済みのモデルを調べます。`[tiny.lab06]` で `language = "ja"` とすれば、ラボ全体が日本語で動きます。
# %% [markdown] lang="en"
# ## Quiz
# %% [markdown] lang="ja" of="f3a0b532"
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 07. No tuning has made a single price right. Retrieval does, and the two together do what neither can.
# %% [markdown] lang="ja" of="968fe05b"
# **次は:** ラボ 07 です。チューニングでは、値段ひとつ正しくなりませんでした。検索ならそれができます。そして 2 つを組み合わせると、片方だけではできないことができます。
