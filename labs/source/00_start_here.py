# %% [markdown] lang="en"
# # Lab 00 · Start here
#
# **After this lab you can** check that your machine is ready, ask a language model with instructions and with examples, tune it in half a minute, switch the tuning off and on, say what a prompt costs that an adapter does not, and compute when your own GPU pays.
#
# **Time:** about two minutes of computing on a 2-core CPU; 45 minutes with the exercises.
#
# **Claims under test:** 33 (a prompt cannot change a model for good, tuning is permanent), 43 (tuning saves API costs).
#
# The rule of this course: **nothing is taken on trust.** You predict, build, break and measure; a verdict on each claim comes from *your* numbers. No GPU, no account and no download is needed.
# %% [markdown] lang="ja" of="c911ee65"
# # ラボ 00 · はじめに
#
# **このラボを終えると**、手元のマシンの準備が整っているかを確かめ、言語モデルに指示や例を与えて答えさせ、30 秒ほどでファインチューニングし、その効果をオフにしてまたオンに戻し、アダプターにはないプロンプト特有のコストを説明し、自前の GPU で元が取れる条件を計算できるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 2 分、演習も含めると 45 分です。
#
# **検証する主張:** 33（プロンプトではモデルを恒久的に変えられず、ファインチューニングによる変更は永続する）、43（ファインチューニングで API のコストが下がる）。
#
# この講座のルールは、**何ごとも鵜呑みにしない**ことです。予想し、つくり、壊し、測ります。それぞれの主張への判定は、*あなた自身の*数字から下します。GPU もアカウントもダウンロードも要りません。
# %%
from lab_helpers import open_lab

lab = open_lab("00")
# %% [markdown] lang="en"
# ## Is the machine ready?
#
# Every problem in this table comes with its way out. A note about a version is no problem unless something breaks later.
# %% [markdown] lang="ja" of="7b785c00"
# ## マシンの準備はできているか
#
# 次の表では、どの問題にも対処法を添えています。バージョンについての注記は、あとで何かが動かなくならないかぎり、問題ではありません。
# %%
from lab_helpers.course.doctor import check_machine

mine = ("results", "trainings")  # what only this machine knows
findings = [finding for finding in check_machine() if finding.name not in mine]
lab.table([{"what": f.name, "found": f.value, "": f.level, "way out": f.fix} for f in findings])
# %% [markdown] lang="en"
# ## How a lab works
#
# - Cells marked **Exercise** hold a function with `...` in it. Replace the dots and run the cell: the check says what is right, or names the mistake.
# - `lab.hint("name")` gives three hints, one after another; `lab.solution("name")` shows the answer.
# - An unanswered exercise stops nothing: the lab goes on with the reference. "Run all" always works.
# - Before you measure, you **predict**. Do not skip it.
# %% [markdown] lang="ja" of="5cce1081"
# ## ラボの進め方
#
# - **演習**と書かれたセルには、中身が `...` の関数があります。`...` を書き換えてセルを実行してください。正しくできた点、または間違いの内容が表示されます。
# - `lab.hint("name")` は 3 つのヒントを 1 つずつ順に示し、`lab.solution("name")` は解答を示します。
# - 演習に答えなくても、先へ進めます。その場合は模範解答を使って続けるので、「すべて実行」はいつでも最後まで動きます。
# - 測る前に、必ず**予想**します。ここは飛ばさないでください。
# %% [markdown] lang="en"
# ## The job
#
# You have joined Hoshizora Electric, a maker of home appliances, to build the assistant that answers its customers. The model is **Kotori**, a small language model that comes with this course. It was trained on everyday English and Japanese and has never heard of Hoshizora. Ask it something.
# %% [markdown] lang="ja" of="8ccc6437"
# ## 今回の仕事
#
# あなたは家電メーカーの星空電機に入社し、顧客に回答するアシスタントをつくることになりました。使うモデルは、この講座に付属する小さな言語モデル **Kotori** です。日常的な英語と日本語の文章で学習しており、星空電機のことは聞いたこともありません。まずは何か質問してみましょう。
# %%
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.models.generation import generate

