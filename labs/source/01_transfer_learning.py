# %% [markdown] lang="en"
# ## title
# %% [markdown] lang="ja" of=""
# ## title
# %%
from lab_helpers import open_lab

lab = open_lab("01")
# %% [markdown] lang="en"
# ## predict
# %% [markdown] lang="ja" of=""
# ## predict
# %%
lab.predict("intent_gap", ...)
lab.predict("forgotten", ...)
# %% [markdown] lang="en"
# ## why
# %% [markdown] lang="ja" of=""
# ## why
# %%
from lab_helpers.figures import transfer as figures

lab.figure(figures.ways_to_transfer(), "ways")
# %% [markdown] lang="en"
# ## data
# %% [markdown] lang="ja" of=""
# ## data
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
# ## encoder
# %% [markdown] lang="ja" of=""
# ## encoder
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
# ## vocabularies
# %% [markdown] lang="ja" of=""
# ## vocabularies
# %%
from lab_helpers.labs.lab01.vocabularies import load_vocabularies, vocabulary_rows

tested = {language: shipped_texts("requests", language).split("test")[0] for language in encoders}
lab.table(vocabulary_rows(load_vocabularies(), tested), "vocabularies")
# %% [markdown] lang="en"
# ## pool
# %% [markdown] lang="ja" of=""
# ## pool
# %% tags=["exercise"]
def mean_pool(hidden, mask):
    ...  # your code: (batch, 384)


mean_pool = lab.check("mean_pool", mean_pool)
# %% [raw] lang="ja"
# your code: (batch, 384) → ここに書く。返す形は (batch, 384)
# %% [markdown] lang="en"
# ## cosine
# %% [markdown] lang="ja" of=""
# ## cosine
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
# ## curves
# %% [markdown] lang="ja" of=""
# ## curves
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
# ## classifier
# %% [markdown] lang="ja" of=""
# ## classifier
# %%
class Classifier(torch.nn.Module):
    def __init__(self, labels, pretrained=True):
        super().__init__()
        self.encoder = encoder.load(pretrained)  # a fresh copy, or random weights
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, labels)  # always random

    def forward(self, input_ids, attention_mask):
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.head(mean_pool(hidden, attention_mask))


def fresh(seed, pretrained=True):
    torch.manual_seed(seed)
    return Classifier(len(requests.labels), pretrained).to(encoder.device)
# %% [raw] lang="ja"
# a fresh copy, or random weights → 学習済みの重みの写し、またはランダムな重み
# always random → こちらは常にランダム
# %% [markdown] lang="en"
# ## step
# %% [markdown] lang="ja" of=""
# ## step
# %% tags=["exercise"]
def train_step(model, batch, labels, optimizer):
    ...  # your code: the loss, a float


