"""Lab 06, texts against texts: BLEU, ROUGE and METEOR by hand and by library, and what a word is."""

import numpy as np

from lab_helpers.data.preferences import Pair, PairSet, shipped_pairs
from lab_helpers.evaluation.text_metrics.bleu import corpus_bleu, sentence_bleu
from lab_helpers.evaluation.text_metrics.meteor import meteor
from lab_helpers.evaluation.text_metrics.rouge import rouge_l, rouge_n
from lab_helpers.evaluation.text_metrics.tokenizers import (
    SACREBLEU_NAMES,
    ForRouge,
    Tokenize,
    characters,
    for_language,
    rouge_words,
    sacrebleu_words,
)

ONE_PAIR = {
    "en": (
        "The Hinata heater costs 24,800 yen and the delivery of the heater is free.",
        "The heater Hinata costs 24,800 yen, and delivery is free of charge.",
    ),
    "ja": (
        "ヒナタの価格は24,800円で、ヒナタの配送は無料でございます。",
        "ヒーターのヒナタは24,800円で、配送料は無料でございます。",
    ),
}
"""A hypothesis and its reference, for reading a metric token by token."""

JAPANESE_PAIRS = {
    "identical": (
        "保証書をご用意のうえ、電話窓口までご連絡ください。",
        "保証書をご用意のうえ、電話窓口までご連絡ください。",
    ),
    "unrelated, both with 30": ("加湿器の水は30分でなくなります。", "30歳の誕生日に花を贈りました。"),
    "the same in other words": (
        "お手元に保証書をご用意になり、窓口へお電話をお願いいたします。",
        "保証書をご用意のうえ、電話窓口までご連絡ください。",
    ),
}  # fmt: skip


class NoWordNet:
    """In place of nltk's WordNet, which is a download and English: no word has a synonym."""

    def synsets(self, word: str) -> list:
        return []


# --- one pair, by hand and by library -------------------------------------------------------------


def score_by_hand(hypothesis: str, reference: str, spoken: str) -> dict[str, float]:
    """Every metric of one pair by the course's own code; BLEU from 0 to 100, the others from 0 to 1."""
    words, rouge = for_language(spoken), rouge_words(spoken)
    return {
        "BLEU": sentence_bleu(hypothesis, [reference], words).score,
        "ROUGE-1": rouge_n(hypothesis, reference, 1, rouge).f1,
        "ROUGE-2": rouge_n(hypothesis, reference, 2, rouge).f1,
        "ROUGE-L": rouge_l(hypothesis, reference, rouge).f1,
        "METEOR": meteor(words(hypothesis), [words(reference)]),
    }


def score_by_library(hypothesis: str, reference: str, spoken: str) -> dict[str, float]:
    """The same by sacrebleu, rouge_score and nltk."""
    from nltk.translate.meteor_score import meteor_score
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics import BLEU

    words = for_language(spoken)
    bleu = BLEU(tokenize=SACREBLEU_NAMES[spoken], effective_order=True)
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=ForRouge(rouge_words(spoken)))
    rouge = scorer.score(reference, hypothesis)
    return {
        "BLEU": bleu.sentence_score(hypothesis, [reference]).score,
        "ROUGE-1": rouge["rouge1"].fmeasure,
        "ROUGE-2": rouge["rouge2"].fmeasure,
        "ROUGE-L": rouge["rougeL"].fmeasure,
        "METEOR": meteor_score([words(reference)], words(hypothesis), wordnet=NoWordNet()),
    }


def pair_rows(hypothesis: str, reference: str, spoken: str) -> list[dict]:
    """A row a metric: by hand, by library, their difference."""
    ours, theirs = (
        score_by_hand(hypothesis, reference, spoken),
        score_by_library(hypothesis, reference, spoken),
    )
    return [
        {"metric": name, "by hand": value, "library": theirs[name], "difference": abs(value - theirs[name])}
        for name, value in ours.items()
    ]  # fmt: skip


