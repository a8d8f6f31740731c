"""Lab 06, exercise ``remove_leaks``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.evaluation.contamination import contaminated, remove_leaks
from lab_helpers.runtime.language import Text


def _grams(text, n):
    words = text.lower().split()
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def _kept(rows, test_texts, n, texts_of):
    known = set().union(*(_grams(text, n) for text in test_texts))
    return [row for row in rows if not known & set().union(*(_grams(t, n) for t in texts_of(row)))]


def _prompts_only(rows, test_texts, n=13):
    return _kept(rows, test_texts, n, lambda row: [row["prompt"]])


def _whole_texts(rows, test_texts, n=13):
    return [row for row in rows if row["prompt"] not in test_texts]


def _single_words(rows, test_texts, n=13):
    return _kept(rows, test_texts, 1, lambda row: row.values())


def _first_text(rows, test_texts, n=13):
    return remove_leaks(rows, test_texts[:1], n)


def _always_thirteen(rows, test_texts, n=13):
    return remove_leaks(rows, test_texts)


def _guilty(rows, test_texts, n=13):
    clean = remove_leaks(rows, test_texts, n)
    return [row for row in rows if row not in clean]


def _test_items(rows, test_texts, n=13):
    leaked = {found.test_row for found in contaminated(test_texts, [" ".join(row.values()) for row in rows], n)}  # fmt: skip
    return [text for number, text in enumerate(test_texts) if number not in leaked]


def _one_a_test_text(rows, test_texts, n=13):
    texts = [" ".join(row.values()) for row in rows]
    guilty = {found.training_row for found in contaminated(test_texts, texts, n)}
    return [row for number, row in enumerate(rows) if number not in guilty]


_TEST = (
    "The heater needs nine minutes to warm the small room and the hall takes four times as long how long is that",
    "A lamp stands on each of the seven desks in the hall and two more are in the cellar how many lamps are there",
    "Please name the river that flows past the old mill behind the station",
)
_ROWS = (
    {"prompt": "How long is the warranty of the heater?", "completion": "Two years from the day on which you bought it."},
    {"prompt": f"From a forum: {_TEST[1]}", "completion": "There are nine lamps."},
    {"prompt": "A riddle for you", "completion": f"it goes like this: {_TEST[0]} and the answer is 36 minutes"},
    {"prompt": f"{_TEST[1]}", "completion": "9"},
    {"prompt": "Is the hall warm?", "completion": "The heater needs nine minutes to warm the small room, I am told."},
    {"prompt": "Where does the river go?", "completion": "It flows past the old mill."},
)  # fmt: skip


def _places(kept) -> list[int] | None:
    """Which of the rows were kept; None where something else than rows came back."""
    try:
        return [_ROWS.index(row) for row in kept]
    except (TypeError, ValueError):
        return None


def _results(function) -> list:
    return [_places(function([dict(row) for row in _ROWS], list(_TEST), n)) for n in (13, 8)]


def _test_remove_leaks(answer) -> None:
    got, wanted = _results(answer), _results(remove_leaks)
    fingerprints = (
        (
            _guilty,
            "you return the rows that leak; the training needs the others.",
            "混入した行のほうを返しています。学習に使うのは、それ以外の行です。",
        ),
        (
            _test_items,
            "you took items out of the *test*. The test stays as it is; training rows go.",
            "「テスト」から問題を取り除いています。テストはそのまま残し、学習データの行を除いてください。",
        ),
        (
            _prompts_only,
            "you look at the prompts only: a test item may stand in a completion. Search all texts of a row.",
            "プロンプトしか見ていません。テスト問題は、回答の側に入っていることもあります。行のすべての文を調べてください。",
        ),
        (
            _whole_texts,
            "you look for whole texts: a copy with three words before it goes through. Compare runs of n words.",
            "文全体の一致を探しています。前に 3 語付いただけの丸写しが通ってしまいます。n 語の並びを比べてください。",
        ),
        (
            _single_words,
            "one shared word is enough for you: the house's own rows are gone. Ask for n words *in a row*.",
            "1 語でも同じなら除いています。会社自身のデータまでなくなりました。「n 語続きの」一致を求めてください。",
        ),
        (
            _first_text,
            "only the first test text is looked for.",
            "最初のテスト問題しか調べていません。",
        ),
        (
            _always_thirteen,
            "the result does not depend on `n`.",
            "`n` を変えても結果が同じです。",
        ),
        (
            _one_a_test_text,
            "`contaminated` names one training row for each test text, and this file holds a copy twice: ask again until nothing is found.",
            "`contaminated` が返すのは、テスト問題 1 つにつき 1 行だけです。このファイルには同じ丸写しが 2 行あります。何も見つからなくなるまで繰り返してください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if got == _results(wrong) and got != wanted:
            raise Mistake(en, ja)
    if got != wanted:
        raise Mistake(
            f"of the six rows {wanted[0]} should be kept with n = 13 and {wanted[1]} with n = 8 (places from 0); you keep {got[0]} and {got[1]}.",
            f"6 行のうち、n = 13 では {wanted[0]}、n = 8 では {wanted[1]} を残します（番号は 0 から）。残ったのは {got[0]} と {got[1]} です。",
        )


EXERCISE = Exercise(
    name="remove_leaks",
    prompt=Text(
        "The training rows without those that hold n words in a row of any test text. rows: list of dicts of texts, {'prompt': …, 'completion': …}; test_texts: list of texts → the rows that stay. contaminated(test_texts, training_texts, n) in lab_helpers.evaluation.contamination names for each leaked test text one training row (.training_row, from 0) that holds it.",
        "学習データから、テスト問題のどれかと n 語続きの並びを共有する行を除いて返してください。rows は {'prompt': …, 'completion': …} のような辞書のリスト、test_texts は文字列のリストです → 残った行のリスト。lab_helpers.evaluation.contamination の contaminated(test_texts, training_texts, n) は、混入したテスト問題 1 つにつき、それを含む学習データの行を 1 つ（.training_row、0 から数える）教えてくれます。",
    ),
    reference=remove_leaks,
    test=_test_remove_leaks,
    hints=(
        Text(
            "A row is guilty by any of its texts: join row.values() first.",
            "行のどの文に入っていても混入です。先に row.values() をつなげましょう。",
        ),
        Text(
            "The same item may have leaked twice, and only one row is named at a time: repeat.",
            "同じ問題が 2 回混入していることもあり、一度に分かるのは 1 行だけです。繰り返してください。",
        ),
        Text(
            "while found := contaminated(test_texts, ['\\n'.join(row.values()) for row in rows], n): take out the rows whose numbers are in {f.training_row for f in found}",
            "while found := contaminated(test_texts, ['\\n'.join(row.values()) for row in rows], n): のあいだ、番号が {f.training_row for f in found} にある行を除きます。",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_guilty, "rows that leak"),
        WrongAnswer(_test_items, "out of the *test*"),
        WrongAnswer(_prompts_only, "prompts only"),
        WrongAnswer(_whole_texts, "whole texts"),
        WrongAnswer(_single_words, "*in a row*"),
        WrongAnswer(_first_text, "first test text"),
        WrongAnswer(_always_thirteen, "does not depend on `n`"),
        WrongAnswer(_one_a_test_text, "a copy twice"),
    ),
)
