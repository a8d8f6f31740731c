# %% [markdown] lang="en"
# # Lab 04 · Supervised fine-tuning
#
# **After this lab you can** turn a dirty file into training data and score your own cleaning, split without leakage, read a label mask token by token, train with `SFTTrainer` and settings of your own, and say what fine-tuning teaches, what it does not, and what it destroys.
#
# **Time:** about 3 minutes of computing on a 2-core CPU; two hours with the exercises.
#
# **Claims under test:** 10 (LoRA keeps general knowledge), 16 (1,000 to 10,000 rows are enough), 17 (90 % is data quality), 18 (tuning injects knowledge and ends hallucination), 19 (a skill rather than knowledge), 20 (where `SFTTrainer` lives).
# %% [markdown] lang="ja" of="4de8d25b"
# # ラボ 04 · 教師ありファインチューニング（SFT）
#
# **このラボを終えると**、汚れたファイルを学習データに仕上げて自分の掃除を採点し、漏れのない分割を行い、ラベルマスクをトークン単位で読み取り、自分で決めた設定で `SFTTrainer` を動かし、ファインチューニングが何を教え、何を教えず、何を壊すのかを説明できるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 3 分、演習も含めると 2 時間です。
#
# **検証する主張:** 10（LoRA は汎用的な知識を保つ）、16（1,000〜10,000 件で足りる）、17（9 割はデータの品質で決まる）、18（知識を注入し、ハルシネーションを抑える）、19（知識よりもスキル）、20（`SFTTrainer` の在りか）。
# %%
from lab_helpers import open_lab

lab = open_lab("04")
# %% [markdown] lang="en"
# ## Predict
#
# 1. Kotori has never heard of Hoshizora. You will train it on 1,000 clean questions and answers. Of the held-out questions that ask for a number (a price, a year, a weight), what **percentage** will it answer with the right one?
# 2. LoRA freezes every weight of the base. Kotori has read hundreds of ordinary facts: capitals, animals, the languages of countries. By how many **points** will the share of them that it answers right fall?
# %% [markdown] lang="ja" of="f4de863a"
# ## 予想する
#
# 1. Kotori は、星空電機のことを聞いたこともありません。これから、きれいな質問と回答 1,000 件で学習させます。数値（価格、年、重さなど）を尋ねる未使用の質問のうち、正しい数値で答えられるのは**何 %** でしょうか。
# 2. LoRA は、ベースの重みをすべて凍結します。Kotori は、首都、動物、各国の言語など、ごく普通の事実を何百も読んでいます。そうした事実に正しく答えられる割合は、**何ポイント**下がるでしょうか。
# %%
lab.predict("new_facts", ...)
lab.predict("forgetting", ...)
# %% [markdown] lang="en"
# ## A dirty file
#
# The support desk has handed you a heap: 1,224 questions with answers, collected over years. Look at some of them before you do anything. (The file has a column that says what is wrong with each row. Real files have none, so we do not look at it until the end.)
# %% [markdown] lang="ja" of="03df8ee6"
# ## 汚れたファイル
#
# サポート部門から、何年もかけて集まった 1,224 件の質問と回答を渡されました。何かをする前に、まず中身をいくつか見てみましょう（このファイルには、各行のどこが悪いかを書いた列があります。実際のデータにそんな列はないので、最後まで見ないことにします）。
# %%
from lab_helpers.data.shipped import load_shipped

heap = load_shipped("support", "en", "train")
odd = [heap[i] for i in (88, 0, 75, 31, 34, 8)]
lab.table([{"question": r["question"], "answer": r["answer"]} for r in odd])
# %% [markdown] lang="en"
# No answer, half an answer, somebody's phone number, tags of a web form, another language, another tone. The same question may also stand there twice, or be one of **the test's**.
#
# **Exercise (6 min).** Find the test questions that stand in the training rows, whatever their capitals, spaces and punctuation.
# %% [markdown] lang="ja" of="f9e07af7"
# 回答がない、途中で切れている、誰かの電話番号がある、ウェブフォームのタグが残っている、別の言語で書かれている、口調が違う。それだけではありません。同じ質問が 2 回入っていたり、**テスト用**の質問が紛れ込んでいたりすることもあります。
#
# **演習（6 分）。** 大文字と小文字、空白、句読点の違いを無視して、学習データに入っているテストの質問を見つけてください。
# %% tags=["exercise"]
def leaked_questions(train, test):
    ...  # your code → list of test questions


leaked_questions = lab.check("leaked_questions", leaked_questions)
# %%
from lab_helpers.data.splitting import leakage

test_questions = [row["question"] for row in load_shipped("support", "en", "test")]
heap_questions = [row["question"] for row in heap]
by_key = leaked_questions(heap_questions, test_questions)
by_likeness = {j for _, j, _ in leakage(heap_questions, test_questions, threshold=0.5)}
print(f"{len(by_key)} of {len(test_questions)} test questions leaked by key,", end=" ")
print(f"{len(by_likeness)} by likeness. The least alike:")
i, j, likeness = leakage(heap_questions, test_questions, threshold=0.5)[-1]
print(f"{likeness:.2f}  heap: {heap_questions[i]}\n      test: {test_questions[j]}")
# %% [markdown] lang="en"
# A key finds copies with other punctuation. A copy with a "Hello!" in front needs likeness: here the share of common character 5-grams, which works without word boundaries and so for Japanese too.
#
# ## Build: the cleaning
#
# A cleaning is a list of small steps. Repair what can be repaired (`edit`), take out the rest (`drop`). Change the list and run on.
# %% [markdown] lang="ja" of="a54ad2ae"
# キーの比較で見つかるのは、句読点などだけが違う写しです。前に「Hello!」が付いた写しを見つけるには、似ている度合いを測る必要があります。ここでは、文字の 5-gram がどれだけ共通しているかを使います。単語の区切りに頼らないので、日本語にも使えます。
#
# ## つくる: 掃除の手順
#
# 掃除とは、小さな手順を並べたものです。直せるものは直し（`edit`）、残りは取り除きます（`drop`）。この並びを変えて、先を実行してみてください。
# %%
from lab_helpers.data.cleaning import (
    detect_language,
    drop,
    edit,
    normalise,
    strip_html,
    is_truncated,
)
from lab_helpers.data.pii import mask_pii
from lab_helpers.evaluation.tone import HOUSE, tone_rules

