# %% [markdown] lang="en"
# # Lab 00 · Start here
#
# **After this lab you can** check that your machine is ready, tune a model in seconds, switch the tuning off and on, say what a prompt costs that an adapter does not, and compute when your own GPU pays.
#
# **Time:** about half a minute of computing on a 2-core CPU; 40 minutes with the exercises.
#
# **Claims under test:** 33 (a prompt cannot change a model for good, tuning is permanent), 43 (tuning saves API costs).
#
# The rule of this course: **nothing is taken on trust.** You predict, build, break and measure; a verdict on each claim comes from *your* numbers. No GPU, no account and no download is needed.
# %% [markdown] lang="ja" of="21d7f706"
# # ラボ 00 · はじめに
#
# **このラボを終えると**、手元のマシンの準備が整っているかを確かめ、モデルを数秒でファインチューニングし、その効果をオフにしてまたオンに戻し、アダプターにはないプロンプト特有のコストを説明し、自前の GPU で元が取れる条件を計算できるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 30 秒、演習も含めると 40 分です。
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
from lab_helpers.runtime.doctor import examine

findings = [finding for finding in examine() if finding.name != "results"]
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
# You have joined Hoshizora Electric, a maker of home appliances. The first job: read each customer message and send it to the right desk, one of ten. Later labs let a language model write the answer; the questions are the same: *describe* the job in a prompt, *show* examples, or *tune* the model?
#
# The model today is MiniLM, a small English encoder. It turns a text into 384 numbers, so that texts of similar meaning lie close together.
# %% [markdown] lang="ja" of="f3fa60fe"
# ## 今回の仕事
#
# あなたは家電メーカーの星空電機に入社しました。最初の仕事は、顧客からの問い合わせを 1 件ずつ読み、10 ある担当窓口のうち正しいものに振り分けることです。あとのラボでは言語モデルに回答を書かせますが、問うことは変わりません。プロンプトで仕事を*説明する*か、例を*見せる*か、それともモデルを*ファインチューニングする*かです。
#
# 今回使うモデルは、英語の小型エンコーダー MiniLM です。テキストを 384 個の数値に変換し、意味の似たテキストほど近くに並ぶようにします。
# %%
from lab_helpers.data.labelled import shipped_texts
from lab_helpers.headless.lab01 import text_encoder

encoder, requests = text_encoder(lab.run), shipped_texts("requests", "en")
texts, gold = requests.split("test")
lab.table([{"desk": requests.labels[g], "message": t} for g, t in list(zip(gold, texts))[:6]])
# %% [markdown] lang="en"
# ## Predict
#
# First you will describe each desk in one sentence and let the model pick the nearest description. Then you will tune it for about 15 seconds. By how many **points of accuracy** will tuning win?
# %% [markdown] lang="ja" of="071e21ba"
# ## 予想する
#
# まず、各担当窓口を 1 文で説明し、最も近い説明文をモデルに選ばせます。次に、モデルを約 15 秒かけてファインチューニングします。ファインチューニングは、正解率で**何ポイント**上回るでしょうか。
# %%
lab.predict("adapter_gain", ...)
# %% [markdown] lang="en"
# ## Build: zero-shot, by description
#
# **Exercise (8 min).** Give every text the label of its nearest reference by cosine. `vectors` is (n, 384), `references` is (m, 384), `labels` has m entries; return n labels.
# %% [markdown] lang="ja" of="17b958f0"
# ## つくる: 説明文によるゼロショット
#
# **演習（8 分）。** 各テキストに、コサイン類似度で最も近い参照のラベルを付けてください。`vectors` の形は (n, 384)、`references` の形は (m, 384) で、`labels` の要素は m 個です。n 個のラベルを返します。
# %% tags=["exercise"]
import numpy as np


def nearest_label(vectors, references, labels):
    ...  # your code


nearest_label = lab.check("nearest_label", nearest_label)
# %%
from lab_helpers.headless.lab00 import DESCRIPTIONS, scored

pretrained = encoder.load()
vectors = encoder.embed(texts, pretrained)
described = encoder.embed([DESCRIPTIONS[label] for label in requests.labels], pretrained)
zero_shot = nearest_label(vectors, described, list(range(10)))
lab.measured(**scored("intent_accuracy_zero_shot", zero_shot == np.array(gold)))
print(DESCRIPTIONS["return"])
for name in ("intent_accuracy_zero_shot", "intent_accuracy_zero_shot_ci"):
    print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# The two numbers in brackets are a 95 % interval: with 150 test messages, accuracies a few points apart cannot be told from each other. You will see such intervals all through the course.
