# %% [markdown] lang="en"
# # Lab 01 · Transfer learning
#
# **After this lab you can** say when a pretrained model is worth it and when it is not, decide which layers to train, score entities properly, and measure (then cure) what fine-tuning makes a model forget.
#
# **Time:** about 4 minutes of computing on a 2-core CPU; an hour and a half with the exercises.
#
# **Claims under test:** 13 (low layers are general, high layers specific), 14 (catastrophic forgetting), 15 (high accuracy from little data), 35 (entity extraction measured as classification), 36 (far better than earlier models).
#
# Everything runs on this machine: the model is all-MiniLM-L6-v2, an English sentence encoder with 6 blocks and 22.7 million weights (one section sets a multilingual one beside it), and every text was written for this course.
# %% [markdown] lang="ja" of="dc7e362b"
# # ラボ 01 · 転移学習
#
# **このラボを終えると**、事前学習済みモデルを使う価値がある場面とない場面を見分け、どの層を学習させるかを決め、固有表現抽出を正しく採点し、ファインチューニングでモデルが忘れるものを測って対策まで打てるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 4 分、演習も含めると 1 時間半です。
#
# **検証する主張:** 13（下位層は汎用的、上位層はタスク固有）、14（破滅的忘却）、15（少ないデータで高い精度）、35（固有表現抽出を分類として測る）、36（従来のモデルをはるかに上回る）。
#
# 計算はすべて手元のマシンで行います。モデルは all-MiniLM-L6-v2、6 ブロック、2,270 万個の重みをもつ英語の文エンコーダーです（多言語のエンコーダーと比べる節が 1 つあります）。テキストはどれも、この講座のために書かれたものです。
# %%
from lab_helpers import open_lab

lab = open_lab("01")
# %% [markdown] lang="en"
# ## Predict
#
# Write your guesses before anything runs. A wrong guess you remember teaches more than a right number you read.
#
# 1. Ten kinds of customer request, 64 labelled examples. By how many **points of accuracy** will the pretrained encoder beat the best method that starts from nothing?
# 2. Fine-tuning all weights on 256 reviews takes seconds. How many **points** of its old skill, finding a sentence with the same meaning, will the encoder lose?
# %% [markdown] lang="ja" of="30cf264b"
# ## 予想する
#
# 何かを実行する前に、予想を書いておきましょう。ただ読んだだけの正しい数字より、記憶に残る外れた予想のほうが多くを教えてくれます。
#
# 1. 顧客からの問い合わせが 10 種類、ラベルつきの例が 64 件あります。事前学習済みエンコーダーは、何も知らずに始める最良の方法を、正解率で**何ポイント**上回るでしょうか。
# 2. 256 件のレビューですべての重みをファインチューニングするのは、数秒で終わります。その結果、エンコーダーは、同じ意味の文を見つけるという元の技能を**何ポイント**失うでしょうか。
# %%
lab.predict("intent_gap", ...)
lab.predict("forgotten", ...)
# %% [markdown] lang="en"
# ## The data: three jobs at Hoshizora Electric
#
# Hoshizora Electric makes home appliances and needs three things read for it: the mood of a review, the intent of a support message, and the products, parts, dates, amounts, drug names and company codes in a sentence. The texts were written one by one, with irony and typing errors, so no template gives the answer away.
# %% [markdown] lang="ja" of="207cd471"
# ## データ: 星空電機の 3 つの仕事
#
# 星空電機は家電メーカーです。文章から読み取りたいものが 3 つあります。レビューに表れた評価、サポートへの問い合わせの意図、そして文中の製品、部品、日付、金額、薬の名前、企業コードです。テキストは皮肉や打ち間違いも交えて 1 件ずつ書いたものなので、ひな形から答えが透けて見えることはありません。
# %%
from lab_helpers.data.labelled import shipped_texts

reviews, requests = shipped_texts("reviews", "en"), shipped_texts("requests", "en")
lab.table([{"label": row["label"], "text": row["text"]} for row in reviews.rows[:6]])
lab.table([{"label": row["label"], "text": row["text"]} for row in requests.rows[:6]])
# %% [markdown] lang="en"
# ## Build: from tokens to one vector
#
# The encoder turns each token into 384 numbers. Look first at what it reads: the same thought in two languages. `[UNK]` is a piece of text the model has no entry for.
# %% [markdown] lang="ja" of="b1e6b64b"
# ## つくる: トークンから 1 本のベクトルへ
#
# エンコーダーは、各トークンを 384 個の数値に変えます。まず、モデルに何が見えているのかを確かめましょう。同じ内容を 2 つの言語で読ませてみます。`[UNK]` は、モデルの語彙にない文字列を表します。
# %%
from lab_helpers.labs.shared.models import load_text_encoder

