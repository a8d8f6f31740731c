"""Lab 04, exercise ``leaked_questions``: planted wrong answers, check, hints."""

import re

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab04.rows import leaked_questions
from lab_helpers.runtime.language import Text


def _leaked_exact(train, test):
    return [question for question in test if question in set(train)]


def _leaked_lower(train, test):
    seen = {question.lower() for question in train}
    return [question for question in test if question.lower() in seen]


def _leaked_train(train, test):
    return [question for question in leaked_questions(test, train)]


def _leaked_ascii(train, test):
    def key(question):
        return re.sub("[^a-z0-9]", "", question.lower())

    seen = {key(question) for question in train}
    return [question for question in test if key(question) in seen]


def _leaked_count(train, test):
    return len(leaked_questions(train, test))


def _leaked_in_place(train, test):
    found = leaked_questions(train, test)
    for question in found:
        test.remove(question)
    return found


_TRAIN = ["Where is it made?", "how much is the NW-800?", "何色ですか。", "Is it loud?"]
_TEST = [
    "How much is the NW-800?",
    "Where is it made?",
    "何色ですか",
    "重いですか。",
    "Is it  loud ?",
]


def _test_leaked(answer) -> None:
    train, test = list(_TRAIN), list(_TEST)
    got = answer(train, test)
    if isinstance(got, int) and not isinstance(got, bool):
        raise Mistake(
            "return the questions themselves, not how many: they have to be found before they can go.",
            "件数ではなく、質問そのものを返してください。見つけなければ取り除けません。",
        )
    if test != _TEST or train != _TRAIN:
        raise Mistake(
            "you changed the lists that you were given; build a new one.",
            "渡されたリストを書き換えています。新しいリストをつくってください。",
        )
    right = leaked_questions(_TRAIN, _TEST)
    fingerprints = (
        (
            _leaked_train,
            "these are the training rows; return the *test* questions that were leaked.",
            "それは学習データの側です。漏れていた*テスト*の質問を返してください。",
        ),
        (
            _leaked_ascii,
            "keep letters of every script: without its kana and kanji a Japanese question is an empty text, like any other.",
            "英字と数字以外も残してください。かなと漢字を捨てると、日本語の質問はどれも同じ空文字列になります。",
        ),
        (
            _leaked_exact,
            "you compare letter by letter: capitals, spaces and a question mark hide a copy.",
            "一字一句の比較になっています。大文字、空白、疑問符が違うだけの写しを見逃します。",
        ),
        (
            _leaked_lower,
            "capitals no longer hide a copy, but spaces and punctuation still do.",
            "大文字と小文字の違いは吸収できましたが、空白と句読点の違いがまだ写しを隠しています。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if got == wrong(list(_TRAIN), list(_TEST)):
            raise Mistake(en, ja)
    if got is None or list(got) != right:
        raise Mistake(
            f"expected the test questions {right}, in their order.",
            f"テストの質問 {right} を、この順に返してください。",
        )


EXERCISE = Exercise(
    name="leaked_questions",
    prompt=Text(
        "Which test questions stand in the training rows, whatever their capitals, spaces and punctuation?",
        "大文字と小文字、空白、句読点の違いを無視したとき、学習データに入っているテストの質問はどれですか。",
    ),
    reference=leaked_questions,
    test=_test_leaked,
    hints=(
        Text(
            "Give every question a key that a copy shares with its original, and compare keys.",
            "写しと元の質問とで等しくなるキーをつくり、キーどうしを比べます。",
        ),
        Text(
            "Lower case, and only characters with c.isalnum(); kana and kanji count as such.",
            "小文字にそろえ、c.isalnum() が真の文字だけを残します。かなと漢字も残ります。",
        ),
        Text(
            'key = "".join(c for c in question.lower() if c.isalnum()); keep test questions whose key is among the training keys',
            'key = "".join(c for c in question.lower() if c.isalnum()) とし、そのキーが学習データのキーにあるテストの質問を残します',
        ),
    ),
    wrong_answers=(
        WrongAnswer(_leaked_exact, "letter by letter"),
        WrongAnswer(_leaked_lower, "spaces and punctuation still do"),
        WrongAnswer(_leaked_ascii, "letters of every script"),
        WrongAnswer(_leaked_train, "return the *test* questions"),
        WrongAnswer(_leaked_count, "not how many"),
        WrongAnswer(_leaked_in_place, "changed the lists"),
    ),
)
