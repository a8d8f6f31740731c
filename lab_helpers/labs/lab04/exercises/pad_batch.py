"""Lab 04, exercise ``pad_batch``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.masks import pad_batch

_END = 2
# The padding token is the end token, as in many models: only the place tells them apart.
_ROWS = [
    {"input_ids": [5, 6, _END, 7, 8, _END], "labels": [-100, -100, -100, 7, 8, _END]},
    {"input_ids": [5, _END, 9, _END], "labels": [-100, -100, 9, _END]},
]


def _pad_by_token(rows, pad_id):
    batch = pad_batch(rows, pad_id)
    batch["labels"] = batch["labels"].masked_fill(batch["input_ids"] == pad_id, -100)
    return batch


def _pad_labels_too(rows, pad_id):
    batch = pad_batch(rows, pad_id)
    padding = batch["attention_mask"] == 0
    batch["labels"] = batch["labels"].masked_fill(padding, pad_id)
    return batch


def _pad_labels_from_ids(rows, pad_id):
    batch = pad_batch(rows, pad_id)
    padding = batch["attention_mask"] == 0
    batch["labels"] = batch["input_ids"].masked_fill(padding, -100)
    return batch


def _pad_attended(rows, pad_id):
    batch = pad_batch(rows, pad_id)
    batch["attention_mask"] = torch.ones_like(batch["attention_mask"])
    return batch


def _pad_cut(rows, pad_id):
    width = min(len(row["input_ids"]) for row in rows)
    return {name: values[:, :width] for name, values in pad_batch(rows, pad_id).items()}


def _pad_left(rows, pad_id):
    turned = [{name: values[::-1] for name, values in row.items()} for row in rows]
    return {name: values.flip(1) for name, values in pad_batch(turned, pad_id).items()}


_FINGERPRINTS = (
    (
        _pad_by_token,
        "you mask by token: every real end is -100 now, since the padding token is the end token here. What is padding, the place decides.",
        "トークンの値で隠しています。ここではパディングと終わりのトークンが同じなので、本物の終わりまで -100 になります。パディングかどうかは位置で決めてください。",
    ),
    (
        _pad_labels_too,
        "the labels of the padding are tokens: the model would learn to write padding. Fill labels with -100.",
        "パディングのラベルがトークンになっています。これではパディングを書くことを学んでしまいます。ラベルは -100 で埋めてください。",
    ),
    (
        _pad_labels_from_ids,
        "the labels are copied from input_ids, so the customer's words carry loss again. Take the rows' own labels.",
        "ラベルを input_ids から写しているため、顧客の言葉にも損失がかかってしまいます。行の labels を使ってください。",
    ),
    (
        _pad_attended,
        "the attention mask is 1 everywhere: it must be 0 on the padding.",
        "attention_mask がすべて 1 です。パディングの位置は 0 にしてください。",
    ),
    (
        _pad_cut,
        "you cut to the shortest row: the end of the longer answers is gone. Fill up to the longest.",
        "いちばん短い行に合わせて切っています。長い回答の終わりがなくなります。いちばん長い行に合わせて埋めてください。",
    ),
    (
        _pad_left,
        "you pad on the left; that is for generating. Training pads on the right.",
        "左側を埋めています。それは生成のときのやり方です。学習では右側を埋めます。",
    ),
)


def _is(batch: dict, other: dict) -> bool:
    return all(torch.equal(torch.as_tensor(batch[name]), other[name]) for name in other)


def _test_pad(answer) -> None:
    rows = [{name: list(values) for name, values in row.items()} for row in _ROWS]
    got = answer(rows, _END)
    right = pad_batch(_ROWS, _END)
    if not isinstance(got, dict) or set(got) != set(right):
        raise Mistake(
            "return a dict with input_ids, attention_mask and labels.",
            "input_ids、attention_mask、labels をもつ辞書を返してください。",
        )
    if not all(isinstance(got[name], torch.Tensor) for name in got):
        raise Mistake(
            "the model takes tensors: torch.tensor(list_of_lists).",
            "モデルが受け取るのはテンソルです: torch.tensor(リストのリスト)。",
        )
    for wrong, en, ja in _FINGERPRINTS:
        if _is(got, wrong(_ROWS, _END)):
            raise Mistake(en, ja)
    for name, expected in right.items():
        if not torch.equal(got[name], expected):
            raise Mistake(
                f"{name} should be {expected.tolist()}.",
                f"{name} は {expected.tolist()} のはずです。",
            )
    if rows != _ROWS:
        raise Mistake(
            "you changed the rows that you were given; the next epoch reads them again.",
            "渡された行を書き換えています。次のエポックでも同じ行を読みます。",
        )


def _pad_lists(rows, pad_id):
    return {name: values.tolist() for name, values in pad_batch(rows, pad_id).items()}


EXERCISE = Exercise(
    name="pad_batch",
    prompt=Text(
        "Rows of unequal length as one batch: a dict of three tensors, each (rows, longest row). Padding on the right: pad_id in input_ids, 0 in attention_mask, -100 in labels. rows: [{'input_ids': [5, 2], 'labels': [-100, 2]}, …].",
        "長さの違う行を 1 つのバッチにまとめ、3 つのテンソルの辞書を返してください。形はどれも（行数、いちばん長い行の長さ）です。右側を、input_ids は pad_id、attention_mask は 0、labels は -100 で埋めます。rows の例: [{'input_ids': [5, 2], 'labels': [-100, 2]}, …]。",
    ),
    reference=pad_batch,
    test=_test_pad,
    hints=(
        Text(
            "Three lists a row, and each gets its own filler.",
            "1 行につきリストを 3 つ用意し、それぞれ別の値で埋めます。",
        ),
        Text(
            "gap = width - len(row['input_ids']); the attention mask is [1] * len(row['input_ids']) + [0] * gap.",
            "gap = width - len(row['input_ids']) とします。attention_mask は [1] * len(row['input_ids']) + [0] * gap です。",
        ),
        Text(
            "torch.tensor([row['labels'] + [-100] * (width - len(row['labels'])) for row in rows]), and likewise the other two",
            "torch.tensor([row['labels'] + [-100] * (width - len(row['labels'])) for row in rows])。ほかの 2 つも同じようにつくります",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_pad_by_token, "mask by token"),
        WrongAnswer(_pad_labels_too, "learn to write padding"),
        WrongAnswer(_pad_labels_from_ids, "copied from input_ids"),
        WrongAnswer(_pad_attended, "1 everywhere"),
        WrongAnswer(_pad_cut, "cut to the shortest"),
        WrongAnswer(_pad_left, "on the left"),
        WrongAnswer(_pad_lists, "takes tensors"),
    ),
)
