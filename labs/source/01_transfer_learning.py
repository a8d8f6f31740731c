# %% [markdown] lang="en"
# # Lab 01 · Transfer learning
#
# **After this lab you can** write the training loop of a text classifier yourself, say when a pretrained model is worth it and when it is not, decide which blocks to train, score entities properly, and measure (then cure) what fine-tuning makes a model forget.
#
# **Time:** about five minutes of computing on a 2-core CPU; two hours with the exercises.
#
# **Claims under test:** 13 (low layers are general, high layers specific), 14 (catastrophic forgetting), 15 (high accuracy from little data), 35 (classification metrics for entities), 36 (far better than earlier models).
#
# **New words:** [token](glossary.md#token), [encoder](glossary.md#encoder), [embedding](glossary.md#embedding), [pre-training](glossary.md#pre-training), [fine-tuning](glossary.md#fine-tuning), [head](glossary.md#head), [block](glossary.md#block), [loss](glossary.md#loss), [gradient](glossary.md#gradient), [step](glossary.md#step), [epoch](glossary.md#epoch), [learning rate](glossary.md#learning-rate), [probe](glossary.md#probe), [TF-IDF](glossary.md#tf-idf), [F1](glossary.md#f1), [interval](glossary.md#interval).
#
# The lab has four parts, each with its own aim: **A** what a pretrained encoder brings, **B** which of its blocks matter, **C** finding entities, **D** what was forgotten. Everything runs on this machine, and every text was written for this course. This edition works in English, with all-MiniLM-L6-v2: 6 blocks, 22.7 million weights. The Japanese edition does the same in Japanese, with multilingual-e5-small.
# %% [markdown] lang="ja" of="bd910011"
# # ラボ 01 · 転移学習
#
# **このラボを終えると**、テキスト分類器の学習ループを自分で書き、事前学習済みモデルを使う価値がある場面とない場面を見分け、どのブロックを学習させるかを決め、固有表現抽出を正しく採点し、ファインチューニングでモデルが忘れるものを測って対策まで打てるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 5 分、演習も含めると 2 時間です。
#
# **検証する主張:** 13（下位層は汎用的、上位層はタスク固有）、14（破滅的忘却）、15（少ないデータで高い精度）、35（固有表現抽出を分類の指標で測る）、36（従来のモデルをはるかに上回る）。
#
# **新しい言葉:** [トークン](glossary.md#token)、[エンコーダー](glossary.md#encoder)、[埋め込み](glossary.md#embedding)、[事前学習](glossary.md#pre-training)、[ファインチューニング](glossary.md#fine-tuning)、[ヘッド](glossary.md#head)、[ブロック](glossary.md#block)、[損失](glossary.md#loss)、[勾配](glossary.md#gradient)、[ステップ](glossary.md#step)、[エポック](glossary.md#epoch)、[学習率](glossary.md#learning-rate)、[プローブ](glossary.md#probe)、[TF-IDF](glossary.md#tf-idf)、[F1](glossary.md#f1)、[信頼区間](glossary.md#interval)。
#
# ラボは、ねらいの異なる 4 つの部分からなります。**A** 事前学習済みエンコーダーは何をもたらすか、**B** どのブロックが効いているか、**C** 固有表現を見つける、**D** 何を忘れたか。計算はすべて手元のマシンで行います。テキストはどれも、この講座のために書かれたものです。この日本語版では、日本語のテキストを multilingual-e5-small（12 ブロック、約 1 億 1,800 万個の重み）で扱います。英語版は、同じことを英語と all-MiniLM-L6-v2 で行います。
# %%
from lab_helpers import open_lab

lab = open_lab("01")
# %% [markdown] lang="en"
# ## Predict
#
# Write your guesses before anything runs. A wrong guess you remember teaches more than a right number you read.
#
# 1. Ten kinds of customer request, 64 labelled examples. By how many **points of accuracy** will the pretrained encoder beat the best method that starts from nothing?
# 2. Fine-tuning on reviews takes seconds. How many **points** of its old skill, finding a sentence with the same meaning, will the encoder lose?
# %% [markdown] lang="ja" of="5c28ab50"
# ## 予想する
#
# 何かを実行する前に、予想を書いておきましょう。正解を読むだけより、外れた予想のほうが記憶に残ります。
#
# 1. 顧客からの問い合わせが 10 種類、ラベルつきの例が 64 件あります。事前学習済みエンコーダーは、白紙から始める最良の方法を、正解率で**何ポイント**上回るでしょうか。
# 2. レビューでのファインチューニングは、あっという間に終わります。その結果、エンコーダーは、同じ意味の文を見つけるという元の技能を**何ポイント**失うでしょうか。
# %%
lab.predict("intent_gap", ...)
lab.predict("forgotten", ...)
# %% [markdown] lang="en"
# ## Why transfer at all?
#
# A support desk wants its messages sorted. Somebody has labelled 64 of them; nobody will label 60,000. A model that starts from random weights must learn from those 64 what words are, what a sentence is *and* what the desk wants. A pretrained encoder has read millions of sentences and needs to learn only the last part.
#
# An encoder is a stack of blocks. A text enters at the bottom, each block rewrites the vectors of its tokens, and a small **head** on top turns the result into a label. What differs between the methods of this lab is only *what is random and what is allowed to move*:
# %% [markdown] lang="ja" of="e38559c5"
# ## なぜ転移するのか
#
# サポート窓口が、届いたメッセージを仕分けたいとします。ラベルがついているのは 64 件だけで、6 万件にラベルをつけてくれる人はいません。ランダムな重みから始めるモデルは、単語とは何か、文とは何か、*そして*窓口が何を求めているかを、その 64 件だけから学ばなければなりません。事前学習済みのエンコーダーは、すでに何百万もの文を読んでいるので、最後の 1 つだけを学べば済みます。
#
# エンコーダーは、ブロックを積み重ねたものです。テキストは下から入り、各ブロックがトークンのベクトルを書き換え、いちばん上の小さな**ヘッド**が結果をラベルに変えます。このラボで比べる方法の違いは、*どこがランダムで、どこが動くか*だけです。
# %%
from lab_helpers.figures import transfer as figures

lab.figure(figures.ways_to_transfer(), "ways")
# %% [markdown] lang="en"
# In each stack the head is new. "Scratch" has random blocks too; the probe moves nothing but the head; LoRA leaves every block as it is and trains small additions beside them.
#
# # Part A · What a pretrained encoder brings
#
# ## The data: three jobs at Hoshizora Electric
#
# Hoshizora Electric makes home appliances and needs three things read for it: the intent of a support message, the mood of a review, and (in part C) the products, parts, dates, amounts, drug names and company codes in a sentence. The texts were written one by one, with irony and typing errors, so no template gives the answer away.
#
# Each set has three splits. The model learns from the training rows, we choose settings on the validation rows, and the test rows are looked at to report.
# %% [markdown] lang="ja" of="42eb5922"
# どの積み重ねでも、ヘッドは新しくつくります。「ゼロから」はブロックまでランダムです。プローブはヘッド以外を動かしません。LoRA はどのブロックもそのまま残し、脇に足した小さな部分だけを学習します。
#
# # A · 事前学習済みエンコーダーがもたらすもの
#
# ## データ: 星空電機の 3 つの仕事
#
# 星空電機は家電メーカーです。文章から読み取りたいものが 3 つあります。サポートへの問い合わせの意図、レビューに表れた評価、そして（C で扱う）文中の製品、部品、日付、金額、薬の名前、企業コードです。テキストは皮肉や打ち間違いも交えて 1 件ずつ書いたものなので、ひな形から答えが透けて見えることはありません。
#
# データは 3 つに分けてあります。モデルは学習用の行から学び、設定は検証用の行で選び、テスト用の行は結果の報告に使います。
# %%
from lab_helpers.data.labelled import shipped_texts

