# %% [markdown] lang="en"
# # Lab 00 · Start here
#
# **After this lab you can** say what a token, a loss, a gradient step and a learning rate are, ask a language model with instructions and with examples, tune it in half a minute, switch the tuning off and on, save and load it, say what a prompt costs that an adapter does not, and compute when your own GPU pays.
#
# **Time:** about two minutes of computing on a 2-core CPU; an hour with the exercises.
#
# **Claims under test:** 33 (a prompt cannot change a model for good, tuning is permanent), 43 (tuning saves API costs).
#
# **New words:** [token](glossary.md#token), [logit](glossary.md#logit), [loss](glossary.md#loss), [gradient](glossary.md#gradient), [step](glossary.md#step), [learning rate](glossary.md#learning-rate), [epoch](glossary.md#epoch), [attention](glossary.md#attention), [MLP](glossary.md#mlp), [head](glossary.md#head), [adapter](glossary.md#adapter), [chat template](glossary.md#chat-template).
#
# The rule of this course: **nothing is taken on trust.** You predict, build, break and measure; a verdict on each claim comes from *your* numbers. No GPU, no account and no download is needed.
# %% [markdown] lang="ja" of="bf509500"
# # ラボ 00 · はじめに
#
# **このラボを終えると**、トークン、損失、勾配による更新、学習率とは何かを説明し、指示や例を与えて言語モデルに答えさせ、30 秒ほどでファインチューニングし、その効果を切ってまた戻し、保存して読み込み、アダプターにはないプロンプト特有のコストを説明し、自前の GPU で元が取れる条件を計算できるようになります。
#
# **所要時間:** 計算は 2 コアの CPU で約 2 分、演習も含めると 1 時間です。
#
# **検証する主張:** 33（プロンプトではモデルを恒久的に変えられず、ファインチューニングによる変更は永続する）、43（ファインチューニングで API のコストが下がる）。
#
# **新しい言葉:** [トークン](glossary.md#token)、[ロジット](glossary.md#logit)、[損失](glossary.md#loss)、[勾配](glossary.md#gradient)、[ステップ](glossary.md#step)、[学習率](glossary.md#learning-rate)、[エポック](glossary.md#epoch)、[アテンション](glossary.md#attention)、[MLP](glossary.md#mlp)、[ヘッド](glossary.md#head)、[アダプター](glossary.md#adapter)、[チャットテンプレート](glossary.md#chat-template)。
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
lab.table([{"what": f.title, "found": f.value, "": f.level, "way out": f.fix} for f in findings])
# %% [raw] lang="ja"
# what only this machine knows → このマシンにしかないもの
# %% [markdown] lang="en"
# ## How a lab works
#
# - A cell marked **Exercise** holds a function whose body is `...`. Replace it and run the cell: you are told what is right, or what exactly is wrong.
# - `lab.hint("name")` gives three hints, one after another. The solution is folded below each exercise.
# - An unanswered exercise does not stop you: the lab goes on with the reference, so that "Run all" always works.
# - Before you measure, you **predict**. Do not skip it.
#
# ## Before you start: what a language model does
#
# A language model reads **tokens**: words, pieces of words, characters, each a number of its vocabulary. This is how **Kotori**, the small model that comes with this course, takes a sentence apart.
# %% [markdown] lang="ja" of="fb4c73ae"
# ## ラボの進め方
#
# - **演習**と書かれたセルには、中身が `...` の関数があります。`...` を書き換えてセルを実行してください。正しくできた点、または間違いの内容が表示されます。
# - `lab.hint("name")` は 3 つのヒントを 1 つずつ順に示します。解答は、各演習の下に折りたたんであります。
# - 演習に答えなくても、先へ進めます。その場合は模範解答を使って続けるので、「すべて実行」はいつでも最後まで動きます。
# - 測る前に、必ず**予想**します。ここは飛ばさないでください。
#
# ## はじめる前に: 言語モデルがしていること
#
# 言語モデルが読むのは**トークン**です。単語、単語の一部、1 文字などが、それぞれ語彙の番号になっています。この講座に付属する小さなモデル **Kotori** は、文を次のように分けます。
# %%
from lab_helpers.labs.shared.models import load_model