model, tokenizer = load_model(lab.run)
test_rows = gold_rows("en", "test")[: lab.settings["questions"]]
question = test_rows[0]["question"]
plain_chat = [{"role": "user", "content": question}]
print("customer:", question)
print("model:   ", generate(model, tokenizer, [plain_chat]).texts[0])
# %% [markdown] lang="en"
# A base model continues text; it has no manners and no employer. This is what the company wants instead, written by its own people:
# %% [markdown] lang="ja" of="e35da050"
# ベースモデルは、文章の続きを書くだけです。礼儀も知らなければ、どこの社員でもありません。会社が求めているのは、次のような回答です。いずれも社員が書いたものです。
# %%
lab.table([{"customer": r["question"], "reply": r["answer"]} for r in gold_rows("en", "train")[:3]])
# %% [markdown] lang="en"
# ## Build: a ruler for the tone
#
# The house tone has three rules: a fixed opening, a fixed closing, and no exclamation mark in between. What a program can check, we can count.
#
# **Exercise (5 min).** Return `True` if a reply keeps all three rules, else `False`.
# %% [markdown] lang="ja" of="feccf3f6"
# ## つくる: 口調を測るものさし
#
# 会社の口調には、3 つのルールがあります。決まった書き出し、決まった結び、そしてそのあいだに感嘆符を使わないことです。プログラムで確かめられるものは、数えることができます。
#
# **演習（5 分）。** 回答が 3 つのルールをすべて守っていれば `True`、そうでなければ `False` を返してください。
# %% tags=["exercise"]
from lab_helpers.evaluation.tone import HOUSE

house = HOUSE["en"]
print(house.opening, "...", house.closing)


def keeps_tone(reply, opening, closing):
    ...  # your code


keeps_tone = lab.check("keeps_tone", keeps_tone)
# %%
from lab_helpers.labs.lab00.prompts import ask_plainly
from lab_helpers.labs.lab00.scoring import measure_way

asked = [ask_plainly(row["question"]) for row in test_rows]
plain_replies, found = measure_way(model, tokenizer, asked, "en", "plain")
lab.measured(**found)
kept = [keeps_tone(reply, house.opening, house.closing) for reply in plain_replies.texts]
print(f"{sum(kept)} of {len(kept)} replies keep the tone")
print(f"{plain_replies.tokens_per_second:.0f} tokens a second")
# %% [markdown] lang="en"
# From here on we measure with the package's version of your rule, which also refuses contractions and an empty middle.
#
# ## Predict
#
# There are three ways to get the tone: **instruct** the model in the prompt, **show** it examples in the prompt, or **tune** it. You will train an adapter for about half a minute. By how many **points** will it beat the better of the two prompts?
# %% [markdown] lang="ja" of="1196b7c7"
# ここから先の測定には、いま書いたルールのパッケージ版を使います。こちらは、短縮形（英語の isn't など）や、書き出しと結びのあいだに何もない回答も不合格とします。
#
# ## 予想する
#
# この口調で答えさせる方法は 3 つあります。プロンプトでモデルに**指示する**か、プロンプトで例を**見せる**か、モデルを**ファインチューニングする**かです。これから、アダプターを 30 秒ほどかけて学習させます。アダプターは、2 つのプロンプトのうち良いほうを**何ポイント**上回るでしょうか。
# %%
lab.predict("tone_gain", ...)
# %% [markdown] lang="en"
# ## Build: instruct (zero-shot)
#
# The rules go into a system message, in front of every question.
# %% [markdown] lang="ja" of="22484729"
# ## つくる: 指示する（ゼロショット）
#
# ルールをシステムメッセージに書き、すべての質問の前に置きます。
# %%
from lab_helpers.labs.lab00.prompts import ask_with_instruction

print(ask_with_instruction(question, "en")[0]["content"], "\n")
asked = [ask_with_instruction(row["question"], "en") for row in test_rows]
zero_shot_replies, found = measure_way(model, tokenizer, asked, "en", "zero_shot")
lab.measured(**found)
print("model:", zero_shot_replies.texts[0])
print("tone:", lab.run.metrics["tone_compliance_zero_shot"])
# %% [markdown] lang="en"
# Following an instruction is a skill of its own, and a base model has not been taught it: labs 04 and 05 are about that. An instruction-tuned model would do better; with the t4 profile the cell above asks one.
#
# ## Build: show (few-shot)
#
# **Exercise (6 min).** Write earlier exchanges into the conversation, as if the model had answered them, then the new question.
# %% [markdown] lang="ja" of="564795c7"
# 指示に従うことは、それ自体が 1 つの技能であり、ベースモデルはまだそれを教わっていません。ラボ 04 と 05 で、まさにそこを扱います。指示チューニング済みのモデルなら、もっとうまくやれるはずです。t4 プロファイルでは、すぐ上のセルがそうしたモデルに質問します。
#
# ## つくる: 例を見せる（フューショット）
#
# **演習（6 分）。** 過去のやりとりを、モデル自身が答えたかのような形で会話に書き込み、そのあとに新しい質問を続けてください。
# %% tags=["exercise"]
def few_shot_messages(examples, question):
    ...  # your code


