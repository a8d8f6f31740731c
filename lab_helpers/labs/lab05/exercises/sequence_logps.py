"""Lab 05, exercise ``sequence_logps``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.preference_losses import sequence_logps


def _not_shifted(logits, ids, mask):
    said = logits.log_softmax(-1).gather(2, ids[..., None])[..., 0]
    return (said * mask).sum(-1)


def _no_mask(logits, ids, mask):
    said = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
    return said.sum(-1)


def _raw_logits(logits, ids, mask):
    said = logits[:, :-1].gather(2, ids[:, 1:, None])[..., 0]
    return (said * mask[:, 1:]).sum(-1)


def _mean_logps(logits, ids, mask):
    return sequence_logps(logits, ids, mask) / mask[:, 1:].sum(-1)


def _mask_not_shifted(logits, ids, mask):
    said = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
    return (said * mask[:, :-1]).sum(-1)


def _masks_in_place(logits, ids, mask):
    ids *= mask
    return sequence_logps(logits, ids, mask)


def _batch():
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 6, 7, generator=generator, dtype=torch.float64)
    ids = torch.randint(1, 7, (2, 6), generator=generator)
    mask = torch.tensor([[0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1]])
    return logits, ids, mask


def _test_sequence_logps(answer) -> None:
    logits, ids, mask = _batch()
    given = [value.clone() for value in (logits, ids, mask)]
    got = answer(*given)
    fingerprints = (
        (
            _not_shifted,
            "the logits at place t speak about token t + 1: shift them by one against the ids.",
            "位置 t のロジットが予測するのは t + 1 番目のトークンです。ids と 1 つずらしてください。",
        ),
        (
            _no_mask,
            "the prompt and the padding are counted too: multiply by the mask.",
            "プロンプトやパディングまで数えています。マスクを掛けてください。",
        ),
        (
            _raw_logits,
            "those are raw logits; log-probabilities need log_softmax over the vocabulary.",
            "それは生のロジットです。対数確率にするには、語彙の方向に log_softmax が必要です。",
        ),
        (
            _mean_logps,
            "that is the mean per token; DPO takes the *sum* over the answer.",
            "それはトークンあたりの平均です。DPO では回答全体の「和」を取ります。",
        ),
        (
            _mask_not_shifted,
            "the mask must be shifted with the ids: mask[:, 1:] belongs to ids[:, 1:].",
            "マスクも ids と同じだけずらします。ids[:, 1:] に対応するのは mask[:, 1:] です。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(logits, ids, mask)):
            raise Mistake(en, ja)
    expect_close(
        got,
        sequence_logps(logits, ids, mask),
        "not the sum of log π(token) over the answer's tokens.",
        "回答のトークンについての log π の和になっていません。",
    )
    if not all(torch.equal(a, b) for a, b in zip(given, (logits, ids, mask), strict=True)):
        raise Mistake(
            "you changed the tensors you were given; the caller needs them again. Make new ones.",
            "渡されたテンソルを書き換えています。呼び出し元でまた使うので、新しいテンソルを作ってください。",
        )


EXERCISE = Exercise(
    name="sequence_logps",
    prompt=Text(
        "log π(y | x) of each row: the sum over the answer's tokens (mask 1). logits (n, length, vocabulary), ids and mask (n, length) → (n,).",
        "各行の log π(y | x)、つまり回答のトークン（マスクが 1）についての和を返してください。logits (n, length, vocabulary)、ids と mask (n, length) → (n,)。",
    ),
    reference=sequence_logps,
    test=_test_sequence_logps,
    hints=(
        Text(
            "Which logits speak about the token at place t?",
            "位置 t のトークンを予測しているのは、どの位置のロジットでしょうか。",
        ),
        Text(
            "log_softmax over the last dimension, then gather the column of each *next* token.",
            "最後の次元で log_softmax を取り、「次の」トークンの列を gather で取り出します。",
        ),
        Text(
            "said = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]; return (said * mask[:, 1:]).sum(-1)",
            "said = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]; return (said * mask[:, 1:]).sum(-1)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_not_shifted, "shift them by one"),
        WrongAnswer(_no_mask, "multiply by the mask"),
        WrongAnswer(_raw_logits, "raw logits"),
        WrongAnswer(_mean_logps, "mean per token"),
        WrongAnswer(_mask_not_shifted, "must be shifted with the ids"),
        WrongAnswer(_masks_in_place, "changed the tensors"),
    ),
)