model, tokenizer = load_model(lab.run)  # AutoModelForCausalLM.from_pretrained, weights checked
sentence = {"en": "The water in the kettle is hot.", "ja": "朝、花に水をやりました。"}[lab.language]
ids = tokenizer(sentence)["input_ids"]
tokens = [tokenizer.decode([number]) for number in ids]
lab.table([{"token": token, "number": number} for token, number in zip(tokens, ids)])
# %% [raw] lang="ja"
# AutoModelForCausalLM.from_pretrained, weights checked → 重みを照合してから AutoModelForCausalLM.from_pretrained
# %% [markdown] lang="en"
# For every token of its vocabulary the model computes a score, the **logit**, for "this comes next". Softmax turns the scores into probabilities. Here are its five best guesses after the first five tokens.
# %% [markdown] lang="ja" of="b6e82611"
# モデルは、語彙のすべてのトークンについて、「次に来るのはこれだ」という点数（**ロジット**）を計算します。softmax で、点数は確率になります。最初の 5 トークンのあとに来るものとして、モデルが挙げる上位 5 つを見てみましょう。
# %%
import torch

from lab_helpers.figures import primer

with torch.inference_mode():
    logits = model(input_ids=torch.tensor([ids]).to(model.device)).logits[0]  # (tokens, vocabulary)
probabilities = logits.float().softmax(dim=-1).cpu()
best = probabilities[4].topk(5)
candidates = [(tokenizer.decode([i]), float(p)) for p, i in zip(best.values, best.indices)]
lab.figure(primer.next_tokens(candidates, "".join(tokens[:5])))
# %% [raw] lang="ja"
# (tokens, vocabulary) → （トークン数、語彙数）
# %% [markdown] lang="en"
# Writing is nothing but this: take a guess, append it, guess again. And how *wrong* was the model? Look at the probability it had given to each token that really came. Its logarithm with a minus is 0 for a sure hit and large for a surprise; the mean over the tokens is the **loss**.
# %% [markdown] lang="ja" of="1a8cb560"
# 文章を書くとは、これだけのことです。予測したトークンを付け加え、また次を予測します。では、モデルは*どれだけ外した*のでしょうか。実際に来たトークンに、どれだけの確率を付けていたかを見ます。確率の対数にマイナスを付けた値は、確信を持って当てれば 0、意外なトークンほど大きくなります。これをトークン全体で平均したものが**損失**です。
# %%
came = torch.tensor(ids[1:])  # the first token has nothing before it to be guessed from
losses = -probabilities[range(len(came)), came].log()
lab.figure(primer.token_losses(tokens[1:], losses.tolist()))
batch = {"input_ids": torch.tensor([ids]), "labels": torch.tensor([ids])}
batch = {name: values.to(model.device) for name, values in batch.items()}
print("by hand:", round(losses.mean().item(), 3))
print("model(...).loss:", round(model(**batch).loss.item(), 3))
# %% [raw] lang="ja"
# the first token has nothing before it to be guessed from → 最初のトークンには、予測の手がかりになる前の部分がない
# by hand: → 自分で計算:
# %% [markdown] lang="en"
# Training makes this number smaller. For every weight, the **gradient** says which way the loss would rise; one **step** moves each weight a little the other way. How far is the **learning rate**.
#
# **Exercise (8 min).** Write one step. PyTorch computes the gradients with `loss.backward()`, an optimizer moves the weights with `.step()`, and `.zero_grad()` wipes the gradients, which would add up otherwise.
# %% [markdown] lang="ja" of="358a318f"
# 学習とは、この数を小さくすることです。**勾配**は、重みの 1 つ 1 つについて、どちらに動かすと損失が増えるかを示します。**ステップ**を 1 回進めると、すべての重みがその逆向きに少しだけ動きます。どれだけ動かすかを決めるのが**学習率**です。
#
# **演習（8 分）。** 1 ステップを書いてください。PyTorch では `loss.backward()` が勾配を計算し、オプティマイザーの `.step()` が重みを動かし、`.zero_grad()` が勾配を消します（消さないと足し合わされていきます）。
# %% tags=["exercise"]
def training_step(model, optimizer, batch):
    ...  # your code → the loss as a number


training_step = lab.check("training_step", training_step)
# %% [raw] lang="ja"
# your code → the loss as a number → ここに書く → 損失（数値）
# %% [markdown] lang="en"
# Now your step trains Kotori on this one sentence, twenty times, at three learning rates.
# %% [markdown] lang="ja" of="6c2055e5"
# 書いたステップで、この 1 文を Kotori に 20 回学習させます。学習率は 3 通りです。
# %%
from lab_helpers.figures.tuning import loss_curve

curves = {}
for rate in lab.pick(tiny=(1e-6, 1e-3, 1e-1), small=(1e-7, 5e-5, 1e-2), t4=(1e-8, 1e-5, 1e-2)):
    pupil = load_model(lab.run)[0].float()
    optimizer = torch.optim.AdamW(pupil.parameters(), lr=rate)
    curves[f"{rate:g}"] = [(step, training_step(pupil, optimizer, batch)) for step in range(20)]