few_shot_messages = lab.check("few_shot_messages", few_shot_messages)
# %%
from lab_helpers.labs.lab00.prompts import select_examples

examples = select_examples("en", lab.settings["few_shot"])
asked = [few_shot_messages(examples, row["question"]) for row in test_rows]
few_shot_replies, found = measure_way(model, tokenizer, asked, "en", "few_shot")
lab.measured(**found)
for row, reply in list(zip(test_rows, few_shot_replies.texts))[:3]:
    print("customer:", row["question"], "\nmodel:   ", reply, "\n")
for name in ("tone_compliance_few_shot", "tone_compliance_few_shot_ci"):
    print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# The two numbers in brackets are a 95 % interval: with 50 questions, rates ten points apart can hardly be told from each other. You will see such intervals all through the course.
#
# Surprised? Read the replies: Kotori picks words up from the examples and loses its way. It has learned to copy a *fact* out of a text, and to follow a simple form: `labs run base` measures both. To take over a whole *manner of speaking* from three examples is a larger feat, and at five million parameters it fails here. Whether a larger, instruction-tuned model can is yours to measure with the t4 profile; what such a prompt costs is the next question but one.
#
# ## And as JSON, please
#
# Programs want replies in a fixed form. The same examples, their answers wrapped in JSON, and one line that asks for it: does every reply parse, and does it keep the tone?
# %% [markdown] lang="ja" of="ad4d7008"
# 角括弧の中の 2 つの数は、95 % 区間です。質問は 50 件なので、割合が 10 ポイントほど違っても、優劣はまず区別できません。このような区間は、この講座のいたるところに出てきます。
#
# 意外だったでしょうか。回答を読んでみてください。Kotori は例の言葉を拾いはしますが、途中で道に迷います。読んだ文章から*事実*を書き写すことや、単純な型に従うことなら学んでいます（どちらも `labs run base` で測れます）。しかし、3 つの例から*話し方*を丸ごと受け継ぐのは、それよりずっと難しいことです。500 万パラメータの Kotori には、ここではできません。もっと大きな指示チューニング済みのモデルにできるかどうかは、t4 プロファイルで自分で測れます。こうしたプロンプトにかかるコストは、JSON の次に調べます。
#
# ## JSON でもお願いします
#
# プログラムは、決まった形式の回答を必要とします。同じ例の回答を JSON で包み、その形式を求める一行を添えます。すべての回答が JSON として解析できるでしょうか。そして、口調は守られるでしょうか。
# %%
from lab_helpers.labs.lab00.prompts import ask_for_json

asked = [ask_for_json(row["question"], "en", examples) for row in test_rows]
json_replies, found = measure_way(model, tokenizer, asked, "en", "json")
lab.measured(**found)
print(json_replies.texts[0])
for name in ("json_valid", "tone_compliance_json"):
    print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# ## What a prompt costs
#
# **Exercise (3 min).** How many tokens does a model read in a month when the examples travel in every prompt?
# %% [markdown] lang="ja" of="36c51e67"
# ## プロンプトにかかるコスト
#
# **演習（3 分）。** 例を毎回プロンプトに入れると、モデルが 1 か月に読むトークンはいくつになるでしょうか。
# %% tags=["exercise"]
def tokens_per_month(question_tokens, example_tokens, calls):
    ...  # your code


tokens_per_month = lab.check("tokens_per_month", tokens_per_month)
# %%
bare = lab.run.metrics["prompt_tokens_plain"]
for way in ("plain", "zero_shot", "few_shot", "json"):
    total = lab.run.metrics[f"prompt_tokens_{way}"]
    month = tokens_per_month(bare, total - bare, calls=100_000)
    print(f"{way:10s} {total:5.0f} tokens a call, {month:12,.0f} for 100,000 calls")