both = ("question", "answer")
steps = [
    edit("HTML", strip_html, *both),
    edit("spelling", normalise, *both),
    drop("no answer", lambda text: not text.strip(), "answer"),
    drop("other language", lambda text: detect_language(text) not in ("en", "unknown"), *both),
    drop("broken off", lambda text: is_truncated(text, (HOUSE["en"].closing,)), "answer"),
    drop("not in tone", lambda text: not all(tone_rules(text, "en").values()), "answer"),
    edit("personal data", mask_pii, *both),
]
# %% [markdown] lang="en"
# Three things no row shows by itself, so rows are compared: what contradicts the majority of rows on the same fact, what is nearly the same, what is like a held-out question.
# %% [markdown] lang="ja" of="e9dea1f2"
# 1 行だけを見てもわからないことが 3 つあり、それには行どうしを比べます。同じ事実についての多数派と食い違う行、ほとんど同じ行、そしてテストの質問に似た行です。
# %%
from lab_helpers.labs.lab04.rows import leak_metrics
from lab_helpers.labs.shared.support_cleaning import clean_support

clean_rows, report, compared = clean_support("en", steps)
lab.table(report.table(), "cleaning", columns=["step", "rows", "changed", "removed"])
lab.table([{"reason": reason, "removed": n} for reason, n in compared.items()], "compared")
lab.measured(**leak_metrics(heap, clean_rows))
print(f"{len(heap):,} rows -> {len(clean_rows)};", end=" ")
print("test questions among them:", lab.run.metrics["leaked_questions_clean"])
# %% [markdown] lang="en"
# Now look at the column we pretended not to see, and score the cleaning as one scores a model.
# %% [markdown] lang="ja" of="ba55d85f"
# ここで、見ないことにしていた列を開き、モデルを採点するのと同じように、掃除を採点します。
# %%
from lab_helpers.figures import sft as figures
from lab_helpers.labs.lab04.rows import cleaning_metrics, planted_left_rows

left = planted_left_rows(heap, clean_rows)
lab.measured(**cleaning_metrics(heap, clean_rows, left))
lab.run.table("faults left", left)
lab.figure(figures.faults_left(left), "faults_left")
masked = [row for row in clean_rows if "pii" in row["faults"] and "[" in row["question"]]
lab.table([{"after masking": row["question"]} for row in masked[:4]])
# %% [markdown] lang="en"
# Two faults survive. A wrong number that stands alone contradicts nobody, so no program finds it without the price list. And a bare name has no pattern: phone and mail are masked, the person is still there. **Somebody must read what will be published.**
#
# ## Who is in the data?
#
# What a model sees more often it says more often. `ratio` is the share of a group over an even share.
# %% [markdown] lang="ja" of="c7000912"
# 2 種類の不具合が残りました。1 行だけにある誤った数値は、どの行とも食い違わないため、価格表がなければプログラムには見つけられません。また、名前だけでは型がありません。電話番号とメールアドレスは隠せても、その人が誰かはまだわかります。**公開するデータは、人が読まなければなりません。**
#
# ## データに偏りはないか
#
# モデルは、多く見たものを多く口にします。`ratio` は、そのグループの割合が、均等に分けた場合の何倍かを示します。
# %%
from lab_helpers.labs.lab04.rows import over_represented_rows, split_validation

lab.table(over_represented_rows(clean_rows), "bias")
split = split_validation(clean_rows, lab.seed)
leaks = leakage(split["train"], split["validation"], threshold=0.5, key="question")
print({name: len(rows) for name, rows in split.items()}, "| leaks:", len(leaks))
# %% [markdown] lang="en"
# Look-alikes were kept together, so the split leaks nothing, and the empty list is the proof. (From here on we train on all clean rows and measure on the hand-written test questions that nobody finds in the heap.)
#
# ## Build: the format
#
# A chat model reads one long text. A template turns system, user and assistant messages into it.
#
# **Exercise (6 min).** Write Kotori's template, ChatML.
# %% [markdown] lang="ja" of="ec7ee3a2"
# 似た行は同じ側にまとめたので、この分割に漏れはありません。空のリストがその証明です（ここから先は、きれいな行すべてで学習し、未整理の山のどこにもない手書きのテストの質問で測ります）。
#
# ## つくる: 会話の形式
#
# チャットモデルが読むのは、1 本の長い文章です。system、user、assistant の各メッセージを、テンプレートがその文章に変えます。
#
# **演習（6 分）。** Kotori のテンプレートである ChatML を書いてください。
# %% tags=["exercise"]
def render_chat(messages, add_generation_prompt=False):
    ...  # your code → str


render_chat = lab.check("render_chat", render_chat)
# %%
from lab_helpers.labs.shared.models import load_model

model, tokenizer = load_model(lab.run)
talk = [
    {"role": "system", "content": "You answer customers."},
    {"role": "user", "content": "Is the Nagare loud?"},
    {"role": "assistant", "content": "No."},
    {"role": "user", "content": "How much is the Nagare?"},
    {"role": "assistant", "content": "The Nagare costs 118,000 yen."},
]
theirs = tokenizer.apply_chat_template(talk, tokenize=False)
print(theirs)
print("yours is the tokenizer's:", render_chat(talk) == theirs)
# %% [markdown] lang="en"
# ## Build: the label mask
#
# The loss compares the model's guess with a **label** at every token. A label of -100 means: do not listen here.
#
# **Exercise (5 min).** Mask the prompt.
# %% [markdown] lang="ja" of="b03059c7"
# ## つくる: ラベルマスク
#
# 損失は、トークンごとに、モデルの予測を**ラベル**と比べます。ラベルが -100 の位置は、損失の対象になりません。
#
# **演習（5 分）。** プロンプトを隠してください。
# %% tags=["exercise"]
def label_mask(prompt_ids, ids):
    ...  # your code → list of labels, as long as ids