reviews, requests = (shipped_texts(name, lab.language) for name in ("reviews", "requests"))
splits = ("train", "validation", "test")
for data in (requests, reviews):
    lab.table([{"label": row["label"], "text": row["text"]} for row in data.rows[:5]])
lab.table([
    {"texts": data.name} | {split: len(data.split(split)[0]) for split in splits}
    for data in (requests, reviews)
])
# %% [markdown] lang="en"
# Read a few aloud: could you tell "still deciding" from "satisfied" without the label?
#
# ## Build: from tokens to one vector
#
# `from_pretrained` takes a folder (or a hub name) and gives back the model with its trained weights. Look first at what it reads: one thought in two languages, and one product code in ordinary and in full-width letters, as Japanese keyboards write them. `[UNK]` is text for which the vocabulary has no entry.
# %% [markdown] lang="ja" of="382a7e3d"
# いくつか声に出して読んでみてください。ラベルを見ずに、「まだ判断できない」と「満足している」を見分けられるでしょうか。
#
# ## つくる: トークンから 1 本のベクトルへ
#
# `from_pretrained` にフォルダー（またはハブ上のモデル名）を渡すと、学習済みの重みをもつモデルが返ってきます。まず、モデルに何が見えているのかを確かめましょう。同じ内容を 2 つの言語で、同じ型番を半角と全角で読ませます。`[UNK]` は、語彙にない文字列を表します。
# %%
import torch
from transformers import AutoModel, AutoTokenizer

from lab_helpers.labs.shared.models import load_encoder_for

encoders = {language: load_encoder_for(lab.run, language) for language in ("en", "ja")}
encoder = encoders[lab.language]  # knows the folder, the device, and how to make batches
tokenizer = AutoTokenizer.from_pretrained(encoder.folder)
pretrained = AutoModel.from_pretrained(encoder.folder, dtype=torch.float32)
pretrained = pretrained.to(encoder.device).eval()
print(f"{pretrained.config.num_hidden_layers} blocks, {pretrained.num_parameters():,} weights")
for text in ("The lid no longer closes.", "蓋が閉まらなくなりました。", "HK-55", "ＨＫ－５５"):
    print(tokenizer.tokenize(text))
# %% [raw] lang="ja"
# knows the folder, the device, and how to make batches → モデルのフォルダー、計算する装置、バッチのつくり方を知っている
# " blocks, " → " ブロック、"
# " weights" → " 個の重み"
# %% [markdown] lang="en"
# A model sees only these pieces. The English vocabulary has no entry for the Japanese letters, nor for full-width ones; what is `[UNK]` is gone before the first block.
#
# Different models cut differently, and that decides how much a text costs and whether it can be read at all. The same test messages, in four vocabularies of this course:
# %% [markdown] lang="ja" of="cdda7f75"
# モデルに見えるのは、この断片だけです。多言語の語彙は日本語を断片に分けられ、全角の英数字も半角と同じ断片になります。読む前に NFKC という規則で文字をそろえているからです。
#
# 分け方はモデルごとに違います。そしてその違いが、テキストを読むのにかかるコストを、さらには、そもそも読めるかどうかを決めます。同じテスト用の問い合わせを、この講座に出てくる 4 つの語彙で分けてみます。
# %%
from lab_helpers.labs.lab01.vocabularies import load_vocabularies, vocabulary_rows

tested = {language: shipped_texts("requests", language).split("test")[0] for language in encoders}
lab.table(vocabulary_rows(load_vocabularies(), tested), "vocabularies")
# %% [markdown] lang="en"
# Read a row from left to right: few tokens a character is cheap, and a large share of unknown pieces means blind. An English word is several letters long, a Japanese character says more than a letter, so the two columns of tokens do not compare with each other; the vocabularies do.
#
# A classifier needs **one** vector for a whole text. The usual way is to average the token vectors. But texts in a batch are padded to the same length, and padding means nothing.
#
# **Exercise (8 min).** Average the real tokens only. `hidden` has shape (batch, tokens, 384), `mask` has shape (batch, tokens) with 1 for a real token. `lab.hint("mean_pool")` helps, `lab.solution("mean_pool")` tells.
# %% [markdown] lang="ja" of="69682ccd"
# 表は横に読んでください。1 文字あたりのトークンが少ないほど安く済み、`[UNK]` の割合が大きければ読めていません。MiniLM の日本語の列では、多くの漢字が `[UNK]` になっています。SmolLM2 は 1 文字も取りこぼさない代わりに、1 文字を 1 つより多いトークンに割っています。日本語の 1 文字は英語の 1 文字より多くを語るので、2 つの言語の列どうしは比べられません。比べられるのは、語彙どうしです。
#
# 分類器に必要なのは、テキスト全体を表す **1 本**のベクトルです。ふつうはトークンのベクトルを平均します。ただし、バッチ内のテキストはパディングで長さをそろえてあり、パディングには何の意味もありません。
#
# **演習（8 分）。** 実際のトークンだけを平均してください。`hidden` の形は (batch, tokens, 384)、`mask` の形は (batch, tokens) で、実際のトークンの位置が 1 です。ヒントは `lab.hint("mean_pool")`、解答は `lab.solution("mean_pool")` で見られます。
# %% tags=["exercise"]
def mean_pool(hidden, mask):
    ...  # your code: (batch, 384)


mean_pool = lab.check("mean_pool", mean_pool)
# %% [raw] lang="ja"
# your code: (batch, 384) → ここに書く。返す形は (batch, 384)
# %% [markdown] lang="en"
# Does the vector mean anything? Three sentences; the first two say the same in other words. Cosine 1 is the same direction, 0 is unrelated.
# %% [markdown] lang="ja" of="eff3133a"
# このベクトルに意味はあるのでしょうか。3 つの文で試します。最初の 2 つは、同じことを別の言葉で述べたものです。コサイン類似度は、1 なら同じ向き、0 なら無関係です。
# %%
texts = ["My parcel never came.", "The delivery has not arrived.", "How do I clean the filter?"]
batch = encoder.pad(encoder.tokenize(texts))
with torch.no_grad():
    vectors = mean_pool(pretrained(**batch).last_hidden_state, batch["attention_mask"])
vectors = torch.nn.functional.normalize(vectors, dim=-1)
print((vectors @ vectors.T).cpu().numpy().round(2))
# %% [raw] lang="ja"
# My parcel never came. → 荷物が届きません。
# The delivery has not arrived. → 配達がまだのようです。
# How do I clean the filter? → フィルターの掃除方法は？
# %% [markdown] lang="en"
# The first two sentences share hardly a word, and their vectors lie much closer to each other than to the third. That is what pretraining brings.
#
# ## Measure: how far does a frozen encoder get?
#
# The cheapest transfer: freeze the encoder, store its vectors once, and fit a linear classifier on them, a **probe**. Its honest rival starts from nothing at all: **TF-IDF** counts pieces of words, and a linear classifier weighs the counts. Each language is read by an encoder that was trained on it; on the Japanese requests the English encoder stands beside. Three seeds choose three training samples; a band is their range, the dotted line is guessing.
# %% [markdown] lang="ja" of="55daded8"
# 最初の 2 文には共通する単語がほとんどないのに、ベクトルは 3 つ目の文より互いに近くなっています。差が小さく見えるのは、このモデルではどの文どうしもコサイン類似度が高くなるためで、意味があるのは大小の順です。これが、事前学習のもたらすものです。
#
# ## 測る: 凍結したエンコーダーでどこまで行けるか
#
# 最も安上がりな転移は、エンコーダーを凍結し、出力のベクトルを一度だけ計算して保存しておき、その上で線形分類器を学習させる方法です。これを**プローブ**と呼びます。公平な比較相手は、まったくの白紙から始める **TF-IDF** です。単語の断片を数え、その数に線形分類器で重みをつけます。どちらの言語も、その言語で学習したエンコーダーに読ませます。日本語の問い合わせには、英語のエンコーダーも並べました。3 つのシードで 3 通りの学習サンプルを選びます。図の帯はその範囲、点線は当て推量です。
# %%
from lab_helpers.labs.lab01 import curves

