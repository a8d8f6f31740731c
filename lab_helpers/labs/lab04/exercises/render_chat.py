"""Lab 04, exercise ``render_chat``: planted wrong answers, check, hints."""

import copy

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab04.rows import render_chat
from lab_helpers.runtime.language import Text


def _chat_no_end(messages, add_generation_prompt=False):
    return render_chat(messages, add_generation_prompt).replace("<|im_end|>", "")


def _chat_never_asks(messages, add_generation_prompt=False):
    return render_chat(messages)


def _chat_always_asks(messages, add_generation_prompt=False):
    return render_chat(messages, True)


def _chat_no_newline(messages, add_generation_prompt=False):
    return render_chat(messages, add_generation_prompt).replace("<|im_end|>\n", "<|im_end|>")


def _chat_closed_prompt(messages, add_generation_prompt=False):
    return render_chat(messages) + ("<|im_start|>assistant\n<|im_end|>\n" if add_generation_prompt else "")  # fmt: skip


def _test_render(answer) -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Is it loud?"},
        {"role": "assistant", "content": "No."},
    ]
    given = copy.deepcopy(messages)
    got = {asks: answer(given, asks) for asks in (False, True)}
    if given != messages:
        raise Mistake(
            "you changed the messages that you were given.",
            "渡されたメッセージを書き換えています。",
        )
    fingerprints = (
        (
            _chat_no_end,
            "<|im_end|> is missing: it is the token at which the model learns to stop.",
            "<|im_end|> がありません。モデルは、このトークンで書き終えることを学びます。",
        ),
        (
            _chat_always_asks,
            "the opening of the assistant's turn stands there always; in a training row nobody is asked.",
            "アシスタントの発言の書き出しが常に付いています。学習データでは、続きを求めていません。",
        ),
        (
            _chat_never_asks,
            "with add_generation_prompt=True the text must end with the opening of the assistant's turn.",
            "add_generation_prompt=True のときは、アシスタントの発言の書き出しで終わらなければなりません。",
        ),
        (
            _chat_no_newline,
            "a line end follows each <|im_end|>; one character of difference is already another template.",
            "各 <|im_end|> のあとには改行が入ります。1 文字違えば、もう別のテンプレートです。",
        ),
        (
            _chat_closed_prompt,
            "you close the assistant's turn before the model has said anything.",
            "モデルが何も言わないうちに、アシスタントの発言を閉じています。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if all(got[asks] == wrong(messages, asks) for asks in got):
            raise Mistake(en, ja)
    for asks, text in got.items():
        if text != render_chat(messages, asks):
            raise Mistake(
                f"expected {render_chat(messages, asks)!r} for add_generation_prompt={asks}.",
                f"add_generation_prompt={asks} のときは {render_chat(messages, asks)!r} のはずです。",
            )


EXERCISE = Exercise(
    name="render_chat",
    prompt=Text(
        "Write a conversation as ChatML: <|im_start|>role, line end, content, <|im_end|>, line end; and the opening of the assistant's turn if asked for.",
        "会話を ChatML で書き出してください。<|im_start|>役割、改行、内容、<|im_end|>、改行の順です。求められたら、アシスタントの発言の書き出しを付けます。",
    ),
    reference=render_chat,
    test=_test_render,
    hints=(
        Text(
            "Every message has the same frame, whatever its role.",
            "役割が何であれ、メッセージの枠は同じです。",
        ),
        Text(
            'f"<|im_start|>{role}\\n{content}<|im_end|>\\n", one after another.',
            'f"<|im_start|>{role}\\n{content}<|im_end|>\\n" を順につなげます。',
        ),
        Text(
            'At the very end, and only if add_generation_prompt: "<|im_start|>assistant\\n", without an end.',
            'add_generation_prompt のときだけ、最後に "<|im_start|>assistant\\n" を付けます。閉じません。',
        ),
    ),
    wrong_answers=(
        WrongAnswer(_chat_no_end, "learns to stop"),
        WrongAnswer(_chat_never_asks, "must end with the opening"),
        WrongAnswer(_chat_always_asks, "stands there always"),
        WrongAnswer(_chat_no_newline, "another template"),
        WrongAnswer(_chat_closed_prompt, "you close the assistant's turn"),
    ),
)