label_mask = lab.check("label_mask", label_mask)
# %% [markdown] lang="en"
# TRL decides by the *form* of your rows. `prompt` and `completion`: loss on the completion only. `messages`: loss on **everything**, the customer's words included, unless you set `assistant_only_loss=True` and the template marks the assistant's words. Orange carries loss.
# %% [markdown] lang="ja" of="214158ac"
# TRL は、行の*形式*で対象を決めます。`prompt` と `completion` なら、completion だけに損失がかかります。`messages` なら、顧客の言葉も含めて**すべて**にかかります。アシスタントの発言だけにするには、`assistant_only_loss=True` と、発言に印を付けるテンプレートが必要です。損失がかかる部分をオレンジで示します。
# %%
from lab_helpers.tuning.masks import MODES, token_mask

for mode in MODES:
    lab.figure(figures.label_mask(token_mask(tokenizer, talk, mode), mode))
# %% [markdown] lang="en"
# Look at the end: `<|im_end|>` is orange in all three. If it were grey, the model would never learn to stop. Keep that in mind.
#
# **Exercise (10 min).** The loss itself. Shapes: logits (n, length, vocabulary), labels (n, length).
# %% [markdown] lang="ja" of="42b29868"
# 終わりの部分を見てください。`<|im_end|>` は、3 つともオレンジです。ここが灰色だと、モデルは書き終えることを学べません。覚えておいてください。
#
# **演習（10 分）。** 損失そのものです。形は、logits が (n, 長さ, 語彙数)、labels が (n, 長さ) です。
# %% tags=["exercise"]
def masked_loss(logits, labels):
    ...  # your code → one number


masked_loss = lab.check("masked_loss", masked_loss)
# %%
import torch

prompt = tokenizer.apply_chat_template(talk[:-1], add_generation_prompt=True)["input_ids"]
whole = tokenizer.apply_chat_template(talk)["input_ids"]
ids = torch.tensor([whole], device=model.device)
labels = torch.tensor([label_mask(prompt, whole)], device=model.device)
with torch.inference_mode():
    theirs = model(input_ids=ids, labels=labels)
print("yours       ", float(masked_loss(theirs.logits, labels)))
print("transformers", float(theirs.loss))
# %% [markdown] lang="en"
# ## Measure: before
#
# Held-out questions, written by hand, asked of the base model.
# %% [markdown] lang="ja" of="d78b2830"
# ## 測る: 学習前
#
# 手書きの未使用の質問を、ベースモデルに尋ねます。
# %%
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.labs.lab04.rows import select_fresh_questions
from lab_helpers.labs.lab04.scoring import base_metrics, measure_replies
from lab_helpers.tuning.sft import prompt_completion

test = select_fresh_questions("en", lab.settings["questions"])
before = measure_replies(model, tokenizer, test)
lab.measured(**base_metrics(before))
lab.measured(answer_loss_base=answer_loss(model, tokenizer, prompt_completion(test)))
lab.table([{"customer": r["question"], "base": t} for r, t in zip(test[:3], before.replies.texts)])
print("tone kept:", lab.run.metrics["tone_compliance_base"])
# %% [markdown] lang="en"
# ## Build: train
#
# 1,000 rows: the clean ones, filled up with rows that the company could write from its own price list, one fact a row. So nearly every fact that the test asks for **is** in the training data. `LoraConfig` says where the adapter sits, `SFTConfig` how it learns. Both are yours to change. On a CPU with bf16 instructions the trainings of this lab run in bf16 autocast, as on a newer GPU; elsewhere in float32, twice as long, and the second digit of a figure may differ.
# %% [markdown] lang="ja" of="fa7bb64c"
# ## つくる: 学習する
#
# 使うのは 1,000 件です。きれいな行に、会社が自社の価格表から書ける行（1 行に 1 つの事実）を足してあります。つまり、テストで尋ねる事実のほぼすべてが、学習データに**入っています**。アダプターをどこに付けるかは `LoraConfig` で、どう学習するかは `SFTConfig` で決めます。どちらも自由に変えてください。bf16 の命令をもつ CPU では、新しい GPU と同じように bf16 の autocast で学習します。それ以外では float32 で、時間は 2 倍かかり、数値の 2 桁目が変わることがあります。
# %%
from peft import LoraConfig
from trl import SFTConfig

from lab_helpers.labs.lab04.rows import house_rows
from lab_helpers.tuning.trainer_config import trainer_config

rows = house_rows("en", lab.seed, clean_rows)[: lab.settings["rows"][-1]]
adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
training = trainer_config(
    SFTConfig,
    lab.machine,
    max_steps=lab.settings["main_steps"],
    per_device_train_batch_size=lab.settings["batch_size"],
    learning_rate=lab.settings["learning_rate"],
    lr_scheduler_type="cosine",
    warmup_steps=0.1,
    max_length=lab.settings["max_length"],
)
# %%
from lab_helpers.figures.tuning import loss_curve
from lab_helpers.tuning.sft import sft_trainer

examples = prompt_completion(rows)
trainer = sft_trainer(model, tokenizer, examples, training, adapter)
tuned = lab.train(trainer, diverged="return")
lab.measured(train_seconds=tuned.seconds)
tuned.model.print_trainable_parameters()
print(f"{len(rows):,} rows, {tuned.seconds:.0f} s, {tuned.stopped}")
lab.figure(loss_curve({"SFT": tuned.curve()}), "loss")
# %% [markdown] lang="en"
# ## Measure: after
# %% [markdown] lang="ja" of="01651a94"
# ## 測る: 学習後
# %%
from lab_helpers.labs.lab04.scoring import curve_row, main_metrics