encoder = load_text_encoder(lab.run)
for text in ("The lid no longer closes.", "蓋が閉まらなくなりました。"):
    print(encoder.tokenizer.tokenize(text))
# %% [markdown] lang="en"
# A classifier needs **one** vector for a whole text. The usual way is to average the token vectors. But texts in a batch are padded to the same length, and padding means nothing.
#
# **Exercise (8 min).** Average the real tokens only. `hidden` has shape (batch, tokens, 384), `mask` has shape (batch, tokens) with 1 for a real token. `lab.hint("mean_pool")` helps, `lab.solution("mean_pool")` tells.
# %% [markdown] lang="ja" of="dbe99f3a"
# 分類器に必要なのは、テキスト全体を表す **1 本**のベクトルです。ふつうはトークンのベクトルを平均します。ただし、バッチ内のテキストはパディングで長さをそろえてあり、パディングには何の意味もありません。
#
# **演習（8 分）。** 実際のトークンだけを平均してください。`hidden` の形は (batch, tokens, 384)、`mask` の形は (batch, tokens) で、実際のトークンの位置が 1 です。ヒントは `lab.hint("mean_pool")`、解答は `lab.solution("mean_pool")` で見られます。
# %% tags=["exercise"]
def mean_pool(hidden, mask):
    ...  # your code → (batch, 384)


mean_pool = lab.check("mean_pool", mean_pool)
# %% [markdown] lang="en"
# Does the vector mean anything? Three sentences; the first two say the same in other words. Cosine 1 is the same direction, 0 is unrelated.
# %% [markdown] lang="ja" of="eff3133a"
# このベクトルに意味はあるのでしょうか。3 つの文で試します。最初の 2 つは、同じことを別の言葉で述べたものです。コサイン類似度は、1 なら同じ向き、0 なら無関係です。
# %%
import torch

pretrained = encoder.load().eval()
texts = ["My parcel never came.", "The delivery has not arrived.", "How do I clean the filter?"]
batch = encoder.pad(encoder.tokenize(texts))
with torch.no_grad():
    vectors = mean_pool(pretrained(**batch).last_hidden_state, batch["attention_mask"])
vectors = torch.nn.functional.normalize(vectors, dim=-1)
print((vectors @ vectors.T).cpu().numpy().round(2))
# %% [markdown] lang="en"
# ## Measure: how far does a frozen encoder get?
#
# The cheapest transfer is to freeze the encoder, store its vectors once, and fit a straight line through them: a **probe**. Its honest rival starts from nothing at all: TF-IDF, which counts pieces of words. Three seeds choose three different training samples; the band is their range.
# %% [markdown] lang="ja" of="b5e269bf"
# ## 測る: 凍結したエンコーダーでどこまで行けるか
#
# 最も安上がりな転移は、エンコーダーを凍結し、出力のベクトルを一度だけ計算して保存しておき、そこに直線を当てはめる方法です。これを**プローブ**と呼びます。公平な比較相手は、まったくの白紙から始める方法、つまり単語の断片を数える TF-IDF です。3 つのシードで 3 通りの学習サンプルを選びます。図の帯は、その結果の範囲です。
# %%
from lab_helpers.figures import transfer as figures
from lab_helpers.labs.lab01.curves import measure_cheap_curves
from lab_helpers.labs.lab01.scoring import curve_metrics

panels, sizes, seeds = {}, lab.settings["sizes"], lab.settings["seeds"]
for name in ("reviews", "requests"):
    for language in ("en", "ja"):
        data = shipped_texts(name, language)
        panels[data.name] = measure_cheap_curves(encoder, data, sizes, seeds)
for name, rows in panels.items():
    lab.run.table(f"curve {name}", rows)