sizes = lab.settings["sizes"]
seeds = [lab.seed + number for number in lab.settings["seeds"]]
panels = {}
for name in ("requests", "reviews"):
    for language, reader in encoders.items():
        data = shipped_texts(name, language)
        panels[data.name] = curves.measure_probe_curve(reader, data, sizes, seeds)
        panels[data.name] += curves.measure_word_curve(data, sizes, seeds)
if encoders["en"].name != encoders["ja"].name:  # the English encoder on Japanese, beside the other
    data = shipped_texts("requests", "ja")
    panels[data.name] += curves.measure_probe_curve(encoders["en"], data, sizes, seeds)
# %% [raw] lang="ja"
# the English encoder on Japanese, beside the other → 英語のエンコーダーに日本語を読ませて比べる
# %%
from lab_helpers.labs.lab01.scoring import curve_metrics

for name, rows in panels.items():
    lab.run.table(f"curve {name}", curves.without_hits(rows))
probes = {language: curves.probe_name(reader) for language, reader in encoders.items()}
lab.measured(**curve_metrics(panels, probes))
chance = {name: 1 / 3 if name.startswith("reviews") else 1 / 10 for name in panels}
lab.figure(figures.learning_curves(panels, chance), "curves")
# %% [markdown] lang="en"
# Read the four panels slowly; they disagree, and that is the lesson.
#
# - **English requests:** the probe is far ahead at every size. Sorting by topic is what such an encoder was pretrained for.
# - **Japanese requests:** so is the encoder that has read Japanese. The English one *loses* to counting characters; you saw the `[UNK]` above. What pretraining did not contain cannot be transferred.
# - **Reviews, both languages:** hardly any lead, and with 256 Japanese reviews counting wins. An encoder puts "broke after a week" and "still works after a year" close together: same topic, opposite mood.
#
# Transfer is not a property of a model. It is a property of a model **and** a task.
# %% [markdown] lang="ja" of="810c5977"
# 4 枚の図をじっくり見比べてください。結果は食い違っています。そして、その食い違いこそが要点です。
#
# - **英語の問い合わせ:** どの件数でも、プローブが大きくリードします。話題で文を分けることは、こうしたエンコーダーが事前学習で身につけた仕事そのものです。
# - **日本語の問い合わせ:** 日本語を読んできたエンコーダーも、同じようにリードします。英語のエンコーダーは、文字を数えるだけの方法に*負けます*。先ほどの表の `[UNK]` がその理由です。事前学習に含まれていなかったものは転移できません。
# - **レビュー（両言語とも）:** ほとんど差がつかず、日本語の 256 件では数える方法が勝っています。「1 週間で壊れた」と「1 年たってもまだ動く」を、エンコーダーは近くに置きます。話題は同じで、評価は正反対です。
#
# 転移が効くかどうかは、モデルだけでは決まりません。モデル**と**タスクの組み合わせで決まります。
# %% [markdown] lang="en"
# ## Build: let the encoder learn too
#
# Now the blocks may move as well. The classifier is what you have built so far with one new part, the head: a matrix from 384 numbers to one score a class. What moves are the blocks and the head. The vectors of the single word pieces stay as they were trained: 64 texts contain hardly any of the vocabulary.
# %% [markdown] lang="ja" of="cef50499"
# ## つくる: エンコーダーにも学習させる
#
# 今度はブロックも動かします。分類器は、ここまでにつくったものに、新しい部品を 1 つ足すだけです。384 個の数値からクラスごとのスコアを出す行列、つまりヘッドです。動かすのはブロックとヘッドです。単語の断片そのもののベクトルは、学習済みのまま残します。64 件のテキストに出てくるのは、語彙のごく一部だからです。
# %%
class Classifier(torch.nn.Module):
    def __init__(self, labels, pretrained=True):
        super().__init__()
        self.encoder = encoder.load(pretrained)  # a copy, its word vectors frozen; or random
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, labels)  # always random

    def forward(self, input_ids, attention_mask):
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.head(mean_pool(hidden, attention_mask))


def fresh(seed, pretrained=True):
    torch.manual_seed(seed)
    return Classifier(len(requests.labels), pretrained).to(encoder.device)
# %% [raw] lang="ja"
# a copy, its word vectors frozen; or random → 学習済みの写し（単語ベクトルは凍結）、またはランダム
# always random → こちらは常にランダム
# %% [markdown] lang="en"
# ## Build: one step of training
#
# Training is one small move, repeated: ask how wrong the model is (the **loss**), ask for every weight in which direction that would rise (the **gradient**), and go a little the other way.
#
# **Exercise (10 min).** Write that move. `batch` holds `input_ids` and `attention_mask`, `labels` the right classes; the loss is `torch.nn.functional.cross_entropy(logits, labels)`. PyTorch *adds* new gradients to old ones, so clear them; return the loss as a plain number. From here to the end of part B, every model of this lab is trained by **your** function.
# %% [markdown] lang="ja" of="ca52ed25"
# ## つくる: 学習の 1 ステップ
#
# 学習とは、小さな動きの繰り返しです。モデルがどれだけ間違っているかを求め（**損失**）、重みごとに、どちらへ動かすと損失が増えるかを求め（**勾配**）、その逆へ少しだけ動かします。
#
# **演習（10 分）。** この動きを書いてください。`batch` には `input_ids` と `attention_mask` が、`labels` には正解のクラスが入っています。損失は `torch.nn.functional.cross_entropy(logits, labels)` です。PyTorch は新しい勾配を古い勾配に*足す*ので、先に消しておきます。損失はただの数値で返してください。ここから B の終わりまで、このラボのモデルはどれも**あなたの**関数で学習します。
# %% tags=["exercise"]
def train_step(model, batch, labels, optimizer):
    ...  # your code: the loss, a float