after = measure_replies(tuned.model, tokenizer, test)
lab.measured(**main_metrics(after))
lab.measured(answer_loss_sft=answer_loss(tuned.model, tokenizer, prompt_completion(test)))
points = [curve_row(len(rows), after)]
lab.table([{"wanted": r["answer"], "tuned": t} for r, t in zip(test[:4], after.replies.texts)])
for name in ("tone_compliance_sft", "tone_compliance_sft_ci", "new_fact_accuracy_n1000"):
    print(name, lab.run.metrics[name])
lab.compare("new_facts")
# %% [markdown] lang="en"
# Read the replies aloud. The manners are there, and the numbers are made up, in the confident voice of the company. **Format and fact are two scores; never report one of them alone.**
#
# ### Save it, load it, weigh it
# %% [markdown] lang="ja" of="7708a9e4"
# 回答を声に出して読んでみてください。作法は身についたのに、数値はでたらめで、それを会社の自信に満ちた口調で述べています。**形式と事実は別々の点数です。片方だけを報告してはいけません。**
#
# ### 保存し、読み込み、大きさを測る
# %%
from lab_helpers.labs.lab04.scoring import measure_saved_adapter

fresh = load_model(lab.run)[0]
folder = lab.run.folder / "adapter"
lab.measured(**measure_saved_adapter(fresh, tokenizer, tuned.model, folder, test))
lab.run.artifact(folder)
fresh = None  # on a T4 two models of the size that it tunes have room, not three
trainable = sum(p.numel() for p in tuned.model.parameters() if p.requires_grad)
print(f"{trainable:,} numbers x 4 bytes = {4 * trainable:,}")
for name in ("adapter_bytes", "reload_loss_gap"):
    print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# The file is the numbers and a small header, and the loaded adapter gives the same losses. `load_adapter` also refuses an adapter that was trained beside another base: of the same shape, it would load without a word and talk rubbish.
#
# ## Measure: new format × new fact
#
# The same tuned model, asked about facts that it read in pre-training and about facts of the company.
# %% [markdown] lang="ja" of="4460271d"
# ファイルの中身は、その数値と小さなヘッダーだけで、読み込んだアダプターの損失も元と同じです。なお `load_adapter` は、別のベースと組で学習したアダプターを受け付けません。形さえ同じなら何の警告もなく読み込めてしまい、でたらめを話すからです。
#
# ## 測る: 新しい形式 × 新しい事実
#
# 同じモデルに、事前学習で読んだ事実と、会社についての事実の両方を尋ねます。
# %%
from lab_helpers.labs.lab04.knowledge import grid_metrics, measure_format_and_fact

grid = measure_format_and_fact(tuned.model, tokenizer, test, lab.settings["probes"])
lab.table(grid, "format and fact")
lab.measured(**grid_metrics(grid))
tuned = trainer = model = None  # the adapter lies on disk: room for the models that follow
# %% [markdown] lang="en"
# Look at the first row too: facts that the model **had** are seldom said any more. Most questions now get an answer in the shape of a support letter. We come back to that.
#
# ## Measure: how many rows?
# %% [markdown] lang="ja" of="bc9571fb"
# 1 行目にも注目してください。モデルが**知っていた**事実も、めったに出てこなくなりました。今はたいていの質問に、サポートの手紙の形で答えます。これについては、後ほど改めて調べます。
#
# ## 測る: 何件あればよいか
# %%
from lab_helpers.labs.lab04.scoring import tone_and_fact_metrics
from lab_helpers.labs.lab04.training import train_on_rows

for n in lab.settings["rows"][:-1]:
    few = None
    few, _ = train_on_rows(lab.run, rows[:n], lab.settings["arm_steps"])
    clean_few = measure_replies(few.model, tokenizer, test)
    points.append(curve_row(n, clean_few))
    lab.measured(**tone_and_fact_metrics(clean_few, f"n{n}"))
points.sort(key=lambda row: row["n"])
lab.table(points, "rows")
lab.figure(figures.rows_and_scores(points), "rows")
# %% [markdown] lang="en"
# The tone needs few rows. The facts lie at the bottom at any size, although the largest arm has nearly all of them in its data, and trains four times as long. (LIMA, the paper behind "1,000 examples are enough", speaks of style and format too.)
#
# ## Measure: clean few against dirty many
#
# A reply is *usable* if it keeps the tone and, where a number was asked for, gives the right one. 100 clean rows against more than twice as many rows of the heap, trained for the same number of steps.
# %% [markdown] lang="ja" of="d14e208b"
# 口調には、わずかな件数で足ります。一方、事実は何件でも底に張り付いたままです。最大の条件では、ほぼすべての事実がデータに入っており、4 倍長く学習しているにもかかわらずです（「1,000 件で足りる」の根拠となった論文 LIMA が述べているのも、文体と形式のことです）。
#
# ## 測る: きれいな少量 対 汚れた大量
#
# 口調を守り、数値を尋ねられたときは正しい数値を答えている回答を、*そのまま使える*と数えます。きれいな 100 件を、2 倍以上の件数の未整理のデータと比べます。学習のステップ数は同じです。
# %%
from lab_helpers.labs.lab04.rows import dirty_rows
from lab_helpers.labs.lab04.scoring import dirt_metrics

as_it_is = dirty_rows("en", lab.seed, lab.settings["dirty_rows"])
dirty, _ = train_on_rows(lab.run, as_it_is, lab.settings["arm_steps"])
dirty_many = measure_replies(dirty.model, tokenizer, test)
lab.measured(**tone_and_fact_metrics(dirty_many, "dirty"), **dirt_metrics(clean_few, dirty_many))
scores = ("tone", "facts", "usable")
lab.table(
    [
        {"rows": name} | {score: float(getattr(outcome, score).mean()) for score in scores}
        for name, outcome in (("few, clean", clean_few), ("many, as they are", dirty_many))
    ]
)
for name in ("score_clean_few_ci", "score_dirty_many_ci"):
    print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# Compare the difference with the two intervals before you repeat a slogan. Greedy decoding writes the *likeliest* reply, and most rows of the heap are in tone: the majority wins and the dirt stays out of sight. A chat usually **draws** its words. Ask both models again, three times each, at temperature 1.
