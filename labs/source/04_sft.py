# %% [markdown] lang="en"
# # Lab 04 · Supervised fine-tuning (SFT)
#
# **After this lab you can** turn a dirty file into training data and score your own cleaning, split without leakage, build labels and batches by hand and train on them with `SFTTrainer`, choose a learning rate on validation rows, say what fine-tuning teaches and what it does not, and recognise five failures that raise no error.
#
# **Time:** about six minutes of computing on a 2-core CPU; three hours with the exercises. Take the three parts on three days: on another day "Run all above" brings everything back in seconds, since trainings are remembered.
#
# | part | its aim |
# |---|---|
# | A · Data and one training | from a heap of mails to a saved adapter; every step in a cell |
# | B · What tuning teaches | manners, facts, and what is lost: measured one by one |
# | C · Silent failures | five mistakes without an error message, broken and mended |
#
# **Claims under test:** 10 (LoRA keeps general knowledge), 16 (1,000 to 10,000 rows are enough), 17 (90 % is data quality), 18 (tuning injects knowledge and ends hallucination), 19 (a skill rather than knowledge), 20 (where `SFTTrainer` lives).
#
# **New words:** [fine-tuning](glossary.md#fine-tuning), [chat template](glossary.md#chat-template), [label mask](glossary.md#label-mask), [batch](glossary.md#batch), [padding](glossary.md#padding), [collator](glossary.md#collator), [loss](glossary.md#loss), [learning rate](glossary.md#learning-rate), [epoch](glossary.md#epoch), [adapter](glossary.md#adapter), [full fine-tuning](glossary.md#full-fine-tuning), [training, validation and test rows](glossary.md#evaluation-rows), [interval](glossary.md#interval), [packing](glossary.md#packing), [continued pre-training](glossary.md#continued-pre-training).
# %% [markdown] lang="ja" of="2e722909"
# # ラボ 04 · 教師ありファインチューニング（SFT）
#
# **このラボを終えると**、汚れたファイルを学習データに仕上げて自分の掃除を採点し、漏れのない分割を行い、ラベルとバッチを自分で組み立てて `SFTTrainer` で学習し、学習率を検証用の行で選び、ファインチューニングが何を教え、何を教えないのかを説明し、エラーを出さない 5 つの失敗を見抜けるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 6 分、演習も含めると 3 時間です。3 つのパートは 3 日に分けてください。学習の結果は記憶されているので、別の日に「ここまでのセルをすべて実行」しても、数秒から数十秒で元の状態に戻ります。
#
# | パート | ねらい |
# |---|---|
# | A · データと 1 回の学習 | メールの山から保存したアダプターまで。すべての手順がセルの中にあります |
# | B · 学習で身につくもの | 口調、事実、そして失われるものを、1 つずつ測ります |
# | C · 黙って起こる失敗 | エラーの出ない 5 つの誤りを、壊して直します |
#
# **検証する主張:** 10（LoRA は汎用的な知識を保つ）、16（1,000〜10,000 件で足りる）、17（9 割はデータの品質で決まる）、18（知識を注入し、ハルシネーションを抑える）、19（知識よりもスキル）、20（`SFTTrainer` の在りか）。
#
# **新しい言葉:** [ファインチューニング](glossary.md#fine-tuning)、[チャットテンプレート](glossary.md#chat-template)、[ラベルマスク](glossary.md#label-mask)、[バッチ](glossary.md#batch)、[パディング](glossary.md#padding)、[コレーター](glossary.md#collator)、[損失](glossary.md#loss)、[学習率](glossary.md#learning-rate)、[エポック](glossary.md#epoch)、[アダプター](glossary.md#adapter)、[フルファインチューニング](glossary.md#full-fine-tuning)、[学習用・検証用・テスト用の行](glossary.md#evaluation-rows)、[信頼区間](glossary.md#interval)、[パッキング](glossary.md#packing)、[継続事前学習](glossary.md#continued-pre-training)。
# %%
from lab_helpers import open_lab

lab = open_lab("04")
# %% [markdown] lang="en"
# ## Predict
#
# 1. Kotori has never heard of Hoshizora. You will train it once over 1,000 clean questions and answers. Of the held-out questions that ask for a number (a price, a year, a weight), what **percentage** will it answer with the right one?
# 2. LoRA freezes every weight of the base. Kotori has read hundreds of ordinary facts: capitals, animals, the languages of countries. By how many **points** will the share of them that it answers right fall, at the learning rate that the validation rows choose?
# %% [markdown] lang="ja" of="f6b846c1"
# ## 予想する
#
# 1. Kotori は、星空電機のことを聞いたこともありません。これから、きれいな質問と回答 1,000 件をひととおり 1 回学習させます。数値（価格、年、重さなど）を尋ねる、学習に使っていない質問のうち、正しい数値で答えられるのは**何 %** でしょうか。
# 2. LoRA は、ベースの重みをすべて凍結します。Kotori は、首都、動物、各国の言語など、ごく普通の事実を何百も読んでいます。検証用の行で選んだ学習率では、そうした事実に正しく答えられる割合は**何ポイント**下がるでしょうか。
# %%
lab.predict("new_facts", ...)
lab.predict("forgetting", ...)
# %% [markdown] lang="en"
# # Part A · Data and one training
#
# Why tune at all? The company wants its assistant to answer *in its own voice*, every time, without a page of instructions in each prompt. SFT shows a model questions with the answers it should have given, and moves the weights until those answers become likely. The whole method fits into one picture:
# %% [markdown] lang="ja" of="898741f3"
# # パート A · データと 1 回の学習
#
# そもそも、なぜ学習させるのでしょうか。会社が望むのは、毎回長い指示を書かなくても、アシスタントがいつも*自社の口調で*答えることです。SFT では、質問と「こう答えてほしかった」という回答を見せ、その回答が出やすくなるように重みを動かします。方法の全体は、1 枚の図に収まります。
# %%
from lab_helpers.figures import sft as figures

lab.figure(figures.training_picture(), "picture")
# %% [markdown] lang="en"
# Orange is what the model must learn to write; grey it only reads. Part A builds each of the five lanes. It starts where all the work is: the data.
#
# ## A dirty file
#
# The support desk has handed you a heap of questions with answers, collected over years. Look at some before you do anything. (The file has a column that says what is wrong with each row. Real files have none, so we do not look at it until the end.)
# %% [markdown] lang="ja" of="c13f8e2b"
# オレンジはモデルが書けるようになるべき部分、グレーは読むだけの部分です。パート A では、この 5 段を 1 つずつ組み立てます。まずは、いちばん手間のかかるデータからです。
#
# ## 汚れたファイル
#
# サポート部門から、何年もかけて集まった質問と回答の山を渡されました。何かをする前に、まず中身をいくつか見てみましょう（このファイルには、各行のどこが悪いかを書いた列があります。実際のデータにそんな列はないので、最後まで見ないことにします）。
# %%
from lab_helpers.data.shipped import load_shipped

language = lab.language
heap = load_shipped("support", language, "train")
places = {"en": (88, 0, 75, 31, 34, 8), "ja": (206, 1, 8, 5, 0, 3)}[language]
lab.table([{"question": heap[i]["question"], "answer": heap[i]["answer"]} for i in places])
print(f"{len(heap):,} rows")
# %% [raw] lang="ja"
# " rows" → " 件"
# %% [markdown] lang="en"
# No answer, half an answer, somebody's phone number or address, tags of a web form, another language, another tone. The same question may also stand there twice, or be one of **the test's**.
#
# **Exercise (6 min).** Find the test questions that stand in the training rows, whatever their capitals, spaces and punctuation.
# %% [markdown] lang="ja" of="1a419545"
# 回答がない、途中で切れている、誰かの電話番号や住所がある、ウェブフォームのタグが残っている、別の言語で書かれている、口調が違う。それだけではありません。同じ質問が 2 回入っていたり、**テスト用**の質問が紛れ込んでいたりすることもあります。
#
# **演習（6 分）。** 大文字と小文字、空白、句読点の違いを無視して、学習データに入っているテストの質問を見つけてください。
# %% tags=["exercise"]
def leaked_questions(train, test):
    ...  # your code → list of test questions


leaked_questions = lab.check("leaked_questions", leaked_questions)
# %% [raw] lang="ja"
# your code → list of test questions → ここに書く → テストの質問のリスト
# %%
from lab_helpers.data.splitting import leakage

test_questions = [row["question"] for row in load_shipped("support", language, "test")]
heap_questions = [row["question"] for row in heap]
by_key = leaked_questions(heap_questions, test_questions)
alike = leakage(heap_questions, test_questions, threshold=0.5)
print(f"{len(test_questions)} test questions; leaked by key: {len(by_key)},", end=" ")
print(f"by likeness: {len({j for _, j, _ in alike})}. The least alike:")
i, j, likeness = alike[-1]
print(f"{likeness:.2f}\n heap: {heap_questions[i]}\n test: {test_questions[j]}")
# %% [raw] lang="ja"
# " test questions; leaked by key: " → " 件のテストの質問のうち、キーで見つかった漏れ: "
# by likeness:  → 似ている度合いで見つかった漏れ:
# . The least alike: → 。いちばん似ていない組:
# heap: → 山:
# test: → テスト:
# %% [markdown] lang="en"
# Your key finds copies with other punctuation. A copy with a greeting or a thank-you around it needs likeness: the share of common character 5-grams, which works without word boundaries and so for Japanese too. Count what a key alone would have left in the training rows.
#
# ## Build: the cleaning
#
# One spelling for each character comes first, or nothing later can compare texts. Japanese files mix full-width and half-width forms; **NFKC** (a Unicode standard) makes them one.
# %% [markdown] lang="ja" of="a4e9da3b"
# キーの比較で見つかるのは、句読点などだけが違う写しです。あいさつやお礼が付いた写しを見つけるには、似ている度合いを測る必要があります。ここでは、文字の 5-gram がどれだけ共通しているかを使います。単語の区切りに頼らないので、日本語にも使えます。キーだけに頼っていたら何件が学習データに残ったか、数えてみてください。
#
# ## つくる: 掃除の手順
#
# まず、1 つの文字の書き方を 1 通りにそろえます。そうしないと、この先の手順で文章どうしを比べられません。日本語のファイルには全角と半角が混ざっています。Unicode の **NFKC** という規則で、これを統一します。
# %%
from lab_helpers.data.cleaning import normalise

for text in ("ＮＷ－８００は１１８，０００円です。", "ｽｽﾞｶｾﾞの重さは　９．５ｋｇ", "Ｔｅｌ：０３－１２３４"):
    print(text, "|", normalise(text))