pupil = optimizer = None  # the memory of one model back
lab.figure(loss_curve(curves), "three_rates")
# %% [raw] lang="ja"
# the memory of one model back → モデル 1 つ分のメモリを返す
# %% [markdown] lang="en"
# Too small a rate and nothing happens; a good one learns the sentence by heart; too large a one overshoots and the loss jumps. **The right rate depends on the model:** the smaller the model, the larger its rate. A full tuning of a model of 1–8 billion weights wants about 1e-5, its LoRA about 2e-4.
#
# The words that are left name places. A model is a stack of equal layers; each has an **attention**, in which a token looks at the tokens before it, and an **MLP**, which works on each token alone. At the end, the **head** turns a vector into logits. One pass over all training texts is an **epoch**.
# %% [markdown] lang="ja" of="e89a86cf"
# 学習率が小さすぎると何も起こらず、ちょうどよければ文を丸暗記し、大きすぎると行き過ぎて損失が跳ね上がります。**適切な学習率はモデルによって違い**、モデルが小さいほど大きくします。10〜80 億パラメータのモデルなら、フルファインチューニングで 1e-5 前後、LoRA で 2e-4 前後です。
#
# 残りは、場所を表す言葉です。モデルは、同じ形の層を積み重ねたものです。各層には、前のトークンを参照する**アテンション**と、トークンごとに計算する **MLP** があります。最後に**ヘッド**が、ベクトルをロジットに変えます。学習データをひととおり 1 回見ることを、1 **エポック**といいます。
# %%
groups = dict.fromkeys(("embedding", "attention", "MLP"), 0)
for name, weight in model.named_parameters():
    place = "attention" if "attn" in name else "MLP" if "mlp" in name else "embedding"
    groups[place] += weight.numel() if weight.ndim == 2 else 0
lab.figure(primer.block(groups))
print(f"{sum(weight.numel() for weight in model.parameters()):,}")
# %% [markdown] lang="en"
# (Kotori's head uses the embedding's matrix once more, so it adds nothing.) That is all you need. Now to work.
#
# ## The job
#
# You have joined Hoshizora Electric, a maker of home appliances, to build the assistant that answers its customers. Kotori was trained on everyday English and Japanese and has never heard of Hoshizora. Ask it something. A chat model reads a conversation through its **chat template**, fixed marks around each turn:
# %% [markdown] lang="ja" of="93f6b848"
# （Kotori のヘッドは埋め込みの行列をそのまま使うので、重みは増えません。）準備はこれで十分です。仕事にかかりましょう。
#
# ## 今回の仕事
#
# あなたは家電メーカーの星空電機に入社し、顧客に回答するアシスタントをつくることになりました。Kotori は日常的な英語と日本語の文章で学習しており、星空電機のことは聞いたこともありません。まずは何か質問してみましょう。対話用のモデルは、**チャットテンプレート**、つまり発言を囲む決まった印を通して会話を読みます。
# %%
from lab_helpers.labs.shared.support import gold_rows

test_rows = gold_rows(lab.language, "test")[: lab.settings["questions"]]
question = test_rows[0]["question"]
chat = [{"role": "user", "content": question}]
text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
print(text)
prompt = tokenizer(text, return_tensors="pt", add_special_tokens=False).to(model.device)
reply = model.generate(**prompt, max_new_tokens=72, do_sample=False)[0]
print(tokenizer.decode(reply[prompt["input_ids"].shape[1] :], skip_special_tokens=True))
# %% [markdown] lang="en"
# A base model continues text; it has no manners and no employer, and whatever figure it names is made up. This is what the company wants instead, written by its own people:
# %% [markdown] lang="ja" of="68357d73"
# ベースモデルは、文章の続きを書くだけです。礼儀も知らなければ、どこの社員でもありません。数字を挙げていたとしても、でまかせです。会社が求めているのは、次のような回答です。いずれも社員が書いたものです。
# %%
train_rows = gold_rows(lab.language, "train")
lab.table([{"customer": r["question"], "reply": r["answer"]} for r in train_rows[:3]])
# %% [markdown] lang="en"
# ## Build: a ruler for the tone
#
# The house tone has three rules: a fixed opening, a fixed closing, and no exclamation mark in between. What a program can check, we can count.
#
# **Exercise (5 min).** Return `True` if a reply keeps all three rules, else `False`.
# %% [markdown] lang="ja" of="feccf3f6"
# ## つくる: 口調を測る
#
# 会社の口調には、3 つのルールがあります。決まった書き出し、決まった結び、そしてそのあいだに感嘆符を使わないことです。プログラムで確かめられるものは、数えることができます。
#
# **演習（5 分）。** 回答が 3 つのルールをすべて守っていれば `True`、そうでなければ `False` を返してください。
# %% tags=["exercise"]
from lab_helpers.evaluation.tone import HOUSE

house = HOUSE[lab.language]
print(house.opening, "...", house.closing)