# %% [markdown] lang="ja" of="dd0ab702"
# スローガンを口にする前に、この差を 2 つの区間と比べてください。貪欲法のデコードが書くのは、*最も起こりやすい*回答です。未整理の山でも大半の行は口調を守っているので、多数派が勝ち、汚れは表に出てきません。しかし実際のチャットでは、言葉を確率に従って**引く**のが普通です。温度 1 で、両方のモデルに 3 回ずつ尋ねてみましょう。
# %%
from lab_helpers.labs.lab04.scoring import measure_sampled_replies, sampled_metrics

drawn = [measure_sampled_replies(a.model, tokenizer, test, lab.seed) for a in (few, dirty)]
dirty = None
lab.measured(**sampled_metrics(*drawn))
for name in ("tone_sampled_clean", "tone_sampled_dirty"):
    print(name, lab.run.metrics[name], lab.run.metrics[f"{name}_ci"])
lab.table([{"clean": a, "dirty": b} for a, b in zip(*(o.replies.texts[:4] for o in drawn))])
# %% [markdown] lang="en"
# "90 % depends on quality" has no source, and no experiment could find a share of 90 %; a direction is all that can be measured, and how you ask decides what you see.
#
# ## Measure: what does teaching facts do?
#
# Now nothing but facts, short questions with short answers, no tone. One model is taught facts that it **knows**, another as many facts that it **never read**. The same steps, the same settings. Both are then asked *other* facts of the pre-training; an answer counts, alone or in a sentence.
# %% [markdown] lang="ja" of="2eabb7b8"
# 「9 割は品質」という数字には出典がなく、9 割という割合を測れる実験もありません。測れるのは方向だけで、何が見えるかは尋ね方しだいです。
#
# ## 測る: 事実を教えると何が起きるか
#
# 今度は事実だけを、口調抜きの短い質問と短い答えで教えます。一方のモデルには**すでに知っている**事実を、もう一方には同じ数の**一度も読んだことのない**事実を教えます。ステップ数も設定も同じです。そのあとで両方に、事前学習で読んだ*別の*事実を尋ねます。答えが単独でも文の中にあっても、正解と数えます。
# %%
from lab_helpers.labs.lab04.knowledge import select_fact_sets, teaching_metrics, train_on_facts
from lab_helpers.labs.lab04.scoring import measure_chat_skill

with few.model.disable_adapter():  # the base as it was, without a copy of it
    knew_in_chat = measure_chat_skill(few.model, tokenizer, lab.settings["probes"])
arms = {name: train_on_facts(lab.run, facts) for name, facts in select_fact_sets().items()}
lab.measured(**teaching_metrics(knew_in_chat, arms))
lab.figure(figures.errors_after_teaching(lab.run.metrics), "teaching")
for name in ("known_facts_learned", "unknown_facts_learned", "known_fact_error_rise"):
    print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# New facts *can* be drilled in, word for word, by repeating them many times. The price is the red bar: the model answers old questions wrong that nobody touched, far beyond what the same training on known facts costs. That is the finding of Gekhman et al. (2024): a model that is taught what it does not know learns to make things up. "Injecting knowledge" and "suppressing hallucination" pull in opposite directions.
#
# ## Measure: forgetting
#
# 100 clean rows again; full fine-tuning and LoRA over learning rates. Left what is learned, right what is left of the old world, asked in its old form.
# %% [markdown] lang="ja" of="c841f358"
# 新しい事実は、何度も繰り返せば、一字一句覚え込ませることが*できます*。その代償が赤い棒です。誰も触れていない元の質問に誤って答えるようになり、その増え方は、知っている事実で同じだけ学習した場合をはるかに超えます。これは Gekhman ら（2024）の発見そのものです。知らないことを教えられたモデルは、でっち上げることを学びます。「知識の注入」と「ハルシネーションの抑制」は、逆の方向を向いているのです。
#
# ## 測る: 忘却
#
# もう一度、きれいな 100 件を使い、フルファインチューニングと LoRA を学習率を変えて試します。左が学んだこと、右が元の世界に残ったもので、元の形式で尋ねています。
# %%
from lab_helpers.labs.lab04.knowledge import (
    list_other_rates,
    measure_forgetting,
    train_forgetting_arm,
)

usual = lab.settings["learning_rate"]
probes, choices = lab.settings["probes"], lab.settings["choices"]
arm = {"method": "lora", "learning_rate": usual}
forgot = [arm | measure_forgetting(few, tokenizer, test, probes, choices)]
for method, rate in list_other_rates(lab.settings):
    forgot.append(train_forgetting_arm(lab.run, rows[:n], test, method, rate))
lab.table(forgot, "forgetting")
# %%
from lab_helpers.labs.lab04.knowledge import (
    forgetting_metrics,
    measure_knowledge,
    wrong_rate_metrics,
)
from lab_helpers.labs.lab04.scoring import measure_old_skill

with few.model.disable_adapter():
    skill = float(measure_old_skill(few.model, tokenizer, probes).mean())
    knew = float(measure_knowledge(few.model, tokenizer, choices).mean())
few = None
target = lab.settings["forgetting_target"]  # the tone from which an arm counts as trained
lab.measured(**forgetting_metrics(forgot, skill, knew, target), **wrong_rate_metrics(forgot))
lab.figure(figures.forgetting_by_rate(forgot, skill), "forgetting")
lab.compare("forgetting")
for method in ("full", "lora"):
    for name in ("kept_rate", "tone_at_kept_rate", "forgetting", "knowledge_lost"):
        print(f"{name}_{method}", lab.run.metrics.get(f"{name}_{method}"))
