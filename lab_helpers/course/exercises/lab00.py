"""Lab 00: exercises, predictions, quiz."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.course.language import Text
from lab_helpers.course.quiz import Prediction, Question

# --- keeps_tone --------------------------------------------------------------------------------


def keeps_tone(reply, opening, closing):
    middle = reply.removeprefix(opening).removesuffix(closing)
    return reply.startswith(opening) and reply.endswith(closing) and "!" not in middle


def _anywhere(reply, opening, closing):
    return opening in reply and closing in reply and "!" not in reply


def _only_opening(reply, opening, closing):
    return reply.startswith(opening) and "!" not in reply


def _shouting(reply, opening, closing):
    return reply.startswith(opening) and reply.endswith(closing)


def _one_of_two(reply, opening, closing):
    return (reply.startswith(opening) or reply.endswith(closing)) and "!" not in reply


def _text(reply, opening, closing):
    return "yes" if keeps_tone(reply, opening, closing) else "no"


def _test_keeps_tone(answer) -> None:
    opening, closing = "Good day.", "Yours, the shop"
    cases = {
        "Good day. It costs 5 yen. Yours, the shop": True,
        "Good day. It costs 5 yen! Yours, the shop": False,
        "Good day. It costs 5 yen.": False,
        "It costs 5 yen. Yours, the shop": False,
        "Well. Good day. It costs 5 yen. Yours, the shop, tomorrow": False,
        "Bye.": False,
    }
    got = {reply: answer(reply, opening, closing) for reply in cases}
    if any(value not in (True, False) for value in got.values()):
        raise Mistake(
            "return True or False: the result is counted, so it must be a truth value.",
            "True か False を返してください。あとで数えるため、真偽値である必要があります。",
        )
    wrong = [reply for reply, right in cases.items() if bool(got[reply]) != right]
    if not wrong:
        return
    if {"Good day. It costs 5 yen.", "It costs 5 yen. Yours, the shop"} <= set(wrong):
        raise Mistake(
            "one of the two is enough for you: join opening and closing with `and`, not with `or`.",
            "どちらか一方で合格にしています。書き出しと結びは `or` ではなく `and` でつないでください。",
        )
    reasons = {
        "Good day. It costs 5 yen! Yours, the shop": (
            "a reply with an exclamation mark in the middle passes: the third rule is missing.",
            "途中に感嘆符がある回答が合格しています。3 つめのルールが抜けています。",
        ),
        "Well. Good day. It costs 5 yen. Yours, the shop, tomorrow": (
            "the words may not stand just anywhere: the reply must *start* and *end* with them.",
            "決まり文句がどこにあってもよいわけではありません。回答が*その言葉で始まり*、*終わる*必要があります。",
        ),
        "Good day. It costs 5 yen.": (
            "a reply without the closing passes.",
            "結びのない回答が合格しています。",
        ),
        "It costs 5 yen. Yours, the shop": (
            "a reply without the opening passes.",
            "書き出しのない回答が合格しています。",
        ),
    }
    for reply, reason in reasons.items():
        if reply in wrong:
            raise Mistake(*reason)
    raise Mistake(f"wrong for the reply: {wrong[0]}", f"次の回答で誤りがあります: {wrong[0]}")


# --- few_shot_messages -------------------------------------------------------------------------


def few_shot_messages(examples, question):
    messages = []
    for row in examples:
        messages.append({"role": "user", "content": row["question"]})
        messages.append({"role": "assistant", "content": row["answer"]})
    return [*messages, {"role": "user", "content": question}]


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


# --- tokens_per_month --------------------------------------------------------------------------


def tokens_per_month(question_tokens, example_tokens, calls):
    return (question_tokens + example_tokens) * calls


def _test_tokens(answer) -> None:
    q, e, n = 30, 900, 1000
    got = answer(q, e, n)
    if same(got, q * n + e):
        raise Mistake(
            "you count the examples once, but the model has no memory between calls: they travel with every call.",
            "例を 1 回しか数えていません。モデルは呼び出し間で何も覚えていないため、例は毎回送られます。",
        )
    if same(got, q * n):
        raise Mistake(
            "the examples are missing: the model reads them too.",
            "例の分が入っていません。モデルは例も読みます。",
        )
    if same(got, q + e):
        raise Mistake(
            "that is one call; multiply by the number of calls.",
            "それは 1 回分です。呼び出し回数を掛けてください。",
        )
    expect_close(
        got,
        tokens_per_month(q, e, n),
        f"for 30 + 900 tokens and 1,000 calls it should be {tokens_per_month(q, e, n):,}.",
        f"30 + 900 トークン、1,000 回なら {tokens_per_month(q, e, n):,} のはずです。",
    )


# --- break_even_calls --------------------------------------------------------------------------


def break_even_calls(price_per_million, tokens_per_call, gpu_per_hour):
    api_per_call = price_per_million * tokens_per_call / 1_000_000
    return 730 * gpu_per_hour / api_per_call


def _test_break_even(answer) -> None:
    p, t, g = 2.0, 500, 0.4
    got = answer(p, t, g)
    right = break_even_calls(p, t, g)
    if same(got, right / 1e6, 1e-9):
        raise Mistake(
            "the price is per million tokens: divide by 1,000,000.",
            "価格は 100 万トークンあたりです。1,000,000 で割ってください。",
        )
    if same(got, right / 730):
        raise Mistake(
            "that is one hour of GPU; an always-on GPU costs 730 hours a month.",
            "それは GPU 1 時間分です。常時稼働なら月 730 時間かかります。",
        )
    if same(got, 1 / right, 1e-9):
        raise Mistake(
            "your fraction is upside down: GPU cost a month over API cost a call.",
            "分数が逆です。「GPU の月額 ÷ API の 1 回あたりの費用」です。",
        )
    expect_close(
        got,
        right,
        f"for these prices it should be {right:,.0f} calls.",
        f"この価格なら {right:,.0f} 回のはずです。",
    )


EXERCISES = (
    Exercise(
        name="keeps_tone",
        prompt=Text(
            "Does a reply keep the house tone: the right opening, the right closing, no exclamation mark in between?",
            "回答が会社の口調を守っているかを判定してください。決まった書き出し、決まった結び、あいだに感嘆符がないこと、の 3 つです。",
        ),
        stub="def keeps_tone(reply, opening, closing):\n    ...",
        reference=keeps_tone,
        test=_test_keeps_tone,
        hints=(
            Text(
                "Three questions, each with yes or no; all three must be yes.",
                "3 つの問いに、それぞれ「はい」か「いいえ」で答えます。すべて「はい」でなければなりません。",
            ),
            Text(
                "A string has .startswith(...) and .endswith(...); `in` finds a character anywhere.",
                "文字列には .startswith(...) と .endswith(...) があります。`in` は文字がどこにあっても見つけます。",
            ),
            Text(
                'reply.startswith(opening) and reply.endswith(closing) and "!" not in reply',
                'reply.startswith(opening) and reply.endswith(closing) and "!" not in reply',
            ),
        ),
        wrong_answers=(
            WrongAnswer(_anywhere, "*start* and *end*"),
            WrongAnswer(_only_opening, "without the closing"),
            WrongAnswer(_shouting, "exclamation mark"),
            WrongAnswer(_one_of_two, "one of the two is enough"),
            WrongAnswer(_text, "True or False"),
        ),
        minutes=5,
    ),
    Exercise(
        name="few_shot_messages",
        prompt=Text(
            "Turn example exchanges and a new question into the list of chat messages of a few-shot prompt.",
            "例のやりとりと新しい質問から、フューショットのプロンプトになるメッセージのリストをつくってください。",
        ),
        stub="def few_shot_messages(examples, question):\n    ...",
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
        minutes=6,
    ),
    Exercise(
        name="tokens_per_month",
        prompt=Text(
            "How many tokens does the model read in a month when the examples travel in every prompt?",
            "例を毎回プロンプトに入れるとき、モデルは月に何トークン読みますか。",
        ),
        stub="def tokens_per_month(question_tokens, example_tokens, calls):\n    ...",
        reference=tokens_per_month,
        test=_test_tokens,
        hints=(
            Text(
                "What does the model remember of the last call?",
                "モデルは前回の呼び出しの何を覚えているでしょうか。",
            ),
            Text(
                "Nothing. So each call reads the question and all examples.",
                "何も覚えていません。毎回、質問とすべての例を読みます。",
            ),
            Text(
                "(question_tokens + example_tokens) * calls",
                "(question_tokens + example_tokens) * calls",
            ),
        ),
        wrong_answers=(
            WrongAnswer(lambda q, e, n: q * n + e, "every call"),
            WrongAnswer(lambda q, e, n: q * n, "examples are missing"),
            WrongAnswer(lambda q, e, n: q + e, "one call"),
        ),
        minutes=3,
    ),
    Exercise(
        name="break_even_calls",
        prompt=Text(
            "From how many calls a month is an always-on GPU (730 hours) cheaper than an API? Prices: API per million tokens, GPU per hour.",
            "常時稼働の GPU(月 730 時間)は、月に何回の呼び出しから API より安くなりますか。API は 100 万トークンあたり、GPU は 1 時間あたりの価格です。",
        ),
        stub="def break_even_calls(price_per_million, tokens_per_call, gpu_per_hour):\n    ...",
        reference=break_even_calls,
        test=_test_break_even,
        hints=(
            Text(
                "At the break-even point both bills are equal. Write down both.",
                "損益分岐点では両方の請求額が等しくなります。まず両方を書き出しましょう。",
            ),
            Text(
                "API: calls × price × tokens / 1,000,000. GPU: 730 × price an hour.",
                "API: 回数 × 価格 × トークン数 / 1,000,000。GPU: 730 × 時間単価。",
            ),
            Text(
                "Solve for calls: 730 * gpu_per_hour / (price_per_million * tokens_per_call / 1_000_000)",
                "回数について解きます: 730 * gpu_per_hour / (price_per_million * tokens_per_call / 1_000_000)",
            ),
        ),
        wrong_answers=(
            WrongAnswer(lambda p, t, g: 730 * g / (p * t), "per million"),
            WrongAnswer(lambda p, t, g: g / (p * t / 1e6), "730 hours"),
            WrongAnswer(lambda p, t, g: (p * t / 1e6) / (730 * g), "upside down"),
        ),
        minutes=6,
    ),
)

PREDICTIONS = (
    Prediction(
        "tone_gain",
        Text(
            "By how many points will the adapter beat the better of the two prompts?",
            "アダプターは、2 つのプロンプトのうち良いほうを何ポイント上回るでしょうか。",
        ),
        "tone_gain",
        Text("points", "ポイント"),
        100.0,
    ),
)

QUIZ = (
    Question(
        Text(
            "You switch the adapter off. What do you get?", "アダプターを切ると、何が得られますか。"
        ),
        (
            Text("A model slightly worse than the base", "ベースより少し劣るモデル"),
            Text("The base, bit for bit", "ベースと完全に同じモデル"),
            Text("The base only after reloading its weights", "重みを読み直して初めてベース"),
        ),
        1,
        (
            Text(
                "The base weights were never touched: you measured a difference of 0.",
                "ベースの重みは一切変わっていません。差は 0 と実測しました。",
            ),
            Text(
                "Right. The adapter lies beside the frozen weights; off means not added.",
                "正解。アダプターは凍結した重みの隣にあり、切れば加算されません。",
            ),
            Text(
                "Nothing needs reloading: the weights are still there, unchanged.",
                "読み直しは不要です。重みはそのまま残っています。",
            ),
        ),
    ),
    Question(
        Text(
            "What does few-shot prompting cost that an adapter does not?",
            "フューショットにあって、アダプターにはない費用は何ですか。",
        ),
        (
            Text("Tokens in every single call", "毎回の呼び出しで読むトークン"),
            Text("Training time", "学習時間"),
            Text("A GPU", "GPU"),
        ),
        0,
        (
            Text(
                "Right: the examples travel with every call.",
                "正解。例は毎回の呼び出しで送られます。",
            ),
            Text(
                "The adapter costs training time; the prompt does not.",
                "学習時間がかかるのはアダプターの方です。",
            ),
            Text("Both ran on this machine.", "どちらもこのマシンで動きました。"),
        ),
    ),
    Question(
        Text(
            "Two prompts differ by 6 points on 50 questions. What do you say?",
            "50 件の質問で、2 つのプロンプトに 6 ポイントの差が出ました。どう言えますか。",
        ),
        (
            Text("The higher one is better", "高い方が優れている"),
            Text(
                "The intervals overlap: this test cannot tell",
                "区間が重なるので、このテストでは判断できない",
            ),
            Text("They are the same", "両者は同じである"),
        ),
        1,
        (
            Text(
                "With 50 questions an interval can be up to 14 points wide on either side.",
                "50 件では、区間の幅が最大で ±14 ポイントほどになります。",
            ),
            Text(
                "Right. Measure more questions or more seeds before you decide.",
                "正解。決める前に、件数かシードを増やして測りましょう。",
            ),
            Text(
                "No evidence of a difference is not evidence of none.",
                "差が見えないことは、差がないことの証拠ではありません。",
            ),
        ),
    ),
)
