"""What cleaning did to the user's own rows, as metrics and tables; splitting them without leakage."""

from collections import Counter

from lab_helpers.data.own_rows import contacts, row_cleaning, row_steps
from lab_helpers.data.own_rows.copies import all_groups, question_groups, talk_groups
from lab_helpers.data.own_rows.row_report import RowsReport
from lab_helpers.data.splitting import split_groups
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import Text, say
from lab_helpers.runtime.progress import note

REPEATS = (row_cleaning.COPY, row_cleaning.NEAR_DUPLICATE)
SHARES = {"train": 0.8, "test": 0.2}
_FEWEST_TESTED = 0.1  # of the rows, where conversations that go on from each other stay together

STEP_NAMES = {
    "html": Text("a page's HTML taken away", "ページの書式にすぎない HTML タグを除去"),
    "spelling": Text("invisible characters and line ends", "目に見えない文字と改行コードを修正"),
    "personal-data": Text("personal data masked", "個人情報を伏せ字に置き換え"),
    "near-duplicates": Text("rows that repeat another", "重複行を削除"),
}
WHY_REMOVED = {
    row_cleaning.COPY: Text("repeats another row letter for letter", "別の行と完全に一致"),
    row_cleaning.NEAR_DUPLICATE: Text(
        "repeats another row but for little words", "挨拶や句読点などの違いを除き、別の行と一致"
    ),
    row_cleaning.NO_ANSWER: Text(
        "no answer is left after cleaning", "掃除の結果、回答が空になった"
    ),
    row_cleaning.NO_QUESTION: Text(
        "no question is left after cleaning", "掃除の結果、質問が空になった"
    ),
}
WHY_LEFT = {
    contacts.SYSTEM: Text("stands in the system prompt", "システムプロンプトに含まれる"),
    contacts.CONTEXT: Text("stands in many prompts", "多くのプロンプトに共通して含まれる"),
    contacts.ANSWERS: Text("stands in several answers", "複数の回答に含まれる"),
    contacts.FAMILY: Text(
        "its first digits or its domain stand in several answers",
        "番号の先頭部分またはドメインが複数の回答に共通",
    ),
    contacts.ANNOUNCED: Text("the answer gives it as the firm's", "回答が自社の連絡先として案内している"),
    contacts.OPEN: Text("a freephone number or an office's mailbox", "フリーダイヤルまたは代表アドレス"),
    contacts.PERSON: Text("the question asks who that is", "質問がその人物について尋ねている"),
    contacts.STAFF: Text("who answers gives the own name", "回答者が自分の名前として名乗っている"),
    contacts.BARE: Text(
        "nothing says that it is personal: it may be a part's number",
        "個人情報だと示す言葉がない（部品番号などの可能性）",
    ),
    contacts.KEY: Text(
        "it tells questions apart: masked, different rows would be equal",
        "質問を区別する内容（伏せ字にすると別々の行が同じになる）",
    ),
    row_steps.HTML_IS_CONTENT: Text("the tags are the content", "タグそのものが内容"),
    row_steps.HTML_IN_MOST: Text("most rows are written in it", "大半の行が HTML で書かれている"),
    row_steps.ENTITIES: Text(
        "entities such as &nbsp; or &quot; may be what the text is about",
        "&nbsp; や &quot; などの文字参照は、文章の内容かもしれない",
    ),
}  # fmt: skip
_HTML_SHOWN = {row_steps.ENTITIES: "&…;"}
SIDES = {
    "prompt": Text("prompt", "プロンプト"),
    "completion": Text("answer", "回答"),
}
_METRICS = {
    "html": "user_rows_html_stripped",
    "spelling": "user_rows_characters_repaired",
    "personal-data": "user_rows_masked",
}