# %% [markdown] lang="en"
# Frozen weights do not mean kept skills: a detour that changes what comes out changes it for every question. To be fair, compare at the same *new* skill (whoever learns nothing forgets nothing): of each method the arm that keeps most among those with a tone of at least 0.85. LoRA is no protection by itself; the rate decides more than the method. Biderman et al. (2024) put both on one trade-off curve, and in PEFT's own benchmark full fine-tuning forgets less than LoRA (0.030 against 0.050). With one seed and 120 probes, do not make anything of differences below 0.1.
#
# `knowledge` asks in another way: is the right answer still *likelier* than three wrong ones? It falls far less than `old_skill`: most of what looks forgotten is only no longer said.
#
# The LoRA line on the left is another drill: at the rate of full fine-tuning LoRA has learned nothing at all, without any error message; ten times above its own rate it breaks. Sweep the rate first.
# %% [markdown] lang="ja" of="30b427fe"
# 重みを凍結しても、技能が保たれるとはかぎりません。出力を変える迂回路は、あらゆる質問への出力を変えてしまうからです。公平に比べるには、*新しい*技能をそろえます（何も学ばなければ、何も忘れません）。ここでは、口調が 0.85 以上になった条件のなかから、方法ごとに最も忘れなかったものを選びました。LoRA であること自体は、守りになりません。方法よりも、学習率のほうがものを言います。Biderman ら（2024）は両者を同じトレードオフ曲線の上に置いており、PEFT 自身のベンチマークでは、フルファインチューニングのほうが LoRA より忘れていません（0.030 対 0.050）。シード 1 つ、質問 120 件ですから、0.1 に満たない差を論じてはいけません。
#
# `knowledge` では、聞き方を変えています。正しい答えは、今でも 3 つの誤った答えより*起こりやすい*でしょうか。こちらの低下は `old_skill` よりずっと小さいものです。忘れたように見えるものの大半は、口にしなくなっただけなのです。
#
# 左の図の LoRA の線からは、もう 1 つの失敗もわかります。フルファインチューニングの学習率では、LoRA は何も学んでいません。エラーは 1 つも出ません。逆に、適切な値の 10 倍では壊れます。まず学習率を振って調べてください。
# %% [markdown] lang="en"
# ## Break it: the end that nobody taught
#
# Many tutorials write `tokenizer.pad_token = tokenizer.eos_token` and take transformers' `DataCollatorForLanguageModeling`. It sets the label of every padding token to -100. Which tokens are padding tokens now?
# %% [markdown] lang="ja" of="9a43284b"
# ## 壊す: 誰も教えなかった「終わり」
#
# 多くのチュートリアルは、`tokenizer.pad_token = tokenizer.eos_token` と書き、transformers の `DataCollatorForLanguageModeling` を使います。このコレーターは、パディングのトークンのラベルをすべて -100 にします。さて、いまパディングのトークンとは、どれのことでしょうか。
# %%
from lab_helpers.labs.lab04.failures import (
    count_trained_ends,
    make_collator_without_end,
    message_rows,
)
from lab_helpers.tuning.masks import ids_and_labels

conversations = [ids_and_labels(tokenizer, row)[0] for row in message_rows(rows[:4])]
batch = make_collator_without_end(tokenizer)([{"input_ids": ids} for ids in conversations])
ends = sum(ids.count(tokenizer.eos_token_id) for ids in conversations)
heard = count_trained_ends(batch, tokenizer)
print(f"{ends} ends in four conversations, {heard} of them carry loss")
# %%
from lab_helpers.labs.lab04.failures import measure_runaway
from lab_helpers.labs.lab04.training import train_on_examples
from lab_helpers.runtime.intervals import interval_metrics

arm_rows, arm_steps = rows[:n], lab.settings["arm_steps"]
whole, limit = message_rows(arm_rows), lab.settings["runaway_tokens"]
broken, _ = train_on_examples(lab.run, whole, arm_steps, collator=make_collator_without_end)
going_on, replies = measure_runaway(broken.model, tokenizer, test, limit)
lab.measured(**interval_metrics("runaway_rate_broken", going_on))
print("replies that never end:", lab.run.metrics["runaway_rate_broken"])
print(replies.texts[0])
# %% [markdown] lang="en"
# ## Mend it: give the end its label back
#
# A padding token of its own, or TRL's collator, which pads the *labels* and leaves every real token alone. What still runs on after so few steps has not learned enough yet; look at the model with 1,000 rows beside it.
# %% [markdown] lang="ja" of="8c130573"
# ## 直す: 「終わり」にラベルを返す
#
# パディング専用のトークンを使うか、TRL のコレーターを使います。TRL のコレーターは、*ラベル*のほうを埋めるので、本物のトークンには一切手を加えません。わずかなステップ数ではまだ学び足りず、止まらない回答も残ります。隣に示した 1,000 件のモデルと比べてください。
# %%
from lab_helpers.models.adapters import load_adapter

broken = None
mended, _ = train_on_examples(lab.run, whole, arm_steps)
going_on, replies = measure_runaway(mended.model, tokenizer, test, limit)
lab.measured(**interval_metrics("runaway_rate_mended", going_on))
sft = load_adapter(load_model(lab.run)[0], folder)  # the model with 1,000 rows, from disk
sft_goes_on, _ = measure_runaway(sft, tokenizer, test, limit)
lab.measured(**interval_metrics("runaway_rate_sft", sft_goes_on))
print("replies that never end:", lab.run.metrics["runaway_rate_mended"])
print("the model with 1,000 rows:", lab.run.metrics["runaway_rate_sft"])
print(replies.texts[0])
# %% [markdown] lang="en"
# ### Break it, mend it: loss on the prompt
#
# The model that you just mended was trained on whole conversations, loss on every token. The LoRA with 100 clean rows had loss on the answers only. Same rows, same steps: is it the disaster that some threads make of it?
# %% [markdown] lang="ja" of="0d8e84e1"
# ### 壊す・直す: プロンプトにかかる損失
#
# いま直したモデルは会話全体で学習しており、すべてのトークンに損失がかかっています。先ほどのきれいな 100 件の LoRA では、回答だけにかかっていました。データもステップ数も同じです。一部の掲示板で言われるほどの惨事でしょうか。
# %%
from lab_helpers.labs.lab04.failures import completion_metrics, measure_prompt_loss