lab.measured(**curve_metrics(panels))
# %%
chance = {name: 1 / 3 if name.startswith("reviews") else 1 / 10 for name in panels}
lab.figure(figures.learning_curves(panels, chance), "curves")
# %% [markdown] lang="en"
# Read the four panels slowly; they disagree, and that is the lesson.
#
# - **English requests:** the probe is far ahead from 32 examples on. Sorting by topic is what this encoder was pretrained for.
# - **English reviews:** hardly any lead. The encoder puts "broke after a week" and "still works after a year" close together: same topic, opposite mood.
# - **Japanese, both:** the pretrained encoder *loses* to counting characters. It never saw Japanese; you saw the `[UNK]` above. What pretraining did not contain cannot be transferred. (Further below, an encoder that has read Japanese.)
#
# Transfer is not a property of a model. It is a property of a model **and** a task.
# %% [markdown] lang="ja" of="6c237576"
# 4 枚の図をじっくり見比べてください。結果は食い違っています。そして、その食い違いこそが要点です。
#
# - **英語の問い合わせ:** 32 件から先は、プローブが大きくリードします。話題で文を分けることは、このエンコーダーが事前学習で身につけた仕事そのものです。
# - **英語のレビュー:** ほとんど差がつきません。「1 週間で壊れた」と「1 年たってもまだ動く」を、エンコーダーは近くに置きます。話題は同じで、評価は正反対です。
# - **日本語（両方とも）:** 事前学習済みエンコーダーは、文字を数えるだけの方法に*負けます*。日本語を見たことがないからです。先ほどの `[UNK]` がその証拠です。事前学習に含まれていなかったものは転移できません（日本語を読んできたエンコーダーは、後半で試します）。
#
# 転移が効くかどうかは、モデルだけでは決まりません。モデル**と**タスクの組み合わせで決まります。
# %% [markdown] lang="en"
# ## Build: let the encoder learn too
#
# Now all 22.7 million weights move, from the pretrained start and from a random start of the same architecture. Same data, same budget. The loop is `fine_tune` in `lab_helpers/tuning/transfer.py`; read it, it is short.
# %% [markdown] lang="ja" of="3be8075a"
# ## つくる: エンコーダーにも学習させる
#
# 今度は 2,270 万個の重みをすべて動かします。出発点は 2 通りで、事前学習済みの重みと、同じアーキテクチャのランダムな重みです。データも学習の予算も同じです。学習ループは `lab_helpers/tuning/transfer.py` の `fine_tune` です。短いので読んでみてください。
# %%
from lab_helpers.labs.lab01.training import task_settings
from lab_helpers.labs.shared.classifiers import train_classifier
from lab_helpers.runtime.intervals import interval_metrics

training = task_settings(lab.settings, "sentiment")
print(training)
outcomes = {}
for language in ("en", "ja"):
    for start in ("pretrained", "scratch"):
        outcome = train_classifier(
            encoder, shipped_texts("reviews", language), 256, lab.seed,
            pretrained=start == "pretrained", **training,
        )
        outcomes[language, start] = outcome
        lab.measured(**interval_metrics(f"sentiment_accuracy_{start}_256_{language}", outcome.hits))
# %%
from lab_helpers.labs.lab01.scoring import gap_metrics

rows = []
for (language, start), outcome in outcomes.items():
    low, high = outcome.interval
    row = {"language": language, "start": start, "accuracy": outcome.accuracy}
    rows.append({**row, "95 % low": low, "high": high})
for language in ("en", "ja"):
    tfidf = lab.run.metrics[f"sentiment_accuracy_tfidf_256_{language}"]
    rows.append({"language": language, "start": "TF-IDF", "accuracy": tfidf})
    lab.measured(**gap_metrics(lab.run.metrics, "sentiment", 256, language))
lab.table(rows, "sentiment at 256")
# %% [markdown] lang="en"
# Two things to take home. Moving the weights helped where the frozen vectors were weak: full fine-tuning *builds* the feature that the probe could not find. And a Transformer from random weights needs far more than 256 texts; the opponent worth beating is TF-IDF. That is why the gap below counts against the **better** of the two.
#
# Now the task that lies close to pretraining, with only 64 labels and three seeds.
# %% [markdown] lang="ja" of="ee671146"
# ここから持ち帰ってほしいことは 2 つです。まず、凍結したベクトルでは力不足だったところで、重みを動かすことが効きました。フルファインチューニングは、プローブには見つけられなかった特徴を*つくり出す*のです。次に、ランダムな重みから始める Transformer には、256 件ではまるで足りません。倒す価値のある相手は TF-IDF です。そのため、以下の差は、この Transformer と TF-IDF のうち**良いほう**を基準に計算します。
#
# 続いて、事前学習に近いタスクを、わずか 64 件のラベルと 3 つのシードで試します。
# %%
from lab_helpers.labs.lab01.scoring import mean_accuracy
from lab_helpers.labs.lab01.training import train_intents