# %% [markdown] lang="ja" of="d92499a9"
# 角括弧の中の 2 つの数は、95 % 区間です。テスト用の問い合わせは 150 件なので、正解率が数ポイント違っても、優劣は区別できません。このような区間は、この講座のいたるところに出てきます。
# %% [markdown] lang="en"
# ## Build: few-shot, by example
#
# Instead of describing, show three examples of each desk; the nearest example decides. This is what examples in a prompt do for a language model.
# %% [markdown] lang="ja" of="02a2ee1a"
# ## つくる: 例によるフューショット
#
# 今度は説明する代わりに、担当窓口ごとに例を 3 つ見せます。どの窓口かは、最も近い例で決めます。プロンプトに入れた例が言語モデルに対して果たす役割も、これと同じです。
# %%
from lab_helpers.headless.lab00 import few_shot_examples, prompt_tokens

examples, example_labels = few_shot_examples(requests, lab.sizes["few_shot"], lab.seed)
few_shot = nearest_label(vectors, encoder.embed(examples, pretrained), example_labels)
lab.measured(**scored("intent_accuracy_few_shot", few_shot == np.array(gold)))
lab.measured(**prompt_tokens(encoder, texts, list(DESCRIPTIONS.values()), examples))
print("few-shot accuracy:", lab.run.metrics["intent_accuracy_few_shot"])
# %% [markdown] lang="en"
# Surprised that examples did no better than a description? Three examples of a desk are three ways to say it, and customers know hundreds. And there is a second cost.
#
# **Exercise (3 min).** How many tokens does a model read in a month when the examples travel in every prompt?
# %% [markdown] lang="ja" of="aac96276"
# 例を見せても説明文を上回らなかったのは、意外だったでしょうか。1 つの担当窓口につき 3 つの例では、言い方を 3 通り示したにすぎません。顧客の言い方は何百通りもあります。しかも、コストがもう 1 つかかります。
#
# **演習（3 分）。** 例を毎回プロンプトに入れると、モデルが 1 か月に読むトークンはいくつになるでしょうか。
# %% tags=["exercise"]
def tokens_per_month(question_tokens, example_tokens, calls):
    ...  # your code


tokens_per_month = lab.check("tokens_per_month", tokens_per_month)
# %%
question = lab.run.metrics["prompt_tokens_adapter"]
for way in ("zero_shot", "few_shot", "adapter"):
    total = lab.run.metrics[f"prompt_tokens_{way}"]
    month = tokens_per_month(question, total - question, calls=100_000)
    print(f"{way:10s} {total:5.0f} tokens a call, {month:12,.0f} for 100,000 calls")
# %% [markdown] lang="en"
# ## Build: tune it, live
#
# LoRA leaves every weight of the model as it is and learns a small detour beside some of them. These are the field's own settings; change them and run again. Lab 02 takes LoRA apart.
# %% [markdown] lang="ja" of="99565094"
# ## つくる: その場でファインチューニングする
#
# LoRA は、モデルの重みをすべて元のまま残し、その一部の脇にある小さな迂回路を学習します。設定項目は、実務で使われているものそのままです。値を変えて、もう一度実行してみてください。LoRA の仕組みは、ラボ 02 で分解して調べます。
# %%
from peft import LoraConfig

from lab_helpers.headless.lab00 import train_adapter

config = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
adapted = train_adapter(encoder, requests, config, lab.sizes, lab.seed)
lab.measured(train_seconds=adapted.seconds)
adapted.model.encoder.print_trainable_parameters()
print(f"loss {adapted.losses[0]:.2f} -> {np.mean(adapted.losses[-5:]):.2f}")
# %%
from lab_helpers.headless.lab00 import comparison_figure, gain
from lab_helpers.tuning.experiments import hits_on

lab.measured(**scored("intent_accuracy_adapter", hits_on(encoder, adapted.model, requests)))
lab.measured(**gain(lab.run.metrics))
lab.figure(comparison_figure(lab.run.metrics), "prompting_or_tuning")
lab.compare("adapter_gain")
# %% [markdown] lang="en"
# Look at the black intervals before you cheer: do they overlap? And the comparison is not quite fair: the adapter saw 300 labelled messages, the description none. Fair is: *if you have 300 labels*, tuning uses them and a prompt cannot.
# %% [markdown] lang="ja" of="4a27208a"
# 喜ぶ前に、黒い線で示した区間を見てください。重なっていないでしょうか。それに、この比較は完全に公平とはいえません。アダプターはラベルつきの問い合わせを 300 件見ていますが、説明文のほうは 1 件も見ていないからです。公平な言い方をすれば、*ラベルが 300 件あるなら*、ファインチューニングはそれを活かせますが、プロンプトには活かせない、となります。
# %% [markdown] lang="en"
# ## Break it: switch the tuning off
#
# The article says a prompt works for a moment while tuning changes the model "permanently". Switch the adapter off and compare with a freshly loaded model, number by number.
# %% [markdown] lang="ja" of="3b69a0f0"
# ## 壊す: ファインチューニングをオフにする
#
# 記事によれば、プロンプトの効果は一時的で、ファインチューニングはモデルを「永続的に」変えるとのことです。アダプターをオフにし、読み込んだばかりのモデルと数値を 1 つずつ比べてみましょう。
# %%
from lab_helpers.headless.lab00 import answer, off_and_on, save_adapter