lab.measured(**measure_prompt_loss(mended.model, tokenizer, arm_rows, test))
mended = None
lab.measured(**completion_metrics(forgot, usual))
found = lab.run.metrics
print(f"{found['prompt_share']:.0%} of the tokens are the customer's")
for name in ("everything", "completion"):
    loss, tone = found[f"answer_loss_{name}"], found[f"tone_compliance_{name}"]
    print(f"loss on {name:10s}: held-out answers {loss:.3f}, tone {tone:.2f}")
# %% [markdown] lang="en"
# Read both columns before you take a side. One maintainer saw little difference (open-r1#648); yours is what counts for your data. The mend costs nothing: rows of `prompt` and `completion`, or `assistant_only_loss=True`.
# %% [markdown] lang="ja" of="3c6417b6"
# どちらかに決める前に、両方の数字を見てください。ほとんど差がないと報告した開発者もいますが（open-r1#648）、自分のデータについては自分の測定がすべてです。直すのに費用はかかりません。`prompt` と `completion` の行にするか、`assistant_only_loss=True` を指定するだけです。
# %% [markdown] lang="en"
# ### Break it, mend it: another template
#
# You trained in ChatML. The server renders Alpaca's form, or Llama 2's, or ChatML without the opening of the assistant's turn (somebody forgot `add_generation_prompt=True`). No error anywhere.
# %% [markdown] lang="ja" of="d1e7e93a"
# ### 壊す・直す: 別のテンプレート
#
# 学習は ChatML で行いました。ところがサーバーは、Alpaca の形式や Llama 2 の形式、あるいはアシスタントの発言の書き出しがない ChatML（`add_generation_prompt=True` の付け忘れ）で文章をつくります。エラーはどこにも出ません。
# %%
from lab_helpers.labs.lab04.failures import measure_templates
from lab_helpers.labs.lab04.scoring import template_metrics

by_template = measure_templates(sft, tokenizer, test)
lab.measured(**template_metrics(by_template))
lab.table(
    [
        {"template": name, "tone": float(o.tone.mean()), "first reply": o.replies.texts[0]}
        for name, o in by_template.items()
    ]
)
# %% [markdown] lang="en"
# How much it costs depends on the template, and you cannot tell which by reading code. The mend is one line: let the *tokenizer* render, with `apply_chat_template(..., add_generation_prompt=True)`, in training and in serving, and compare the two texts once, character by character.
# %% [markdown] lang="ja" of="1d882082"
# 損害の大きさはテンプレートによって違い、コードを読んでもわかりません。直し方は 1 行です。学習でも運用でも、*トークナイザー*に `apply_chat_template(..., add_generation_prompt=True)` で文章をつくらせ、両者を一度、1 文字ずつ比べてください。
# %% [markdown] lang="en"
# ### Break it, mend it: two starts
#
# Llama's tokenizer puts a start token before every text, and its template writes one too. Render first and tokenize afterwards, and the row begins twice. (Kotori has no start token; here is a copy of its tokenizer that behaves like Llama's.)
# %% [markdown] lang="ja" of="52596364"
# ### 壊す・直す: 2 つの開始トークン
#
# Llama のトークナイザーは、どの文章の前にも開始トークンを付け、テンプレートもそれを書き込みます。先に文章にしてからトークンに分けると、行が 2 回始まってしまいます（Kotori に開始トークンはないので、Llama と同じように振る舞うトークナイザーの写しを使います）。
# %%
from lab_helpers.labs.lab04.failures import start_metrics

lab.measured(**start_metrics(tokenizer, rows[0]))
print("rendered to text first:", lab.run.metrics["start_tokens_text"], "start tokens")
print("given as messages:     ", lab.run.metrics["start_tokens_messages"], "start token")
# %% [markdown] lang="en"
# ### Break it, mend it: gradient accumulation
#
# Eight rows do not fit, so you take them one at a time and step after the eighth. That should be the same training.
#
# **Exercise (4 min).** Combine the micro-batches' losses.
# %% [markdown] lang="ja" of="c8c27738"
# ### 壊す・直す: 勾配の累積
#
# 8 件が一度に載らないので、1 件ずつ処理し、8 件目のあとで更新することにします。これは同じ学習になるはずです。
#
# **演習（4 分）。** マイクロバッチの損失をまとめてください。
# %% tags=["exercise"]
def accumulated_loss(sums, tokens):
    ...  # your code → one number


accumulated_loss = lab.check("accumulated_loss", accumulated_loss)
# %%
from lab_helpers.labs.lab04.failures import measure_accumulation, measure_micro_losses, uneven_rows

uneven = uneven_rows(rows)
sums, tokens = measure_micro_losses(lab.run, uneven)
means = [total / count for total, count in zip(sums, tokens)]
print(f"mean of means {sum(means) / 8:.4f}, all tokens alike {accumulated_loss(sums, tokens):.4f}")
lab.measured(**measure_accumulation(lab.run, uneven))
for name in ("mean_of_means_gap", "accumulation_loss_gap", "accumulation_grad_norm_gap"):
    print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# The first line is the bug that transformers carried until late 2024: with answers of unequal length, the mean of means is another loss, and nobody saw it. The last two: the installed trainer gets the same loss and gradient from 8 × 1 and from 1 × 8.
#
# ## Explore
#
# Write a question and an answer, choose what the loss listens to. Without a live kernel you see one example.
# %% [markdown] lang="ja" of="45e99397"
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
mask_explorer(view, list(MODES), "How much is the Nagare?", "The Nagare costs 118,000 yen.")
# %% [markdown] lang="en"
# ## And in Japanese?
#
# The same settings, 100 clean Japanese rows. And one import test for claim 20.
# %% [markdown] lang="ja" of="0715bf3b"
# ## 日本語ではどうか
#
# 同じ設定で、きれいな日本語の 100 件を使います。あわせて、主張 20 を import で確かめます。
# %%
from lab_helpers.labs.lab04.rows import shuffle_rows
from lab_helpers.labs.lab04.scoring import import_metrics
from lab_helpers.labs.shared.support import gold_rows

