"""Lab 04, exercise ``masked_loss``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.masks import masked_loss


def _token_losses(logits, targets):
    chances = logits.log_softmax(-1)
    return -chances.gather(2, targets.clamp(min=0)[..., None])[..., 0], targets != -100


def _loss_unshifted(logits, labels):
    losses, heard = _token_losses(logits, labels)
    return (losses * heard).sum() / heard.sum()


def _loss_backwards(logits, labels):
    losses, heard = _token_losses(logits[:, 1:], labels[:, :-1])
    return (losses * heard).sum() / heard.sum()


def _loss_all_places(logits, labels):
    losses, heard = _token_losses(logits[:, :-1], labels[:, 1:])
    return (losses * heard).mean()


def _loss_unmasked(logits, labels):
    losses, _ = _token_losses(logits[:, :-1], labels[:, 1:])
    return losses.mean()


def _loss_sum(logits, labels):
    losses, heard = _token_losses(logits[:, :-1], labels[:, 1:])
    return (losses * heard).sum()


def _loss_by_row(logits, labels):
    losses, heard = _token_losses(logits[:, :-1], labels[:, 1:])
    return ((losses * heard).sum(1) / heard.sum(1)).mean()


def _test_loss(answer) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((2, 6, 9), generator=generator)
    labels = torch.tensor([[-100, -100, 3, 4, 5, 2], [-100, -100, -100, -100, 7, 2]])
    given = labels.clone()
    got = answer(logits.clone(), given)
    fingerprints = (
        (
            _loss_unshifted,
            "not shifted: the logits at place t speak about the token at t + 1.",
            "ずらしていません。位置 t のロジットが予測するのは、t + 1 のトークンです。",
        ),
        (
            _loss_backwards,
            "shifted the wrong way: drop the *last* logits and the *first* label.",
            "ずらす向きが逆です。*最後*のロジットと*最初*のラベルを落とします。",
        ),
        (
            _loss_all_places,
            "you divide by all places; divide by the number of heard tokens, or long prompts make the loss small.",
            "すべての位置の数で割っています。損失がかかるトークンの数で割らないと、プロンプトが長いほど損失が小さく見えます。",
        ),
        (
            _loss_unmasked,
            "places with -100 count too: take them out.",
            "-100 の位置まで数えています。除いてください。",
        ),
        (
            _loss_sum,
            "that is the sum; the loss is the mean over heard tokens.",
            "それは合計です。損失は、対象となるトークンについての平均です。",
        ),
        (
            _loss_by_row,
            "a mean of the rows' means gives every token of a short answer more weight; take one mean over all heard tokens.",
            "行ごとの平均の平均では、短い回答のトークンほど重くなります。対象のトークン全体で 1 回だけ平均してください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(logits, labels)):
            raise Mistake(en, ja)
    expect_close(
        got,
        masked_loss(logits, labels),
        "not the mean of -log p over the heard tokens.",
        "対象トークンについての -log p の平均になっていません。",
    )
    if not torch.equal(given, labels):
        raise Mistake(
            "you changed labels itself; clamp(min=0) makes a copy, clamp_ does not.",
            "labels そのものを書き換えています。clamp(min=0) は写しをつくりますが、clamp_ はつくりません。",
        )


EXERCISE = Exercise(
    name="masked_loss",
    prompt=Text(
        "The mean of -log p(next token) over the labels that are not -100. logits (n, length, vocabulary), labels (n, length).",
        "-100 でないラベルについての -log p（次のトークン）の平均を返してください。logits は (n, length, vocabulary)、labels は (n, length) です。",
    ),
    reference=masked_loss,
    test=_test_loss,
    hints=(
        Text(
            "Which token do the logits at place t predict?",
            "位置 t のロジットは、どのトークンを予測していますか。",
        ),
        Text(
            "The one at t + 1: use logits[:, :-1] and labels[:, 1:]. Then log_softmax(-1), and gather the labels' entries (clamp -100 to 0 first).",
            "t + 1 のトークンです。logits[:, :-1] と labels[:, 1:] を使います。log_softmax(-1) のあと、ラベルの要素を gather で取り出します（先に -100 を 0 に clamp します）。",
        ),
        Text(
            "heard = targets != -100; return -(chosen * heard).sum() / heard.sum()",
            "heard = targets != -100; return -(chosen * heard).sum() / heard.sum()",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_loss_unshifted, "not shifted"),
        WrongAnswer(_loss_backwards, "wrong way"),
        WrongAnswer(_loss_all_places, "divide by all places"),
        WrongAnswer(_loss_unmasked, "places with -100 count too"),
        WrongAnswer(_loss_sum, "that is the sum"),
        WrongAnswer(_loss_by_row, "mean of the rows' means"),
    ),
)
