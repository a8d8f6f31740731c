"""Forms that are well known and that no training here can take as they are: what they are, what to do."""

from lab_helpers.data.forms.cells import is_printed_by_python, says_nothing
from lab_helpers.data.forms.columns import SHAPES, named_shapes, unfit_columns
from lab_helpers.runtime.language import say


def explain_row(values: dict) -> tuple[str, str] | None:
    """What kind of row this is, and the way to one that can be learned; None for an unknown one."""
    names = {str(name).strip().lower(): value for name, value in values.items()}
    for explain in (_turn, _many_answers, _two_outputs, _labelled, _tagged, _plain_text):
        if found := explain(names):
            return found
    return None


def explain_values(values: dict) -> tuple[str, str] | None:
    """The shape whose columns are all there and in which of them nothing fits; None where none is."""
    shapes = named_shapes(values)
    if not shapes:
        return None
    shape = "preference" if "preference" in shapes else shapes[0]
    columns = unfit_columns(values, shape)
    if any(is_printed_by_python(values[name]) for name in columns):
        return (
            say(
                f"'{columns[0]}' holds turns as Python prints them, in single quotes, and not as JSON",
                f"「{columns[0]}」の発言が JSON ではなく、Python の表示形式（単一引用符）で書かれています",
            ),
            say(
                "Write the cells with json.dumps, or export the file as JSONL.",
                "セルを json.dumps で書くか、ファイルを JSONL で書き出してください。",
            ),
        )
    kinds = ", ".join(
        say(f"'{name}' {_kind(values[name])}", f"「{name}」は{_kind(values[name])}")
        for name in columns
    )
    return (
        say(
            f"the columns are those of {shape}, but most rows do not fit it: {kinds}",
            f"列は {shape} のものですが、ほとんどの行がその形式に合っていません（{kinds}）",
        ),
        say(
            f"Mend the column ({SHAPES[shape]}), or take those rows out; --shape {shape} (shape='{shape}') lists "
            "them by line.",
            f"列を直すか（{SHAPES[shape]}）、それらの行を取り除いてください。--shape {shape}（shape='{shape}'）を指定すると、該当する行を一覧で確認できます。",
        ),
    )


def _kind(value: object) -> str:
    if says_nothing(value):
        return say("is empty", "空")
    names = {list: say("a list of another form", "別の形のリスト"), dict: say("an object", "オブジェクト"), str: say("a text", "文字列"), bool: say("true or false", "真偽値"), int: say("a number", "数値"), float: say("a number", "数値")}  # fmt: skip
    other = type(value).__name__
    kind = names.get(type(value), say(f"of type {other}", f"{other} 型の値"))
    return say(f"is {kind}", kind)


def _turn(row: dict) -> tuple[str, str] | None:
    if {"role", "content"} <= row.keys() or {"from", "value"} <= row.keys():
        return (
            say(
                "each row is a single turn, and nothing says where a conversation begins",
                "各行が 1 つの発言だけで、会話の始まりが分かりません",
            ),
            say(
                'Write one conversation a row: {"messages": [{"role": …, "content": …}, …]}.',
                '1 行に 1 つの会話を書いてください: {"messages": [{"role": …, "content": …}, …]}。',
            ),
        )
    return None


def _many_answers(row: dict) -> tuple[str, str] | None:
    for name in ("completions", "responses", "generations", "answers", "candidates"):
        value = row.get(name)
        if isinstance(value, list) and value and row.keys() & {"prompt", "instruction", "question"}:
            return (
                say(
                    f"each row holds several answers to a prompt ('{name}')",
                    f"各行に、1 つのプロンプトに対する回答が複数入っています（「{name}」）",
                ),
                say(
                    "Make pairs of them: prompt, chosen (a better answer) and rejected (a worse one).",
                    "prompt、chosen（良いほうの回答）、rejected（悪いほうの回答）の組にしてください。",
                ),
            )
    return None


def _two_outputs(row: dict) -> tuple[str, str] | None:
    if isinstance(row.get("output"), list) and "instruction" in row:
        return (
            say(
                "'output' is a list, and nothing in the file says which of its answers is the better one",
                "output がリストになっていますが、どの回答が良いほうなのかがファイルから分かりません",
            ),
            say(
                "Name them chosen and rejected (in LLaMA-Factory's old form the first one is chosen).",
                "それぞれ chosen と rejected という列に分けてください（LLaMA-Factory の古い形式では、先頭が chosen です）。",
            ),
        )
    return None


def _labelled(row: dict) -> tuple[str, str] | None:
    if row.keys() & {"text", "sentence", "review", "body"} and row.keys() & {"label", "sentiment", "class", "intent"}:  # fmt: skip
        return (
            say(
                "these are labelled texts: they train a classifier, not a chat model",
                "ラベル付きの文章です。対話モデルではなく、分類器の学習に使うデータです",
            ),
            say(
                "labs list shows the lab that takes labelled texts (--data). Check them: labs data check FILE.",
                "ラベル付きの文章を使うラボ（--data）は labs list で確認できます。データの検査: labs data check FILE。",
            ),
        )
    return None


def _tagged(row: dict) -> tuple[str, str] | None:
    if {"tokens", "ner_tags"} <= row.keys() or {"text", "entities"} <= row.keys():
        return (
            say(
                "these are texts with marked entities: they train a tagger, not a chat model",
                "固有表現の印が付いた文章です。対話モデルではなく、固有表現抽出器の学習に使うデータです",
            ),
            say(
                "labs list shows the lab that trains and measures one.",
                "固有表現抽出器を学習・評価するラボは labs list で確認できます。",
            ),
        )
    return None


def _plain_text(row: dict) -> tuple[str, str] | None:
    if isinstance(row.get("text"), str) and not row.keys() & {"prompt", "question", "instruction"}:
        return (
            say(
                "each row is a plain text, without a question and an answer to it",
                "各行がただの文章で、質問と回答の組になっていません",
            ),
            say(
                "Make pairs of question and answer from it, or search it: labs rag index FOLDER.",
                "文章から質問と回答の組を作るか、検索の対象にしてください: labs rag index FOLDER。",
            ),
        )
    return None