print(texts[0])
for on in (True, False):
    best = answer(encoder, adapted.model, requests.labels, texts[0], adapter_on=on)
    lab.table([{"adapter": "on" if on else "off", **row} for row in best])
# %% [markdown] lang="en"
# ## Mend it: switch it on again
# %% [markdown] lang="ja" of="e596bf01"
# ## 直す: もう一度オンにする
# %%
lab.measured(**off_and_on(encoder, adapted.model, texts[:16]))
lab.measured(adapter_bytes=save_adapter(lab.run, adapted.model))
for name in ("adapter_off_max_abs_diff", "adapter_on_max_abs_diff", "adapter_bytes"):
    print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# Off is the base again, to the last bit; on is the tuned model. The whole tuning is a file of a few hundred kilobytes beside a 90 MB model. So it is as permanent as you want it to be: one base, many adapters.
# %% [markdown] lang="ja" of="5fe4f3e7"
# オフにすれば最後の 1 ビットまでベースモデルに戻り、オンにすればファインチューニング済みのモデルになります。ファインチューニングの成果は、90 MB のモデルに添える数百キロバイトのファイル 1 つにすべて収まっています。つまり、どこまで永続させるかは使う側しだいです。1 つのベースモデルに、いくつものアダプターを用意できます。
# %% [markdown] lang="en"
# ## What about Japanese?
#
# Same model, same method, Japanese messages. Remember this number: lab 01 explains it.
# %% [markdown] lang="ja" of="bf772775"
# ## 日本語ではどうか
#
# モデルも手法も同じまま、日本語の問い合わせで試します。この数字を覚えておいてください。理由はラボ 01 で説明します。
# %%
japanese = shipped_texts("requests", "ja")
ja_texts, ja_gold = japanese.split("test")
ja_examples, ja_labels = few_shot_examples(japanese, lab.sizes["few_shot"], lab.seed)
ja_vectors, ja_shown = (encoder.embed(rows, pretrained) for rows in (ja_texts, ja_examples))
ja_found = nearest_label(ja_vectors, ja_shown, ja_labels)
lab.measured(**scored("intent_accuracy_few_shot_ja", ja_found == np.array(ja_gold)))
print(ja_texts[0], "| accuracy:", lab.run.metrics["intent_accuracy_few_shot_ja"])
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
from lab_helpers.headless.lab00 import Prices, break_even, cost_figure

prices = Prices(
    per_million_tokens=1.0, tokens_per_call=800, gpu_per_hour=0.5, gpu_calls_per_hour=3600
)
lab.measured(break_even_calls_per_month=break_even(prices))
print(f"{break_even_calls(1.0, 800, 0.5):,.0f} calls a month")
lab.figure(cost_figure(prices), "break_even")
# %% [markdown] lang="en"
# ## Explore
#
# Write as a customer and press Enter; the three likeliest desks answer, with the adapter on. Without a live kernel you see one example.
# %% [markdown] lang="ja" of="7781c32a"
# ## 触ってみる
#
# 顧客になったつもりで文を書き、Enter キーを押してください。アダプターをオンにした状態で、可能性の高い担当窓口が 3 つ表示されます。カーネルが動いていないときは、例が 1 つ表示されます。
# %%
from lab_helpers.figures.widgets import explorer, text_box


def route(message):
    return answer(encoder, adapted.model, requests.labels, message or "?")


lab.table(route("I would rather talk to somebody than type."))
explorer(route, message=text_box("message", "Two lids cracked. Can I buy just the lid?"))
# %% [markdown] lang="en"
# ## Verdict
# %% [markdown] lang="ja" of="297877e6"
# ## 判定
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## Scale up
#
# With `LAB_PROFILE=t4` on a Colab T4 the same cells take a multilingual encoder. From the terminal: `labs run 00` does all of this without a notebook, `labs list` shows your progress, `labs report` puts your results on one page.
# %% [markdown] lang="ja" of="01d419e0"
# ## 大きくする
#
# Colab の T4 で `LAB_PROFILE=t4` を指定すると、同じセルのまま多言語エンコーダーに切り替わります。ターミナルからも操作できます。`labs run 00` はここまでのすべてをノートブックなしで実行し、`labs list` は進み具合を表示し、`labs report` は結果を 1 ページにまとめます。
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