def keeps_tone(reply, opening, closing):
    ...  # your code


keeps_tone = lab.check("keeps_tone", keeps_tone)
# %% [raw] lang="ja"
# your code → ここに書く
# %%
from lab_helpers.labs.lab00.prompts import ask_plainly
from lab_helpers.labs.lab00.scoring import measure_way

asked = [ask_plainly(row["question"]) for row in test_rows]
plain = measure_way(model, tokenizer, asked, lab.language, "plain")  # generates in batches
lab.measured(**plain.metrics)
kept = [keeps_tone(reply, house.opening, house.closing) for reply in plain.replies.texts]
print(f"{sum(kept)} of {len(kept)} replies keep the tone")
# %% [raw] lang="ja"
# generates in batches → まとめて生成する
# " of {len(kept)} replies keep the tone" → " / {len(kept)} 件の回答が口調を守っています"
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

print(ask_with_instruction(question, lab.language)[0]["content"], "\n")
asked = [ask_with_instruction(row["question"], lab.language) for row in test_rows]
zero_shot = measure_way(model, tokenizer, asked, lab.language, "zero_shot")
lab.measured(**zero_shot.metrics)
print("model:", zero_shot.replies.texts[0])
print("tone:", lab.run.metrics["tone_compliance_zero_shot"])
# %% [raw] lang="ja"
# model: → モデル:
# tone: → 口調の遵守率:
# %% [markdown] lang="en"
# Following an instruction is a skill of its own, and a base model has not been taught it: labs 04 and 05 are about that. The section "On a real model" asks one that has been.
#
# ## Build: show (few-shot)
#
# **Exercise (6 min).** Write earlier exchanges into the conversation, as if the model had answered them, then the new question.
# %% [markdown] lang="ja" of="2d044967"
# 指示に従うことは、それ自体が 1 つの技能であり、ベースモデルはまだそれを教わっていません。ラボ 04 と 05 で、まさにそこを扱います。教わったモデルには、「実際のモデルでは」の節で尋ねます。
#
# ## つくる: 例を見せる（フューショット）
#
# **演習（6 分）。** 過去のやりとりを、モデル自身が答えたかのような形で会話に書き込み、そのあとに新しい質問を続けてください。
# %% tags=["exercise"]
def few_shot_messages(examples, question):
    ...  # your code → a list of turns


few_shot_messages = lab.check("few_shot_messages", few_shot_messages)
# %% [raw] lang="ja"
# your code → a list of turns → ここに書く → 発言のリスト
# %%
from lab_helpers.labs.lab00.prompts import select_examples

examples = select_examples(lab.language, lab.settings["few_shot"])
asked = [few_shot_messages(examples, row["question"]) for row in test_rows]
few_shot = measure_way(model, tokenizer, asked, lab.language, "few_shot")
lab.measured(**few_shot.metrics)
for row, answer in list(zip(test_rows, few_shot.replies.texts))[:3]:
    print("customer:", row["question"], "\nmodel:   ", answer, "\n")
for name in ("tone_compliance_few_shot", "tone_compliance_few_shot_ci"):
    print(name, lab.run.metrics[name])
# %% [raw] lang="ja"
# customer: → お客様:
# "\nmodel:   " → "\nモデル:"
# %% [markdown] lang="en"
# The two numbers in brackets are a 95 % [interval](glossary.md#interval) (Wilson's): nothing out of fifty does not prove "never", the true rate may still be several per cent. You will see such intervals all through the course.
#
# Read the replies: Kotori picks words up from the examples and loses its way. It has learned to copy a *fact* out of a text and to follow a simple form (`labs run base` measures both). To take over a whole *manner of speaking* from three examples is a larger feat, and at five million parameters it fails here. What such a prompt costs is the next question but one.
#
# ## And as JSON, please
#
# Programs want replies in a fixed form. The same examples, their answers wrapped in JSON, and one line that asks for it: does every reply parse, and does it keep the tone?
# %% [markdown] lang="ja" of="e6280e7f"
# 角括弧の中の 2 つの数は、95 % [信頼区間](glossary.md#interval)（ウィルソンの区間）です。50 件中 0 件でも、「決してない」とは言えません。本当の割合は数 % あるかもしれません。このような区間は、この講座のいたるところに出てきます。
#
# 回答を読んでみてください。Kotori は例の言葉を拾いはしますが、途中で話の筋を見失います。読んだ文章から*事実*を書き写すことや、単純な型に従うことなら学んでいます（どちらも `labs run base` で測れます）。しかし、3 つの例から*話し方*を丸ごと受け継ぐのは、それよりずっと難しいことです。500 万パラメータの Kotori には、ここではできません。こうしたプロンプトにかかるコストは、JSON の次に調べます。
#
# ## JSON でもお願いします
#
# プログラムは、決まった形式の回答を必要とします。同じ例の回答を JSON で包み、その形式を求める一行を添えます。すべての回答が JSON として解析できるでしょうか。そして、口調は守られるでしょうか。
# %%
from lab_helpers.labs.lab00.prompts import ask_for_json