# %% [markdown] lang="en"
# To a program the left and the right column share hardly a character, and to a tokenizer hardly a token. A cleaning is a list of such small steps. Repair what can be repaired (`edit`), take out the rest (`drop`). Change the list and run on.
# %% [markdown] lang="ja" of="5861efdb"
# 人には同じに見えても、プログラムにとって左右は別の文字列で、トークナイザーにとっても別のトークン列です。掃除とは、こうした小さな手順を並べたものです。直せるものは直し（`edit`）、残りは取り除きます（`drop`）。この並びを変えて、先を実行してみてください。
# %%
from lab_helpers.data.cleaning import detect_language, drop, edit, is_truncated, strip_html
from lab_helpers.data.pii import mask_pii
from lab_helpers.evaluation.tone import HOUSE, tone_rules

house, both = HOUSE[language], ("question", "answer")
steps = [
    edit("HTML", strip_html, *both),
    edit("spelling", normalise, *both),
    drop("no answer", lambda text: not text.strip(), "answer"),
    drop("other language", lambda text: detect_language(text) not in (language, "unknown"), *both),
    drop("broken off", lambda text: is_truncated(text, (house.closing,)), "answer"),
    drop("not in tone", lambda text: not all(tone_rules(text, language).values()), "answer"),
    edit("personal data", mask_pii, *both),
]
# %% [markdown] lang="en"
# Three things no row shows by itself, so rows are compared: what contradicts the majority of rows on the same fact, what is nearly the same, what is like a held-out question.
# %% [markdown] lang="ja" of="e9dea1f2"
# 1 行だけを見てもわからないことが 3 つあり、それには行どうしを比べます。同じ事実についての多数派と食い違う行、ほとんど同じ行、そしてテストの質問に似た行です。
# %%
from lab_helpers.labs.lab04.rows import leak_metrics
from lab_helpers.labs.shared.support_cleaning import clean_support

clean_rows, report, compared = clean_support(language, steps)
lab.table(report.table(), "cleaning", columns=["step", "rows", "changed", "removed"])
lab.table([{"reason": reason, "removed": n} for reason, n in compared.items()], "compared")
lab.measured(**leak_metrics(heap, clean_rows, language))
print(f"{len(heap):,} rows -> {len(clean_rows)};", end=" ")
print("test questions among them:", lab.run.metrics["leaked_questions_clean"])
# %% [raw] lang="ja"
# " rows -> " → " 件 -> "
# test questions among them: → そのうちテストの質問:
# %% [markdown] lang="en"
# About half of the heap is left, and no test question with it. Now look at the column we pretended not to see, and score the cleaning as one scores a model.
# %% [markdown] lang="ja" of="69f07ec0"
# 山のおよそ半分が残り、テストの質問は 1 件も残っていません。ここで、見ないことにしていた列を開き、モデルを採点するのと同じように、掃除を採点します。
# %%
from lab_helpers.labs.lab04.rows import cleaning_metrics, planted_left_rows

left = planted_left_rows(heap, clean_rows)
lab.measured(**cleaning_metrics(heap, clean_rows, left))
lab.run.table("faults left", left)
lab.figure(figures.faults_left(left), "faults_left")
masked = [row for row in clean_rows if "pii" in row["faults"] and "[" in row["question"]]
lab.table([{"after masking": row["question"]} for row in masked[:4]])
# %% [markdown] lang="en"
# Two faults survive. A wrong number that stands alone contradicts nobody, so no program finds it without the price list. And a bare name has no pattern: phone and mail are masked, the person may still be there. **Somebody must read what will be published.**
#
# ## Who is in the data?
#
# What a model sees more often it says more often. `ratio` is the share of a group over an even share.
# %% [markdown] lang="ja" of="5d0bf637"
# 2 種類の不具合が残りました。1 行だけにある誤った数値は、どの行とも食い違わないため、価格表がなければプログラムには見つけられません。また、名前だけでは型がありません。電話番号とメールアドレスは隠せても、その人が誰かはまだわかるかもしれません。**公開するデータは、人が読まなければなりません。**
#
# ## データに偏りはないか
#
# モデルは、多く見たものを多く口にします。`ratio`（比）は、そのグループの割合が、均等に分けた場合の何倍かを示します。
# %%
from lab_helpers.labs.lab04.rows import over_represented_rows

lab.table(over_represented_rows(clean_rows, language), "bias")
# %% [markdown] lang="en"
# Questions about products dominate, and questions of one length. Neither is wrong for a support desk; but measure the tone on other topics too before you promise it there.
#
# ## Split without leakage
#
# A model learns from the *training* rows, you choose settings on *validation* rows, and you look at the *test* rows once, to report. A split by chance scatters look-alikes over both sides.
# %% [markdown] lang="ja" of="9098e2ec"
# 製品についての質問と、特定の長さの質問に偏っています。サポート窓口としては当然の偏りですが、ほかの話題でも口調が守られると約束する前に、そこでも測ってください。
#
# ## 漏れのない分割
#
# モデルは*学習用*の行から学び、設定は*検証用*の行で選び、*テスト用*の行は報告のために 1 度だけ見ます。無作為に分けると、よく似た行が両側に散らばってしまいます。
# %%
from lab_helpers.data.splitting import split_without_leakage
from lab_helpers.labs.lab04.rows import shuffle_rows

shuffled, tenth = shuffle_rows(heap, lab.seed), len(heap) // 10
by_chance = leakage(shuffled[tenth:], shuffled[:tenth], threshold=0.5, key="question")
shares = {"train": 0.9, "validation": 0.1}
parts = split_without_leakage(heap, "question", shares, lab.seed)
together = leakage(parts["train"], parts["validation"], threshold=0.5, key="question")
print(f"by chance: {len({j for _, j, _ in by_chance})} of {tenth} leak")
print(f"look-alikes kept together: {len(together)} of {len(parts['validation'])} leak")
# %% [raw] lang="ja"
# "by chance: " → "無作為: 漏れ "
# look-alikes kept together:  → 似た行を同じ側に: 漏れ
# " of {tenth} leak" → " / {tenth} 件"
# " of {len(parts['validation'])} leak" → " / {len(parts['validation'])} 件"
# %% [markdown] lang="en"
# Whoever splits such a heap by chance grades a model on questions it has seen. Kept together, nothing leaks, and the empty list is the proof. Hoshizora's people have done still better: they wrote questions of their own for validation and test. These we use.
#
# The 1,000 training rows are the clean ones, filled up with rows that the company could write from its own price list, one fact a row. So nearly every fact that the test asks for **is** in the training rows, in other words. Keep that in mind for part B.
# %% [markdown] lang="ja" of="5eec07d4"
# こうした山を無作為に分けると、モデルを「見たことのある質問」で採点することになります。似た行を同じ側にまとめれば漏れはなく、空のリストがその証明です。星空電機の社員は、さらに良いことをしました。検証用とテスト用の質問を、自分たちで書いたのです。ここから先は、それを使います。
#
# 学習用の 1,000 件は、きれいな行に、会社が自社の価格表から書ける行（1 行に 1 つの事実）を足したものです。つまり、テストで尋ねる事実のほぼすべてが、別の言い方で学習データに**入っています**。パート B で大事になるので、覚えておいてください。
# %%
from lab_helpers.labs.lab04.knowledge import validation_rows
from lab_helpers.labs.lab04.rows import house_rows, select_fresh_questions
from lab_helpers.labs.lab04.scoring import asks_number

rows = house_rows(language, lab.seed, clean_rows)[:1000]
validation = validation_rows(language)
test = select_fresh_questions(language, lab.settings["questions"])
print(f"{len(rows):,} rows to train on, {len(validation)} to choose by, {len(test)} to report")
print("test questions that ask for a number:", sum(asks_number(row) for row in test))
# %% [raw] lang="ja"
# " rows to train on, " → " 件で学習し、"
# " to choose by, " → " 件で設定を選び、"
# " to report" → " 件で報告する"
# test questions that ask for a number: → テストのうち、数値を尋ねる質問:
# %% [markdown] lang="en"
# ### Aside: Japanese data
#
# **Vocabulary.** A tokenizer that was made for English takes Japanese apart into bytes, or does not know it at all. Each token costs time, memory and money, so look before you choose a base. The same replies of the company in both languages:
# %% [markdown] lang="ja" of="791e4333"
# ### 補足: 日本語のデータ
#
# **語彙。** 英語向けにつくられたトークナイザーは、日本語をバイトにまで分解するか、まったく知らないかのどちらかです。トークンは時間もメモリもお金も使うので、ベースを選ぶ前に確かめてください。会社の回答を、日本語と英語で調べます。
# %%
from lab_helpers.labs.lab04.vocabularies import measure_vocabularies

texts = {one: load_shipped("support", one, "test") for one in ("ja", "en")}
texts = {one: [row["answer"] for row in some] for one, some in texts.items()}
lab.table(measure_vocabularies(texts), "vocabularies")
# %% [markdown] lang="en"
# Read down the Japanese column: the vocabularies that have seen Japanese need the fewest tokens a character; one that falls back to bytes needs several times as many, and one without them answers `unknown` (a question full of holes). Kotori's is small, but it was made from texts in both languages.
#
# **Licences.** The article behind this course recommends Qiita, specialist blogs and internal documents as Japanese training data (its section on Japanese LLMs), and names the licence of none of them. Write it down for every source before you train: who wrote the text, under which terms it was published, whether these allow training and handing on a model, and whose personal data is in it. The rows of this lab were written for the course, under the MIT licence; the card beside them lists their faults.
# %% [markdown] lang="ja" of="27bc72a1"
# 日本語の列を上から見てください。日本語を見てつくられた語彙は、1 文字あたりのトークンが少なくて済みます。バイトに逃げる語彙はその数倍を使い、バイトさえない語彙では「未知」になり、質問は穴だらけです。Kotori の語彙は小さいものの、日本語と英語の両方の文章からつくられています。
#
# **ライセンス。** この講座のもとになった記事は、日本語の学習データとして Qiita、専門ブログ、社内資料を挙げています（日本語 LLM の節）が、そのどれについてもライセンスには触れていません。学習を始める前に、出どころごとに書き留めてください。誰が書いた文章か、どんな条件で公開されているか、その条件は学習とモデルの配布を許しているか、誰の個人情報が含まれているか。このラボの行は、この講座のために書かれたもので、MIT ライセンスです。既知の不具合は、データと一緒に置いてあるカードに書いてあります。
# %% [markdown] lang="en"
# ## Build: the format
#
# A chat model reads one long text. A template turns the turns of a conversation into it.
#
# **Exercise (6 min).** Write Kotori's template, ChatML.
# %% [markdown] lang="ja" of="d0b21e49"
# ## つくる: 会話の形式
#
# チャットモデルが読むのは、1 本の長い文章です。会話の発言を、テンプレートがその文章に変えます。
#
# **演習（6 分）。** Kotori のテンプレートである ChatML を書いてください。
# %% tags=["exercise"]
def render_chat(messages, add_generation_prompt=False):
    ...  # your code → str


