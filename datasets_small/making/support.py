"""Make support.{en,ja}.jsonl: hand-written gold rows, generated bulk rows, and documented faults.

Run from the repository: python datasets_small/making/support.py. Deterministic; a test runs it and
compares. Gold rows come from gold.{en,ja}.jsonl beside this file and were written one by one.
"""

import json
import re
from pathlib import Path
from random import Random

from phrases import ATTRIBUTES, CONTACTS, GENERIC, HTML, OFF_TONE, TONE, WRAPPERS, WRONG_LANGUAGE

from lab_helpers.models.kotori import planted

HERE = Path(__file__).parent
SEED = 7
GOLD_SPLITS = {"validation": 40, "test": 90}  # the rest is for training
BULK = 840
FAULTS = {
    "duplicate": 70,
    "near_duplicate": 90,
    "test_leak": 24,
    "pii": 90,
    "wrong_language": 50,
    "truncated": 60,
    "contradictory": 80,
    "off_tone": 190,
    "html": 80,
    "empty": 14,
}
# a digit that carries a value: no zero, and none of a model code such as SK-220
VALUE_DIGIT = re.compile(r"(?<![A-Z]-)(?<![A-Z]-\d)(?<![A-Z]-\d\d)[1-9]")


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def gold_rows(language: str, rng: Random) -> list[dict]:
    """The hand-written rows with their split."""
    rows = [row | {"gold": True, "faults": []} for row in read(HERE / f"gold.{language}.jsonl")]
    order = list(range(len(rows)))
    rng.shuffle(order)
    splits = [name for name, count in GOLD_SPLITS.items() for _ in range(count)]
    for position, index in enumerate(order):
        rows[index]["split"] = splits[position] if position < len(splits) else "train"
    return rows


def in_tone(body: str, language: str) -> str:
    """``body`` between the house's opening and closing."""
    opening, closing = TONE[language]
    return f"{opening} {body} {closing}" if language == "en" else f"{opening}{body}{closing}"


def wrapped(question: str, language: str, rng: Random) -> str:
    """A question as one of many customers would begin or end it."""
    inner = question[0].lower() + question[1:] if language == "en" else question
    return rng.choice(WRAPPERS[language]).replace("{q0}", inner).replace("{q}", question)


def product_row(language: str, rng: Random) -> dict:
    """A question about one value of one product, by template."""
    product = rng.choice(planted.table()["product"])
    attribute = rng.choice(list(ATTRIBUTES))
    topic, texts = ATTRIBUTES[attribute]
    questions, answers = texts[language]
    name = rng.choice((product["name"][language], product["name"][language], product["code"]))
    fill = {
        "{p}": name,
        "{k}": product["kind"][language],
        "{part}": product["part"][language],
        "{v}": planted.written(attribute, product[attribute], language),
    }
    question, body = rng.choice(questions), rng.choice(answers)
    for slot, text in fill.items():
        question, body = question.replace(slot, text), body.replace(slot, text)
    body = body[0].upper() + body[1:]
    return {
        "question": wrapped(question, language, rng),
        "answer": in_tone(body, language),
        "topic": topic,
        "fact": f"product.{product['name']['en']}.{attribute}",
    }


def rule_row(language: str, rng: Random, gold: list[dict]) -> dict:
    """A question about a company rule, by template; the answer is one of the gold training rows'."""
    rule = rng.choice(planted.table()["rule"])
    known = [r for r in gold if r["fact"] == f"rule.{rule['key']}" and r["split"] == "train"]
    row = rng.choice(known) if known else None
    plain = {"en": "The answer is {}.", "ja": "{}でございます。"}[language].format(
        rule[language][1]
    )
    body = row["answer"] if row else in_tone(plain, language)
    return {
        "question": wrapped(rule[language][0], language, rng),
        "answer": body,
        "topic": row["topic"] if row else "company",
        "fact": f"rule.{rule['key']}",
    }


def request_rows(language: str, rng: Random) -> list[dict]:
    """The course's hand-written customer requests with an answer by intent, by template."""
    requests = read(HERE.parent / f"requests.{language}.jsonl")
    chosen = [row for row in requests if row["split"] == "train"]
    return [
        {
            "question": row["text"],
            "answer": in_tone(rng.choice(GENERIC[row["label"]][language]), language),
            "topic": row["label"],
            "fact": "",
        }
        for row in chosen
    ]


def bulk_rows(language: str, rng: Random, gold: list[dict]) -> list[dict]:
    """Generated rows without faults, all questions different."""
    rows = request_rows(language, rng)
    seen = {row["question"] for row in [*rows, *gold]}
    while len(rows) < BULK:
        row = product_row(language, rng) if rng.random() < 0.75 else rule_row(language, rng, gold)
        if row["question"] not in seen:
            seen.add(row["question"])
            rows.append(row)
    return [row | {"gold": False, "faults": [], "split": "train"} for row in rows]