training = task_settings(lab.settings, "intent")
intent = train_intents(encoder, requests, lab.settings["seeds"], **training)
lab.table(intent, "intent")
for start in ("pretrained", "scratch"):
    lab.measured(**{f"intent_accuracy_{start}_64_en": mean_accuracy(intent, start, 64)})
lab.measured(**gap_metrics(lab.run.metrics, "intent", 64, "en"))
lab.compare("intent_gap")
# %% [markdown] lang="en"
# ## Build: freeze from below
#
# Between "train nothing" and "train everything" lies a choice. The article says the low layers hold general language and may stay frozen.
#
# **Exercise (6 min).** Let only the top `trainable` blocks learn. Set `requires_grad_` on *every* block, since a block may have been frozen before. Block 0 is the bottom.
# %% [markdown] lang="ja" of="41ed15bf"
# ## つくる: 下から凍結する
#
# 「何も学習しない」と「すべて学習する」の間には、選択の余地があります。記事によれば、下位層は言語の一般的な知識をもっているので、凍結したままでかまいません。
#
# **演習（6 分）。** 上位 `trainable` 個のブロックだけを学習させてください。以前に凍結されたブロックがあるかもしれないので、`requires_grad_` は*すべての*ブロックに設定します。ブロック 0 が最下層です。
# %% tags=["exercise"]
def freeze_bottom(blocks, trainable):
    ...  # your code


freeze_bottom = lab.check("freeze_bottom", freeze_bottom)
# %%
from lab_helpers.tuning.classifier import encoder_blocks, trainable_parameters

model = encoder.classifier(num_labels=10, seed=lab.seed)
for trainable in (0, 2, 4, 6):  # NBVAL_CHECK_OUTPUT
    model.encoder.requires_grad_(False)
    freeze_bottom(encoder_blocks(model.encoder), trainable)
    print(f"top {trainable} blocks: {trainable_parameters(model):>10,} trainable parameters")
# %% [markdown] lang="en"
# ## Explore
#
# Train with 2, 4 and 6 open blocks, then choose with the list what you would pay for. Without a live kernel you see the picture for 2 blocks.
# %% [markdown] lang="ja" of="5b0cb7f9"
# ## 触ってみる
#
# 凍結しないブロックを 2、4、6 個として学習し、どこまでならコストをかける価値があるかをリストから選んでみてください。カーネルが動いていない場合は、2 ブロックの図が表示されます。
# %%
from lab_helpers.figures.widgets import freezing_explorer
from lab_helpers.labs.lab01.training import train_top_blocks

probe = lab.run.metrics["intent_accuracy_probe_64_en"]  # no block trains
numbers = lab.settings["freezing_blocks"]
frozen = train_top_blocks(encoder, requests, numbers, lab.seed, probe, **training)
lab.table(frozen, "freezing")
lab.figure(figures.freezing(frozen, trainable_blocks=2), "freezing")
freezing_explorer(frozen)
# %% [markdown] lang="en"
# ## Measure: and in Japanese?
#
# Japanese came out badly above, and not because of the method: the encoder had never read any. So take one that has. **multilingual-e5-small** (Wang et al. 2024) has 12 blocks and 118 million weights, of which 96 million are the vectors of 250,000 word pieces from about 100 languages. Nothing else changes: the same probe, texts and seeds.
# %% [markdown] lang="ja" of="18191640"
# ## 測る: 日本語では？
#
# 日本語の結果が振るわなかったのは、手法のせいではありません。エンコーダーが日本語を読んだことがなかったからです。そこで、事前学習で日本語も読んできた **multilingual-e5-small**（Wang et al. 2024）に替えてみます。12 ブロック、1 億 1,800 万個の重みをもち、そのうち 9,600 万個は、およそ 100 言語から集めた 25 万個の単語片のベクトルです。ほかは何も変えません。プローブも、テキストも、シードも同じです。
# %%
from lab_helpers.labs.lab01.curves import measure_probe_curve
from lab_helpers.labs.shared.models import load_multilingual_encoder