def measure_largest_differences(count: int, seed: int) -> dict[str, float]:
    """By hand against the libraries over many pairs in both languages, and BLEU of the whole sets too."""
    from sacrebleu.metrics import BLEU

    worst = dict.fromkeys(("BLEU", "ROUGE-1", "ROUGE-2", "ROUGE-L", "METEOR"), 0.0)
    for spoken in ("en", "ja"):
        pairs = shipped_pairs(spoken, seed).test[:count]
        texts = [ONE_PAIR[spoken], *((p.answer("rejected"), p.answer()) for p in pairs)]
        for hypothesis, reference in texts:
            for row in pair_rows(hypothesis, reference, spoken):
                worst[row["metric"]] = max(worst[row["metric"]], row["difference"])
        said, right = (list(side) for side in zip(*texts, strict=True))
        ours = corpus_bleu(said, [[text] for text in right], for_language(spoken)).score
        theirs = BLEU(tokenize=SACREBLEU_NAMES[spoken]).corpus_score(said, [right]).score
        worst["BLEU"] = max(worst["BLEU"], abs(ours - theirs))
    return {
        "bleu_abs_diff": worst["BLEU"],
        "rouge_1_abs_diff": worst["ROUGE-1"],
        "rouge_2_abs_diff": worst["ROUGE-2"],
        "rouge_l_abs_diff": worst["ROUGE-L"],
        "meteor_abs_diff": worst["METEOR"],
    }


# --- Japanese -------------------------------------------------------------------------------------


def rouge_tokenizers() -> dict[str, Tokenize]:
    """What rouge_score does by itself, words, characters."""
    return {
        "default": rouge_words("en"),
        "MeCab words": rouge_words("ja"),
        "characters": characters,
    }


def token_rows() -> list[dict]:
    """What each tokenizer makes of two of the Japanese texts."""
    return [
        {"tokenizer": name, "text": text, "tokens": " | ".join(tokenize(text)) or "(none)"}
        for name, tokenize in rouge_tokenizers().items()
        for text in (JAPANESE_PAIRS["identical"][0], JAPANESE_PAIRS["unrelated, both with 30"][0])
    ]


def japanese_rows() -> list[dict]:
    """ROUGE-L (by rouge_score itself) and BLEU (by ours) of the Japanese pairs, by tokenizer."""
    from rouge_score.rouge_scorer import RougeScorer

    rows = []
    for name, (hypothesis, reference) in JAPANESE_PAIRS.items():
        row: dict = {"pair": name}
        for tokenizer, words in rouge_tokenizers().items():
            scorer = RougeScorer(["rougeL"], tokenizer=ForRouge(words))
            found = scorer.score(reference, hypothesis)["rougeL"]
            row[f"ROUGE-L {tokenizer}"] = float(found.fmeasure)
        for bleu in ("13a", "ja-mecab", "char"):
            words = sacrebleu_words(bleu)
            row[f"BLEU {bleu}"] = sentence_bleu(hypothesis, [reference], words).score
        rows.append(row)
    return rows


def japanese_metrics(rows: list[dict]) -> dict[str, float]:
    same, unrelated, reworded = rows
    return {
        "rouge_ja_default": same["ROUGE-L default"],
        "rouge_ja_tokenized": same["ROUGE-L MeCab words"],
        "rouge_ja_unrelated_default": unrelated["ROUGE-L default"],
        "rouge_ja_unrelated_tokenized": unrelated["ROUGE-L MeCab words"],
        "bleu_ja_reworded_13a": reworded["BLEU 13a"],
        "bleu_ja_reworded_char": reworded["BLEU char"],
        "bleu_ja_reworded_mecab": reworded["BLEU ja-mecab"],
    }


# --- do they see what matters? --------------------------------------------------------------------


def score_rejected(house: PairSet, reason: str, spoken: str) -> tuple[list[Pair], np.ndarray]:
    """Pairs of one reason, and ROUGE-L of the *rejected* answer against the chosen one, (n,)."""
    pairs = [pair for pair in house.test if pair.reason == reason]
    words = rouge_words(spoken)
    return pairs, np.array([rouge_l(p.answer("rejected"), p.answer(), words).f1 for p in pairs])


def measure_blindness(house: PairSet, spoken: str) -> tuple[list[dict], dict[str, float]]:
    """Answers with a wrong number, and answers with the right facts in another tone: who scores higher?"""
    rows, found = [], {}
    for reason, name in (("fact", "rouge_l_wrong_fact"), ("tone", "rouge_l_right_fact")):
        pairs, scores = score_rejected(house, reason, spoken)
        found[name] = float(scores.mean())
        for pair, score in list(zip(pairs, scores, strict=True))[:2]:
            rows.append({"against": pair.answer(), "reply": pair.answer("rejected"), "ROUGE-L": score})  # fmt: skip
    found["rouge_l_fact_margin"] = found["rouge_l_right_fact"] - found["rouge_l_wrong_fact"]
    return rows, found
