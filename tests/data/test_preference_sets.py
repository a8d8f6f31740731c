"""Preference pairs for lab 05: splits, flips, near-duplicates, lengths, and files of the learner's own."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.preferences import (
    FEWEST,
    Pair,
    archive,
    flip,
    longest_chosen,
    near_duplicates,
    read_pair_rows,
    select_length_matched,
    shipped_pairs,
    split_pairs,
    unpaired_rows,
)
from lab_helpers.runtime.errors import BadInput

LANGUAGES = ("en", "ja")


def pair(chosen: str, rejected: str, prompt: str = "?", reason: str = "") -> Pair:
    turns = [[{"role": role, "content": text}] for role, text in (("user", prompt), ("assistant", chosen), ("assistant", rejected))]  # fmt: skip
    return Pair(*turns, reason)


def write(path, rows):
    path.write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8"
    )
    return path


def own_pairs(path, seed: int = 0):
    found, _ = read_pair_rows(path)
    return split_pairs(found, path.name, seed)


def rows(count: int = 40) -> list[dict]:
    return [{"prompt": f"Question {i // 2}?", "chosen": f"Answer {i}.", "rejected": f"No {i}!"} for i in range(count)]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_pairs_are_all_there_and_keep_their_split(language):
    pairs = shipped_pairs(language)
    assert len(pairs.train) + len(pairs.test) == 560
    assert {p.reason for p in pairs.train} == {"tone", "fact", "honesty", "length"}
    assert not {p.question for p in pairs.train} & {p.question for p in pairs.test}
    assert [p.question for p in pairs.train] == [p.question for p in shipped_pairs(language).train]
    assert [p.question for p in pairs.train] != [p.question for p in shipped_pairs(language, 1).train]  # fmt: skip


def test_one_reason_at_a_time():
    some = shipped_pairs("en").of("tone", "honesty")
    assert {p.reason for p in some.train + some.test} == {"tone", "honesty"}
    assert some.reasons == ("tone", "honesty")


def test_pairs_of_ones_own_have_no_reasons_and_stay_whole(tmp_path):
    own = own_pairs(write(tmp_path / "p.jsonl", rows()))
    assert own.of("tone") is own


@pytest.mark.parametrize("language", LANGUAGES)
def test_near_duplicates_are_the_fact_pairs(language):
    found = near_duplicates(shipped_pairs(language).train, 40)
    assert {p.reason for p in found} == {"fact"}
    assert min(p.likeness for p in found) > 0.9


@given(st.floats(0, 0.5))
def test_matched_pairs_differ_by_no_more_than_the_tolerance(tolerance):
    pairs = [pair("a" * n, "b" * 100) for n in range(50, 151)]
    kept = select_length_matched(pairs, tolerance)
    for p in pairs:
        sizes = len(p.answer("chosen")), len(p.answer("rejected"))
        assert (p in kept) == (min(sizes) >= (1 - tolerance) * max(sizes) - 1e-9)


def test_the_longest_chosen_come_first():
    pairs = [pair("a" * n, "b" * 10) for n in (5, 30, 20)]
    assert [p.length_ratio for p in longest_chosen(pairs, 2)] == [3, 2]


@given(st.integers(1, 40), st.floats(0, 1), st.integers(0, 5))
def test_flipping_turns_exactly_the_share_round(count, share, seed):
    pairs = [pair(f"good {i}", f"bad {i}") for i in range(count)]
    turned = flip(pairs, share, seed)
    wrong = [p.answer().startswith("bad") for p in turned]
    assert sum(wrong) == round(share * count)
    assert turned == flip(pairs, share, seed)
    assert [p.answer("rejected" if w else "chosen") for p, w in zip(turned, wrong, strict=True)] == [f"good {i}" for i in range(count)]  # fmt: skip
    assert all(p.answer().startswith("good") for p in pairs), "the pairs themselves stay"


def test_the_archive_holds_one_answer_of_each_pair():
    pairs = [pair(f"good {i}", f"bad {i}") for i in range(200)]
    said = [row["completion"][0]["content"] for row in archive(pairs)]
    assert all(text.split()[1] == str(i) for i, text in enumerate(said))
    assert 70 < sum(text.startswith("good") for text in said) < 130
    assert archive(pairs) == archive(pairs)
    assert archive(pairs) != archive(pairs, 1)


# Files of the learner's own


def test_a_file_is_split_by_prompt(tmp_path):
    own = own_pairs(write(tmp_path / "p.jsonl", rows()))
    assert (len(own.train), len(own.test)) == (30, 10)
    assert not {p.question for p in own.train} & {p.question for p in own.test}
    assert own.language is None
    assert own.train == own_pairs(tmp_path / "p.jsonl").train


@pytest.mark.parametrize("form", ["turns", "inside", "text"])
def test_every_shape_of_a_pair_is_read(tmp_path, form):
    def turn(role, text):
        return {"role": role, "content": text}

    found = rows()
    if form != "text":
        found = [
            {
                "prompt": [turn("user", r["prompt"])],
                **{s: [turn("assistant", r[s])] for s in ("chosen", "rejected")},
            }
            for r in found
        ]
    if form == "inside":
        found = [{s: r["prompt"] + r[s] for s in ("chosen", "rejected")} for r in found]
    own = own_pairs(write(tmp_path / "p.jsonl", found))
    assert own.train == own_pairs(write(tmp_path / "q.jsonl", rows())).train


def test_rows_that_cannot_be_used_are_left_out(tmp_path):
    bad = [{"prompt": "?", "chosen": "same", "rejected": "same"}, {"prompt": "?", "chosen": "", "rejected": "x"}]  # fmt: skip
    own = own_pairs(write(tmp_path / "p.jsonl", rows() + bad))
    assert len(own.train) + len(own.test) == 40


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([{"question": "?", "answer": "!"}] * 40, "holds question-answer rows"),
        (rows(10), "10 usable pairs on 5 prompts"),
        ([r | {"prompt": "the same"} for r in rows()], "on 1 prompts"),
        ([{"prompt": "?", "chosen": "a", "rejected": "a"}] * 40, "0 usable pairs"),
        ([{"this": 1, "that": 2}] * 40, "no known shape"),
    ],
)
def test_a_file_that_is_of_no_use_is_refused_in_one_sentence(tmp_path, found, words):
    with pytest.raises(BadInput, match=words):
        own_pairs(write(tmp_path / "p.jsonl", found))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput):
        own_pairs(tmp_path / "none.jsonl")


def test_the_fewest_pairs_are_enough(tmp_path):
    own = own_pairs(write(tmp_path / "p.jsonl", rows(FEWEST)))
    assert len(own.train) + len(own.test) == FEWEST


def judged(count: int = 32) -> list[dict]:
    return [{"prompt": f"Question {i}?", "completion": f"Answer {i}.", "label": i % 2 == 0} for i in range(count)]  # fmt: skip


def test_answers_that_are_called_good_or_bad_are_no_pairs_and_are_offered_kto(tmp_path):
    path = write(tmp_path / "kto.jsonl", judged())
    with pytest.raises(BadInput, match="two answers to the same prompt") as caught:
        own_pairs(path)
    assert "KTOTrainer" in caught.value.fix
    found = unpaired_rows(path)
    assert [row["label"] for row in found] == [row["label"] for row in judged()]
    assert found[1]["completion"] == [{"role": "assistant", "content": "Answer 1."}]
    with pytest.raises(BadInput, match="which answers are good"):
        unpaired_rows(write(tmp_path / "p.jsonl", rows()))


def test_trl_trains_on_unpaired_rows(tmp_path, tiny_chat_model):
    from datasets import Dataset
    from trl import KTOConfig, KTOTrainer

    from lab_helpers.models.language_models import load_language_model

    found = unpaired_rows(write(tmp_path / "kto.jsonl", judged(8)))
    model, tokenizer = load_language_model(str(tiny_chat_model))
    config = KTOConfig(
        output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=4, report_to=[], use_cpu=True, bf16=False
    )  # fmt: skip
    trainer = KTOTrainer(model, args=config, train_dataset=Dataset.from_list(found), processing_class=tokenizer)  # fmt: skip
    assert trainer.train().global_step == 1


def test_what_the_model_cannot_use_is_taken_out_before_the_split(tmp_path):
    path = write(tmp_path / "p.jsonl", rows(40))
    found, report = read_pair_rows(path)
    assert (len(found), report.rows) == (40, 40)
    own = split_pairs(found[:30], path.name)
    assert len(own.train) + len(own.test) == 30
    with pytest.raises(BadInput, match="too few"):
        split_pairs(found[:3], path.name)