def split_own_rows(rows: list[dict], seed: int) -> dict[str, list[dict]]:
    """Train and test rows: what asks the same, or goes on from it, is on one side.

    Where that cannot be done (all rows ask one thing, such as "Tell a joke") rows are split, only copies
    stay together, and a note says so.
    """
    by_talk = _try_split(rows, talk_groups(rows), seed)
    if by_talk and len(by_talk["test"]) >= _FEWEST_TESTED * len(rows):
        return by_talk
    questions = question_groups(rows)
    if by_question := _try_split(rows, questions, seed):
        return by_question
    split = split_groups(rows, all_groups(rows), SHARES, seed)
    note(
        say(
            f"The {len(rows)} rows ask only {len(questions)} different questions: train and test rows "
            "share questions, and the test measures new answers, not new questions.",
            f"{len(rows)} 行にある質問は {len(questions)} 種類だけです。学習用とテスト用に同じ質問が含まれ、"
            "テストは新しい質問ではなく新しい回答を測ります。",
        )
    )
    return split


def _try_split(rows: list[dict], groups: list[list[int]], seed: int) -> dict | None:
    try:
        return split_groups(rows, groups, SHARES, seed)
    except BadInput:  # One side would be empty.
        return None


def cleaning_metrics(report: RowsReport) -> dict[str, int]:
    """Counts of rows, and of contacts left alone. A step that was left out has no number."""
    contacts_left = sum(len(one.data) for one in report.contacts.values())
    emptied = report.count_removed(row_cleaning.NO_ANSWER, row_cleaning.NO_QUESTION)
    of_steps = {
        "html": {"user_rows_html_left": sum(report.html_left.values())},
        "personal-data": {"user_contacts_left": contacts_left},
        "near-duplicates": {"user_near_duplicates": report.count_removed(*REPEATS)},
    }
    return {
        "user_rows_repaired": report.repaired,
        **{_METRICS[step]: count for step, count in report.changed.items()},
        **{name: count for step in report.steps for name, count in of_steps.get(step, {}).items()},
        "user_rows_emptied": emptied,
        "user_rows_answered_otherwise": report.answered_otherwise,
        "user_different_questions": report.questions,
        "user_rows_clean": report.kept,
    }


def step_rows(report: RowsReport) -> list[dict]:
    """A line for each step that ran: rows changed, texts edited, rows removed."""
    lines = [
        {"step": STEP_NAMES[name], "rows": count, "edits": report.edit_counts[name], "removed": 0}
        for name, count in report.changed.items()
    ]
    for why in (row_cleaning.NO_ANSWER, row_cleaning.NO_QUESTION):
        if count := report.count_removed(why):
            lines.append({"step": WHY_REMOVED[why], "rows": 0, "edits": 0, "removed": count})
    if "near-duplicates" in report.steps:
        removed = report.count_removed(*REPEATS)
        name = STEP_NAMES["near-duplicates"]
        lines.append({"step": name, "rows": 0, "edits": 0, "removed": removed})
    return [{**line, "step": str(line["step"])} for line in lines]


def edit_rows(report: RowsReport) -> list[dict]:
    """The edits of each step: the row, and its text before and after around the change.

    Of a step that edited more texts than are kept a last line says how many more.
    """
    shown = [
        {**one, "side": str(SIDES[one["side"]]), "step": str(STEP_NAMES[one["step"]])}
        for one in report.edits
    ]
    return [*shown, *_more_rows(report)]


def _more_rows(report: RowsReport) -> list[dict]:
    kept = Counter(one["step"] for one in report.edits)
    return [
        {
            "row": "…",
            "side": "",
            "step": str(STEP_NAMES[name]),
            "before": say(f"{count - kept[name]:,} more", f"ほか {count - kept[name]:,} 件"),
            "after": "",
        }
        for name, count in report.edit_counts.items()
        if count > kept[name]
    ]


def removed_rows(report: RowsReport) -> list[dict]:
    """Every row that is gone, why, and the row that it repeats."""
    return [{**one, "why": str(WHY_REMOVED[one["why"]])} for one in report.removed]


def left_rows(report: RowsReport) -> list[dict]:
    """What was left alone on purpose: the firm's contacts, and HTML that says something."""
    kept = [{**one, "why": str(WHY_LEFT[one["why"]])} for one in report.contact_rows()]
    html = [
        {
            "kind": "HTML",
            "text": _HTML_SHOWN.get(why, "<…>"),
            "different": count,
            "rows": count,
            "why": str(WHY_LEFT[why]),
        }
        for why, count in report.html_left.items()
    ]
    return [*kept, *html]
