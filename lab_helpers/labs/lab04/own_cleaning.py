"""What cleaning did to the user's own rows, as metrics and tables; splitting them without leakage."""

from lab_helpers.data.own_rows import contacts, row_cleaning, row_steps
from lab_helpers.data.own_rows.copies import all_groups
from lab_helpers.data.own_rows.row_report import RowsReport
from lab_helpers.data.splitting import split_groups
from lab_helpers.runtime.language import Text

REPEATS = (row_cleaning.COPY, row_cleaning.NEAR_DUPLICATE)
SHARES = {"train": 0.8, "test": 0.2}

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
    row_steps.HTML_IS_CONTENT: Text("the tags are the content", "タグそのものが内容"),
    row_steps.HTML_IN_MOST: Text("most rows are written in it", "大半の行が HTML で書かれている"),
}  # fmt: skip
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
    """Train and test rows; rows that repeat each other but for little words are on one side."""
    return split_groups(rows, all_groups(rows), SHARES, seed)


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
    """The first edits of each step: the row, and its text before and after around the change."""
    return [
        {**one, "side": str(SIDES[one["side"]]), "step": str(STEP_NAMES[one["step"]])}
        for one in report.edits
    ]


def removed_rows(report: RowsReport) -> list[dict]:
    """Every row that is gone, why, and the row that it repeats."""
    return [{**one, "why": str(WHY_REMOVED[one["why"]])} for one in report.removed]


def left_rows(report: RowsReport) -> list[dict]:
    """What was left alone on purpose: the firm's contacts, and HTML that says something."""
    kept = [{**one, "why": str(WHY_LEFT[one["why"]])} for one in report.contact_rows()]
    html = [
        {"kind": "HTML", "text": "<…>", "different": count, "rows": count, "why": str(WHY_LEFT[why])}
        for why, count in report.html_left.items()
    ]  # fmt: skip
    return [*kept, *html]