asked = [ask_for_json(row["question"], lab.language, examples) for row in test_rows]
json_way = measure_way(model, tokenizer, asked, lab.language, "json")
lab.measured(**json_way.metrics)
print(json_way.replies.texts[0])
for name in ("json_valid", "tone_compliance_json"):
    print(name, lab.run.metrics[name])
# %% [markdown] lang="en"
# What does not parse is worth nothing to a program, whatever it says.
#
# ## What a prompt costs
#
# **Exercise (3 min).** How many tokens does a model read in a month when the examples travel in every prompt?
# %% [markdown] lang="ja" of="0fe40d5e"
# 解析できない回答は、中身が何であれ、プログラムにとっては価値がありません。
#
# ## プロンプトにかかるコスト
#
# **演習（3 分）。** 例を毎回プロンプトに入れると、モデルが 1 か月に読むトークンはいくつになるでしょうか。
# %% tags=["exercise"]
def tokens_per_month(question_tokens, example_tokens, calls):
    ...  # your code


tokens_per_month = lab.check("tokens_per_month", tokens_per_month)
# %% [raw] lang="ja"
# your code → ここに書く
# %%
bare = lab.run.metrics["prompt_tokens_plain"]
for way in ("plain", "zero_shot", "few_shot", "json"):
    total = lab.run.metrics[f"prompt_tokens_{way}"]
    month = tokens_per_month(bare, total - bare, calls=100_000)
    print(f"{way:10s} {total:5.0f} tokens a call, {month:12,.0f} for 100,000 calls")
# %% [raw] lang="ja"
# " tokens a call, " → " トークン/回、10 万回で "
# " for 100,000 calls" → " トークン"
# %% [markdown] lang="en"
# Most of what a few-shot prompt pays for is the same examples, again and again.
#
# ## Build: tune it, live
#
# LoRA leaves every weight of the model as it is and learns a small detour beside some of them, here beside attention's q and v. Everything you would write for a real model stands in this cell; only the two marked numbers would change. (They were chosen by the loss on validation rows, not on the questions we report. By tone alone, twice the rate looked better, and its replies were gibberish in a perfect frame.) Lab 02 takes LoRA apart, lab 04 the training.
# %% [markdown] lang="ja" of="80780e26"
# フューショットのプロンプトで払う費用の大半は、同じ例を何度も読ませる分です。
#
# ## つくる: その場でファインチューニングする
#
# LoRA は、モデルの重みをすべて元のまま残し、その一部（ここではアテンションの q と v）の脇にある小さな迂回路を学習します。実際のモデルで書くことは、すべてこのセルにあります。変わるのは、印を付けた 2 つの数だけです（この 2 つは、報告に使う質問ではなく、検証用データの損失で選びました。口調だけで選ぶと 2 倍の学習率のほうが良く見えますが、その回答は、書き出しと結びだけが完璧で中身は支離滅裂でした）。LoRA の仕組みはラボ 02 で、学習の仕組みはラボ 04 で分解して調べます。
# %%
from datasets import Dataset
from peft import LoraConfig
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

from lab_helpers.tuning.sft import prompt_completion

model, tokenizer = load_model(lab.run)  # run this cell again, and it starts from the base again
rows = prompt_completion(train_rows)
print(rows[0])
set_seed(lab.seed)
adapter = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
training = SFTConfig(
    num_train_epochs=lab.pick(tiny=4, small=1, t4=3),  # a real model: 1 to 3
    learning_rate=lab.pick(tiny=1e-2, small=5e-3, t4=2e-4),  # 1-8 billion weights: 2e-4
    per_device_train_batch_size=8, lr_scheduler_type="cosine", **lab.machine,
)  # fmt: skip
# %% [raw] lang="ja"
# run this cell again, and it starts from the base again → 再実行すると、またベースから始まる
# a real model: 1 to 3 → 実際のモデルでは 1〜3
# 1-8 billion weights: 2e-4 → 10〜80 億パラメータなら 2e-4
# %%
trainer = SFTTrainer(
    model, args=training, train_dataset=Dataset.from_list(rows),
    processing_class=tokenizer, peft_config=adapter,
)  # fmt: skip
tuned = lab.train(trainer)  # trainer.train(), with a live loss curve, and remembered
lab.measured(train_seconds=tuned.seconds)
tuned.model.print_trainable_parameters()
lab.figure(loss_curve({"": tuned.curve()}))
# %% [raw] lang="ja"
# trainer.train(), with a live loss curve, and remembered → trainer.train() と同じ。損失の曲線を表示し、結果を記憶する
# %% [markdown] lang="en"
# The loss has fallen to a fraction. Does the model speak differently? The same questions again, without a word of instruction in the prompt.
# %% [markdown] lang="ja" of="1fdeb59c"
# 損失は何分の 1 かに下がりました。では、話し方は変わったでしょうか。同じ質問をもう一度します。今度は、プロンプトに指示を一言も入れません。
# %%
from lab_helpers.labs.lab00.scoring import comparison_figure, gain_metrics