render_chat = lab.check("render_chat", render_chat)
# %% [raw] lang="ja"
# your code → str → ここに書く → str
# %% [markdown] lang="en"
# TRL takes a row as a `prompt` and a `completion`, each a list of turns. First one row as it is, then a conversation of two rows as the model reads it.
# %% [markdown] lang="ja" of="e06022f6"
# TRL には、1 行を `prompt` と `completion`（どちらも発言のリスト）の形で渡します。まず 1 行をそのまま、次に 2 行をつないだ会話を、モデルが読む形で見てみましょう。
# %%
from lab_helpers.labs.shared.models import load_model
from lab_helpers.tuning.sft import prompt_completion

model, tokenizer = load_model(lab.run)  # AutoModelForCausalLM.from_pretrained(folder), as in lab 00
examples = prompt_completion(rows)
print(examples[0], "\n")
talk = [turn for e in (examples[1], examples[0]) for turn in e["prompt"] + e["completion"]]
theirs = tokenizer.apply_chat_template(talk, tokenize=False)
print(theirs)
print("yours is the tokenizer's:", render_chat(talk) == theirs)
# %% [raw] lang="ja"
# as in lab 00 → ラボ 00 と同じ
# yours is the tokenizer's: → あなたのテンプレートはトークナイザーのものと一致:
# %% [markdown] lang="en"
# ## Build: the label mask
#
# The loss compares the model's guess with a **label** at every token. A label of -100 means: do not count here.
#
# **Exercise (5 min).** Mask the prompt. Your function makes the labels of this lab's training.
# %% [markdown] lang="ja" of="e18ddd6b"
# ## つくる: ラベルマスク
#
# 損失は、トークンごとに、モデルの予測を**ラベル**と比べます。ラベルが -100 の位置は、損失に数えません。
#
# **演習（5 分）。** プロンプトを隠してください。ここで書いた関数が、このラボの学習で使うラベルをつくります。
# %% tags=["exercise"]
def label_mask(prompt_ids, ids):
    ...  # your code → list of labels, as long as ids


label_mask = lab.check("label_mask", label_mask)
# %% [raw] lang="ja"
# your code → list of labels, as long as ids → ここに書く → ids と同じ長さのラベルのリスト
# %%
def to_ids(example):
    """One row as token ids and labels, by your own mask."""
    asked = tokenizer.apply_chat_template(example["prompt"], add_generation_prompt=True)
    turns = example["prompt"] + example["completion"]
    ids = tokenizer.apply_chat_template(turns)["input_ids"]
    return {"input_ids": ids, "labels": label_mask(asked["input_ids"], ids)}


row = to_ids(examples[0])
for name, values in row.items():
    print(name, values[:8], "...", values[-4:])
heard = [i for i in row["labels"] if i != -100]
print(f"{len(heard)} of {len(row['labels'])} tokens carry loss:", tokenizer.decode(heard))
# %% [raw] lang="ja"
# One row as token ids and labels, by your own mask. → 1 行を、トークンの番号と、自分のマスクによるラベルにする
# " of {len(row['labels'])} tokens carry loss:" → " / {len(row['labels'])} トークンに損失がかかる:"
# %% [markdown] lang="en"
# TRL decides by the *form* of the rows. `prompt` and `completion`: loss on the completion only, as you did. `messages`: loss on **everything**, the customer's words included, unless you set `assistant_only_loss=True` and the template marks the assistant's words. Orange carries loss.
# %% [markdown] lang="ja" of="cb0de945"
# TRL は、行の*形式*で対象を決めます。`prompt` と `completion` なら、いま書いたとおり completion だけに損失がかかります。`messages` なら、顧客の言葉も含めて**すべて**にかかります。アシスタントの発言だけにするには、`assistant_only_loss=True` と、発言に印を付けるテンプレートが必要です。損失がかかる部分をオレンジで示します。
# %%
from lab_helpers.tuning.masks import MODES, token_mask

for mode in MODES:
    lab.figure(figures.label_mask(token_mask(tokenizer, talk, mode), mode))
# %% [markdown] lang="en"
# Look at the end: `<|im_end|>` is orange in all three. If it were grey, the model would never learn to stop. Part C does exactly that.
#
# ## Build: a batch
#
# A step looks at several rows at once, as one rectangle of numbers. What makes the rectangle is called a **collator**; it fills short rows up with a padding token.
#
# **Exercise (10 min).** Write it. This collator feeds the training.
# %% [markdown] lang="ja" of="8aa98a0a"
# 終わりの部分を見てください。`<|im_end|>` は、3 つともオレンジです。ここがグレーだと、モデルは書き終えることを学べません。パート C で、まさにそれを試します。
#
# ## つくる: バッチ
#
# 1 ステップでは、数行をまとめて、長方形に並べた数として扱います。その長方形をつくるのが**コレーター**で、短い行をパディング用のトークンで埋めます。
#
# **演習（10 分）。** コレーターを書いてください。学習には、これをそのまま使います。
# %% tags=["exercise"]
def pad_batch(rows, pad_id):
    ...  # your code → {"input_ids": …, "attention_mask": …, "labels": …}


pad_batch = lab.check("pad_batch", pad_batch)
# %% [raw] lang="ja"
# "your code → {" → "ここに書く → {"
# %% [markdown] lang="en"
# **Exercise (10 min).** And the loss itself. Shapes: logits (n, length, vocabulary), labels (n, length).
# %% [markdown] lang="ja" of="db80f71c"
# **演習（10 分）。** 最後に、損失そのものです。形は、logits が (n, 長さ, 語彙数)、labels が (n, 長さ) です。
# %% tags=["exercise"]
def masked_loss(logits, labels):
    ...  # your code → one number


masked_loss = lab.check("masked_loss", masked_loss)
# %% [raw] lang="ja"
# your code → one number → ここに書く → 1 つの数
# %%
import torch

batch = pad_batch([to_ids(example) for example in examples[:4]], tokenizer.pad_token_id)
batch = {name: values.to(model.device) for name, values in batch.items()}
with torch.inference_mode():
    theirs = model(**batch)
print("yours       ", float(masked_loss(theirs.logits, batch["labels"])))
print("transformers", float(theirs.loss))
# %% [raw] lang="ja"
# "yours       " → "あなたの損失"
# %% [markdown] lang="en"
# Your template, your mask, your batch, your loss: the same number as the library's. Nothing of SFT is hidden any more.
#
# ### Aside: rows with a rationale
#
# Reasoning data puts the way to an answer before the answer. What do template and mask do with it? Two common ways to write the same row:
# %% [markdown] lang="ja" of="a37942e0"
# テンプレートも、マスクも、バッチも、損失も自分で書き、ライブラリと同じ値になりました。これで、SFT に隠れた部分はもうありません。
#
# ### 補足: 考え方の付いた行
#
# 推論用のデータでは、答えの前に、答えに至る考え方を書きます。テンプレートとマスクは、それをどう扱うでしょうか。同じ行を、よくある 2 通りで書いてみます。
# %%
question = {"role": "user", "content": "One filter costs 1,450 yen. How much are three?"}
thought, answer = "3 x 1,450 = 4,350.", "4,350 yen."
ways = {
    "in the answer": {"content": f"<think>{thought}</think> {answer}"},
    "beside it": {"reasoning_content": thought, "content": answer},
}
for name, words in ways.items():
    turns = [question, {"role": "assistant", **words}]
    heard = sum(token.heard for token in token_mask(tokenizer, turns, "completion_only"))
    print(f"{name}: {heard} tokens carry loss")
    print(tokenizer.apply_chat_template(turns, tokenize=False))
# %% [raw] lang="ja"
# One filter costs 1,450 yen. How much are three? → フィルターは 1 つ 1,450 円です。3 つでいくらですか。
# 3 x 1,450 = 4,350. → 1,450 × 3 = 4,350。
# 4,350 yen. → 4,350 円です。
# in the answer → 回答の中
# beside it → 別の欄
# tokens carry loss → トークンに損失がかかる
# %% [markdown] lang="en"
# Inside the answer the rationale carries most of the loss: the model learns to think aloud, and every token of it weighs as much as one of the result. Beside the answer, this template **drops it without a word**, and you would train on bare results. Print one rendered row before each training. (A written rationale is no proof of how the model came to its answer.)
#
# ## Measure: before
#
# One held-out question, asked by hand; then all of them, with the same call in batches.
# %% [markdown] lang="ja" of="e06547ba"
# 回答の中に書けば、損失の大半は考え方にかかります。モデルは声に出して考えることを学び、その 1 トークンは結果の 1 トークンと同じ重さになります。別の欄に書くと、このテンプレートは**何も言わずに捨ててしまい**、結果だけで学習することになります。学習の前には必ず、テンプレートを通した 1 行を表示してください（なお、書かれた考え方は、モデルが実際にそうやって答えを出したという証明にはなりません）。
#
# ## 測る: 学習前
#
# 学習に使っていない質問を、まず 1 つだけ自分の手で尋ね、次に全部を、同じ呼び出しでまとめて尋ねます。
# %%
from lab_helpers.labs.lab04.scoring import base_metrics, measure_replies


def ask(model, question):
    turns = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(
        turns, add_generation_prompt=True, return_dict=True, return_tensors="pt"
    ).to(model.device)
    reply = model.generate(**prompt, max_new_tokens=72, do_sample=False)[0]
    return tokenizer.decode(reply[prompt["input_ids"].shape[1] :], skip_special_tokens=True)