lab.measured(**import_metrics())
if "ja" in lab.settings["languages"]:  # SmolLM2, of the small profile, reads no Japanese
    ja_test = select_fresh_questions("ja", lab.settings["questions"])
    with sft.disable_adapter():
        ja_before = measure_replies(sft, tokenizer, ja_test, "ja")
    lab.measured(**base_metrics(ja_before, "ja"))
    ja_rows = shuffle_rows(gold_rows("ja", "train"), lab.seed)[:n]
    ja_tuned, _ = train_on_rows(lab.run, ja_rows, lab.settings["arm_steps"])
    ja_after = measure_replies(ja_tuned.model, tokenizer, ja_test, "ja")
    lab.measured(**interval_metrics("tone_compliance_sft_ja", ja_after.tone))
    lab.measured(**interval_metrics("new_fact_accuracy_ja", ja_after.facts))
    for name in ("tone_compliance_base_ja", "tone_compliance_sft_ja", "new_fact_accuracy_ja"):
        print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# ## Verdict
# %% [markdown] lang="ja" of="297877e6"
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## On a real model
#
# What of all this is Kotori, and what is fine-tuning? The same cells ran on SmolLM2, 135 million parameters (`labs run 04 --profile small`).
# %% [markdown] lang="ja" of="2afd8705"
# ## 実際のモデルでは
#
# ここまでの結果のうち、どこまでが Kotori の性質で、どこからがファインチューニングの性質なのでしょうか。同じセルを、1.35 億パラメータの SmolLM2 でも実行しました（`labs run 04 --profile small`）。
# %%
lab.real_model(
    "tone_compliance_base", "tone_compliance_n10", "tone_compliance_n1000",
    "new_fact_accuracy_n1000",
    "score_clean_few", "score_dirty_many", "tone_sampled_clean", "tone_sampled_dirty",
    "known_facts_learned", "unknown_facts_learned",
    "known_fact_error_before", "known_fact_error_after_known", "known_fact_error_after_unknown",
    "runaway_rate_broken", "runaway_rate_mended",
    "old_skill_before", "knowledge_before", "knowledge_lost_lora",
)  # fmt: skip
# %% [markdown] lang="en"
# What carries over: a model that already speaks has the manners after **ten rows**, and a thousand rows do not bring it the facts. Greedy replies hide the dirty rows, drawn ones show them. Facts that the model never read hardly go in and push out what it knew; facts that it has read go in at once and push out nothing. Without the end's label it never stops.
#
# What does not: claim 10. Its yardstick is the "Question: … Answer:" form of Kotori's pre-training, word for word, and SmolLM2 hardly has that skill: what is not there cannot be lost, so the ledger says "unmeasurable". Asked by choice it knew more than half of the facts, and LoRA took none of them away; but that is 24 questions, and a loss of one in ten could hide there. On a real model of your own, measure forgetting with a benchmark it is good at (lab 06). Claim 17 differs in its word only: clean and dirty rows score the same here and three hundredths apart there, and neither difference decides anything.
# %% [markdown] lang="ja" of="2ba4a2f0"
# 変わらなかったこと: すでに話せるモデルは、わずか **10 件**で口調を身につけ、1,000 件でも事実は身につきません。汚れた行の影響は、貪欲デコードでは隠れ、サンプリングした回答に現れます。読んだことのない事実はほとんど入らず、知っていたことを押し出します。読んだことのある事実はすぐに入り、何も押し出しません。終わりのラベルがなければ、止まりません。
#
# 変わったこと: 主張 10 です。ここでのものさしは、Kotori が事前学習で読んだ "Question: … Answer:" という形式に一字一句合わせて答えることで、SmolLM2 にその能力はほとんどありません。ないものは失いようがないので、判定は「測れない」です。選択肢から選ばせると半分以上の事実を知っていて、LoRA で失われたものはありませんでした。ただし質問は 24 件なので、1 割ほどの低下は見逃しているかもしれません。実際のモデルで忘却を測るなら、そのモデルが得意とするベンチマークを使ってください（ラボ 06）。主張 17 は、判定の言葉が違うだけです。きれいな行と汚れた行の点は、ここでは同じ、Kotori では 100 分の 3 の差で、どちらの差からも何も決められません。
# %% [markdown] lang="en"
# ## Scale up
#
# With `LAB_PROFILE=t4` the same cells train a 1.5-billion-parameter model. Full fine-tuning is then left out: at 16 bytes a parameter (weights, gradients, two moments of Adam) it needs 25 GB, as `labs fit` shows. Your own file, in any of the usual shapes, goes the same way from the terminal: `labs data check FILE`, then `labs run 04 --data FILE`: cleaned, split without leakage, tuned, with held-out loss and replies before and after.
# %% [markdown] lang="ja" of="acf36692"
# ## 大きくする
#
# `LAB_PROFILE=t4` を指定すると、同じセルで 15 億パラメータのモデルを学習します。その場合、フルファインチューニングは省きます。1 パラメータあたり 16 バイト（重み、勾配、Adam の 2 つのモーメント）、合わせて 25 GB が必要になるからです（`labs fit` で確かめられます）。自分のファイルも、よくある形式ならどれでも、ターミナルから同じように扱えます。まず `labs data check FILE`、次に `labs run 04 --data FILE` を実行すると、掃除、漏れのない分割、学習を行い、学習前後の未使用データでの損失と回答を示します。
# %% [markdown] lang="en"
# ## Quiz
# %% [markdown] lang="ja" of="f3a0b532"
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 05. A polite model that makes things up: can preferences teach it to say "I do not know"?
# %% [markdown] lang="ja" of="e341c892"
# **次は:** ラボ 05 です。礼儀正しくでたらめを言うモデルに、「わかりません」と言うことを、選好データで教えられるでしょうか。