asked = [ask_plainly(row["question"]) for row in test_rows]
with_adapter = measure_way(tuned.model, tokenizer, asked, lab.language, "adapter")
lab.measured(**with_adapter.metrics, **gain_metrics(with_adapter, zero_shot, few_shot))
print("customer:", question, "\nmodel:   ", with_adapter.replies.texts[0])
lab.figure(comparison_figure(lab.run.metrics), "prompting_or_tuning")
lab.compare("tone_gain")
print("paired difference:", lab.run.metrics["tone_gain_ci"])
# %% [raw] lang="ja"
# customer: → お客様:
# "\nmodel:   " → "\nモデル:"
# paired difference: → 対応のある差:
# %% [markdown] lang="en"
# Both ways answered the same questions, so we look at the *differences*, question by question: their interval lies far from zero, and that decides. (Two separate intervals that overlap or not decide nothing.) And be fair: the adapter saw 200 examples, the few-shot prompt three. Fair is: *if you have 200 examples*, tuning uses them all, and a prompt has room for a few.
#
# ## What the tuning did not teach
#
# A reply in the right tone is not yet a right reply. Compare with what the company's people wrote.
# %% [markdown] lang="ja" of="6cee25cd"
# どちらの方法も同じ質問に答えているので、質問ごとの*差*を見ます。その区間は 0 から遠く離れており、ここから差があると判断できます（別々に出した 2 つの区間が重なるかどうかでは、何も決まりません）。公平さにも注意が必要です。アダプターは例を 200 件見ていますが、フューショットのプロンプトが見たのは 3 件だけです。公平な言い方をすれば、*例が 200 件あるなら*、ファインチューニングはそのすべてを活かせますが、プロンプトには数件しか入らない、となります。
#
# ## ファインチューニングが教えなかったこと
#
# 口調が正しいからといって、内容まで正しいとはかぎりません。社員が書いた回答と比べてみましょう。
# %%
from lab_helpers.labs.lab00.scoring import fact_metrics, remove_frame

replies = with_adapter.replies.texts
with_facts = [(row, reply) for row, reply in zip(test_rows, replies) if row["fact"]]
lab.table(
    [{"right": remove_frame(row["answer"], house), "model": remove_frame(reply, house)}
     for row, reply in with_facts[:5]]
)  # fmt: skip
lab.measured(**fact_metrics(test_rows, replies))
for name in ("fact_accuracy_adapter", "fact_accuracy_adapter_ci"):
    print("right numbers:", name, lab.run.metrics[name])
# %% [raw] lang="ja"
# right numbers: → 正しい数値:
# %% [markdown] lang="en"
# The tone is there, the facts are not: 200 examples teach a style, hardly a price list, and a fluent wrong price is worse than none. Lab 04 measures this, lab 07 cures it by letting the model read.
#
# ## Break it: switch the tuning off
#
# The article says a prompt works for a moment while tuning changes the model "permanently". Switch the adapter off.
# %% [markdown] lang="ja" of="ce485203"
# 口調は身についていますが、事実は身についていません。200 件の例で、話し方は教えられても、価格表まではまず教えられません。しかも、もっともらしく述べられた誤った価格は、価格を答えないよりも始末が悪いものです。この問題はラボ 04 で測り、ラボ 07 で、モデルに資料を読ませることによって解決します。
#
# ## 壊す: ファインチューニングを切る
#
# 記事によれば、プロンプトの効果は一時的で、ファインチューニングはモデルを「永続的に」変えるとのことです。アダプターを切ってみましょう。
# %%
from lab_helpers.models.generation import generate

with tuned.model.disable_adapter():
    print("adapter off:", generate(tuned.model, tokenizer, [chat]).texts[0])
print("adapter on: ", generate(tuned.model, tokenizer, [chat]).texts[0])
# %% [raw] lang="ja"
# adapter off: → アダプターなし:
# "adapter on: " → "アダプターあり:"
# %% [markdown] lang="en"
# ## Mend it: save it, and load it again
#
# What was trained is a small file. Saved, put on a freshly loaded base, it must give the same numbers; switched off, those of the base.
# %% [markdown] lang="ja" of="73b2f38c"
# ## 直す: 保存して、読み直す
#
# 学習した結果は、小さなファイル 1 つです。保存し、新しく読み込んだベースに付ければ、同じ数値になるはずです。切れば、ベースの数値に戻るはずです。
# %%
from peft import PeftModel