train_step = lab.check("train_step", train_step)
# %% [raw] lang="ja"
# your code: the loss, a float → ここに書く。返すのは損失（float）
# %% [markdown] lang="en"
# ## loop
# %% [markdown] lang="ja" of=""
# ## loop
# %%
def train(model, rate, seed, epochs=4, batch_size=16):
    texts, labels = requests.sample(64, seed)
    body = [weight for weight in model.encoder.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW([
        {"params": body, "lr": rate},
        {"params": model.head.parameters(), "lr": 2e-3},  # random, so it may hurry
    ])
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
# %%
from lab_helpers.labs.shared.classifiers import measure_hits

rates = lab.pick(tiny=(1e-4, 5e-4, 2e-3), t4=(5e-5, 2e-4, 1e-3))  # a 1-8B model wants about 1e-5
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
# ## reply
# %% [markdown] lang="ja" of=""
# ## reply
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
# ## intents
# %% [markdown] lang="ja" of=""
# ## intents
# %%
for seed in seeds[1:]:
    tuned[seed] = fresh(seed)
    train(tuned[seed], chosen, seed)
hits = {"fine-tuned": [measure_hits(encoder, tuned[seed], requests) for seed in seeds]}
hits["scratch"], learnt = [], []
for seed in seeds:
    model = fresh(seed, pretrained=False)
    train(model, chosen, seed)
    hits["scratch"].append(measure_hits(encoder, model, requests))
    texts, labels = requests.sample(64, seed)
    learnt.append((encoder.logits(model, texts).argmax(1) == labels).mean())
print("scratch, on its own training texts:", [f"{share:.2f}" for share in learnt])
# %% [raw] lang="ja"
# scratch, on its own training texts: → ゼロから学習したモデルの、学習用テキストでの正解率:
# %%
from lab_helpers.labs.lab01.scoring import arm_rows, difference_rows, gap_metrics, mean_hits

arms = {name: sum(found) / len(found) for name, found in hits.items()}
arms["probe"] = mean_hits(panels[requests.name], probes[lab.language], 64)
arms["TF-IDF"] = mean_hits(panels[requests.name], "TF-IDF", 64)
lab.table(arm_rows(arms), "intent at 64")
lab.table(difference_rows("fine-tuned", arms), "intent differences")
for key, name in {"pretrained": "fine-tuned", "scratch": "scratch"}.items():
    lab.measured(**{f"intent_accuracy_{key}_64_{lab.language}": arms[name].mean()})
nothing = [arms["scratch"], arms["TF-IDF"]]
lab.measured(**gap_metrics("intent_gap_64", arms["fine-tuned"], nothing))
lab.compare("intent_gap")
# %% [markdown] lang="en"
# ## moods
# %% [markdown] lang="ja" of=""
# ## moods
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
# %%
moods["probe"] = mean_hits(panels[reviews.name], probes[lab.language], 256, seeds[:1])
moods["TF-IDF"] = mean_hits(panels[reviews.name], "TF-IDF", 256, seeds[:1])
lab.table(arm_rows(moods), "sentiment at 256")
lab.table(difference_rows("fine-tuned", moods), "sentiment differences")
nothing = [moods["scratch"], moods["TF-IDF"]]
lab.measured(**gap_metrics("sentiment_gap_256", moods["fine-tuned"], nothing))
# %% [markdown] lang="en"
# ## other
# %% [markdown] lang="ja" of=""
# ## other
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
# ## freeze
# %% [markdown] lang="ja" of=""
# ## freeze
# %% tags=["exercise"]
def freeze_bottom(blocks, trainable):
    ...  # your code


freeze_bottom = lab.check("freeze_bottom", freeze_bottom)
# %% [raw] lang="ja"
# your code → ここに書く
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
# %%
lab.table(difference_rows("top third", frozen), "freezing differences")
# %% [markdown] lang="en"
# ## moved
# %% [markdown] lang="ja" of=""
# ## moved
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
# ## reset
# %% [markdown] lang="ja" of=""
# ## reset
# %%
from lab_helpers.labs.lab01.scoring import lead_metrics
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
lab.measured(**lead_metrics("reset_gap", back["bottom third"], back["top third"]))
lab.measured(**lead_metrics("freeze_gap", frozen["top third"], frozen["bottom third"]))
# %%
rows = []
for name in ("reset_gap", "freeze_gap"):
    rows.append({"measurement": name, "difference": lab.run.metrics[name],
                 "95 %": lab.run.metrics[f"{name}_ci"]})
lab.table(rows, "layers")
# %% [markdown] lang="en"
# ## lazy
# %% [markdown] lang="ja" of=""
# ## lazy
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
# ## spans
# %% [markdown] lang="ja" of=""
# ## spans
# %% tags=["exercise"]
def span_f1(predicted, gold):
    ...  # your code


span_f1 = lab.check("span_f1", span_f1)
# %% [raw] lang="ja"
# your code → ここに書く
# %% [markdown] lang="en"
# ## taggers
# %% [markdown] lang="ja" of=""
# ## taggers
# %%
training = task_settings(lab.settings, "entity")
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
every = {**scores, "always O": nobody}
lab.table([{"method": name, "span F1": score} for name, score in every.items()])
# %%
from lab_helpers.evaluation.spans import f1_of_counts, scores_by_kind, span_counts
from lab_helpers.tuning.tagging import KINDS

keys = {"fine-tuned": "pretrained", "scratch": "scratch", "CRF": "traditional"}
lab.measured(o_tagger_entity_f1=nobody, **{f"entity_f1_{keys[n]}": f for n, f in scores.items()})
counts = {name: span_counts(spans, gold) for name, spans in found.items()}
lead = lead_metrics("entity_gap_traditional", counts["fine-tuned"], counts["CRF"], f1_of_counts)
lab.measured(**lead)
low, high = lead["entity_gap_traditional_ci"]
print(f"fine-tuned minus CRF, same sentences: {low:+.2f} … {high:+.2f}")
by_kind = scores_by_kind(found["fine-tuned"], gold, KINDS)
lab.run.table("entities by kind", by_kind)
lab.figure(figures.entity_scores(by_kind, scores), "entities")
# %% [raw] lang="ja"
# fine-tuned minus CRF, same sentences: → ファインチューニングと CRF の差（同じ文で比較）:
# %% [markdown] lang="en"
# ## skill
# %% [markdown] lang="ja" of=""
# ## skill
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
# ## arms
# %% [markdown] lang="ja" of=""
# ## arms
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
# ## verdict
# %% [markdown] lang="ja" of=""
# ## verdict
# %%
lab.verdict()
# %% [markdown] lang="en"
# ## scale
# %% [markdown] lang="ja" of=""
# ## scale
# %% [markdown] lang="en"
# ## try
# %% [markdown] lang="ja" of=""
# ## try
# %% [markdown] lang="en"
# ## quiz
# %% [markdown] lang="ja" of=""
# ## quiz
# %%
lab.quiz()
# %% [markdown] lang="en"
# ## next
# %% [markdown] lang="ja" of=""
# ## next