train_step = lab.check("train_step", train_step)
# %% [raw] lang="ja"
# your code: the loss, a float → ここに書く。返すのは損失（float）
# %% [markdown] lang="en"
# The rest is a loop around it: shuffle the texts, cut them into batches, make each batch a rectangle of token ids, step. An **epoch** is one pass over all texts. AdamW is the rule that turns gradients into moves; the **learning rate** says how long the moves are. The head starts from random numbers and gets a higher rate than the trained blocks, which should bend and not break.
#
# Which rate? Nobody knows beforehand. Try three on the same 64 texts and keep the one that does best on the *validation* rows.
# %% [markdown] lang="ja" of="62d1f740"
# 残りは、これを囲むループです。テキストを混ぜ、バッチに切り分け、バッチごとにトークン ID の長方形をつくり、1 ステップ進めます。すべてのテキストを 1 周するのが 1 **エポック**です。AdamW は勾配を重みの動きに変える規則で、**学習率**はその歩幅です。ヘッドはランダムな値から始まるので、学習済みのブロックより大きな学習率にします。ブロックのほうは、曲げても壊してはいけません。
#
# 学習率はいくつにすればよいでしょうか。やってみるまで誰にもわかりません。同じ 64 件で 3 通り試し、*検証用*の行で最も良かったものを使います。
# %%
def train(model, rate, seed, epochs=4, batch_size=16 if lab.language == "en" else 8):
    # E5 has twice as many blocks as MiniLM: it gets twice the steps.
    texts, labels = requests.sample(64, seed)
    body = [weight for weight in model.encoder.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW([
        {"params": body, "lr": rate},
        {"params": model.head.parameters(), "lr": 2e-3},  # random, so it may hurry
    ], fused=True)
    torch.manual_seed(seed)
    model.train()
    for epoch in range(epochs):
        for rows in torch.randperm(len(texts)).split(batch_size):
            batch = encoder.pad(encoder.tokenize([texts[i] for i in rows]))
            gold = torch.tensor([labels[i] for i in rows], device=encoder.device)
            loss = train_step(model, batch, gold, optimizer)
    return loss
# %% [raw] lang="ja"
# random, so it may hurry → ランダムなので、速く動かしてよい
# E5 has twice as many blocks as MiniLM: it gets twice the steps. → ブロック数が MiniLM の 2 倍ある E5 では、ステップ数も 2 倍にする
# %%
from lab_helpers.labs.shared.classifiers import measure_hits

rates = lab.pick(tiny=(2e-5, 1e-4, 5e-4), t4=(2e-5, 5e-5, 2e-4))  # a 1-8B model wants about 1e-5
tried = {}
for rate in rates:
    model = fresh(lab.seed)
    loss = train(model, rate, lab.seed)
    right = measure_hits(encoder, model, requests, "validation").mean()
    print(f"rate {rate:.0e}: last loss {loss:.2f}, validation accuracy {right:.2f}")
    if right > max(tried.values(), default=-1):
        chosen, tuned = rate, {lab.seed: model}
    tried[rate] = right
print(f"chosen: {chosen:.0e}")
# %% [raw] lang="ja"
# a 1-8B model wants about 1e-5 → 1〜8B のモデルなら 1e-5 前後
# "rate " → "学習率 "
# ": last loss " → "、最後の損失 "
# ", validation accuracy " → "、検証用の正解率 "
# "chosen: " → "選んだ学習率: "
# %% [markdown] lang="en"
# Read the losses beside the accuracies: too low a rate has not learned the 64 texts yet, and a lower loss on them is no promise for other texts; the validation column decides. (On so few rows a lead of a few points is luck. The choice is made all the same, and on rows that will not report the result.)
#
# Enough numbers for a moment. Write to your new colleague; the texts are yours to change. The number in brackets is the probability that the model gives its answer.
# %% [markdown] lang="ja" of="e03928d4"
# 損失と正解率を並べて読んでください。学習率が小さすぎると、64 件をまだ覚えきれていません。とはいえ、学習用のテキストでの損失が小さくても、ほかのテキストで正しいとはかぎりません。決めるのは検証用の列です（これだけの行数では、数ポイントの差は偶然かもしれません。それでもどれかを選ばなければならず、結果の報告に使わない行で選びます）。
#
# 数字はひと休みにして、新しい同僚に話しかけてみましょう。文は自由に書き換えてください。括弧の中は、モデルがその答えに与えた確率です。
# %%
from lab_helpers.runtime.lexicon import term

written = ("Three days late and no parcel.", "Where can I buy a filter?", "It hums and gets hot.")
for text in written:
    batch = encoder.pad(encoder.tokenize([text]))
    with torch.no_grad():
        chances = tuned[lab.seed].eval()(**batch).softmax(-1)[0]
    best = int(chances.argmax())
    print(f"{text}  →  {term(requests.labels[best])} ({float(chances[best]):.2f})")
# %% [raw] lang="ja"
# Three days late and no parcel. → 三日たっても荷物が来ないんですが。
# Where can I buy a filter? → 替えのフィルターはどこで買えますか。
# It hums and gets hot. → うなる音がして、熱くなります。
# %% [markdown] lang="en"
# It sorts sentences that nobody has shown it, after 64 examples. How sure may we be that this is better than the alternatives? One lucky sample proves nothing: train on two more. And once from **random** weights, with the same loop and number of steps, at the highest of the three rates, which random weights can bear.
# %% [markdown] lang="ja" of="fa6ca001"
# 1 つ目は当たり、あとの 2 つは外れました。確率はどれも低く、モデルが迷っていることもわかります。10 種類の用件を、64 件だけで学んだところです。では、テスト用の行全体ではどうでしょうか。1 通りのサンプルでは、運の良し悪しと区別がつきません。さらに 2 通りのサンプルで学習します。そして一度、**ランダムな**重みからも学習させます。ループとステップ数は同じで、学習率は 3 つのうち最大のものです。ランダムな重みなら、壊れて困るものはありません。
# %%
for seed in seeds[1:]:
    tuned[seed] = fresh(seed)
    train(tuned[seed], chosen, seed)
hits = {"fine-tuned": [measure_hits(encoder, tuned[seed], requests) for seed in seeds]}
model = fresh(lab.seed, pretrained=False)
train(model, max(rates), lab.seed)
hits["scratch"] = [measure_hits(encoder, model, requests)]
texts, labels = requests.sample(64, lab.seed)
learnt = (encoder.logits(model, texts).argmax(1) == labels).mean()
print(f"scratch, on its own training texts: {learnt:.2f}")
# %% [raw] lang="ja"
# scratch, on its own training texts: → ゼロから学習したモデルの、学習用テキストでの正解率:
# %% [markdown] lang="en"
# It has learned most of its own 64 texts by heart. What that is worth on texts it has not seen stands in the next table, beside the frozen probe and TF-IDF on the same samples. The second table takes the differences **on the same test texts**: it decides, not the overlap of two intervals in the first.
# %% [markdown] lang="ja" of="af720953"
# 自分の 64 件さえ、当て推量と同じくらいしか当たりません。このステップ数では、まだ何も学べていないのです。続ければどこまで伸びるのかは、ここからはわかりません。見たことのないテキストでの成績を、同じサンプルを使ったプローブ、TF-IDF と並べたのが次の表です。2 つ目の表は、**同じテスト用テキストで**比べた差です。優劣を決めるのはこちらで、1 つ目の表の区間が重なるかどうかではありません。
# %%
from lab_helpers.labs.lab01.scoring import arm_rows, difference_rows, gap_metrics, mean_hits

arms = {name: sum(found) / len(found) for name, found in hits.items()}
arms["probe"] = mean_hits(panels[requests.name], probes[lab.language], 64)
arms["TF-IDF"] = mean_hits(panels[requests.name], "TF-IDF", 64)
trainings = {name: len(hits.get(name, seeds)) for name in arms}
lab.table(arm_rows(arms, trainings), "intent at 64")
lab.table(difference_rows("fine-tuned", arms), "intent differences")
for key, name in {"pretrained": "fine-tuned", "scratch": "scratch"}.items():
    lab.measured(**{f"intent_accuracy_{key}_64_{lab.language}": arms[name].mean()})
nothing = [arms["scratch"], arms["TF-IDF"]]
lab.measured(**gap_metrics("intent_gap_64", arms["fine-tuned"], nothing))
lab.compare("intent_gap")
# %% [markdown] lang="en"
# Pretraining is worth a great deal: over TF-IDF and over the random start the interval lies far above zero. But *moving the blocks* is not decided against leaving them alone: on this task the frozen probe does about as well, for a fraction of the work. That is worth knowing before you rent a GPU.
#
# ## Measure: a task that pretraining did not prepare
#
# Moods were where the frozen vectors were weak. So: 256 labelled reviews, and all blocks may move. From here on the package's loop trains; it is yours, with a rate that rises first and then falls. One training an arm, on the same 256 reviews.
# %% [markdown] lang="ja" of="e39deb48"
# 事前学習の値打ちは明らかです。TF-IDF に対しても、ゼロからの学習に対しても、差の区間は 0 から大きく離れています。ところが、*ブロックを動かした*結果は、動かさないプローブを下回りました（区間の上端は、ほとんど 0 です）。最後の損失を見ると、この学習はまだ途中です。続ければ追いつくかもしれませんが、このタスクでは、ずっと安上がりなプローブがすでに良い成績を出しています。GPU を借りる前に知っておきたいことです。
#
# ## 測る: 事前学習が用意していないタスク
#
# 凍結したベクトルが苦手としていたのは、レビューの評価でした。そこで、ラベルつきのレビュー 256 件を使い、すべてのブロックを動かします。ここから先の学習には、パッケージのループを使います。中身はあなたのループと同じで、学習率を初めに上げ、そのあと下げていくところだけが違います。学習はどれも 1 回ずつ、同じ 256 件で行います。
# %%
from lab_helpers.labs.lab01.training import task_settings, train_both_starts
from lab_helpers.runtime.intervals import interval_metrics

training = task_settings(lab.settings, "sentiment")
print(training)
moods = {}
for start, outcome in train_both_starts(encoder, reviews, 256, lab.seed, **training):
    moods["fine-tuned" if start == "pretrained" else start] = outcome.hits
    name = f"sentiment_accuracy_{start}_256_{lab.language}"
    lab.measured(**interval_metrics(name, outcome.hits))
# %% [markdown] lang="en"
# The settings are printed so that nothing is hidden. Now the four arms, each on the same reviews and the same test texts.
# %% [markdown] lang="ja" of="590efcac"
# 何も隠さないよう、設定を表示しました。続いて 4 つの方法を、同じレビュー、同じテスト用テキストで比べます。
# %%
moods["probe"] = mean_hits(panels[reviews.name], probes[lab.language], 256, seeds[:1])
moods["TF-IDF"] = mean_hits(panels[reviews.name], "TF-IDF", 256, seeds[:1])
lab.table(arm_rows(moods, dict.fromkeys(moods, 1)), "sentiment at 256")
lab.table(difference_rows("fine-tuned", moods), "sentiment differences")
nothing = [moods["scratch"], moods["TF-IDF"]]
lab.measured(**gap_metrics("sentiment_gap_256", moods["fine-tuned"], nothing))
# %% [markdown] lang="en"
# Here moving the blocks pays: fine-tuning beats the probe, TF-IDF and the random start, each by an interval that excludes zero. The feature that the probe could not find was *built*. What the random start would reach with more texts or more steps, this table cannot say: it had the same of both.
#
# Profiles with time for it train the other language here as well; on a CPU the other edition of this lab does.
# %% [markdown] lang="ja" of="1dd74f6f"
# ブロックを動かした方法の正解率が、最も高くなりました。ただし、はっきりと勝ったと言える相手は、ランダムな重みからの学習だけです。プローブとの差も TF-IDF との差も、区間が 0 を含んでいます。日本語のレビューでは、文字の断片を数える方法が、事前学習とファインチューニングに並ぶほど強いのです。英語版では、同じ実験でファインチューニングが 3 つの相手すべてに勝ちます。ランダムな重みからでも、テキストやステップ数を増やせばどこまで伸びるのか。それは、この表からはわかりません。
#
# 時間に余裕のあるプロファイルでは、もう一方の言語もここで学習します。CPU では、英語版のラボがその役目を担います。
# %%
if lab.other_language:
    data = shipped_texts("reviews", lab.other_language)
    for start, outcome in train_both_starts(
        encoders[lab.other_language], data, 256, lab.seed, **training
    ):
        name = f"sentiment_accuracy_{start}_256_{lab.other_language}"
        lab.measured(**interval_metrics(name, outcome.hits))
        print(name, f"{outcome.accuracy:.2f}")
# %% [markdown] lang="en"
# # Part B · Which blocks matter?
#
# The article says that the low blocks learn general language and the high ones what is special to the task; so the low ones may stay frozen. Freezing also saves memory, for a frozen weight needs no gradient.
#
# **Exercise (6 min).** Let only the top `trainable` blocks learn. Set `requires_grad_` on *every* block, since a block may have been frozen before. Block 0 is the bottom.
# %% [markdown] lang="ja" of="53f6a535"
# # B · どのブロックが効いているか
#
# 記事によれば、下位の層は言語の汎用的な構造を、上位の層はタスクに特有の特徴を学習するので、下位は凍結しておけます。凍結すれば、勾配が要らなくなる分のメモリも節約できます。
#
# **演習（6 分）。** 上位 `trainable` 個のブロックだけを学習させてください。以前に凍結されたブロックがあるかもしれないので、`requires_grad_` は*すべての*ブロックに設定します。ブロック 0 が最下層です。
# %% tags=["exercise"]
def freeze_bottom(blocks, trainable):
    ...  # your code


freeze_bottom = lab.check("freeze_bottom", freeze_bottom)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# Put it to the test. If the sentence in the article is right, training only the **top** third should beat training only the **bottom** third, with the same number of weights. Your function does both: handed the list upside down, it opens the blocks at the bottom.
# %% [markdown] lang="ja" of="b17f0430"
# では試してみましょう。記事の言うとおりなら、**上位** 3 分の 1 だけの学習は、**下位** 3 分の 1 だけの学習に勝つはずです。学習する重みの数は同じです。あなたの関数は両方に使えます。リストを上下逆にして渡せば、下のブロックが開きます。
# %%
from lab_helpers.tuning.classifier import encoder_blocks, trainable_parameters

pretrained = encoder.load().eval()  # the untouched one, to compare with
blocks = len(encoder_blocks(pretrained))
third = max(1, blocks // 3)
frozen = {}
for name, order in {"bottom third": -1, "top third": 1}.items():
    model = fresh(lab.seed)
    model.encoder.requires_grad_(False)
    freeze_bottom(list(encoder_blocks(model.encoder))[::order], third)  # -1: the list upside down
    train(model, chosen, lab.seed)
    frozen[name] = measure_hits(encoder, model, requests)
print(f"{third} of {blocks} blocks and the head: {trainable_parameters(model):,} weights train")
# %% [raw] lang="ja"
# the untouched one, to compare with → 比べるための、手つかずのもの
# -1: the list upside down → -1 なら上下逆のリスト
# " of " → " / "
# " blocks and the head: " → " ブロックとヘッド。学習する重み: "
# " weights train" → " 個"
# %% [markdown] lang="en"
# A third of the blocks is a third of the weights that full fine-tuning moves, in memory for gradients too.
#
# ## Explore
#
# Choose with the list what may train, and look at what it costs and what it brings. Without a live kernel you see the top third. All four were trained on the same 64 texts.
# %% [markdown] lang="ja" of="032960a4"
# ブロックの 3 分の 1 を学習させるなら、動かす重みも、勾配のためのメモリも、フルファインチューニングの 3 分の 1 です。
#
# ## 触ってみる
#
# どこを学習させるかをリストから選び、コストと効果を見比べてください。カーネルが動いていない場合は、上位 3 分の 1 の図が表示されます。4 つとも、同じ 64 件で学習しています。
# %%
from lab_helpers.figures.widgets import freezing_explorer

frozen["probe"] = mean_hits(panels[requests.name], probes[lab.language], 64, seeds[:1])
frozen["full"] = hits["fine-tuned"][0]
first = {"probe": 0, "bottom third": 0, "top third": blocks - third, "full": 0}
count = {"probe": 0, "bottom third": third, "top third": third, "full": blocks}
size = sum(weight.numel() for weight in encoder_blocks(pretrained)[0].parameters())
ways = [
    {"method": name, "trains": [0 <= n - first[name] < count[name] for n in range(blocks)],
     "trainable": count[name] * size, "accuracy": float(frozen[name].mean())}
    for name in first
]
lab.figure(figures.freezing(ways, "top third"), "freezing")
freezing_explorer(ways)
# %% [markdown] lang="en"
# Is the top third better than the other three, on the same test texts?
# %% [markdown] lang="ja" of="64f1a13f"
# 同じテスト用テキストで、上位 3 分の 1 はほかの 3 つより良いのでしょうか。
# %%
lab.table(difference_rows("top third", frozen), "freezing differences")
# %% [markdown] lang="en"
# The top third beats the bottom third. Against the probe and against all blocks nothing is decided: a third of the weights did about as well as all of them. (One training each: the interval knows the luck of the test texts, not that of the training.)
#
# ## How far did each block move?
#
# The common picture for this claim is another: look which weights fine-tuning changed most.
#
# **Exercise (4 min).** Write the measure: $\lVert W_{after} - W_{before}\rVert / \lVert W_{before}\rVert$.
# %% [markdown] lang="ja" of="d8c48106"
# 上位 3 分の 1 は、下位 3 分の 1 に大差で勝ちました。プローブとの差も、すべてのブロックを学習させた場合との差も、決着がつきません。（それぞれ 1 回の学習です。区間に入っているのはテスト用テキストの偶然だけで、学習の偶然は入っていません。）
#
# ## 各ブロックはどれだけ動いたか
#
# この主張の根拠としてよく見かけるのは、別の図です。ファインチューニングで大きく変わったのはどの重みか、を調べます。
#
# **演習（4 分）。** 動いた量の尺度 $\lVert W_{after} - W_{before}\rVert / \lVert W_{before}\rVert$ を書いてください。
# %% tags=["exercise"]
def relative_change(before, after):
    ...  # your code


relative_change = lab.check("relative_change", relative_change)
# %% [raw] lang="ja"
# your code → ここに書く
# %%
from lab_helpers.tuning import spectrum

before, after = spectrum.matrices(pretrained), spectrum.matrices(tuned[lab.seed].encoder)
moved = [
    {**row, "change": float(relative_change(before[name], after[name]))}
    for name, row in zip(after, spectrum.matrix_rows(after))
]
lab.run.table("weight change", moved)
lab.figure(figures.weight_change(moved), "weight_change")
# %% [markdown] lang="en"
# The picture has rows and columns, and the columns differ more than the rows. It decides nothing about the claim, and here is why: AdamW divides each gradient by its usual size, so **every** weight moves by about rate × steps, whether it matters or not. The ratio mostly shows how large W was before.
#
# So ask what the movement was *worth*: put the old weights of some blocks back into the tuned model and test again, without any training. Blocks that carry the new skill will be missed. All three seeds take part.
# %% [markdown] lang="ja" of="9379ae9f"
# 最上位ブロックの MLP が目立つほかは、行の違いより列の違いのほうが大きく見えます。しかし、ここから主張の正否は決まりません。AdamW は勾配をその普段の大きさで割るので、重要かどうかにかかわらず、**どの**重みも学習率 × ステップ数ほど動くからです。この比に表れているのは、おもに W がもともとどれだけ大きかったかです。
#
# そこで、その動きに*どれだけの値打ちがあったか*を調べます。ファインチューニングしたモデルの一部のブロックを学習前の重みに戻し、学習はせずにもう一度テストします。新しい技能を担うブロックなら、戻すと正解率が落ちるはずです。3 つのシードをすべて使います。
# %%
from lab_helpers.evaluation.significance import difference_metrics
from lab_helpers.tuning.classifier import blocks_reset

parts = {"bottom third": range(third), "top third": range(blocks - third, blocks)}
back = {}
for name, numbers in parts.items():
    found = []
    for model in tuned.values():
        with blocks_reset(model, pretrained, numbers):
            found.append(measure_hits(encoder, model, requests))
    back[name] = sum(found) / len(found)
rows = [{"reset": name, "accuracy": float(right.mean())} for name, right in back.items()]
lab.figure(figures.reset_blocks(float(arms["fine-tuned"].mean()), rows), "reset")
lab.measured(**difference_metrics("reset_gap", back["bottom third"], back["top third"]))
lab.measured(**difference_metrics("freeze_gap", frozen["top third"], frozen["bottom third"]))
# %% [markdown] lang="en"
# Without its trained top third the model falls further than without its trained bottom third; neither fall is deep, for much of what it needs was in the encoder before. Are the two falls different, and does the test by freezing agree? `reset_gap` is how much more the top third is missed than the bottom third, `freeze_gap` how much better the top third learns alone than the bottom third alone. A positive number speaks for the claim; an interval that holds zero decides nothing.
# %% [markdown] lang="ja" of="06dc12e1"
# 上位 3 分の 1 を学習前に戻すと、下位 3 分の 1 を戻したときよりも大きく落ちます。この 2 つの落ち方の違いは確かなものでしょうか。凍結の試験とも一致するでしょうか。表の 1 行目は、上位を戻したときの低下が、下位を戻したときよりどれだけ大きいか。2 行目は、上位だけの学習が、下位だけの学習をどれだけ上回るかです。正の値なら主張を支持し、区間が 0 を含めば決着はつきません。
# %%
rows = []
for name in ("reset_gap", "freeze_gap"):
    rows.append({"measurement": name, "difference": lab.run.metrics[name],
                 "95 %": lab.run.metrics[f"{name}_ci"]})
lab.table(rows, "layers")
# %% [markdown] lang="en"
# Both numbers are positive and both intervals exclude zero: in this encoder, on this task, the high blocks carry more of the new skill than the low ones. The differences are a few points, though. "Freeze the low blocks" is a good rule for a budget, not a wall in the model.
#
# # Part C · Finding entities
#
# ## Break it: most tokens right, nothing found
#
# Entities are marked token by token: `B-part` opens a part, `I-part` continues it, `O` is everything else. Most tokens are `O`. So build the laziest tagger there is, one that always answers `O`, and measure it as one measures a classifier: by the share of right answers, and by F1 over the answers.
# %% [markdown] lang="ja" of="2a0f95ac"
# どちらの値も正で、区間は 0 を含みません。このエンコーダーとこのタスクでは、新しい技能を担っているのは、下位よりも上位のブロックです。「下位は凍結する」は、予算が限られるときの良い目安です。
#
# # C · 固有表現を見つける
#
# ## 壊す: 大半のトークンは正解、見つけたものはゼロ
#
# 固有表現には、トークンごとに印をつけます。`B-part` は部品の始まり、`I-part` はその続き、`O` はそれ以外のすべてです。大半のトークンは `O` です。そこで、考えられるかぎり最も怠け者のタガー、つまり常に `O` と答えるタガーをつくり、分類器と同じように測ってみます。正しく答えた割合と、答え全体の F1 です。
# %%
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.classification import accuracy, precision_recall_f1
from lab_helpers.evaluation.spans import gold_spans
from lab_helpers.labs.lab01 import entities

train_rows, validation_rows, test_rows = (
    load_shipped("entities", lab.language, split) for split in ("train", "validation", "test")
)
gold = [gold_spans(row) for row in test_rows]
print(test_rows[1]["text"], [test_rows[1]["text"][start:end] for start, end, _ in gold[1]])
tags = [tag for row in entities.token_tags(encoder, test_rows) for tag in row]
always_o = ["O"] * len(tags)
lazy = accuracy(always_o, tags)
weighted = precision_recall_f1(always_o, tags, average="weighted")["f1"]
print(f"always O: token accuracy {lazy:.2f}, token F1 (weighted) {weighted:.2f}")
lab.measured(o_tagger_token_accuracy=lazy, o_tagger_token_f1=weighted)
# %% [raw] lang="ja"
# "always O: token accuracy " → "常に O: トークンの正解率 "
# ", token F1 (weighted) " → "、トークンの F1（加重平均） "
# %% [markdown] lang="en"
# Two comfortable numbers, from a tagger that finds **nothing**; no error, no warning. The article names accuracy, precision, recall and F1 for this task, and F1 alone does not help: what it counts must be the thing you look for.
#
# ## Mend it: score whole spans
#
# **Exercise (10 min).** F1 over spans. Each sentence is a list of `(start, end, kind)`; a span is right only if all three agree. Count right, predicted and gold over all sentences together. Nothing right gives 0.
# %% [markdown] lang="ja" of="4fdd85d2"
# 悪くなさそうな数字が 2 つ並びましたが、このタガーは**何ひとつ**見つけていません。エラーも警告も出ません。記事はこのタスクに正解率、適合率、再現率、F1 を挙げていますが、F1 にするだけでは足りません。見つけたいもの自体を、数える単位にしなければなりません。
#
# ## 直す: スパン全体で採点する
#
# **演習（10 分）。** スパン単位の F1 を計算してください。各文は `(start, end, kind)` のリストで、3 つすべてが一致したスパンだけを正解とします。一致した数、予測の数、正解ラベルの数は、すべての文を通して数えます。1 つも一致しなければ 0 です。
# %% tags=["exercise"]
def span_f1(predicted, gold):
    ...  # your code


span_f1 = lab.check("span_f1", span_f1)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# Now two taggers from the encoder (pretrained and random start), and the strongest of the earlier kind: a **conditional random field** (CRF). People wrote its features, the word, its shape, its neighbours; it scores whole sequences of tags; and how strongly it is held back is chosen on the validation rows.
# %% [markdown] lang="ja" of="a6055cc2"
# ここで、エンコーダーからつくるタガーを 2 つ（事前学習あり、ランダムから）と、従来のモデルで最も強い**条件付き確率場**（CRF）を比べます。CRF の特徴は人が設計したものです。日本語には空白がないので、1 文字ずつ、その文字と文字の種類、前後の文字を見ます。タグの並び全体を採点し、正則化の強さは検証用の行で選びます。
# %%
training = task_settings(lab.settings, "entity")
if lab.language == "ja":  # E5, twice as many blocks: chosen on the validation rows
    training |= {"learning_rate": 1e-4, "epochs": 4, "batch_size": 4}
texts = [row["text"] for row in test_rows]
found = {}
for start in ("pretrained", "scratch"):
    tagger = entities.train_tagger(
        encoder, train_rows, lab.seed, pretrained=start == "pretrained", **training
    )
    found["fine-tuned" if start == "pretrained" else start] = tagger.spans(texts)
found["CRF"] = entities.train_crf(train_rows, validation_rows).spans(texts)
scores = {name: span_f1(spans, gold) for name, spans in found.items()}
nobody = span_f1([[] for _ in gold], gold)
perfect = span_f1(entities.spans_of_true_tags(encoder, test_rows), gold)
every = {**scores, "always O": nobody, "every tag right": perfect}
lab.table([{"method": name, "span F1": score} for name, score in every.items()])
# %% [raw] lang="ja"
# E5, twice as many blocks: chosen on the validation rows → E5 はブロック数が 2 倍。検証用の行で選んだ設定
# %% [markdown] lang="en"
# Fine-tuning leads, the CRF is not far behind, the random start is nowhere, and the lazy tagger has what it deserves. The last row is the ceiling: the true tags themselves, read back from the encoder's tokens. In English no token crosses the border of an entity, so it is 1. (In the Japanese edition it is not: there are no spaces, and a piece such as `日に` is half date, half particle.) How sure is the lead, on the same sentences? And which kinds are hard?
# %% [markdown] lang="ja" of="dd498f98"
# 人が設計した特徴を使う CRF がいちばん高く、ファインチューニングしたタガーがそれに続きます。ランダムな重みからの学習は、ほとんど何も見つけていません。最後の行は上限です。正しいタグそのものをエンコーダーのトークンからスパンに読み戻しても、1 には届きません。日本語には空白がないので、`日に` のように、日付の末尾と助詞が 1 つの断片になることがあります。断片が固有表現の境界をまたぐと、タグが正しくてもスパンが 1 文字ずれるのです。1 文字ずつ読む CRF に、この上限はありません。では、2 つの差は確かなものでしょうか。どの種類が難しいのでしょうか。
# %%
from lab_helpers.evaluation.spans import f1_of_counts, scores_by_kind, span_counts
from lab_helpers.tuning.tagging import KINDS

keys = {"fine-tuned": "pretrained", "scratch": "scratch", "CRF": "traditional"}
lab.measured(o_tagger_entity_f1=nobody, **{f"entity_f1_{keys[n]}": f for n, f in scores.items()})
counts = {name: span_counts(spans, gold) for name, spans in found.items()}
ours, theirs = counts["fine-tuned"], counts["CRF"]
lead = difference_metrics("entity_gap_traditional", ours, theirs, f1_of_counts)
lab.measured(**lead)
low, high = lead["entity_gap_traditional_ci"]
print(f"fine-tuned minus CRF, same sentences: {low:+.2f} … {high:+.2f}")
by_kind = scores_by_kind(found["fine-tuned"], gold, KINDS)
lab.run.table("entities by kind", by_kind)
lab.figure(figures.entity_scores(by_kind, scores), "entities")
# %% [raw] lang="ja"
# fine-tuned minus CRF, same sentences: → ファインチューニングと CRF の差（同じ文で比較）:
# %% [markdown] lang="en"
# The interval excludes zero: fine-tuning is better than the CRF. "Far better" it is not surely: the interval begins at a few points. And the right panel: a code such as `4K17` has a shape that gives it away; a part can be any noun, a drug any name.
#
# # Part D · What was forgotten?
#
# The encoder came with a skill: for a sentence, find the one that means the same among all others. Nobody asked it to keep that skill while it learned moods. Measure it first, before any training; and look at its limit, for fairness: a sentence with the same *words* and another meaning.
# %% [markdown] lang="ja" of="e0e703fb"
# 区間は 0 を含みます。日本語のこの設定では、優劣は**決着がつきません**。英語版ではトークンが固有表現の境界をまたがず、ファインチューニングが CRF を上回ります。「従来のモデルよりはるかに高い精度」と言えるかどうかは、言語と、その言語を切り分けるトークナイザーによって変わるのです。右の図では、日付と企業コードが低くなっています。上限も種類ごとに求めれば、原因がわかります。`scores_by_kind(entities.spans_of_true_tags(encoder, test_rows), gold, KINDS)` を実行して、右の図と見比べてください。
#
# # D · 何を忘れたか
#
# このエンコーダーには、もともと身につけた技能があります。ある文と同じ意味の文を、ほかのすべての文の中から見つけることです。レビューの評価を学ぶあいだもその技能を保つように、とは誰も指示していません。まず、学習の前に測っておきます。公平を期して、この技能の限界も見ておきます。使われている*単語*は同じで、意味の違う文を混ぜるのです。
# %%
from lab_helpers.labs.lab01 import forgetting
from lab_helpers.labs.lab01.old_skill import OldSkill, load_paraphrases

pairs = load_paraphrases(lab.language, "test")
skill = OldSkill(encoder, pairs)
before = skill.hits(pretrained)
lab.measured(**interval_metrics("old_skill_base", before))
print(*pairs[0], sep="\n")
print(f"found: {before.mean():.2f} of {len(before)}")
fooled = forgetting.measure_fooled(encoder, lab.language)
lab.measured(fooled_by_overlap=fooled)
print(f"prefers the same words with another meaning: {fooled:.2f}")
# %% [raw] lang="ja"
# "found: " → "見つけた割合: "
# " of " → "、文の数: "
# prefers the same words with another meaning: → 意味の違う「似た単語の文」を選んだ割合:
# %% [markdown] lang="en"
# It finds nearly every paraphrase, and it is easily fooled: it goes by what a text is about.
#
# Now learn moods in three ways. **Full** moves every block. **LoRA** leaves the weights alone and learns a small detour (lab 02 takes it apart). **Replay** moves every block and mixes a few pairs of the old task into each step. To compare them fairly, each is stopped **at the same new skill**: as soon as it reaches the same accuracy on the validation rows, looked at every four steps. A method that learned less has forgotten less; that would be no merit.
# %% [markdown] lang="ja" of="cba58839"
# 80 文の中から、言い換えの多くを見つけます。ところが、似た単語を使った別の意味の文を見せると、必ずそちらを選びます。何について書かれた文かで判断しているのです。
#
# レビューの評価を、3 つの方法で学習します。**フル**はすべてのブロックを動かします。**LoRA** は重みに手をつけず、小さな迂回路を学習します（ラボ 02 で中身を詳しく見ます）。**リプレイ**はすべてのブロックを動かしながら、学習の各ステップに元のタスクのペアをいくつか混ぜます。公平に比べるため、どれも**新しい技能が同じ水準に達したところ**で止めます。4 ステップごとに検証用の行で測り、決めた正解率に達したら終わりです。学んだ量が少なければ、忘れる量も少なくなります。それでは手柄になりません。
# %%
from peft import LoraConfig, get_peft_model

from lab_helpers.tuning.transfer import Replay


def attach_lora(model):
    config = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
    model.encoder = get_peft_model(model.encoder, config)


whole = lab.settings["sentiment_learning_rate"]
ways = {
    "full": (lambda model: None, whole, None),
    "lora": (attach_lora, lab.pick(tiny=5e-3, t4=2e-3), None),  # a 1-8B model: 2e-4
    "replay": (lambda model: None, whole, Replay(load_paraphrases(lab.language, "train"))),
}
# %% [raw] lang="ja"
# a 1-8B model: 2e-4 → 1〜8B のモデルなら 2e-4
# %%
rows = []
for method, (prepare, rate, replay) in ways.items():
    rows.append(forgetting.train_until_target(
        encoder, reviews, skill, prepare, method=method, learning_rate=rate, replay=replay,
        target=lab.pick(tiny=0.55, t4=0.6),  # validation accuracy; one for all
        seed=lab.seed, n=256, epochs=lab.pick(tiny=3, t4=6),
        batch_size=16, head_learning_rate=lab.settings["head_learning_rate"],
    ))
rows.append(forgetting.probe_row(moods["probe"], before))
# %% [raw] lang="ja"
# validation accuracy; one for all → 検証用の正解率。全手法に共通
# %%
shown = forgetting.forgetting_rows(rows, before)
lab.measured(**forgetting.forgetting_metrics(rows, before))
lab.table(shown, "forgetting")
lab.figure(figures.forgetting(shown, float(before.mean())), "forgetting")
old = {row["method"]: row["old_hits"] for row in rows}
lab.table(difference_rows("full", old), "old skill, full minus the others")
lab.compare("forgotten")
# %% [markdown] lang="en"
# Look at the column of the stop first: each method was stopped at the first look above the mark, and their test accuracies lie close together, so what they forgot can be compared. Full fine-tuning paid for the new skill with the old one. LoRA forgot less and replay least; for both, the paired difference from full excludes zero, and replay's own loss is not told apart from none. LoRA is no vaccine, though: at a higher rate it forgets more (lab 04 measures that curve). The probe forgot nothing, and never came to the mark. (One training each: the intervals know the luck of the sentences.)
#
# ## Verdict
#
# Your numbers, the article's claims. The record is written; `labs report` puts all labs on one page.
# %% [markdown] lang="ja" of="a556d998"
# まず「検証用」の列を見てください。どの方法も、決めた正解率を初めて超えたところで止まり、テストでの新しい技能も近い値です。だからこそ、忘れた量を比べられます。フルファインチューニングは、新しい技能と引き換えに、元の技能を大きく失いました。LoRA も同じくらい忘れていて、フルとの差は決着がつきません。LoRA を使えば忘れないわけではないのです（学習率と忘却の関係は、ラボ 04 で測ります）。リプレイの忘却ははっきり少ないものの、ゼロではありません。プローブは何も忘れず、新しい技能では、ほかの方法と並んでいます。（それぞれ 1 回の学習です。区間に入っているのは、文の偶然だけです。）
#
# ## 判定
#
# 自分で測った数字を、記事の主張と突き合わせます。結果は記録に書き込まれます。`labs report` を使うと、全ラボの結果を 1 ページにまとめられます。
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## Scale up
#
# On a Colab T4 the same notebook takes a multilingual encoder, five seeds, longer training and both languages; the profile changes, no cell does. With `labs run 01 --data my_reviews.csv` the learning curves and the comparison run on your own texts: any CSV or JSONL with a `text` and a `label` column. `--model` takes a local folder or a hub name of another encoder.
# %% [markdown] lang="ja" of="587704c1"
# ## 大きくする
#
# Colab の T4 では、同じノートブックのまま、多言語エンコーダー、5 つのシード、より長い学習、2 つの言語に切り替わります。変わるのはプロファイルだけで、セルは 1 つも変わりません。`labs run 01 --data my_reviews.csv` とすれば、学習曲線と比較を自分のテキストで実行できます。`text` 列と `label` 列があれば、どんな CSV や JSONL でもかまいません。`--model` には、別のエンコーダーのローカルフォルダーか、ハブ上のモデル名を指定します。
# %% [markdown] lang="en"
# ## Try it yourself
#
# Open experiments, from small to large. Use the *first* token's vector instead of the mean: what happens to the intents? Train from scratch for ten times the epochs: does it reach TF-IDF, and does more of the same data help more than more steps? Put back one block at a time instead of a third. For replay: how few pairs still keep the old skill? And with more passes, does the tagger leave the CRF further behind?
# %% [markdown] lang="ja" of="5eedcead"
# ## 自分で試す
#
# 小さなものから順に、答えの決まっていない実験を挙げます。平均の代わりに*先頭*トークンのベクトルを使うと、意図の分類はどう変わるでしょうか。ゼロからの学習でエポック数を 10 倍にすると、TF-IDF に追いつくでしょうか。また、ステップを増やすのとデータを増やすのとでは、どちらが効くでしょうか。3 分の 1 ずつではなく、ブロックを 1 つずつ学習前に戻すと何が見えるでしょうか。リプレイでは、ペアを何組まで減らしても元の技能が保たれるでしょうか。そして、テキストを文字の種類が変わる所であらかじめ切ってからトークナイザーに渡すと、タガーの上限と成績はどこまで上がるでしょうか。
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