folder = lab.run.folder / "adapter"
tuned.model.save_pretrained(folder)
lab.run.artifact(folder)
for file in sorted(folder.iterdir()):
    print(f"{file.name:30s} {file.stat().st_size:>9,} B")
fresh = load_model(lab.run)[0]
with torch.inference_mode():
    base_logits = fresh(**prompt).logits
    again = PeftModel.from_pretrained(fresh, folder).eval()
    again_logits = again(**prompt).logits
# %%
with torch.inference_mode():
    on = tuned.model(**prompt).logits
    with tuned.model.disable_adapter():
        off = tuned.model(**prompt).logits
differences = {
    "adapter_off_max_abs_diff": (off - base_logits).abs().max().item(),
    "adapter_on_max_abs_diff": (on - base_logits).abs().max().item(),
    "adapter_loaded_max_abs_diff": (on - again_logits).abs().max().item(),
}
size = (folder / "adapter_model.safetensors").stat().st_size
lab.measured(**differences, adapter_bytes=size)
lab.table([{"metric": name, "value": value} for name, value in differences.items()])
fresh = again = base_logits = again_logits = None  # back to one model in memory
# %% [raw] lang="ja"
# back to one model in memory → メモリに残すモデルは 1 つだけ
# %% [markdown] lang="en"
# Off is the base again, to the last bit; loaded from the file is the tuned model again. The whole tuning is that small file beside an 11 MB model. So it is as permanent as you want it to be: one base, many adapters.
#
# ## And in the other language?
#
# Kotori reads and writes English and Japanese. The same settings, an adapter of its own.
# %% [markdown] lang="ja" of="6941fe6f"
# 切れば最後の 1 ビットまでベースに戻り、ファイルから読めばファインチューニング済みのモデルに戻ります。ファインチューニングの成果は、11 MB のモデルに添えるこの小さなファイルにすべて収まっています。つまり、どこまで永続させるかは使う側しだいです。1 つのベースモデルに、いくつものアダプターを用意できます。
#
# ## もう 1 つの言語では
#
# Kotori は、日本語も英語も読み書きできます。設定は変えずに、英語専用のアダプターを学習します。
# %%
from lab_helpers.labs.lab00.training import train_adapter

other = lab.other_language  # None for a model that reads one language
if other:
    other_rows = gold_rows(other, "test")[: lab.settings["questions"]]
    asked = [ask_plainly(row["question"]) for row in other_rows]
    other_tuned, _ = train_adapter(lab.run, other, training, adapter)
    there = measure_way(other_tuned.model, tokenizer, asked, other, "adapter")
    lab.measured(**there.metrics, **fact_metrics(other_rows, there.replies.texts, other))
    print(other_rows[0]["question"], "\n", there.replies.texts[0])
    print("adapter", lab.run.metrics[f"tone_compliance_adapter_{other}"])
other_tuned = None
# %% [raw] lang="ja"
# None for a model that reads one language → 1 つの言語しか読めないモデルでは None
# adapter → アダプター
# %% [markdown] lang="en"
# The same recipe carries over to the other language.
#
# ## Measure: when does your own GPU pay?
#
# **Exercise (6 min).** A GPU that is always on costs 730 hours a month; an API costs by the token. From how many calls a month is the GPU cheaper?
# %% [markdown] lang="ja" of="ba8128f7"
# 同じやり方が、もう 1 つの言語にも通用します。
#
# ## 測る: 自前の GPU で元が取れるのはいつか
#
# **演習（6 分）。** 常時稼働の GPU には月 730 時間分の費用がかかり、API にはトークン数に応じた費用がかかります。GPU のほうが安くなるのは、月に何回の呼び出しからでしょうか。
# %% tags=["exercise"]
def break_even_calls(price_per_million, tokens_per_call, gpu_per_hour):
    ...  # your code


break_even_calls = lab.check("break_even_calls", break_even_calls)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# The tokens of a call are the ones you measured: the few-shot prompt and a reply. The **prices are placeholders, not market prices**, and so is what one GPU can answer in an hour: put in your own. The curve jumps where one GPU is full.
# %% [markdown] lang="ja" of="9d196bd1"
# 1 回あたりのトークン数には、先ほど測った値（フューショットのプロンプトと回答）を使います。**価格は仮の値であり、市場価格ではありません**。GPU 1 台が 1 時間に答えられる件数も同じです。ご自身の値に置き換えてください。曲線は、GPU 1 台の処理能力がいっぱいになるところで跳ね上がります。
# %%
from lab_helpers.labs.lab00.costs import Prices, break_even_metrics, cost_figure

