"""Japanese words for a code cell: what it prints and its comments, written once below the cell.

In a source, a raw cell with ``lang="ja"`` follows the code cell whose words it translates, one pair a line::

    # %%
    print("rows:", len(rows))  # those we train on
    # %% [raw] lang="ja"
    # rows: → 件数:
    # those we train on → 学習に使う行

The Japanese edition gets the cell with these words in place of the English ones, in string literals and
comments and nowhere else. A side that begins or ends with a space is written in double quotes, which are
taken off. Where the English has an arrow of its own, the Japanese has one too: the middle one parts them.
"""

import ast
import io
import tokenize

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

ARROW = "→"
_TEXT = {tokenize.STRING, tokenize.COMMENT} | {
    getattr(tokenize, name) for name in ("FSTRING_MIDDLE",) if hasattr(tokenize, name)
}


def translate_code(source: str, pairs: str, where: str) -> str:
    """``source`` with the words of ``pairs`` exchanged in its strings and comments.

    Raises :class:`BadInput` for a line that is no pair, for English words that the cell does not hold
    (they were changed: the translation is stale), and for a change that would reach the program itself.
    """
    translated = source
    for english, japanese in read_pairs(pairs, where):
        changed = _exchange(translated, english, japanese)
        if changed == translated:
            raise BadInput(
                say(
                    f"{where}: '{english}' stands in no string and no comment of the code cell above",
                    f"{where}: 「{english}」が、上のコードセルの文字列にもコメントにも見つかりません",
                ),
                say(
                    "The words have changed: mend their translation.",
                    "英語の文言が変わっています。訳を直してください。",
                ),
            )
        translated = changed
    if without_words(translated) != without_words(source):
        raise BadInput(
            say(
                f"{where}: the translation changes the program, not only its words",
                f"{where}: 訳によって、文言だけでなくプログラムまで変わってしまいます",
            ),
            say(
                "Give longer pieces of the texts, so that they are found nowhere else.",
                "ほかの箇所と一致しないように、もっと長い語句で指定してください。",
            ),
        )
    return translated


def read_pairs(text: str, where: str) -> list[tuple[str, str]]:
    """``(English, Japanese)`` of each line, the longest English first, so that no word eats into a phrase."""
    pairs = []
    for line in filter(str.strip, text.splitlines()):
        pieces = line.split(f" {ARROW} ")
        half = len(pieces) // 2
        sides = [_plain(f" {ARROW} ".join(part)) for part in (pieces[:half], pieces[half:])]
        if len(pieces) % 2 or not sides[0]:
            raise BadInput(
                say(
                    f"{where}: no pair of words: {line}",
                    f"{where}: 訳語の組になっていません: {line}",
                ),
                say(
                    f"Write: English {ARROW} Japanese",
                    f"「英語 {ARROW} 日本語」の形で書いてください。",
                ),
            )
        pairs.append((sides[0], sides[1]))
    return sorted(pairs, key=lambda pair: -len(pair[0]))


def _plain(side: str) -> str:
    side = side.strip()
    return side[1:-1] if len(side) > 1 and side[0] == side[-1] == '"' else side


def _exchange(source: str, english: str, japanese: str) -> str:
    """Within the tokens that are text; a token is taken from the source, as it was typed."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    pieces, done = [], 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _TEXT:
            continue
        start = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        pieces += [source[done:start], source[start:end].replace(english, japanese)]
        done = end
    return "".join(pieces) + source[done:]


def without_words(source: str) -> str:
    """The program with every text in it blanked: equal for both editions of a cell."""

    class Blank(ast.NodeTransformer):
        def visit_Constant(self, node):
            return ast.Constant("") if isinstance(node.value, str) else node

        def visit_JoinedStr(self, node):
            node.values = [self.visit(v) for v in node.values if isinstance(v, ast.FormattedValue)]
            return node

    try:
        return ast.dump(Blank().visit(ast.parse(source)))
    except SyntaxError:
        return source