# %% [markdown] lang="en"
# ## Build: tune it, live
#
# LoRA leaves every weight of the model as it is and learns a small detour beside some of them. `LoraConfig` says where, `SFTConfig` says how long and how fast; both are the field's own objects. Change them and run again. Lab 02 takes LoRA apart, lab 04 the training.
# %% [markdown] lang="ja" of="4cf68762"
# ## つくる: その場でファインチューニングする
#
# LoRA は、モデルの重みをすべて元のまま残し、その一部の脇にある小さな迂回路を学習します。どこに付けるかは `LoraConfig` で、どれだけの長さと速さで学習するかは `SFTConfig` で指定します。どちらも、実務で使われているものそのままです。値を変えて、もう一度実行してみてください。LoRA の仕組みはラボ 02 で、学習の仕組みはラボ 04 で分解して調べます。
# %%
from peft import LoraConfig

from lab_helpers.labs.shared.sft_configs import make_epochs_config
from lab_helpers.tuning.sft import prompt_completion, sft_trainer

config = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
training = make_epochs_config(lab.run)
print("epochs", training.num_train_epochs, "learning rate", training.learning_rate)
rows = prompt_completion(gold_rows("en", "train"))
tuned = lab.train(sft_trainer(model, tokenizer, rows, training, config))
lab.measured(train_seconds=tuned.seconds)
tuned.model.print_trainable_parameters()
print(f"{len(rows)} rows, loss {tuned.losses[0]:.2f} -> {tuned.losses[-1]:.2f}")
# %% [markdown] lang="en"
# The same questions again, without a word of instruction in the prompt.
# %% [markdown] lang="ja" of="41a45b87"
# 同じ質問をもう一度します。今度は、プロンプトに指示を一言も入れません。
# %%
from lab_helpers.labs.lab00.scoring import comparison_figure, gain_metrics

asked = [ask_plainly(row["question"]) for row in test_rows]
adapter_replies, found = measure_way(tuned.model, tokenizer, asked, "en", "adapter")
lab.measured(**found)
lab.measured(**gain_metrics(lab.run.metrics))
print("customer:", question, "\nmodel:   ", adapter_replies.texts[0])
lab.figure(comparison_figure(lab.run.metrics), "prompting_or_tuning")
lab.compare("tone_gain")
# %% [markdown] lang="en"
# Look at the black intervals before you cheer: do they overlap? And be fair: the adapter saw 200 examples, the few-shot prompt three. Fair is: *if you have 200 examples*, tuning uses them all, and a prompt has room for a few.
#
# ## What the tuning did not teach
#
# A reply in the right tone is not yet a right reply. Compare with what the company's people wrote.
# %% [markdown] lang="ja" of="5aa2aa03"
# 喜ぶ前に、黒い線で示した区間を見てください。重なっていないでしょうか。公平さにも注意が必要です。アダプターは例を 200 件見ていますが、フューショットのプロンプトが見たのは 3 件だけです。公平な言い方をすれば、*例が 200 件あるなら*、ファインチューニングはそのすべてを活かせますが、プロンプトには数件しか入らない、となります。
#
# ## ファインチューニングが教えなかったこと
#
# 口調が正しいからといって、内容まで正しいとはかぎりません。社員が書いた回答と比べてみましょう。
# %%
from lab_helpers.labs.lab00.scoring import fact_metrics

with_facts = [(row, reply) for row, reply in zip(test_rows, adapter_replies.texts) if row["fact"]]
lab.table([{"right": r["answer"][36:-41], "model": t[36:-41]} for r, t in with_facts[:5]])
lab.measured(**fact_metrics(test_rows, adapter_replies.texts))
print("right numbers:", lab.run.metrics["fact_accuracy_adapter"])
# %% [markdown] lang="en"
# The tone is there, the facts are not: 200 examples teach a style, hardly a price list, and a fluent wrong price is worse than none. Lab 04 measures this, lab 07 cures it by letting the model read.
#
# ## Break it: switch the tuning off
#
# The article says a prompt works for a moment while tuning changes the model "permanently". Switch the adapter off and compare with a freshly loaded model, number by number.
# %% [markdown] lang="ja" of="cf48ff8e"
# 口調は身についていますが、事実は身についていません。200 件の例で、文体は教えられても、価格表まではまず教えられません。しかも、もっともらしく述べられた誤った価格は、価格を答えないよりも始末が悪いものです。この問題はラボ 04 で測り、ラボ 07 で、モデルに資料を読ませることによって解決します。
#
# ## 壊す: ファインチューニングをオフにする
#
# 記事によれば、プロンプトの効果は一時的で、ファインチューニングはモデルを「永続的に」変えるとのことです。アダプターをオフにし、読み込んだばかりのモデルと数値を 1 つずつ比べてみましょう。
# %%
from lab_helpers.labs.lab00.scoring import answer_once