print("customer:", test[0]["question"], "\nbase:", ask(model, test[0]["question"]))
before = measure_replies(model, tokenizer, test, language)
lab.measured(**base_metrics(before))
print("tone:", lab.run.metrics["tone_compliance_base"], lab.run.metrics["tone_compliance_base_ci"])
# %% [raw] lang="ja"
# customer: → お客様:
# "\nbase:" → "\nベース:"
# tone: → 口調の遵守率:
# %% [markdown] lang="en"
# A reply, and a number out of thin air, in nobody's tone. Not one reply is in the house's tone; the interval says how much that proves.
#
# ## Build: train
#
# `LoraConfig` says where the adapter sits, `SFTConfig` how it learns. Both are yours to change, and every later training of this lab takes `settings` from this cell. The rate was chosen on the validation rows; part B shows how. On a CPU with bf16 instructions the trainings run in bf16 autocast, as on a newer GPU; elsewhere in float32, twice as long, and the second digit of a figure may differ.
# %% [markdown] lang="ja" of="abc4b573"
# 返ってきたのは、だれのものでもない口調と、根拠のない数値です。会社の口調を守った回答は 1 つもありません。それがどこまで確かなのかは、区間が示しています。
#
# ## つくる: 学習する
#
# アダプターをどこに付けるかは `LoraConfig` で、どう学習するかは `SFTConfig` で決めます。どちらも自由に変えてください。このラボのこの先の学習は、すべてこのセルの `settings` を使います。学習率は、英語版の検証用の行で選んだものです。パート B では、日本語の検証用の行で選び直します。bf16 の命令をもつ CPU では、新しい GPU と同じように bf16 の autocast で学習します。それ以外では float32 で、時間は 2 倍かかり、数値の 2 桁目が変わることがあります。
# %%
from datasets import Dataset
from peft import LoraConfig
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
settings = dict(
    max_steps=lab.pick(tiny=125, small=48, t4=250),  # 125 x 8 rows: once over all
    per_device_train_batch_size=lab.pick(tiny=8, small=4, t4=4),
    gradient_accumulation_steps=lab.pick(tiny=1, small=2, t4=2),  # 8 rows a step everywhere
    learning_rate=lab.pick(tiny=3e-3, small=2e-3, t4=2e-4, gpu=1e-4),  # 1-8B: about 2e-4
    lr_scheduler_type="cosine",
    warmup_steps=0.1,  # a tenth of the steps
    max_length=lab.pick(tiny=256, t4=512),
)
watch = {"eval_strategy": "steps", "eval_steps": settings["max_steps"] // 5}
training = SFTConfig(**settings, **watch, **lab.machine)  # + precision, folder, quiet logging
# %% [raw] lang="ja"
# 125 x 8 rows: once over all → 125 × 8 件で、全体をちょうど 1 回
# 8 rows a step everywhere → どこでも 1 ステップ 8 件
# 1-8B: about 2e-4 → 10〜80 億パラメータなら 2e-4 前後
# a tenth of the steps → ステップの 1 割
# + precision, folder, quiet logging → 精度、フォルダー、控えめなログを加える
# %%
def collate(rows):
    return pad_batch(rows, tokenizer.pad_token_id)


set_seed(lab.seed)  # the adapter's first weights are drawn
trainer = SFTTrainer(
    model, args=training, processing_class=tokenizer, peft_config=adapter, data_collator=collate,
    train_dataset=Dataset.from_list([to_ids(example) for example in examples]),
    eval_dataset=Dataset.from_list([to_ids(e) for e in prompt_completion(validation)]),
)  # fmt: skip
tuned = lab.train(trainer)  # trainer.train(), with a live loss curve, and remembered
lab.measured(train_seconds=tuned.seconds)
tuned.model.print_trainable_parameters()
# %% [raw] lang="ja"
# the adapter's first weights are drawn → アダプターの最初の重みは乱数で決まる
# trainer.train(), with a live loss curve, and remembered → trainer.train() と同じ。損失の曲線を表示し、結果を記憶する
# %%
from lab_helpers.figures.tuning import loss_curve

curves = {"training": tuned.curve(), "validation": tuned.curve("eval_loss")}
lab.figure(loss_curve(curves), "loss")
print("validation:", [round(loss, 3) for _, loss in curves["validation"]])
# %% [raw] lang="ja"
# validation: → 検証:
# %% [markdown] lang="en"
# Watch the second line. As long as it falls, the model learns something that holds for rows it has not seen; where it turns up while the first still falls, it learns its rows by heart, and you stop.
#
# ## Measure: after
# %% [markdown] lang="ja" of="56356a23"
# 2 本目の線に注目してください。これが下がっているあいだ、モデルは見ていない行にも通じることを学んでいます。1 本目が下がり続けるのに 2 本目が上がりだしたら、行を丸暗記しはじめた合図なので、そこで止めます。
#
# ## 測る: 学習後
# %%
from lab_helpers.labs.lab04.scoring import curve_row, main_metrics

after = measure_replies(tuned.model, tokenizer, test, language)
lab.measured(**main_metrics(after))
points = [curve_row(len(rows), after)]
lab.table([{"wanted": r["answer"], "tuned": t} for r, t in zip(test[:4], after.replies.texts)])
for name in ("tone_compliance_sft", "new_fact_accuracy_n1000", "format_minus_fact"):
    print(name, lab.run.metrics[name], lab.run.metrics[f"{name}_ci"])
lab.compare("new_facts")
# %% [markdown] lang="en"
# Read the replies aloud. The manners are there, in nearly every reply, and the numbers are made up, in the confident voice of the company. The last line is the paired difference on the questions that ask for a number: far from zero. **Format and fact are two scores; never report one of them alone.** Why the facts stay away, part B finds out: these questions put them in other words, and each was read once.
#
# ### Save it, load it, weigh it
# %% [markdown] lang="ja" of="e5c8538a"
# 回答を声に出して読んでみてください。ほぼすべての回答に作法が身についたのに、数値はでたらめで、それを会社の自信に満ちた口調で述べています。最後の行は、数値を尋ねる質問での対応のある差で、0 から遠く離れています。**形式と事実は別々の点数です。片方だけを報告してはいけません。** 事実がなぜ身につかないのかは、パート B で調べます。ここでの質問は事実を別の言い方で尋ねていて、どの事実も 1 回ほどしか読んでいません。
#
# ### 保存し、読み込み、大きさを測る
# %%
from peft import PeftModel

from lab_helpers.models.adapters import save_adapter

folder = lab.run.folder / "adapter"
save_adapter(tuned.model, folder)  # model.save_pretrained(folder), and which base it fits
lab.run.artifact(folder)
size = (folder / "adapter_model.safetensors").stat().st_size
trainable = sum(p.numel() for p in tuned.model.parameters() if p.requires_grad)
tuned = trainer = model = None  # the adapter lies on disk: room for the models that follow
sft = PeftModel.from_pretrained(load_model(lab.run)[0], folder).eval()
again = measure_replies(sft, tokenizer, test[:8], language)
same = again.replies.texts == after.replies.texts[:8]
lab.measured(adapter_bytes=size, reloaded_replies_equal=int(same))
print(f"{trainable:,} numbers x 4 bytes = {4 * trainable:,}; the file: {size:,}")
print("the loaded adapter replies word for word the same:", same)
# %% [raw] lang="ja"
# and which base it fits → どのベースのものかも記録する
# the adapter lies on disk: room for the models that follow → アダプターはディスクにあるので、次のモデルのためにメモリを空ける
# " numbers x 4 bytes = " → " 個 × 4 バイト = "
# "; the file: " → "、ファイル: "
# the loaded adapter replies word for word the same: → 読み込んだアダプターの回答は一字一句同じ:
# %% [markdown] lang="en"
# The file is the numbers and a small header. Beside it lies the fingerprint of its base: on another base of the same shape an adapter loads without a word and talks rubbish, and the course's `load_adapter` refuses that.
#
# That was a whole fine-tuning. **End of part A.**
#
# # Part B · What tuning teaches
#
# Five questions, each with its own small trainings: how many rows, how clean, do facts go in, what do they push out, and does LoRA protect what was there?
#
# ## How many rows?
#
# The same settings, but 10 and 100 rows and fewer steps (the arms below go through TRL's own mask and collator, which give the labels that yours gave).
# %% [markdown] lang="ja" of="40f2700d"
# ファイルの中身は、その数値と小さなヘッダーだけです。隣には、ベースの指紋が置いてあります。形が同じ別のベースには、アダプターは何の警告もなく読み込めて、でたらめを話します。この講座の `load_adapter` は、そうした組み合わせを受け付けません。
#
# これで、ファインチューニングをひととおり終えました。**パート A はここまでです。**
#
# # パート B · 学習で身につくもの
#
# 問いは 5 つあり、それぞれ小さな学習で確かめます。何件必要か、どれだけきれいであるべきか、事実は身につくか、事実を教えると何が押し出されるか、そして LoRA は元の技能を守るのか。
#
# ## 何件あればよいか
#
# 設定は同じで、件数を 10 と 100 に、ステップ数も減らします（この先の学習では、TRL 自身のマスクとコレーターを使います。ラベルは、あなたがつくったものと同じです）。
# %%
from lab_helpers.labs.lab04.scoring import tone_and_fact_metrics
from lab_helpers.labs.shared.training import train_arm

arm_steps = lab.pick(tiny=32, small=16, t4=125)
for n in (10, 100):
    few = None
    few = train_arm(lab.run, examples[:n], settings, adapter, max_steps=arm_steps)
    clean_few = measure_replies(few.model, tokenizer, test, language)
    points.append(curve_row(n, clean_few))
    lab.measured(**tone_and_fact_metrics(clean_few, f"n{n}"))
points.sort(key=lambda row: row["n"])
lab.table(points, "rows")
lab.figure(figures.rows_and_scores(points), "rows")
# %% [markdown] lang="en"
# Ten rows bring most of the manners, and a thousand add little. The facts lie at the bottom throughout, although the largest arm has nearly all of them in its rows and trains longest. (LIMA, the paper behind "1,000 examples are enough", speaks of style and format too. One seed, one set of questions: small differences between the points mean nothing.)
#
# ## Clean few against dirty many
#
# 100 clean rows against more rows of the heap as it is, for the same number of steps. First the *likeliest* reply to each question.
# %% [markdown] lang="ja" of="6cdfd921"
# 作法の大半は少ない件数で身につき、それ以上増やしても伸びはわずかです。一方、事実はどの件数でも底に張り付いたままです。最大の条件では、ほぼすべての事実がデータに入っており、いちばん長く学習しているにもかかわらずです（「1,000 件で足りる」の根拠となった論文 LIMA が述べているのも、文体と形式のことです。シードも質問も 1 組なので、点どうしの小さな差には意味がありません）。
#
# ## きれいな少量 対 汚れた大量
#
# きれいな 100 件と、それより多い未整理の行を、同じステップ数で比べます。まず、質問ごとに*最も起こりやすい*回答を見ます。
# %%
from lab_helpers.labs.lab04.rows import dirty_rows
from lab_helpers.labs.lab04.scoring import dirt_metrics, measure_sampled_tone

heap_rows = dirty_rows(language, lab.seed, lab.pick(tiny=256, small=128, t4=1000))
dirty = train_arm(lab.run, prompt_completion(heap_rows), settings, adapter, max_steps=arm_steps)
dirty_many = measure_replies(dirty.model, tokenizer, test, language)
lab.measured(**tone_and_fact_metrics(dirty_many, "dirty"))
print("tone, 100 clean rows:", round(float(clean_few.tone.mean()), 3))
print(f"tone, {len(heap_rows)} rows as they are:", round(float(dirty_many.tone.mean()), 3))
# %% [raw] lang="ja"
# tone, 100 clean rows: → 口調、きれいな 100 件:
# "tone, {len(heap_rows)} rows as they are:" → "口調、未整理の {len(heap_rows)} 件:"
# %% [markdown] lang="en"
# Hardly a difference: most rows of the heap are in tone, greedy decoding follows the majority, and the dirt stays out of sight. A chat usually **draws** its words. Three replies to each question at temperature 1; the difference is taken question by question.
# %% [markdown] lang="ja" of="c0ef3aed"
# 差はほとんど見えません。未整理の山でも大半の行は口調を守っているので、貪欲法では多数派が勝ち、汚れは表に出てこないのです。しかし実際のチャットでは、言葉を**サンプリング**するのが普通です。温度 1 で質問ごとに 3 回ずつ答えさせ、質問ごとに差を取ります。
# %%
drawn = [measure_sampled_tone(a.model, tokenizer, test, language, lab.seed) for a in (few, dirty)]
dirty = None
lab.measured(**dirt_metrics(drawn[0][0], drawn[1][0]))
for name in ("score_clean_few", "score_dirty_many", "score_clean_minus_dirty"):
    print(name, round(lab.run.metrics[name], 3), lab.run.metrics[f"{name}_ci"])
lab.table([{"clean": a, "dirty": b} for a, b in zip(drawn[0][1][:4], drawn[1][1][:4])])
# %% [markdown] lang="en"
# The interval of the paired difference decides: if it lies above zero, the few clean rows are better, and only drawn replies show it. (At temperature 1 a model of five million parameters writes much nonsense inside the frame; scored is the tone alone.) That is a *direction*. "90 % depends on quality" has no source, and no experiment could find a share of 90 %.
#
# ## Do facts go in?
#
# Now nothing but facts of the company, short questions with short answers, no tone; once, four and ten times over. Afterwards they are asked in **the training's wording**, and in **other words**: the hand-written test questions.
# %% [markdown] lang="ja" of="662b6702"
# 決め手は、対応のある差の区間です。0 より上にあれば、きれいな少量のほうが優れていて、しかもそれはサンプリングした回答にしか現れません（500 万パラメータのモデルは、温度 1 では型の中に意味の通らない文を書きます。採点しているのは口調だけです）。わかるのは*方向*までです。「9 割は品質」という数字には出典がなく、9 割という割合を測れる実験もありません。
#
# ## 事実は身につくか
#
# 今度は会社の事実だけを、口調抜きの短い質問と短い答えで、1 回、4 回、10 回と教えます。そのあとで、**学習したときの言い方**と、**別の言い方**（手書きのテストの質問）の両方で尋ねます。
# %%
from lab_helpers.labs.lab04 import knowledge

every_question = select_fresh_questions(language, 100)
facts = knowledge.new_facts(language, every_question, lab.settings["facts"])
otherwise = knowledge.asked_otherwise(every_question, facts, language)
probes = knowledge.select_probes(language, lab.settings["probes"])
fact_rows = knowledge.fact_examples(facts)
print(fact_rows[0])
print(f"{len(facts)} facts; {len(otherwise)} test questions ask for one of them, such as:")
print(otherwise[0]["question"])
print("and a fact from pre-training:", *probes[0])
# %% [raw] lang="ja"
# "{len(facts)} facts; {len(otherwise)} test questions ask for one of them, such as:" → "事実 {len(facts)} 件。そのどれかを尋ねるテストの質問 {len(otherwise)} 件。例:"
# and a fact from pre-training: → 事前学習で読んだ事実の例:
# %%
with few.model.disable_adapter():  # the base as it was, without a copy of it
    untaught = knowledge.measure_facts(few.model, tokenizer, facts, otherwise, probes)
lessons, found, moved = [knowledge.fact_row("nothing", 0, untaught, 0.0)], {}, {}
many = {"max_steps": -1}  # passes count instead of steps
for passes in (1, 4, 10):
    pupil = train_arm(lab.run, fact_rows, settings, adapter, num_train_epochs=passes, **many)
    found[passes] = knowledge.measure_facts(pupil.model, tokenizer, facts, otherwise, probes)
    moved[passes] = knowledge.measure_movement(pupil.model)
    lessons.append(knowledge.fact_row("new facts", passes, found[passes], moved[passes]))
    lab.measured(**knowledge.wording_metrics(f"{passes}", found[passes]))
lab.table(lessons, "facts")
lab.figure(figures.facts_by_passes(lessons), "facts")
print(facts[0][0], "|", ask(few.model, facts[0][0]), "|", ask(pupil.model, facts[0][0]))
# %% [raw] lang="ja"
# the base as it was, without a copy of it → 元のままのベース。写しはつくらない
# passes count instead of steps → ステップ数ではなくパス数で数える
# %% [markdown] lang="en"
# **There is the win:** after ten passes nearly every fact comes out in the training's wording, word for word; the last line shows one, first from a model that was not taught it, then from the pupil. After a single pass almost none does. So the zero of part A was a matter of passes *and* of wording: in other words few facts are found at any number of passes. (That last part is a limit of five million parameters that have seen each fact in one wording. "On a real model" below asks a larger one.)
#
# The dashed line is the price, and the next question.
#
# ## What do new facts push out?
#
# Teaching unknown facts raises errors on known ones that nobody touched. Is it the *newness*, or would any training do it that moves the weights as far? The control teaches as many facts that Kotori **knows**, ten times over at the same rate. It starts near zero loss, so it moves the weights less than ten passes of new facts do; compared is therefore the number of passes of *new* facts whose ‖ΔW‖/‖W‖ is nearest to the control's. A control at a higher rate shows what movement does by itself.
# %% [markdown] lang="ja" of="54e5d001"
# **うれしい結果です。** 10 回繰り返すと、ほぼすべての事実が、学習したときの言い方なら一字一句答えられます。最後の行はその一例で、教わっていないモデルの答え、教わったモデルの答えの順です。1 回では、ほとんど身につきません。つまり、パート A の 0 は、回数*と*言い方の両方のせいでした。別の言い方では、何回繰り返してもほとんど答えられません（最後の点は、各事実を 1 通りの言い方でしか見ていない、500 万パラメータのモデルの限界です。「実際のモデルでは」の節で、もっと大きなモデルでも見ます）。
#
# 破線はその代償で、次の問いです。
#
# ## 新しい事実は何を押し出すか
#
# 未知の事実を教えると、だれも触れていない既知の事実で誤りが増えます。原因は*新しさ*でしょうか。それとも、重みを同じだけ動かす学習なら、何を教えても同じでしょうか。対照として、Kotori が**知っている**事実を同じ数だけ、同じ学習率で 10 回教えます。損失が初めから小さいので、新しい事実を 10 回教えたときほど重みは動きません。そこで、*新しい*事実の 1 回、4 回、10 回のうち、‖ΔW‖/‖W‖ が対照にいちばん近いものと比べます。学習率を上げた対照は、重みの移動だけで何が起こるかを示します。
# %%
known_rows = knowledge.fact_examples(knowledge.old_facts(language, len(facts)))
controls = {}
for factor in (1.5, 1):
    more = many | {"learning_rate": factor * settings["learning_rate"]}
    control = train_arm(lab.run, known_rows, settings, adapter, num_train_epochs=10, **more)
    controls[factor] = knowledge.measure_facts(control.model, tokenizer, facts, otherwise, probes)
    moved[f"known × {factor:g}"] = knowledge.measure_movement(control.model)
    name, how_far = f"known facts, rate × {factor:g}", moved[f"known × {factor:g}"]
    lessons.append(knowledge.fact_row(name, 10, controls[factor], how_far))
lab.table(lessons, "facts")
pupil = control = None
# %%
new_arms = {passes: moved[passes] for passes in (1, 4, 10)}
nearest = knowledge.closest_arm(new_arms, to=moved["known × 1"])
known, new = controls[1]["probes"], found[nearest]["probes"]
lab.measured(**knowledge.teaching_metrics(untaught["probes"], new, known))
lab.measured(movement_unknown=moved[nearest], movement_known=moved["known × 1"])
lab.figure(figures.errors_after_teaching(lab.run.metrics), "teaching")
for name in ("known_fact_error_rise", "known_fact_error_unknown_minus_known"):
    print(name, round(lab.run.metrics[name], 3), lab.run.metrics[f"{name}_ci"])
print(f"weights moved: {moved[nearest]:.3f} by {nearest} passes of new facts,", end=" ")
print(f"{moved['known × 1']:.3f} by 10 passes of known ones")
# %% [raw] lang="ja"
# "weights moved: " → "重みの移動: "
# " by {nearest} passes of new facts," → "（新しい事実を {nearest} 回）、"
# " by 10 passes of known ones" → "（既知の事実を 10 回）"
# %% [markdown] lang="en"
# Read the second line: the same probes, the same rate, weights moved about as far, and the difference of the errors. If its interval lies above zero, newness itself has a price, as Gekhman et al. (2024) found: a model that is taught what it does not know learns to make things up. But do not overread it: in the table, known facts at a higher rate move the weights further and cost old ones too. Both count, and without matching the movement one would have taken one for the other. Either way "injecting knowledge" and "suppressing hallucination" pull in opposite directions.
#
# ## Does LoRA protect what was there?
#
# 100 clean rows again; full fine-tuning and LoRA over **the same grid** of rates. The loss on the *validation* rows will choose; what is left of the old world is reported.
# %% [markdown] lang="ja" of="071880d0"
# 2 行目を見てください。同じ質問、同じ学習率、ほぼ同じだけの重みの移動で比べた、誤答率の差です。この区間が 0 より上にあれば、新しさそのものに代償があることになり、Gekhman ら（2024）の発見と一致します。知らないことを教えられたモデルは、でっち上げることを学ぶのです。ただし、読みすぎは禁物です。表では、学習率を上げた既知の事実の条件も、重みが大きく動き、元の事実を失っています。新しさも移動も効くので、移動をそろえなければ、両者を取り違えるところでした。いずれにせよ、「知識の注入」と「ハルシネーションの抑制」は逆の方向を向いています。
#
# ## LoRA は元の技能を守るか
#
# もう一度、きれいな 100 件を使い、フルファインチューニングと LoRA を、**同じ学習率の並び**で試します。選ぶのは*検証用*の行での損失、報告するのは元の世界に残ったものです。
# %%
rates = lab.pick(tiny=(3e-4, 1e-3, 3e-3, 1e-2), small=(1e-4, 5e-4, 2e-3), t4=(2e-5, 2e-4, 2e-3))
methods = lab.pick(tiny={"full": None, "lora": adapter}, t4={"lora": adapter})  # full: 25 GB
arms = []
for method, config in methods.items():
    for rate in rates:
        how = {"max_steps": arm_steps, "learning_rate": rate}
        arm = train_arm(lab.run, examples[:100], settings, config, **how)
        scored = knowledge.measure_rate(arm, tokenizer, validation, probes, language)
        arms.append({"method": method, "learning rate": rate, **scored})
        arm = None
shown = [arm | {"old skill": float(arm["old skill"].mean())} for arm in arms]
lab.table(shown, "forgetting")
# %% [raw] lang="ja"
# full: 25 GB → フルファインチューニングは 25 GB かかる
# %% [markdown] lang="en"
# **Exercise (6 min).** Choose each method's rate. Your choice is what the lab reports.
# %% [markdown] lang="ja" of="41357a1b"
# **演習（6 分）。** 手法ごとに学習率を選んでください。ここで選んだものを、このラボの結果として報告します。
# %% tags=["exercise"]
def choose_rates(arms):
    ...  # your code → {"full": rate, "lora": rate}


choose_rates = lab.check("choose_rates", choose_rates)
# %% [raw] lang="ja"
# "your code → {" → "ここに書く → {"
# %%
chosen = choose_rates(arms)
with few.model.disable_adapter():
    skill = knowledge.measure_old_skill(few.model, tokenizer, probes, language)
    knew = knowledge.measure_knowledge(few.model, tokenizer, language, lab.settings["choices"])
few = None
lab.measured(**knowledge.forgetting_metrics(arms, chosen, skill), knowledge_before=knew.mean())
lab.figure(figures.forgetting_by_rate(shown, float(skill.mean())), "forgetting")
lab.compare("forgetting")
# %%
found = lab.run.metrics
for method, rate in chosen.items():
    how = {"max_steps": arm_steps, "learning_rate": rate}  # remembered: loaded, not trained again
    arm = train_arm(lab.run, examples[:100], settings, methods[method], **how).model
    tone = measure_replies(arm, tokenizer, test, language).tone.mean()
    still = knowledge.measure_knowledge(arm, tokenizer, language, lab.settings["choices"])
    arm = None
    lab.measured(**{f"tone_at_chosen_rate_{method}": tone})
    lab.measured(**{f"knowledge_lost_{method}": float((knew - still).mean())})
    print(f"{method}, {rate:g}: tone {tone:.2f}, lost {found[f'forgetting_{method}']:.2f}", end=" ")
    print(found[f"forgetting_{method}_ci"], f"by choice {found[f'knowledge_lost_{method}']:.2f}")
for name in ("forgetting_full_minus_lora", "forgetting_lora_rate_effect"):
    print(name, found.get(name), found.get(f"{name}_ci"))
# %% [raw] lang="ja"
# remembered: loaded, not trained again → 記憶されているので、学習し直さずに読み込む
# ": tone " → ": 口調 "
# ", lost " → "、失った割合 "
# by choice  → "選択式では "
# %% [markdown] lang="en"
# Three readings. **Frozen weights do not mean kept skills:** LoRA has lost old skill too, and its interval excludes zero. **The rate decides:** the last line is what the same LoRA loses by the highest rate beyond the chosen one. **Between the methods** the paired interval speaks for *these* rows, rates and one seed. In the Japanese edition the validation loss chose a higher rate for LoRA, and there LoRA lost more than full fine-tuning. Biderman et al. (2024) put both on one trade-off curve, and in PEFT's own benchmark full fine-tuning forgot less than LoRA (0.030 against 0.050): do not make a law of it.
#
# `by choice` asks in another way: is the right answer still *likelier* than three wrong ones? Hardly anything is lost there: most of what looks forgotten is only no longer said. And the left picture is another drill: at the lowest rate LoRA has learned least, without any error message.
#
# ### Aside: continued pre-training
#
# Not every tuning needs questions. Texts alone, loss on every token, are how a model takes in a language or a domain; Swallow needed 100 billion tokens of it for Japanese (Fujii et al. 2024). Here a few seconds: the company's Japanese documents.
# %% [markdown] lang="ja" of="ed0389a1"
# 読み取れることは 3 つあります。**重みを凍結しても、技能が保たれるとはかぎりません。** LoRA も元の技能を失っていて、その区間は 0 を含みません。**検証損失だけでは足りません。** 表の LoRA の最後の 2 行を見比べてください。検証損失はほとんど同じなのに、元の技能の残り方は大きく違います。検証用の行は新しい技能しか測らないので、ここでは並びの端にある、最も忘れる学習率が選ばれました（最後の行が 0 なのは、選んだ学習率がそのまま最大の学習率だからです）。忘れてほしくない技能があるなら、その技能の検証用の質問も用意してください。**手法の差**については、対応のある区間が示すのは*この*行、この学習率、1 つのシードでの結果です。ここでは LoRA のほうが多く失いましたが、英語版では低めの学習率が選ばれ、逆の結果になりました。Biderman ら（2024）は両者を同じトレードオフ曲線の上に置いており、PEFT 自身のベンチマークではフルファインチューニングのほうが忘れていません（0.030 対 0.050）。一般法則にはしないでください。
#
# 「選択式」では、聞き方を変えています。正しい答えは、今でも 3 つの誤った答えより*起こりやすい*でしょうか。こちらの低下は、どちらの手法でも、口にする割合の低下よりずっと小さいものです。忘れたように見えるものの多くは、口にしなくなっただけなのです。また、左の図からもう 1 つの失敗もわかります。いちばん低い学習率では、LoRA は最も学べていません。エラーは 1 つも出ません。
#
# ### 補足: 継続事前学習
#
# 質問と回答がなくても学習はできます。文章だけを使い、すべてのトークンに損失をかければ、言語や分野を取り込めます。日本語のためには、Swallow では 1,000 億トークンが使われました（Fujii et al. 2024）。ここでは数秒だけ、会社の日本語の文書で試します。
# %%
from lab_helpers.evaluation.answer_loss import answer_loss

documents = {one: [d["text"] for d in load_shipped("documents", one)] for one in ("ja", "en")}
reading = [{"text": text} for text in documents["ja"][:48]]
held_out = {one: [{"text": text} for text in some[48:]] for one, some in documents.items()}
reader, _ = load_model(lab.run)
losses = [{one: answer_loss(reader, tokenizer, some) for one, some in held_out.items()}]
training = SFTConfig(**settings | {"max_steps": lab.pick(tiny=18, small=6, t4=18)}, **lab.machine)
set_seed(lab.seed)
trainer = SFTTrainer(reader, args=training, train_dataset=Dataset.from_list(reading),
                     processing_class=tokenizer, peft_config=adapter)  # fmt: skip
reader = lab.train(trainer).model
losses.append({one: answer_loss(reader, tokenizer, some) for one, some in held_out.items()})
reader = trainer = None
lab.table([{"loss on documents": n, **row} for n, row in zip(("before", "after"), losses)])
lab.measured(**{f"document_loss_gain_{one}": losses[0][one] - losses[1][one] for one in losses[0]})
# %% [markdown] lang="en"
# The loss on Japanese documents that it did not read falls; on the English ones it rises: reading one language only pushes the other out, so real recipes mix both. What such reading does *not* teach is answering.
#
# **End of part B.**
#
# # Part C · Silent failures
#
# No error, a falling loss, and a spoilt model. Each section shows the faulty lines first.
#
# ## Break it: the end that nobody taught
#
# Many tutorials write `tokenizer.pad_token = tokenizer.eos_token` and take transformers' collator, which sets the label of every padding token to -100. Which tokens are padding tokens now?
# %% [markdown] lang="ja" of="3993f448"
# 読んでいない日本語の文書での損失は下がり、英語の文書では上がります。片方の言語だけを読むと、もう片方が押し出されます。だから、実際のレシピでは両方を混ぜます。なお、こうした読み込みでは、質問への*答え方*は身につきません。
#
# **パート B はここまでです。**
#
# # パート C · 黙って起こる失敗
#
# エラーは出ず、損失は下がり、それでもモデルはだめになっています。どの節でも、まず誤った行を見せます。
#
# ## 壊す: 誰も教えなかった「終わり」
#
# 多くのチュートリアルは、`tokenizer.pad_token = tokenizer.eos_token` と書き、transformers のコレーターを使います。このコレーターは、パディングのトークンのラベルをすべて -100 にします。さて、いまパディングのトークンとは、どれのことでしょうか。
# %%
import copy

from transformers import DataCollatorForLanguageModeling

careless = copy.deepcopy(tokenizer)
careless.pad_token = careless.eos_token  # the line of many tutorials


def collate_with(tokenizer):
    def collate(rows):
        ids = [{"input_ids": row["input_ids"]} for row in rows]
        return DataCollatorForLanguageModeling(tokenizer, mlm=False)(ids)

    return collate


breaks, mends = collate_with(careless), collate_with(tokenizer)  # the mend: a pad of its own
# %% [raw] lang="ja"
# the line of many tutorials → 多くのチュートリアルにある行
# the mend: a pad of its own → 直し方: パディング専用のトークン
# %%
whole = [{"input_ids": to_ids(example)["input_ids"]} for example in examples[:100]]
for name, collator in {"pad = end": breaks, "a pad of its own": mends}.items():
    batch, end = collator(whole[:4]), tokenizer.eos_token_id
    ends = sum(row["input_ids"].count(end) for row in whole[:4])
    print(f"{name}: {ends} ends in four conversations,", end=" ")
    print(int((batch["labels"] == end).sum()), "carry loss")
# %% [raw] lang="ja"
# "pad = end" → "パディング = 終わり"
# "a pad of its own" → "パディング専用"
# " ends in four conversations," → " 個の終わりが 4 つの会話にあり、損失がかかるのは"
# "carry loss" → "個"
# %%
from lab_helpers.labs.lab04.failures import measure_runaway
from lab_helpers.runtime.intervals import interval_metrics

limit, how = 96, {"max_steps": arm_steps, "collator": breaks}
broken = train_arm(lab.run, whole, settings, adapter, **how)
going_on, replies = measure_runaway(broken.model, tokenizer, test, limit)
broken = None
lab.measured(**interval_metrics("runaway_rate_broken", going_on))
print(f"going on after {limit} tokens:", lab.run.metrics["runaway_rate_broken"])
print(replies.texts[0])
# %% [raw] lang="ja"
# "going on after {limit} tokens:" → "{limit} トークンで終わらない割合:"
# %% [markdown] lang="en"
# Good answers, and then more and more: it was never told to stop.
#
# ## Mend it: give the end its label back
#
# One word: the tokenizer keeps its own padding token. (TRL's collator and yours pad the *labels* and cannot make this mistake.)
# %% [markdown] lang="ja" of="e64ccad4"
# それらしく答えたあとも、延々と書き続けます。止まるように教わっていないからです。
#
# ## 直す: 「終わり」にラベルを返す
#
# 直し方は簡単で、トークナイザーに専用のパディングトークンを使わせます（TRL のコレーターと、あなたのコレーターは、*ラベル*のほうを埋めるので、この間違いは起こりません）。
# %%
mended = train_arm(lab.run, whole, settings, adapter, **how | {"collator": mends})
going_on, replies = measure_runaway(mended.model, tokenizer, test, limit)
lab.measured(**interval_metrics("runaway_rate_mended", going_on))
sft_goes_on, _ = measure_runaway(sft, tokenizer, test, limit)
lab.measured(**interval_metrics("runaway_rate_sft", sft_goes_on))
for name in ("runaway_rate_mended", "runaway_rate_sft"):
    print(name, lab.run.metrics[name], lab.run.metrics[f"{name}_ci"])
print(replies.texts[0])
# %% [markdown] lang="en"
# Below: the model of part A, with its thousand rows, stops. Is there anything left in the first number? Then look on.
#
# ## Break it, mend it: loss on the prompt
#
# The mended model was trained on whole conversations, loss on *every* token. Its twin had the same rows, steps and rate, but loss on the answers alone. Is it the disaster that some threads make of it? The table takes the right answers apart: the loss on their opening, body, closing and end.
# %% [markdown] lang="ja" of="bf979c98"
# 2 行目は、1,000 件で学習したパート A のモデルで、きちんと止まります。1 行目の値がまだ残っているなら、次を見てください。
#
# ## 壊す・直す: プロンプトにかかる損失
#
# いま直したモデルは会話全体で学習しており、*すべての*トークンに損失がかかっています。双子のモデルは、行もステップ数も学習率も同じで、回答だけに損失をかけました。一部のスレッドで言われるほどの惨事でしょうか。表では、正しい回答を書き出し、本文、結び、終わりに分けて、それぞれの損失を示します。
# %%
from lab_helpers.evaluation.significance import difference_metrics
from lab_helpers.labs.lab04.failures import compute_prompt_share, measure_part_losses

how = {"max_steps": arm_steps}
twin = train_arm(lab.run, examples[:100], settings, adapter, **how)  # remembered from part B
twin_goes_on, _ = measure_runaway(twin.model, tokenizer, test, limit)
everything = measure_replies(mended.model, tokenizer, test, language)
pairs = {"everything": (mended, everything, going_on)}
pairs["the answer"] = (twin, clean_few, twin_goes_on)
lab.table(
    [
        {"loss on": name, "tone": scored.tone.mean(), "going on": sum(on) / len(on)}
        | measure_part_losses(arm.model, tokenizer, test, language)
        for name, (arm, scored, on) in pairs.items()
    ],
    "loss on",
)
# %% [raw] lang="ja"
# remembered from part B → パート B で学習済み
# %%
mended = twin = pairs = None
lab.measured(prompt_share=compute_prompt_share(tokenizer, examples[:100]))
lab.measured(**tone_and_fact_metrics(everything, "everything"))
lab.measured(**difference_metrics("tone_answer_minus_all", clean_few.tone, everything.tone))
lab.measured(**difference_metrics("runaway_all_minus_answer", going_on, twin_goes_on))
print(f"{lab.run.metrics['prompt_share']:.0%} of the tokens are not the answer's")
for name in ("tone_answer_minus_all", "runaway_all_minus_answer"):
    print(name, round(lab.run.metrics[name], 3), lab.run.metrics[f"{name}_ci"])
# %% [raw] lang="ja"
# " of the tokens are not the answer's" → " のトークンは回答以外のもの"
# %% [markdown] lang="en"
# *Is there a difference?* The last two lines are paired differences over the same questions, and both intervals exclude zero: with loss on everything, fewer replies keep the tone and more of them go on, after the same steps.
#
# *Why?* The obvious guess is that the frame was learned less, since the printed share of the tokens went to the customer's words. The table does not bear it out: on the right answers both models expect closing and end almost with certainty, and the body even a little better with loss on everything; only the opening lags, slightly. So the difference arises in texts that the model writes itself, and its cause is **not decided** here. Nor is its size a law: on the Japanese rows of the other edition the same test finds no difference, and one maintainer saw little (open-r1#648). Yours is what counts for your data, and the mend costs nothing: rows of `prompt` and `completion`, or `assistant_only_loss=True`.
#
# ## Break it, mend it: another template
#
# You trained in ChatML. The server renders Alpaca's form, or Llama 2's, or ChatML without the opening of the assistant's turn (`add_generation_prompt=True` forgotten). No error anywhere. One line does it:
# %% [markdown] lang="ja" of="e7f1a348"
# *差はあるのか。* 最後の 2 行は、同じ質問での対応のある差です。区間はどちらも 0 を含むので、差があるとは言えません。**決着していません。** 部分ごとの損失も、書き出しから終わりまでほとんど同じです。
#
# いつもこうだとはかぎりません。英語版の行では、すべてに損失をかけたほうが口調を守る回答が減り、止まらない回答が増えました。しかも、部分ごとの損失からはその原因がわかりませんでした。ほとんど差がないと報告した開発者もいます（open-r1#648）。自分のデータについては、自分の測定がすべてです。直すのに費用はかかりません。`prompt` と `completion` の行にするか、`assistant_only_loss=True` を指定するだけです。
#
# ## 壊す・直す: 別のテンプレート
#
# 学習は ChatML で行いました。ところがサーバーは、Alpaca の形式や Llama 2 の形式、あるいはアシスタントの発言の書き出しがない ChatML（`add_generation_prompt=True` の付け忘れ）で文章をつくります。エラーはどこにも出ません。1 行で起こります。
# %%
from lab_helpers.labs.lab04.failures import OTHER_TEMPLATES, measure_templates
from lab_helpers.labs.lab04.scoring import template_metrics

wrong = copy.deepcopy(tokenizer)
wrong.chat_template = OTHER_TEMPLATES["alpaca"]  # the server's own idea of a conversation
asked = [{"role": "user", "content": test[0]["question"]}]
print(wrong.apply_chat_template(asked, tokenize=False, add_generation_prompt=True))
by_template = measure_templates(sft, tokenizer, test, language)
lab.measured(**template_metrics(by_template))
lab.table(
    [
        {"template": name, "tone": float(o.tone.mean()), "first reply": o.replies.texts[0]}
        for name, o in by_template.items()
    ]
)
# %% [raw] lang="ja"
# the server's own idea of a conversation → サーバー側の独自の形式
# %% [markdown] lang="en"
# How much it costs depends on the template, and you cannot tell which by reading code. The mend is one line: let the *tokenizer* render, with `apply_chat_template(..., add_generation_prompt=True)`, in training and in serving, and compare the two texts once, character by character.
#
# ## Break it, mend it: two starts
#
# Llama's tokenizer puts a start token before every text, and its template writes one too. Render first and tokenize afterwards, and the row begins twice. (Kotori has no start token; here is a copy of the tokenizer that behaves like Llama's.)
# %% [markdown] lang="ja" of="5063ba9c"
# 損害の大きさはテンプレートによって違い、コードを読んでもわかりません。直し方は 1 行です。学習でも運用でも、*トークナイザー*に `apply_chat_template(..., add_generation_prompt=True)` で文章をつくらせ、両者を一度、1 文字ずつ比べてください。
#
# ## 壊す・直す: 2 つの開始トークン
#
# Llama のトークナイザーは、どの文章の前にも開始トークンを付け、テンプレートもそれを書き込みます。先に文章にしてからトークンに分けると、行が 2 回始まってしまいます（Kotori に開始トークンはないので、Llama と同じように振る舞うトークナイザーの写しを使います）。
# %%
from lab_helpers.labs.lab04.failures import add_start_token, count_starts

llama = add_start_token(tokenizer)
text = llama.apply_chat_template(talk[:1], tokenize=False)  # break it: render first ...
twice = llama(text)["input_ids"]  # ... and tokenize the text afterwards
once = llama.apply_chat_template(talk[:1])["input_ids"]  # mend it: the template does both
for name, ids in {"text": twice, "messages": once}.items():
    print(name, ids[:4], llama.convert_ids_to_tokens(ids[:3]))
    lab.measured(**{f"start_tokens_{name}": count_starts(ids, llama.bos_token_id)})
# %% [raw] lang="ja"
# break it: render first ... → 壊す: 先に文章にして…
# ... and tokenize the text afterwards → …あとからトークンに分ける
# mend it: the template does both → 直す: 両方をテンプレートに任せる
# %% [markdown] lang="en"
# The same token twice at the head, and no training ever saw that: give TRL `messages`, or tokenize rendered text with `add_special_tokens=False`.
#
# ## Break it, mend it: packing
#
# Padding is computed and thrown away. **Packing** puts several rows into one; each token must then see only its own row. `SFTConfig(packing=True)` does it through position ids that start again at 0. An all-ones attention mask beside them undoes it:
# %% [markdown] lang="ja" of="581cfac1"
# 先頭に同じトークンが 2 つ並びます。学習では一度も見ていない形です。TRL には `messages` を渡すか、文章にしたあとで分けるなら `add_special_tokens=False` を付けてください。
#
# ## 壊す・直す: パッキング
#
# パディングは、計算しては捨てる無駄です。**パッキング**では、いくつかの行を 1 行に詰めます。このとき、どのトークンも自分の行だけを見なければなりません。`SFTConfig(packing=True)` は、0 から始まり直す位置番号でそれを実現します。ここに、すべて 1 の attention_mask を添えると台無しになります。
# %%
from trl import pack_dataset

model, _ = load_model(lab.run)
first, second = (to_ids(example)["input_ids"] for example in examples[:2])
packed = torch.tensor([first + second], device=model.device)
places = torch.tensor([[*range(len(first)), *range(len(second))]], device=model.device)
once = {"input_ids": packed, "position_ids": places, "use_cache": False}
with torch.inference_mode():
    alone = model(input_ids=packed[:, len(first) :]).logits[0]
    kept_apart = model(**once).logits[0, len(first) :]
    leaking = model(**once, attention_mask=torch.ones_like(packed)).logits[0, len(first) :]
for name, logits in {"packing_gap": kept_apart, "packing_gap_with_mask": leaking}.items():
    lab.measured(**{name: float((logits - alone).abs().max())})
    print(name, f"{lab.run.metrics[name]:.1e}")
print(len(whole), "->", len(pack_dataset(Dataset.from_list(whole), seq_length=256)))
# %% [markdown] lang="en"
# The largest change of a logit of the second row by its neighbour: rounding in the first line, and a different reply in the second, where the second row has read the first customer's mail. The last line counts rows before and after packing to 256 tokens. This lab's rows are short; packing pays where they differ much in length.
#
# ## Break it, mend it: gradient accumulation
#
# Eight rows do not fit, so you take them one at a time and step after the eighth. That should be the same training.
#
# **Exercise (4 min).** Combine the micro-batches' losses.
# %% [markdown] lang="ja" of="9bf1eae9"
# 表示したのは、隣の行のせいで 2 行目のロジットがどれだけ変わったかの最大値です。1 つめは丸め誤差程度、2 つめでは別の回答になりかねません。2 行目が、1 行目の顧客のメールを読んでしまったからです。最後の行は、256 トークンに詰める前と後の行数です。このラボの行は短いのですが、長さがまちまちなデータではパッキングが効きます。
#
# ## 壊す・直す: 勾配の累積
#
# 8 件が一度に載らないので、1 件ずつ処理し、8 件目のあとで更新することにします。これは同じ学習になるはずです。
#
# **演習（4 分）。** マイクロバッチの損失をまとめてください。
# %% tags=["exercise"]
def accumulated_loss(sums, tokens):
    ...  # your code → one number


accumulated_loss = lab.check("accumulated_loss", accumulated_loss)
# %% [raw] lang="ja"
# your code → one number → ここに書く → 1 つの数
# %%
from lab_helpers.labs.lab04 import failures

uneven = failures.uneven_rows(rows, language)
sums, tokens = failures.measure_micro_losses(lab.run, uneven)
means = [total / count for total, count in zip(sums, tokens)]
print(f"mean of means   {sum(means) / len(means):.4f}")  # the faulty line
print(f"all tokens alike {accumulated_loss(sums, tokens):.4f}")
eight = failures.train_one_step(lab.run, uneven, settings, adapter, 8)
ones = failures.train_one_step(lab.run, uneven, settings, adapter, 1)
lab.measured(**failures.accumulation_metrics(sums, tokens, eight, ones))
print("8 x 1:", ones, "\n1 x 8:", eight)
# %% [raw] lang="ja"
# "mean of means   " → "平均の平均 "
# all tokens alike → 全トークンを同じ重さで
# the faulty line → 誤った行
# %% [markdown] lang="en"
# The first line is the bug that transformers carried until late 2024: with answers of unequal length, the mean of means is another loss, and nobody saw it. The last two: the installed trainer gets the same loss and gradient from 8 × 1 and from 1 × 8.
#
# ## Explore
#
# Write a question and an answer, choose what the loss counts. Without a live kernel you see one example.
# %% [markdown] lang="ja" of="f4697899"
# 1 行目は、transformers に 2024 年の終わり近くまで残っていた不具合です。回答の長さがそろわないと、平均の平均は別の損失になりますが、誰も気づきませんでした。最後の 2 行は、今のトレーナーが 8 × 1 でも 1 × 8 でも同じ損失と勾配を得ることを示しています。
#
# ## 触ってみる
#
# 質問と回答を書き、損失の対象を選んでください。カーネルが動いていないときは、例が 1 つ表示されます。
# %%
from lab_helpers.figures.widgets import mask_explorer


def view(mode, question, answer):
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return figures.label_mask(token_mask(tokenizer, turns, mode), mode)


lab.figure(view("completion_only", "ナガレは何色ですか。", "パールホワイトでございます。"), "mask")
mask_explorer(view, list(MODES), test[0]["question"], test[0]["answer"])
# %% [markdown] lang="en"
# ## And in the other language?
#
# The same settings, 100 hand-written rows of Kotori's second language. And one import test for claim 20.
# %% [markdown] lang="ja" of="c21cbbff"
# ## もう 1 つの言語ではどうか
#
# 同じ設定で、Kotori のもう 1 つの言語（英語）の手書きの 100 件を使います。あわせて、主張 20 を import で確かめます。
# %%
from lab_helpers.labs.lab04.scoring import import_metrics
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.runtime.language import metric_suffix

lab.measured(**import_metrics())
second = lab.other_language  # None where the model reads one language only
if second:
    suffix, there = metric_suffix(second), select_fresh_questions(second, lab.settings["questions"])
    with sft.disable_adapter():
        lab.measured(**base_metrics(measure_replies(sft, tokenizer, there, second), suffix))
    written = prompt_completion(shuffle_rows(gold_rows(second, "train"), lab.seed)[:100])
    other = train_arm(lab.run, written, settings, adapter, max_steps=arm_steps)
    scored = measure_replies(other.model, tokenizer, there, second)
    lab.measured(**interval_metrics(f"tone_compliance_sft{suffix}", scored.tone))
    for name in (f"tone_compliance_base{suffix}", f"tone_compliance_sft{suffix}"):
        print(name, lab.run.metrics[name], lab.run.metrics[f"{name}_ci"])
    print("a reply:", scored.replies.texts[0])
# %% [raw] lang="ja"
# a reply: → 回答の例:
# None where the model reads one language only → 1 言語しか読めないモデルでは None
# %% [markdown] lang="en"
# A hundred rows bring the manners in the other language as well.
#
# ## Verdict
# %% [markdown] lang="ja" of="5baf76af"
# もう 1 つの言語でも、100 件で作法が身につきました。
#
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## On a real model
#
# What of all this is Kotori, and what is fine-tuning? The same steps on SmolLM2, 135 million parameters (`labs run 04 --profile small`), as far as its record, taken with this lab's earlier cells, has these numbers; a dash is not measured yet.
# %% [markdown] lang="ja" of="90d1b31a"
# ## 実際のモデルでは
#
# ここまでの結果のうち、どこまでが Kotori の性質で、どこからがファインチューニングの性質なのでしょうか。1.35 億パラメータの SmolLM2 で同じ手順を実行した結果です（`labs run 04 --profile small`。記録は以前のセルで測ったもので、「–」はまだ測っていない値です）。
# %%
lab.real_model(
    "tone_compliance_base", "tone_compliance_n10", "tone_compliance_n1000",
    "new_fact_accuracy_n1000", "score_clean_few", "score_dirty_many",
    "facts_trained_1", "facts_trained_10", "facts_otherwise_10",
    "known_fact_error_before", "known_fact_error_after_known", "known_fact_error_after_unknown",
    "runaway_rate_broken", "runaway_rate_mended",
    "old_skill_before", "knowledge_before", "knowledge_lost_lora",
)  # fmt: skip
# %% [markdown] lang="en"
# Read line by line: which differences point the same way in both columns? Those are about fine-tuning. Where the old skill is near zero before any tuning, nothing can be lost, and the ledger says "unmeasurable": the yardstick is the "Question: … Answer:" form of Kotori's pre-training, word for word. On a real model of your own, measure forgetting with a benchmark it is good at (lab 06).
#
# With `LAB_PROFILE=t4` the same cells train a 1.5-billion-parameter model. Full fine-tuning is then left out: at 16 bytes a parameter (weights, gradients, two moments of Adam) it needs 25 GB, as `labs fit` shows. Your own file goes the same way from the terminal: `labs data check FILE`, then `labs run 04 --data FILE`: cleaned, split without leakage, tuned, with held-out loss and replies before and after.
#
# ## Try it
#
# Facts in *other words* stayed away, since each was taught in one wording. Teach each in several: add three rephrased questions a fact to `fact_rows` and run the cell of the passes again. How many wordings does it take until a fourth one works? And what happens to the dashed line?
#
# ## Quiz
# %% [markdown] lang="ja" of="5734ad3f"
# 1 行ずつ見てください。どちらの列でも同じ向きになる差はどれでしょうか。それが、ファインチューニングの性質です。学習前から元の技能がほとんどない場合は、失いようがないので、判定は「測れない」になります。ここでのものさしが、Kotori が事前学習で読んだ "Question: … Answer:" という形式そのものだからです。実際のモデルで忘却を測るなら、そのモデルが得意とするベンチマークを使ってください（ラボ 06）。
#
# `LAB_PROFILE=t4` を指定すると、同じセルで 15 億パラメータのモデルを学習します。その場合、フルファインチューニングは省きます。1 パラメータあたり 16 バイト（重み、勾配、Adam の 2 つのモーメント）、合わせて 25 GB が必要になるからです（`labs fit` で確かめられます）。自分のファイルも、ターミナルから同じように扱えます。まず `labs data check FILE`、次に `labs run 04 --data FILE` を実行すると、掃除、漏れのない分割、学習を行い、学習前後の、学習に使っていない行での損失と回答を示します。
#
# ## やってみよう
#
# *別の言い方*で尋ねた事実が出てこなかったのは、1 通りの言い方でしか教えなかったからです。いくつかの言い方で教えてみてください。1 つの事実につき 3 つの言い換えた質問を `fact_rows` に加え、パスのセルをもう一度実行します。何通り教えれば、まだ見せていない言い方でも答えられるようになるでしょうか。そのとき破線はどうなるでしょうか。
#
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 05. A polite model that makes things up: can preferences teach it to say "I do not know"?
# %% [markdown] lang="ja" of="e341c892"
# **次は:** ラボ 05 です。礼儀正しくでたらめを言うモデルに、「わかりません」と言うことを、選好データで教えられるでしょうか。
