"""Lab 08, exercise ``prepend_prompt``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close
from lab_helpers.labs.lab08.exercises.shared import random, refuse
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.peft_methods import prepend_prompt

N, K = 3, 2
_LABELS = torch.tensor([[-100, -100, 7, 8], [-100, 4, 5, 6], [-100, 9, 3, -100]])


def _joined(prompt, embeddings):
    return torch.cat((prompt.expand(len(embeddings), -1, -1), embeddings), dim=1)


def _at_the_end(prompt, embeddings, labels):
    ignored = torch.full((len(labels), len(prompt)), -100)
    repeated = prompt.expand(len(embeddings), -1, -1)
    return torch.cat((embeddings, repeated), 1), torch.cat((labels, ignored), 1)


def _labels_kept(prompt, embeddings, labels):
    return _joined(prompt, embeddings), labels


def _labels_at_the_end(prompt, embeddings, labels):
    ignored = torch.full((len(labels), len(prompt)), -100)
    return _joined(prompt, embeddings), torch.cat((labels, ignored), 1)


def _labels_zero(prompt, embeddings, labels):
    zeros = torch.zeros(len(labels), len(prompt), dtype=torch.long)
    return _joined(prompt, embeddings), torch.cat((zeros, labels), 1)


def _labels_float(prompt, embeddings, labels):
    ignored = torch.ones(len(labels), len(prompt)) * -100
    return _joined(prompt, embeddings), torch.cat((ignored, labels), 1)


def _not_repeated(prompt, embeddings, labels):
    ignored = torch.full((len(labels), len(prompt)), -100)
    return torch.cat((prompt[None], embeddings), 1), torch.cat((ignored, labels), 1)


def _replaces(prompt, embeddings, labels):
    replaced = torch.cat((prompt.expand(len(embeddings), -1, -1), embeddings[:, len(prompt) :]), 1)
    return replaced, labels


def _added(prompt, embeddings, labels):
    longer = torch.nn.functional.pad(embeddings, (0, 0, len(prompt), 0))
    return longer + prompt.mean(0), prepend_prompt(prompt, embeddings, labels)[1]


def _detached(prompt, embeddings, labels):
    return prepend_prompt(prompt.detach(), embeddings, labels)


def _joined_by(answer, prompt, embeddings, labels):
    try:
        return answer(prompt, embeddings, labels)
    except RuntimeError as error:
        if "ensors must" not in str(error):
            raise
        raise Mistake(
            f"torch.cat cannot join these shapes: prompt (k, e) and its labels must be repeated for each of the n rows, then joined along dim=1 ({error}).",
            f"この形のままでは torch.cat でつなげません。prompt (k, e) とそのラベルは、n 行のそれぞれに繰り返してから、dim=1 でつなぎます（{error}）。",
        ) from error


def _test_embeddings(got, prompt, embeddings) -> None:
    refuse(
        got,
        (
            (
                _at_the_end(prompt, embeddings, _LABELS)[0],
                "the prompt stands behind the text: no earlier token of a causal model could see it.",
                "プロンプトが文の後ろにあります。因果的なモデルでは、それより前のトークンから見えません。",
            ),
            (
                _replaces(prompt, embeddings, _LABELS)[0],
                "the prompt takes the place of the first k tokens; it comes before them, so that the rows grow by k.",
                "先頭の k トークンがプロンプトに置き換わっています。その前に足すので、行は k だけ長くなります。",
            ),
        ),
    )
    wanted = _joined(prompt, embeddings)
    expect_close(
        got,
        wanted,
        "the embeddings are not the prompt followed by the row's own, in every row.",
        "どの行も「プロンプト、続いてその行の埋め込み」という並びになっていません。",
    )


def _test_labels(got, prompt, embeddings) -> None:
    arguments = (prompt, embeddings, _LABELS)
    refuse(
        got,
        (
            (
                _LABELS,
                "the labels have kept their length: logits and labels would be k positions apart. The prompt needs labels too.",
                "ラベルの長さが元のままです。これではロジットとラベルが k 個ずれます。プロンプトの分のラベルも必要です。",
            ),
            (
                _labels_at_the_end(*arguments)[1],
                "the new labels stand behind the old ones; the prompt stands in front, and so must its labels.",
                "足したラベルが後ろにあります。プロンプトは前にあるので、そのラベルも前に置きます。",
            ),
            (
                _labels_zero(*arguments)[1],
                "the prompt's labels are 0, which is a token: the model would be trained to predict it. -100 is ignored.",
                "プロンプトのラベルが 0 です。0 はトークンの番号なので、モデルはそれを予測するように学習します。無視されるのは -100 です。",
            ),
        ),
    )
    expect_close(
        got,
        prepend_prompt(*arguments)[1],
        "the labels are not k times -100 followed by the row's own labels.",
        "ラベルが「-100 を k 個、続いてその行のラベル」になっていません。",
    )
    if torch.as_tensor(got).is_floating_point():
        raise Mistake(
            "the labels have become floats; the loss wants whole numbers: torch.full((n, k), -100).",
            "ラベルが小数型になっています。損失の計算には整数型が必要です: torch.full((n, k), -100)。",
        )


def _test_prepend(answer) -> None:
    prompt, embeddings = random(K, 5).requires_grad_(), random(N, 4, 5, seed=1)
    got = _joined_by(answer, prompt, embeddings.clone(), _LABELS.clone())
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Mistake(
            "return two tensors: embeddings, labels.",
            "2 つのテンソル embeddings, labels を返してください。",
        )
    longer, labels = got
    plain = prompt.detach()
    _test_embeddings(
        longer.detach() if isinstance(longer, torch.Tensor) else longer, plain, embeddings
    )
    _test_labels(labels, plain, embeddings)
    if not longer.requires_grad:
        raise Mistake(
            "no gradient reaches the prompt (detached or copied): it is all that is trained.",
            "プロンプトに勾配が届きません（detach やコピーで切れています）。学習するのはプロンプトだけです。",
        )


EXERCISE = Exercise(
    name="prepend_prompt",
    prompt=Text(
        "Put the soft prompt before every row of a batch. Return two tensors: embeddings (n, k + t, e), the prompt first, and labels (n, k + t) as whole numbers, with -100 (ignored by the loss) for each of the prompt's k positions. Gradients must reach the prompt. Shapes: prompt (k, e), embeddings (n, t, e), labels (n, t).",
        "バッチのすべての行の前にソフトプロンプトを置いてください。返すのは 2 つのテンソルです。プロンプトを先頭に置いた embeddings (n, k + t, e) と、プロンプトの k 個の位置を -100（損失で無視される値）にした整数型の labels (n, k + t) です。勾配がプロンプトに届くようにします。形: prompt (k, e)、embeddings (n, t, e)、labels (n, t)。",
    ),
    reference=prepend_prompt,
    test=_test_prepend,
    hints=(
        Text(
            "All rows share one prompt. What shape must it have before torch.cat can join it to the batch?",
            "プロンプトは全行で共通です。torch.cat でバッチとつなぐには、どんな形にすればよいでしょうか。",
        ),
        Text(
            "prompt.expand(n, -1, -1) is (n, k, e); torch.full((n, k), -100) are its labels; join both along dim=1.",
            "prompt.expand(n, -1, -1) は (n, k, e)、そのラベルは torch.full((n, k), -100) です。どちらも dim=1 でつなぎます。",
        ),
        Text(
            "n, k = len(embeddings), len(prompt); return torch.cat((prompt.expand(n, -1, -1), embeddings), 1), torch.cat((torch.full((n, k), -100), labels), 1)",
            "n, k = len(embeddings), len(prompt); return torch.cat((prompt.expand(n, -1, -1), embeddings), 1), torch.cat((torch.full((n, k), -100), labels), 1)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_at_the_end, "behind the text"),
        WrongAnswer(_labels_kept, "kept their length"),
        WrongAnswer(_labels_at_the_end, "behind the old ones"),
        WrongAnswer(_labels_zero, "labels are 0"),
        WrongAnswer(_labels_float, "become floats"),
        WrongAnswer(_not_repeated, "must be repeated"),
        WrongAnswer(_replaces, "takes the place"),
        WrongAnswer(_added, "followed by the row's own, in every row"),
        WrongAnswer(_detached, "no gradient reaches the prompt"),
    ),
)