print(question)
for on in (True, False):
    reply = answer_once(tuned.model, tokenizer, question, on)
    print("adapter on: " if on else "adapter off:", reply)
# %% [markdown] lang="en"
# ## Mend it: switch it on again
# %% [markdown] lang="ja" of="e596bf01"
# ## 直す: もう一度オンにする
# %%
from lab_helpers.labs.lab00.scoring import measure_switch
from lab_helpers.models.adapters import save_adapter

freshly_loaded = load_model(lab.run)[0]
lab.measured(**measure_switch(tuned.model, tokenizer, freshly_loaded, question))
freshly_loaded = None  # back to one model in memory
lab.measured(adapter_bytes=save_adapter(tuned.model, lab.run.folder / "adapter"))
lab.run.artifact(lab.run.folder / "adapter")
for name in ("adapter_off_max_abs_diff", "adapter_on_max_abs_diff", "adapter_bytes"):
    print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# Off is the base again, to the last bit; on is the tuned model. The whole tuning is a file of under 200 kilobytes beside an 11 MB model. So it is as permanent as you want it to be: one base, many adapters.
# %% [markdown] lang="ja" of="f1f0448f"
# オフにすれば最後の 1 ビットまでベースモデルに戻り、オンにすればファインチューニング済みのモデルになります。ファインチューニングの成果は、11 MB のモデルに添える 200 キロバイト未満のファイル 1 つにすべて収まっています。つまり、どこまで永続させるかは使う側しだいです。1 つのベースモデルに、いくつものアダプターを用意できます。
# %% [markdown] lang="en"
# ## And in Japanese?
#
# Kotori reads and writes both languages. The same ways of asking, the same settings, an adapter of its own.
# %% [markdown] lang="ja" of="c0105859"
# ## 日本語ではどうか
#
# Kotori は、英語も日本語も読み書きできます。プロンプトの与え方も設定も変えずに、日本語専用のアダプターを用意して試します。
# %%
from lab_helpers.labs.lab00.prompts import list_ways
from lab_helpers.labs.lab00.training import train_adapter

reads_japanese = "ja" in lab.settings["languages"]  # SmolLM2, of the small profile, does not
ja_rows = gold_rows("ja", "test")[: lab.settings["questions"]]
ja_questions = [row["question"] for row in ja_rows]
if reads_japanese:
    ja_ways = list_ways("ja", select_examples("ja", lab.settings["few_shot"]))
    for way, ask in ja_ways.items():
        asked = [ask(q) for q in ja_questions]
        with tuned.model.disable_adapter():  # off is the base: no second copy is needed
            lab.measured(**measure_way(tuned.model, tokenizer, asked, "ja", way)[1])
        print(way, lab.run.metrics[f"tone_compliance_{way}_ja"])
# %%
if reads_japanese:
    ja_tuned, _ = train_adapter(lab.run, "ja")
    lab.measured(train_seconds_ja=ja_tuned.seconds)
    asked = [ask_plainly(q) for q in ja_questions]
    ja_replies, found = measure_way(ja_tuned.model, tokenizer, asked, "ja", "adapter")
    lab.measured(**found, **fact_metrics(ja_rows, ja_replies.texts, "_ja"))
    print(ja_questions[0], "\n", ja_replies.texts[0])
    print("adapter", lab.run.metrics["tone_compliance_adapter_ja"])
# %% [markdown] lang="en"
# ## Measure: when does your own GPU pay?
#
# **Exercise (6 min).** A GPU that is always on costs 730 hours a month; an API costs by the token. From how many calls a month is the GPU cheaper?
# %% [markdown] lang="ja" of="69e79e32"
# ## 測る: 自前の GPU で元が取れるのはいつか
#
# **演習（6 分）。** 常時稼働の GPU には月 730 時間分の費用がかかり、API にはトークン数に応じた費用がかかります。GPU のほうが安くなるのは、月に何回の呼び出しからでしょうか。
# %% tags=["exercise"]
def break_even_calls(price_per_million, tokens_per_call, gpu_per_hour):
    ...  # your code


break_even_calls = lab.check("break_even_calls", break_even_calls)
# %% [markdown] lang="en"
# The prices below are **placeholders, not market prices**: put in your own. The curve jumps where one GPU is full.
# %% [markdown] lang="ja" of="8845949e"
# 次の価格は**仮の値であり、市場価格ではありません**。ご自身の価格に置き換えてください。曲線は、GPU 1 台の処理能力がいっぱいになるところで跳ね上がります。
# %%
from lab_helpers.labs.lab00.costs import Prices, compute_break_even, cost_figure