multilingual = load_multilingual_encoder(lab.run)  # None where it is missing
if multilingual:
    print(multilingual.tokenizer.tokenize("蓋が閉まらなくなりました。"))
    requests_ja = shipped_texts("requests", "ja")
    rows = measure_probe_curve(multilingual, requests_ja, sizes, seeds, "multilingual probe")
    lab.run.table("curve requests.ja, multilingual", rows)
    lab.measured(intent_accuracy_probe_e5_64_ja=mean_accuracy(rows, "multilingual probe", 64))
    panel = {requests_ja.name: [*rows, *panels[requests_ja.name]]}
    lab.figure(figures.learning_curves(panel, chance), "curves_ja")
# %% [markdown] lang="en"
# The characters that were `[UNK]` are pieces now, and the order of the curves has turned over: the frozen encoder that has read Japanese is ahead of character counts at every size, and with 64 labels it sorts more than half of ten kinds of request rightly. The English one stays at the bottom.
#
# Now moods, where frozen vectors were weak in English too. To move all 118 million weights for 256 reviews would mostly shift word pieces that no review contains. So the exercise above goes to work: the word vectors and the lower eight blocks stay frozen, the upper four learn, at the rate and for the epochs of the other trainings.
# %% [markdown] lang="ja" of="82d31628"
# `[UNK]` だった文字がトークンとして読めるようになり、曲線の順位が入れ替わりました。日本語を読んできたエンコーダーは、凍結したままでも、どの件数でも文字を数える方法を上回ります。64 件のラベルだけで、10 種類の問い合わせの半分以上を正しく分類できました。英語のエンコーダーは最下位のままです。
#
# 次は、英語でも凍結したベクトルが苦手としていた、レビューの評価です。256 件のレビューのために 1 億 1,800 万個の重みをすべて動かしても、その大半は、どのレビューにも出てこない単語片のベクトルです。ここで先ほどの演習が役に立ちます。単語のベクトルと下位 8 ブロックは凍結し、上位 4 ブロックだけを学習させます。学習率とエポック数は、ほかの学習と同じです。
# %%
from lab_helpers.labs.lab01.scoring import multilingual_metrics
from lab_helpers.runtime.intervals import bootstrap_interval

if multilingual:
    hits = train_classifier(
        multilingual, shipped_texts("reviews", "ja"), 256, lab.seed,
        blocks=4, **task_settings(lab.settings, "sentiment"),
    ).hits
    english = outcomes["ja", "pretrained"].hits
    lab.measured(**multilingual_metrics(lab.run.metrics, hits, english))
    arms = {"multilingual, top 4 blocks": hits, "English, all weights": english}
    rows = [
        {"start": name, "accuracy": float(arm.mean()), "95 %": bootstrap_interval(arm)}
        for name, arm in arms.items()
    ]
    tfidf = lab.run.metrics["sentiment_accuracy_tfidf_256_ja"]
    lab.table([*rows, {"start": "TF-IDF", "accuracy": tfidf}], "Japanese reviews")
    low, high = lab.run.metrics["sentiment_e5_over_minilm_256_ja_ci"]
    print(f"multilingual minus English, on the same reviews: [{low:+.3f}, {high:+.3f}]")
# %% [markdown] lang="en"
# The interval of the paired difference excludes zero: on Japanese reviews the encoder that has read Japanese beats the one that has not. Against character counts it is two points ahead, and 240 test reviews do not decide two points. As in English, then: topics come cheaply, moods do not.
# %% [markdown] lang="ja" of="ad4a59cc"
# 同じレビューでの差の区間は 0 を含みません。日本語のレビューでは、日本語を読んできたエンコーダーが、読んだことのないエンコーダーに勝ちました。一方、文字を数える方法との差は 2 ポイントで、240 件のテストでは優劣を決められません。話題の分類はわずかなラベルで身につき、評価の判定はそうはいかない。これは英語と同じです。
# %% [markdown] lang="en"
# ## Measure: which layers moved?
#
# If low layers are general and high layers specific, full fine-tuning should move the high ones more.
#
# **Exercise (4 min).** Write the measure: $\lVert W_{after} - W_{before}\rVert / \lVert W_{before}\rVert$.
# %% [markdown] lang="ja" of="f326fa63"
# ## 測る: どの層が動いたか
#
# 下位層が汎用的で上位層がタスク固有なら、フルファインチューニングでは上位層のほうが大きく動くはずです。
#
# **演習（4 分）。** 動いた量の尺度 $\lVert W_{after} - W_{before}\rVert / \lVert W_{before}\rVert$ を書いてください。
# %% tags=["exercise"]
def relative_change(before, after):
    ...  # your code


