"""What can be wrong with a row of training data: one code, one sentence and one way out for each.

The sentences stand here in both languages so that they can be compared; choosing the language is
the business of whoever shows them.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of problem; ``{detail}`` in a sentence is where it was found, or what."""

    severity: str
    en: str
    ja: str
    fix_en: str
    fix_ja: str


# fmt: off
KINDS = {
    "unreadable": Kind("error", "the line {detail}", "読み取れない行です：{detail}",
        "Mend the line or export the file again.", "その行を直すか、ファイルを書き出し直してください。"),
    "missing-column": Kind("error", "{detail} is missing", "列がありません：{detail}",
        "Add the column, or take the row out.", "列を補うか、行を取り除いてください。"),
    "other-shape": Kind("error", "the row has the shape '{detail}', unlike the rest of the file", "この行だけ形式が異なります：{detail}",
        "Keep one shape in a file.", "1つのファイルには1つの形式だけを入れてください。"),
    "not-a-string": Kind("error", "{detail} is not a text", "文字列ではありません：{detail}",
        "Write the value as a text in quotation marks.", "値を引用符で囲んだ文字列にしてください。"),
    "not-messages": Kind("error", "{detail} is not a list of turns", "発言のリストではありません：{detail}",
        "Give a list of objects, one for each turn.", "発言ごとに1つのオブジェクトを並べたリストにしてください。"),
    "bad-turn": Kind("error", "{detail} lacks who speaks or what is said", "話者または本文がありません：{detail}",
        "Each turn needs a role and a text.", "各発言には役割と本文が必要です。"),
    "unknown-role": Kind("error", "unknown role in {detail}", "役割が不明です：{detail}",
        "Use system, user and assistant (ShareGPT: system, human, gpt).", "system、user、assistant（ShareGPTではsystem、human、gpt）を使ってください。"),
    "not-text": Kind("error", "{detail} holds a picture, a sound or a file, and only text can be learned here", "{detail}に画像・音声・ファイルがあり、ここで学習できるのは文章だけです",
        "Take the row out, or keep only its texts.", "行を取り除くか、文章だけを残してください。"),
    "not-tools": Kind("error", "{detail} is not a list of tools", "ツールのリストではありません：{detail}",
        "Give a list of objects with a name (or its JSON text); if the column means something else, pass --ignore tools.", "名前のあるオブジェクトをツールごとに並べたリスト（またはそのJSON）にしてください。別の意味の列なら --ignore tools を渡してください。"),
    "bad-call": Kind("error", "the tool calls of {detail} are in a form that no template reads", "ツール呼び出しの形式が正しくありません：{detail}",
        'Write [{"type": "function", "function": {"name": …, "arguments": …}}].', "[{\"type\": \"function\", \"function\": {\"name\": …, \"arguments\": …}}] の形にしてください。"),
    "python-repr": Kind("error", "{detail} holds turns as Python prints them, in single quotes, and not as JSON", "JSONではなく、Pythonが表示する形（単一引用符）で発言が書かれています：{detail}",
        "Write the cell with json.dumps, or export the file as JSONL.", "セルをjson.dumpsで書くか、ファイルをJSONLで書き出してください。"),
    "no-value": Kind("error", "{detail} is what a table writes where there is no value", "値がないときに表計算ソフトなどが書き込む文字列です：{detail}",
        "Write the text, or take the row out.", "本来の文章を書くか、行を取り除いてください。"),
    "not-history": Kind("error", "{detail} is not a list of pairs of question and answer", "質問と回答の組のリストではありません：{detail}",
        'Write [["question", "answer"], …].', "[[\"質問\", \"回答\"], …] の形にしてください。"),
    "two-systems": Kind("error", "the column {detail} and the conversation give two different system messages", "列{detail}と会話とで、systemの発言が食い違っています",
        "Keep one of the two.", "どちらか1つだけを残してください。"),
    "other-prompt": Kind("error", "the column {detail} says something else than the turns that both answers begin with", "列{detail}の内容が、2つの答えに共通する冒頭の発言と違います",
        "Keep one of the two, or put all turns into the column.", "どちらかを残すか、すべての発言をその列に入れてください。"),
    "other-beginning": Kind("error", "the two answers begin with different turns, and there is no prompt", "2つの答えが異なる発言で始まり、プロンプトもありません",
        "Both must answer the same: add a prompt, or take the row out.", "2つの答えは同じ問いへのものでなければなりません。プロンプトを加えるか、行を取り除いてください。"),
    "empty-system": Kind("warning", "the system message is empty ({detail})", "systemの発言が空です（{detail}）",
        "Write it, or take the turn out.", "内容を書くか、その発言を取り除いてください。"),
    "system-not-first": Kind("error", "the system message is not the first ({detail})", "systemの発言が先頭にありません：{detail}",
        "Move it to the beginning; only one is allowed.", "先頭に移してください。1つだけ使えます。"),
    "roles-not-alternating": Kind("error", "{detail} speaks twice in a row, or first", "話者が交互になっていません：{detail}",
        "Join the two turns; the user speaks first.", "続いた発言を1つにまとめ、userから始めてください。"),
    "last-not-assistant": Kind("error", "the last turn is not the assistant's: there is no answer to learn", "最後の発言がassistantではなく、学ぶ答えがありません",
        "Take the last turn out, or add the answer.", "最後の発言を取り除くか、答えを加えてください。"),
    "empty-answer": Kind("error", "{detail} is empty", "答えが空です：{detail}",
        "Write the answer, or take the row out.", "答えを書くか、行を取り除いてください。"),
    "empty-question": Kind("error", "{detail} is empty", "問いが空です：{detail}",
        "Write the question, or take the row out.", "問いを書くか、行を取り除いてください。"),
    "same-answers": Kind("error", "chosen and rejected are the same", "chosenとrejectedが同じです",
        "A preference needs two different answers.", "選好データには異なる2つの答えが必要です。"),
    "marked-bad": Kind("error", "the file calls this answer a bad one ({detail}): it is not learned", "このデータ自身が悪い例だと示している答え（{detail}）なので、学習しません",
        "Leave it; or train on good and bad answers with TRL's KTOTrainer. If the column means something else, pass --ignore with its name.", "このままで構いません。良い例と悪い例の両方で学ぶなら、TRLのKTOTrainerを使います。別の意味の列なら --ignore に列名を渡してください。"),
    "nothing-to-learn": Kind("error", "every answer is marked as not to be learned ({detail})", "どの答えにも「学習しない」印がついています（{detail}）",
        "Leave it, or take the mark off an answer. If the column means something else, pass --ignore with its name.", "このままにするか、学習する答えの印を外してください。別の意味の列なら --ignore に列名を渡してください。"),
    "cut-after-learned": Kind("warning", "the turns after turn {detail} are marked as not to be learned and are left out", "{detail}番目より後の発言は「学習しない」印がついているため、使いません",
        "Nothing to do; answers before it are context.", "対処は不要です。それより前の答えは文脈として使います。"),
    "scores-contradict": Kind("error", "its own scores rate the rejected answer higher", "データ自身の評点では、rejectedのほうが高く評価されています",
        "Swap the two answers, or take the row out.", "2つの答えを入れ替えるか、行を取り除いてください。"),
    "scores-equal": Kind("warning", "its own scores rate both answers alike", "データ自身の評点では、2つの答えが同点です",
        "Such a pair teaches a difference that its raters did not see.", "評価者が認めなかった差を教えることになります。"),
    "scores-unread": Kind("warning", "{detail} rates the two answers and does not say which number is whose: it is not used", "{detail}は2つの答えの評点のようですが、どちらがどの答えのものか分からないため、使いません",
        "Write two columns: score_chosen and score_rejected.", "score_chosenとscore_rejectedの2列に分けてください。"),
    "contradicts": Kind("error", "the same two answers stand the other way round on line {detail}", "{detail}行目では、同じ2つの答えのchosenとrejectedが逆になっています",
        "Keep the row that is right, and take the other one out.", "正しいほうの行を残し、もう一方を取り除いてください。"),
    "answers-left-out": Kind("warning", "only the first answer is learned, {detail} other ones are left out", "学習するのは最初の答えだけで、ほかの{detail}件の答えは使いません",
        "Write a row for each answer that is to be learned.", "学習したい答えごとに1行ずつ書いてください。"),
    "control-token": Kind("error", "{detail} is a control token inside a text: a chat model reads it as the end or the beginning of a turn", "文章の中に制御トークンがあり、発言の区切りとして読まれます（{detail}）",
        "Take it out, or write it another way (with a space inside).", "取り除くか、途中に空白を入れるなど別の書き方にしてください。"),
    "null-byte": Kind("error", "{detail} contains a null byte", "NULL文字を含みます：{detail}",
        "Remove it; cleaning.normalise does.", "取り除いてください（cleaning.normaliseで消えます）。"),
    "control-character": Kind("error", "{detail} contains a control character", "制御文字を含みます：{detail}",
        "Remove it; cleaning.normalise does.", "取り除いてください（cleaning.normaliseで消えます）。"),
    "mojibake": Kind("error", "{detail} was read in the wrong encoding", "文字化けしています：{detail}",
        "Export the source again as UTF-8.", "元のデータをUTF-8で書き出し直してください。"),
    "too-long": Kind("warning", "{detail} is very long and will be cut in training", "とても長く、学習時に切り詰められます：{detail}",
        "Shorten it, or raise the maximum length.", "短くするか、最大長を増やしてください。"),
    "answer-cut": Kind("warning", "the row is longer than {detail}: the end of the answer is not learned, nor where to stop", "{detail}より長く、答えの終わりと、どこで止まるかが学ばれません",
        "Shorten it, or raise --max-length.", "短くするか、--max-lengthを上げてください。"),
    "answer-lost": Kind("warning", "{detail} is full before the answer begins: nothing of the row is learned", "答えが始まる前に{detail}に達するため、この行からは何も学ばれません",
        "Shorten the prompt, or raise --max-length.", "プロンプトを短くするか、--max-lengthを上げてください。"),
    "not-in-template": Kind("warning", "the chat template of the model does not write all of it (tools, calls, roles)", "モデルのチャットテンプレートが、一部（ツール、その呼び出し、役割）を書き出しません",
        "Use a model whose template knows it (--model), or write it as text.", "対応するテンプレートのモデルを使うか（--model）、文章として書いてください。"),
    "duplicate": Kind("warning", "the row says the same as an earlier one", "前にある行と同じ内容です",
        "Keep one; duplicates.remove_duplicates does.", "1つだけ残してください（duplicates.remove_duplicatesが行います）。"),
}
# fmt: on


@dataclass(frozen=True)
class Problem:
    """One finding about one line. ``severity`` is ``"error"`` (unusable) or ``"warning"``."""

    line: int
    code: str
    message: str
    severity: str
    detail: str = ""

    def fix(self) -> str:
        """The way out, in English."""
        return KINDS[self.code].fix_en

    def in_japanese(self) -> tuple[str, str]:
        """Message and way out in Japanese."""
        kind = KINDS[self.code]
        return kind.ja.format(detail=self.detail), kind.fix_ja


def problem(line: int, code: str, detail: str = "") -> Problem:
    """The problem ``code`` (a key of :data:`KINDS`) on ``line``."""
    kind = KINDS[code]
    return Problem(line, code, kind.en.format(detail=detail), kind.severity, detail)