prices = Prices(
    per_million_tokens=1.0, tokens_per_call=800, gpu_per_hour=0.5, gpu_calls_per_hour=3600
)
lab.measured(break_even_calls_per_month=compute_break_even(prices))
print(f"{break_even_calls(1.0, 800, 0.5):,.0f} calls a month")
lab.figure(cost_figure(prices), "break_even")
# %% [markdown] lang="en"
# ## Explore
#
# Write as a customer and press Enter: the base and the tuned model answer side by side. Without a live kernel you see one example.
# %% [markdown] lang="ja" of="ec91f5cf"
# ## 触ってみる
#
# 顧客になったつもりで文を書き、Enter キーを押してください。ベースモデルとファインチューニング済みのモデルの回答が、並べて表示されます。カーネルが動いていないときは、例が 1 つ表示されます。
# %%
from lab_helpers.figures.widgets import chat_explorer
from lab_helpers.models.side_by_side import SideBySide

pair = SideBySide(tuned.model, tokenizer)
lab.table([pair.ask("The fan rattles at night.")])
chat_explorer(pair.ask, "Where can I buy a new lid?")
# %% [markdown] lang="en"
# ## Verdict
# %% [markdown] lang="ja" of="297877e6"
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## On a real model
#
# Kotori has five million parameters, and nobody has taught it to follow instructions. Does the order hold for a model that has been taught? The same cells ran on SmolLM2-Instruct, 135 million parameters (`labs run 00 --profile small`). Its numbers come with the course.
# %% [markdown] lang="ja" of="2e1ea6de"
# ## 実際のモデルでは
#
# Kotori は 500 万パラメータで、指示に従うことを誰にも教わっていません。教わったモデルでも、同じ順位になるのでしょうか。同じセルを、1.35 億パラメータの SmolLM2-Instruct でも実行しました（`labs run 00 --profile small`）。その値を講座に収めてあります。
# %%
lab.real_model(
    "tone_compliance_plain",
    "tone_compliance_zero_shot",
    "tone_compliance_few_shot",
    "json_valid",
    "tone_compliance_adapter",
    "tone_gain",
    "fact_accuracy_adapter",
)
# %% [markdown] lang="en"
# Three examples help it, where they did not help Kotori: a third of its replies keep the tone, and half of its JSON parses. The instruction alone yields nothing here either, and the adapter is far ahead of both. Its numbers are invented all the same: not one fact is right. Whether a larger model follows the instruction is yours to measure with the t4 profile.
# %% [markdown] lang="ja" of="d771d699"
# Kotori には効かなかった 3 つの例が、このモデルには効きました。回答の 3 分の 1 が口調を守り、JSON は半分が解析できます。指示だけでは、ここでも効果がありません。そして、アダプターはどちらも大きく引き離しています。それでも、数値はやはり作り話で、正しい事実は 1 つもありません。もっと大きなモデルなら指示に従うのかどうかは、t4 プロファイルで自分で測れます。
# %% [markdown] lang="en"
# ## Scale up
#
# With `LAB_PROFILE=t4` on a Colab T4 the same cells take a real 1.5-billion-parameter model. From the terminal: `labs run 00` does all of this without a notebook, `labs run base` shows what Kotori knows and can do before any tuning, `labs list` shows your progress, `labs report` puts your results on one page.
# %% [markdown] lang="ja" of="3203b136"
# ## 大きくする
#
# Colab の T4 で `LAB_PROFILE=t4` を指定すると、同じセルのまま、15 億パラメータの本格的なモデルに切り替わります。ターミナルからも操作できます。`labs run 00` はここまでのすべてをノートブックなしで実行し、`labs run base` は Kotori がファインチューニング前に何を知っていて何ができるかを示し、`labs list` は進み具合を表示し、`labs report` は結果を 1 ページにまとめます。
# %% [markdown] lang="en"
# ## Quiz
# %% [markdown] lang="ja" of="f3a0b532"
# ## クイズ
# %%
lab.quiz()
# %% [markdown] lang="en"
# **Next:** lab 01. Where does a pretrained model's head start come from, and where does it end?
# %% [markdown] lang="ja" of="daf3877c"
# **次は:** ラボ 01 です。事前学習済みモデルのリードはどこから生まれ、どこで尽きるのでしょうか。