per_reply = few_shot.replies.tokens / len(test_rows)
tokens = lab.run.metrics["prompt_tokens_few_shot"] + per_reply
prices = Prices(
    per_million_tokens=1.0, tokens_per_call=tokens, gpu_per_hour=0.5, gpu_calls_per_hour=3600
)
lab.measured(**break_even_metrics(prices))
print(f"{tokens:.0f} tokens a call, {break_even_calls(1.0, tokens, 0.5):,.0f} calls a month")
lab.figure(cost_figure(prices), "break_even")
# %% [raw] lang="ja"
# " tokens a call, " → " トークン/回、月 "
# " calls a month" → " 回"
# %% [markdown] lang="en"
# Below that volume the API is cheaper, tuned or not: an idle GPU costs as much as a busy one. That is the whole of claim 43: it depends on how much you ask.
#
# ## Explore
#
# Write as a customer and press Enter: the base and the tuned model answer side by side. Without a live kernel you see one example.
# %% [markdown] lang="ja" of="ea9c7c49"
# この回数に届かないうちは、ファインチューニングしてもしなくても、API のほうが安く済みます。GPU は使っていない間も同じだけ費用がかかるからです。主張 43 は、要するに利用量しだいです。
#
# ## 触ってみる
#
# 顧客になったつもりで文を書き、Enter キーを押してください。ベースモデルとファインチューニング済みのモデルの回答が、並べて表示されます。カーネルが動いていないときは、例が 1 つ表示されます。
# %%
from lab_helpers.figures.widgets import chat_explorer
from lab_helpers.models.side_by_side import SideBySide

pair = SideBySide(tuned.model, tokenizer)
messages = {
    "en": ("The fan rattles at night.", "Where can I buy a new lid?"),
    "ja": ("夜になると扇風機がカタカタ鳴ります。", "新しいふたはどこで買えますか。"),
}[lab.language]
lab.table([pair.ask(messages[0])])
chat_explorer(pair.ask, messages[1])
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
# Kotori は 500 万パラメータで、指示に従うことを誰にも教わっていません。教わったモデルでも、同じ順位になるのでしょうか。同じセルを、1.35 億パラメータの SmolLM2-Instruct でも実行しました（`labs run 00 --profile small`。英語しか読めないので、データは英語です）。その値を講座に収めてあります。
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
# Three examples help it, where they did not help Kotori, and part of its JSON parses. The instruction alone yields nothing here either, and the adapter is far ahead of both. Its numbers are invented all the same: not one fact is right. Whether a larger model follows the instruction is not decided here; the t4 profile asks one of 1.5 billion.
# %% [markdown] lang="ja" of="0cbcc368"
# Kotori には効かなかった 3 つの例が、このモデルには効き、JSON も一部は解析できます。指示だけでは、ここでも効果がありません。そして、アダプターはどちらも大きく引き離しています。それでも、数値はやはり作り話で、正しい事実は 1 つもありません。もっと大きなモデルなら指示に従うのかどうかは、ここではわかりません。t4 プロファイルなら、15 億パラメータのモデルに尋ねられます。
# %% [markdown] lang="en"
# ## An open experiment
#
# How few examples are enough for the tone? Train on `rows[:10]`, `rows[:30]`, `rows[:100]` in the training cell (with more epochs, so that each gets as many steps) and measure on `gold_rows(lab.language, "validation")`: settings are chosen there, and the test questions stay for the end.
#
# With `LAB_PROFILE=t4` on a Colab T4 the same cells take a real model of 1.5 billion parameters. From the terminal, `labs run 00` does all of this without a notebook, `labs run base` shows what Kotori knows before any tuning, `labs list` shows your progress, `labs report` puts your results on one page.
# %% [markdown] lang="ja" of="0905beed"
# ## 自由実験
#
# 口調を教えるには、例がいくつあれば足りるでしょうか。学習のセルで `rows[:10]`、`rows[:30]`、`rows[:100]` を使って学習し（ステップ数がそろうように、エポックを増やします）、`gold_rows(lab.language, "validation")` で測ってみましょう。設定は検証用の質問で選び、テスト用の質問は最後までとっておきます。
#
# Colab の T4 で `LAB_PROFILE=t4` を指定すると、同じセルのまま、15 億パラメータのモデルに切り替わります。ターミナルからも操作できます。`labs run 00` はここまでのすべてをノートブックなしで実行し、`labs run base` は Kotori がファインチューニング前に何を知っているかを示し、`labs list` は進み具合を表示し、`labs report` は結果を 1 ページにまとめます。
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