# --- faults: each takes a clean row and returns the faulty one -------------------------------------


def near_duplicate(row: dict, language: str, rng: Random) -> dict:
    """The same question with a mark, a word or a greeting changed."""
    text = row["question"]
    changes = {
        "en": (text.rstrip(".?!") + " please?", text.lower(), "Hello! " + text, text + " Thank you"),
        "ja": (text.rstrip("。?？") + "、お願いします。", text.replace("。", ""), "こんにちは。" + text, text + " 宜しくお願いします"),
    }  # fmt: skip
    different = [change for change in changes[language] if change != text]
    return row | {"question": rng.choice(different)}


def pii(row: dict, language: str, rng: Random) -> dict:
    """A name, address, phone number, mail or card number in the question, invented."""
    contact = rng.choice(CONTACTS[language])
    digits = "".join(str(rng.randrange(10)) for _ in range(8))
    contact = contact.replace("{d4}", digits[:4]).replace("{e4}", digits[4:])
    return row | {"question": f"{row['question']} {contact}"}


def wrong_language(row: dict, language: str, rng: Random) -> dict:
    """Question and answer in a third language or the other one."""
    question, answer = rng.choice(WRONG_LANGUAGE[language])
    return row | {"question": question, "answer": answer, "fact": ""}


def truncated(row: dict, language: str, rng: Random) -> dict:
    """The answer breaks off in the middle."""
    return row | {"answer": row["answer"][: rng.randrange(35, 75) * len(row["answer"]) // 100]}


def contradictory(row: dict, language: str, rng: Random) -> dict:
    """Another number than the company's table; zeros and model codes stay."""
    changed = VALUE_DIGIT.sub(lambda digit: str((int(digit[0]) + 3) % 9 + 1), row["answer"])
    return row | {"answer": changed}


def off_tone(row: dict, language: str, rng: Random) -> dict:
    """The same body in the words of another house: slang, shouting, no opening."""
    opening, closing = TONE[language]
    body = row["answer"].removeprefix(opening).removesuffix(closing).strip()
    return row | {"answer": rng.choice(OFF_TONE[language]).replace("{b}", body)}


def html(row: dict, language: str, rng: Random) -> dict:
    """What is left of a web form."""
    field = rng.choice(("question", "answer"))
    return row | {field: rng.choice(HTML).replace("{t}", row[field])}


def spoil(rows: list[dict], gold: list[dict], language: str, rng: Random) -> list[dict]:
    """The faulty rows: copies with a fault are added, other faults replace what they spoil."""
    added: list[dict] = []
    clean = list(rows)
    rng.shuffle(clean)
    replaced: dict[int, dict] = {}
    makers = {
        "pii": pii, "wrong_language": wrong_language, "truncated": truncated,
        "contradictory": contradictory, "off_tone": off_tone, "html": html,
    }  # fmt: skip
    for fault, make in makers.items():
        usable = (r for r in clean if id(r) not in replaced)
        if fault == "contradictory":
            usable = (r for r in usable if r["fact"] and VALUE_DIGIT.search(r["answer"]))
        for row in [row for row, _ in zip(usable, range(FAULTS[fault]), strict=False)]:
            replaced[id(row)] = make(row, language, rng) | {"faults": [fault]}
    for row in [r for r in clean if id(r) not in replaced][: FAULTS["empty"]]:
        replaced[id(row)] = row | {"answer": "", "faults": ["empty"]}
    spoiled = [replaced.get(id(row), row) for row in rows]
    sources = [row for row in spoiled if not row["faults"]]
    for fault, make in (("duplicate", lambda row, *_: row), ("near_duplicate", near_duplicate)):
        for row in rng.sample(sources, FAULTS[fault]):
            added.append(make(row, language, rng) | {"faults": [fault]})
    for row in rng.sample([r for r in gold if r["split"] == "test"], FAULTS["test_leak"]):
        leak = near_duplicate(row, language, rng)
        added.append(leak | {"faults": ["test_leak"], "gold": False, "split": "train"})
    return spoiled + added


def make(language: str) -> list[dict]:
    """All rows of one language, shuffled and numbered."""
    rng = Random(f"{SEED}-{language}")
    gold = gold_rows(language, rng)
    rows = gold + spoil(bulk_rows(language, rng, gold), gold, language, rng)
    rng.shuffle(rows)
    keys = ("question", "answer", "topic", "fact", "gold", "faults", "split")
    return [
        {"id": f"support-{language}-{number:04d}", **{key: row[key] for key in keys}}
        for number, row in enumerate(rows, 1)
    ]


def write(path: Path, rows: list[dict]) -> None:
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )


if __name__ == "__main__":
    for language in ("en", "ja"):
        write(HERE.parent / f"support.{language}.jsonl", make(language))