relative_change = lab.check("relative_change", relative_change)
# %%
from lab_helpers.labs.lab01.scoring import weight_change_metrics
from lab_helpers.tuning import spectrum

before = spectrum.matrices(pretrained)
after = spectrum.matrices(outcomes["en", "pretrained"].model.encoder)
name = [name for name in before if name.endswith("attention.self.value")][-1]
print(name, float(relative_change(before[name], after[name])))
moved = spectrum.relative_change_rows(before, after)
lab.run.table("weight change", moved)
lab.measured(**weight_change_metrics(moved))
lab.figure(figures.weight_change(moved), "weight_change")
# %% [markdown] lang="en"
# The picture is less tidy than the sentence in the article. Over all, the top two blocks moved hardly farther than the bottom two (the verdict prints the factor); the *kind* of matrix matters more than its height, and the lowest value matrix moved more than the highest. "Freeze the low layers" is a budget rule, not a law of nature.
# %% [markdown] lang="ja" of="fca25ba6"
# 図は、記事の一文ほどすっきりしていません。全体で見ると、上位 2 ブロックの動きは下位 2 ブロックとほとんど変わりません（何倍かは判定に表示されます）。層の高さより行列の*種類*の影響が大きく、最下層の value 行列は最上層の value 行列より大きく動いています。「下位層は凍結する」は予算上の目安であって、自然法則ではありません。
# %% [markdown] lang="en"
# ## Break it: 70 % accuracy, nothing found
#
# Entities are marked token by token: `B-part` opens a part, `I-part` continues it, `O` is everything else. Most tokens are `O`. So let us build the laziest tagger there is, one that always answers `O`, and measure it with accuracy, as the article suggests.
# %% [markdown] lang="ja" of="179fe6e9"
# ## 壊す: 正解率 70 %、見つけたものはゼロ
#
# 固有表現には、トークンごとに印をつけます。`B-part` は部品の始まり、`I-part` はその続き、`O` はそれ以外のすべてです。大半のトークンは `O` です。そこで、考えられるかぎり最も怠け者のタガー、つまり常に `O` と答えるタガーをつくり、記事が勧めるとおり正解率で測ってみます。
# %%
from lab_helpers.data.shipped import load_shipped
from lab_helpers.labs.lab01.entities import majority_metrics, train_tagger

train_rows, test_rows = (load_shipped("entities", "en", split) for split in ("train", "test"))
training = task_settings(lab.settings, "entity")
tagger = train_tagger(encoder, train_rows, lab.seed, pretrained=True, **training)
lazy = majority_metrics(tagger, test_rows)
lab.measured(**lazy)
print(f"always O: token accuracy {lazy['o_tagger_token_accuracy']:.2f}")
# %% [markdown] lang="en"
# A number most people would be happy with, from a tagger that finds **nothing**. No error message, no warning.
#
# ## Mend it: score whole spans
#
# **Exercise (10 min).** F1 over spans. Each sentence is a list of `(start, end, kind)`; a span is right only if all three agree. Count right, predicted and gold over all sentences together. Nothing right gives 0.
# %% [markdown] lang="ja" of="e9ddb7dd"
# たいていの人が満足しそうな数字ですが、このタガーは**何ひとつ**見つけていません。エラーも警告も出ません。
#
# ## 直す: スパン全体で採点する
#
# **演習（10 分）。** スパン単位の F1 を計算してください。各文は `(start, end, kind)` のリストで、3 つすべてが一致したスパンだけを正解とします。正解、予測、ゴールドの数は、すべての文を通して数えます。正解が 1 つもなければ 0 です。
# %% tags=["exercise"]
def span_f1(predicted, gold):
    ...  # your code


