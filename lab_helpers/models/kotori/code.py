"""Small Python functions in a neutral style, with English or Japanese docstrings."""

from random import Random

from lab_helpers.models.kotori.documents import CorpusText

# name, arguments, English docstring, Japanese docstring, body; {n} is a small number.
_FUNCTIONS = (
    ("add", "a, b", "Return the sum of a and b.", "a と b の和を返す。", "return a + b"),
    ("add_{n}", "x", "Return x plus {n}.", "x に {n} を足して返す。", "return x + {n}"),
    ("subtract", "a, b", "Return a minus b.", "a から b を引いて返す。", "return a - b"),
    ("multiply", "a, b", "Return the product of a and b.", "a と b の積を返す。", "return a * b"),
    ("times_{n}", "x", "Return x times {n}.", "x を {n} 倍して返す。", "return x * {n}"),
    ("double", "x", "Return twice x.", "x の 2 倍を返す。", "return x * 2"),
    ("square", "x", "Return x squared.", "x の 2 乗を返す。", "return x * x"),
    ("is_even", "n", "Return whether n is even.", "n が偶数かどうかを返す。", "return n % 2 == 0"),
    ("is_odd", "n", "Return whether n is odd.", "n が奇数かどうかを返す。", "return n % 2 == 1"),
    ("is_multiple_of_{n}", "x", "Return whether x is a multiple of {n}.", "x が {n} の倍数かどうかを返す。", "return x % {n} == 0"),
    ("larger", "a, b", "Return the larger of a and b.", "a と b の大きい方を返す。", "return max(a, b)"),
    ("smaller", "a, b", "Return the smaller of a and b.", "a と b の小さい方を返す。", "return min(a, b)"),
    ("first", "items", "Return the first item.", "最初の要素を返す。", "return items[0]"),
    ("last", "items", "Return the last item.", "最後の要素を返す。", "return items[-1]"),
    ("count_items", "items", "Return the number of items.", "要素の数を返す。", "return len(items)"),
    ("total", "numbers", "Return the sum of the numbers.", "数の合計を返す。", "return sum(numbers)"),
    ("average", "numbers", "Return the mean of the numbers.", "数の平均を返す。", "return sum(numbers) / len(numbers)"),
    ("largest", "numbers", "Return the largest number.", "最大の数を返す。", "return max(numbers)"),
    ("smallest", "numbers", "Return the smallest number.", "最小の数を返す。", "return min(numbers)"),
    ("sorted_copy", "items", "Return the items in order.", "要素を順に並べて返す。", "return sorted(items)"),
    ("reverse", "text", "Return the text backwards.", "文字列を逆順にして返す。", "return text[::-1]"),
    ("upper", "text", "Return the text in capitals.", "文字列を大文字にして返す。", "return text.upper()"),
    ("lower", "text", "Return the text in small letters.", "文字列を小文字にして返す。", "return text.lower()"),
    ("count_words", "text", "Return the number of words.", "単語の数を返す。", "return len(text.split())"),
    ("join_words", "words", "Return the words joined by spaces.", "単語を空白でつないで返す。", 'return " ".join(words)'),
    ("starts_with", "text, start", "Return whether text starts with start.", "text が start で始まるかどうかを返す。", "return text.startswith(start)"),
    ("contains", "items, item", "Return whether item is in items.", "item が items に含まれるかどうかを返す。", "return item in items"),
    ("unique", "items", "Return the items without repeats.", "重複を除いた要素を返す。", "return list(dict.fromkeys(items))"),
    ("evens", "numbers", "Return the even numbers.", "偶数だけを返す。", "return [n for n in numbers if n % 2 == 0]"),
    ("above_{n}", "numbers", "Return the numbers above {n}.", "{n} より大きい数を返す。", "return [x for x in numbers if x > {n}]"),
    ("absolute", "x", "Return the absolute value of x.", "x の絶対値を返す。", "return abs(x)"),
    ("with_tax", "price", "Return the price plus {n} percent.", "{n} パーセントを足した価格を返す。", "return price * (100 + {n}) / 100"),
)  # fmt: skip


def document(language: str, rng: Random) -> CorpusText:
    """One to four functions, now and then asked for in an exchange."""
    page = CorpusText("code", language)
    for _ in range(rng.randint(1, 4)):
        name, arguments, english, japanese, body = (
            part.replace("{n}", str(n))
            for n in [rng.randrange(2, 13)]
            for part in rng.choice(_FUNCTIONS)
        )
        doc = english if language == "en" else japanese
        source = f'def {name}({arguments}):\n    """{doc}"""\n    {body}\n'
        if rng.random() < 0.75:
            page.add(source + "\n")
        else:
            page.turn(doc, source)
    return page
