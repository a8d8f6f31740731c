"""Lab 04, exercise ``label_mask``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.masks import label_mask


def _mask_zero(prompt_ids, ids):
    return [0] * len(prompt_ids) + ids[len(prompt_ids) :]


def _mask_answer(prompt_ids, ids):
    return ids[: len(prompt_ids)] + [-100] * (len(ids) - len(prompt_ids))


def _mask_shifted(prompt_ids, ids):
    return [*label_mask(prompt_ids, ids)[1:], -100]


def _mask_end(prompt_ids, ids):
    return [*label_mask(prompt_ids, ids)[:-1], -100]


def _mask_cut(prompt_ids, ids):
    return ids[len(prompt_ids) :]


def _mask_in_place(prompt_ids, ids):
    ids[: len(prompt_ids)] = [-100] * len(prompt_ids)
    return ids


def _mask_equal_tokens(prompt_ids, ids):
    return [-100 if token in prompt_ids else token for token in ids]


def _test_mask(answer) -> None:
    prompt, ids = [1, 11, 12, 2, 1, 13], [1, 11, 12, 2, 1, 13, 21, 12, 22, 2]
    given = list(ids)
    got = answer(list(prompt), given)
    if given != ids:
        raise Mistake(
            "you changed ids itself: the model would read -100 as a token. Return a new list.",
            "ids そのものを書き換えています。これではモデルが -100 をトークンとして読んでしまいます。新しいリストを返してください。",
        )
    fingerprints = (
        (
            _mask_zero,
            "0 is a token, and the loss would ask for it; what the loss ignores is -100.",
            "0 は 1 つのトークンなので、損失の対象になってしまいます。損失が無視するのは -100 です。",
        ),
        (
            _mask_answer,
            "it is the other way round: the prompt is masked, the answer carries the loss.",
            "逆です。隠すのはプロンプトで、損失がかかるのは回答です。",
        ),
        (
            _mask_shifted,
            "do not shift: labels stand under their own tokens, the loss does the shifting.",
            "ずらさないでください。ラベルはそのトークン自身の位置に置きます。ずらすのは損失の役目です。",
        ),
        (
            _mask_end,
            "the last token is the end of the turn; masked, the model never learns to stop.",
            "最後のトークンは発言の終わりです。隠すと、モデルは書き終えることを学べません。",
        ),
        (
            _mask_cut,
            "labels must be as long as ids: one for every token.",
            "ラベルは ids と同じ長さでなければなりません。トークンごとに 1 つです。",
        ),
        (
            _mask_equal_tokens,
            "you mask by value: a token that occurs in the prompt is masked in the answer too, the end included. Mask by position.",
            "値で判断しています。プロンプトに出てくるトークンが、回答の中でも（終わりのトークンまで）隠れます。位置で判断してください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if got == wrong(list(prompt), list(ids)):
            raise Mistake(en, ja)
    expect_close(
        got,
        label_mask(prompt, ids),
        "expected -100 for each token of the prompt, then the tokens of the answer.",
        "プロンプトの各トークンは -100、そのあとは回答のトークンのはずです。",
    )


EXERCISE = Exercise(
    name="label_mask",
    prompt=Text(
        "ids begins with prompt_ids. Return the labels: -100 where the loss is not to listen, else the token.",
        "ids の先頭は prompt_ids です。損失の対象にしない位置は -100、ほかはトークンそのもの、というラベルを返してください。",
    ),
    reference=label_mask,
    test=_test_mask,
    hints=(
        Text(
            "The model need not learn to write the customer's question, only the answer.",
            "モデルは、顧客の質問の書き方ではなく、回答だけを学べば十分です。",
        ),
        Text(
            "As many -100 as the prompt has tokens; then the rest of ids as it is, the end included.",
            "プロンプトのトークン数だけ -100 を並べ、残りは終わりのトークンも含めて ids のままにします。",
        ),
        Text(
            "[-100] * len(prompt_ids) + ids[len(prompt_ids):]",
            "[-100] * len(prompt_ids) + ids[len(prompt_ids):]",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_mask_zero, "0 is a token"),
        WrongAnswer(_mask_answer, "other way round"),
        WrongAnswer(_mask_shifted, "do not shift"),
        WrongAnswer(_mask_end, "the last token is the end"),
        WrongAnswer(_mask_cut, "as long as ids"),
        WrongAnswer(_mask_equal_tokens, "Mask by position"),
        WrongAnswer(_mask_in_place, "changed ids itself"),
    ),
)