span_f1 = lab.check("span_f1", span_f1)
# %%
from lab_helpers.evaluation.spans import gold_spans
from lab_helpers.tuning.tagging import FeatureTagger

texts, gold = [row["text"] for row in test_rows], [gold_spans(row) for row in test_rows]
scratch = train_tagger(encoder, train_rows, lab.seed, pretrained=False, **training)
found = {
    "pretrained": tagger.spans(texts),
    "scratch": scratch.spans(texts),
    "traditional": FeatureTagger().fit(train_rows).spans(texts),
}
scores = {name: span_f1(spans, gold) for name, spans in found.items()}
print("always O:", span_f1([[] for _ in gold], gold))
print({name: round(score, 2) for name, score in scores.items()})
# %%
from lab_helpers.evaluation.spans import scores_by_kind
from lab_helpers.tuning.tagging import KINDS

lab.measured(**{f"entity_f1_{name}": score for name, score in scores.items()})
lab.measured(entity_gap_traditional=scores["pretrained"] - scores["traditional"])
by_kind = scores_by_kind(found["pretrained"], gold, KINDS)
lab.run.table("entities by kind", by_kind)
lab.figure(figures.entity_scores(by_kind, scores), "entities")
# %% [markdown] lang="en"
# "Traditional" is a tagger with hand-made features (the word, its shape, its neighbours) and a linear model: the earlier kind of model the article compares with. Look at the right panel too: a code such as `4K17` has a shape that gives it away; a part can be any noun.
# %% [markdown] lang="ja" of="d0302d9d"
# 「従来型」（traditional）は、人手で設計した特徴（単語、その形、前後の単語）と線形モデルを組み合わせたタガーです。記事が比較の対象にしている、従来のモデルにあたります。右の図も見てください。`4K17` のようなコードは形を見ればわかりますが、部品にはどんな名詞でもなりえます。
# %% [markdown] lang="en"
# ## Measure: what was forgotten?
#
# MiniLM came with a skill: for a sentence, find the one that means the same among 120. Nobody asked it to keep that skill while it learned moods. To compare methods fairly, each is stopped **at the same new skill**; a method that learned nothing has forgotten nothing either.
# %% [markdown] lang="ja" of="f354b9d6"
# ## 測る: 何を忘れたか
#
# MiniLM には、もともと身につけた技能があります。ある文と同じ意味の文を、120 文の中から見つけることです。レビューの評価を学ぶ間もその技能を保つように、とは誰も指示していません。手法を公平に比べるため、どれも**新しい技能が同じ水準に達したところ**で止めます。何も学んでいない手法は、何も忘れてもいないからです。
# %%
from lab_helpers.labs.lab01.forgetting import measure_forgetting
from lab_helpers.labs.lab01.old_skill import OldSkill, load_paraphrases

skill = OldSkill(encoder, load_paraphrases("en", "test"))
base_hits = skill.hits(pretrained)
base = float(base_hits.mean())
rows = [measure_forgetting(skill, outcomes["en", "pretrained"])]
lab.measured(**interval_metrics("old_skill_base", base_hits))
print(f"before tuning {base:.2f}, after full fine-tuning {rows[0]['old_skill']:.2f}")
# %% [markdown] lang="en"
# Before the cures, a look at the limits of that skill, for fairness. It hardly exists in Japanese. And offered a sentence with the same *words* but another meaning ("the dog bit the man"), the encoder prefers it to the true paraphrase nearly always.
# %% [markdown] lang="ja" of="f0447aaa"
# 対策に移る前に、公平を期してこの技能の限界も見ておきます。日本語ではほとんど働きません。また、「同じ単語を使った別の意味の文」(「犬が人を噛んだ」の類)を見せると、ほぼ必ず本当の言い換えよりそちらを選びます。
# %%
from lab_helpers.labs.lab01.forgetting import measure_skill_limits

limits = measure_skill_limits(encoder)
lab.measured(**limits)
print({name: round(value, 2) for name, value in limits.items()})
# %% [markdown] lang="en"
# Two cures. **LoRA** leaves the weights alone and learns a small detour (lab 02 takes it apart). **Replay** mixes a few pairs of the old task into every step.
# %% [markdown] lang="ja" of="b74df369"
# 対策は 2 つあります。**LoRA** は重みに手をつけず、小さな迂回路を学習します（ラボ 02 で中身を詳しく見ます）。**リプレイ**は、学習の各ステップに元のタスクのペアをいくつか混ぜます。
# %%
from peft import LoraConfig, get_peft_model

