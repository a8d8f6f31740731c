"""Lab 00, exercise ``few_shot_messages``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab00.prompts import few_shot_messages
from lab_helpers.runtime.language import Text


def _examples_last(examples, question):
    messages = few_shot_messages(examples, question)
    return [messages[-1], *messages[:-1]]


def _without_question(examples, question):
    return few_shot_messages(examples, question)[:-1]


def _all_user(examples, question):
    return [m | {"role": "user"} for m in few_shot_messages(examples, question)]


def _swapped(examples, question):
    other = {"user": "assistant", "assistant": "user"}
    return [m | {"role": other[m["role"]]} for m in few_shot_messages(examples, question)]


def _one_message(examples, question):
    text = "\n".join(m["content"] for m in few_shot_messages(examples, question))
    return [{"role": "user", "content": text}]


def _test_few_shot_messages(answer) -> None:
    examples = [{"question": "a?", "answer": "A."}, {"question": "b?", "answer": "B."}]
    right = few_shot_messages(examples, "c?")
    got = answer([dict(row) for row in examples], "c?")
    mistakes = (
        (
            _examples_last,
            "the new question comes first, so the model answers after the last example: put it at the end.",
            "新しい質問が先頭にあるため、モデルは最後の例の続きを書きます。質問は最後に置いてください。",
        ),
        (
            _without_question,
            "the new question is missing: what should the model answer?",
            "新しい質問がありません。モデルは何に答えればよいのでしょうか。",
        ),
        (
            _all_user,
            "the example answers have the role user: the model must see them as its own, role assistant.",
            "例の回答の role が user になっています。モデル自身の発言に見えるよう、assistant にしてください。",
        ),
        (
            _swapped,
            "the roles are swapped: customers are user, replies are assistant.",
            "role が逆です。顧客が user、回答が assistant です。",
        ),
        (
            _one_message,
            "everything stands in one message: make each question and each answer a message of its own.",
            "すべてが 1 つのメッセージに入っています。質問と回答を 1 つずつ別のメッセージにしてください。",
        ),
    )
    if got == right:
        return
    for wrong, en, ja in mistakes:
        if got == wrong(examples, "c?"):
            raise Mistake(en, ja)
    raise Mistake(
        "expected a list of dicts with role and content: question, answer, …, and the new question last.",
        "role と content を持つ dict のリストを返してください。質問、回答、…と続き、最後が新しい質問です。",
    )


EXERCISE = Exercise(
    name="few_shot_messages",
    prompt=Text(
        "Turn example exchanges and a new question into the list of chat messages of a few-shot prompt.",
        "例のやりとりと新しい質問から、フューショットのプロンプトになるメッセージのリストをつくってください。",
    ),
    reference=few_shot_messages,
    test=_test_few_shot_messages,
    hints=(
        Text(
            "To the model, the examples look like an earlier conversation.",
            "モデルから見れば、例はそれまでの会話です。",
        ),
        Text(
            'Each message is {"role": ..., "content": ...}; the roles are user and assistant, in turn.',
            'メッセージは {"role": ..., "content": ...} という dict です。role は user と assistant を交互に使います。',
        ),
        Text(
            "For each row append the question as user and the answer as assistant; append the new question as user.",
            "各行について、質問を user、回答を assistant として追加し、最後に新しい質問を user として追加します。",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_examples_last, "put it at the end"),
        WrongAnswer(_without_question, "question is missing"),
        WrongAnswer(_all_user, "role assistant"),
        WrongAnswer(_swapped, "roles are swapped"),
        WrongAnswer(_one_message, "message of its own"),
    ),
)