from lab_helpers.labs.lab01.forgetting import train_until_target
from lab_helpers.tuning.transfer import Replay

common = {
    "target": lab.settings["forgetting_target"], "seed": lab.seed, "n": 256,
    "epochs": lab.settings["forgetting_epochs"], "batch_size": lab.settings["batch_size"],
    "head_learning_rate": lab.settings["head_learning_rate"],
}


def attach_lora(model):
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
    model.encoder = get_peft_model(model.encoder, config)


rows.append(train_until_target(
    encoder, reviews, skill, attach_lora, method="lora",
    learning_rate=lab.settings["lora_learning_rate"], **common,
))
# %%
rows.append(train_until_target(
    encoder, reviews, skill, lambda model: None, method="replay",
    learning_rate=lab.settings["sentiment_learning_rate"],
    replay=Replay(load_paraphrases("en", "train")), **common,
))
# %%
from lab_helpers.labs.lab01.forgetting import forgetting_metrics, forgotten_rows, probe_row

rows.append(probe_row(lab.run.metrics["sentiment_accuracy_probe_256_en"], base))
rows = forgotten_rows(rows, base)
lab.measured(**forgetting_metrics(rows))
lab.table(rows, "forgetting")
lab.figure(figures.forgetting(rows, base), "forgetting")
lab.compare("forgotten")
# %% [markdown] lang="en"
# Full fine-tuning paid for the new skill with the old one. Replay got nearly all of it back for the price of a few extra pairs a step. LoRA lies between: it forgets less, but it is no vaccine, and with a higher learning rate it forgets more than full fine-tuning (lab 04 measures that curve). The probe forgets nothing, and learns the least.
# %% [markdown] lang="ja" of="0dc5f5a4"
# フルファインチューニングは、新しい技能の代償を、元の技能で支払いました。リプレイは、毎ステップに数ペアを加えるだけで、失った分をほぼ取り戻しました。LoRA はその中間です。忘れる量は減るものの、ワクチンのように防いでくれるわけではなく、学習率を上げればフルファインチューニングよりも多く忘れます（その曲線はラボ 04 で測ります）。プローブは何も忘れない代わりに、学ぶ量も最も少ない手法です。
# %% [markdown] lang="en"
# ## Verdict
#
# Your numbers, the article's claims. The record is written; `labs report` puts all labs on one page.
# %% [markdown] lang="ja" of="636d869c"
# ## 判定
#
# 自分で測った数字を、記事の主張と突き合わせます。結果は記録に書き込まれます。`labs report` を使うと、全ラボの結果を 1 ページにまとめられます。
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## Scale up
#
# On a Colab T4 the same notebook takes a multilingual encoder, five seeds and longer training; the profile changes, no cell does. With `labs run 01 --data my_reviews.csv` the learning curves and the comparison run on your own texts: any CSV or JSONL with a `text` and a `label` column. `--model` takes a local folder, a hub name, or `e5`: then the whole lab runs on the multilingual encoder of the section above, whose full fine-tuning moves 118 million weights.
# %% [markdown] lang="ja" of="35c2afdc"
# ## 大きくする
#
# Colab の T4 では、同じノートブックのまま、多言語エンコーダー、5 つのシード、より長い学習に切り替わります。変わるのはプロファイルだけで、セルは 1 つも変わりません。`labs run 01 --data my_reviews.csv` とすれば、学習曲線と比較を自分のテキストで実行できます。`text` 列と `label` 列があれば、どんな CSV や JSONL でもかまいません。`--model` には、ローカルのフォルダー、ハブ上のモデル名、または `e5` を指定します。`e5` なら、ラボ全体が、先ほど使った多言語エンコーダーで動きます。その場合、フルファインチューニングで動く重みは 1 億 1,800 万個です。
# %% [markdown] lang="en"
# ## Quiz
# %% [markdown] lang="ja" of="f3a0b532"
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 02 opens LoRA: what a low-rank update is, and whether ΔW really is one.
# %% [markdown] lang="ja" of="8f9e4833"
# **次は:** ラボ 02 で LoRA の中身を開きます。低ランクの更新とは何か、ΔW は本当に低ランクなのかを確かめます。
