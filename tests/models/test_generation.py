"""Batched replies: the same as alone, in the order asked, ended where the model ends."""

import copy

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LogitsProcessor

from lab_helpers.models import generation
from lab_helpers.models.generation import Replies, generate, make_conversation
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.progress import report_with

pytestmark = pytest.mark.usefixtures("one_thread")

QUESTIONS = [
    "The heater broke, the filter is loud and the lamp is cold: who pays for all of it?",
    "Hi",
    "Where is the lamp made?",
    "ヒーターが動きません。どうすればよいですか。",
    "Is it warm?",
]
ASKED = [make_conversation(question) for question in QUESTIONS]


@pytest.fixture(scope="module")
def chat(tiny_chat_model, one_thread):
    return load_language_model(str(tiny_chat_model))


@pytest.fixture(scope="module")
def together(chat):
    return generate(*chat, ASKED, max_new_tokens=16)


class EndEarly(LogitsProcessor):
    """Force ``end`` as a row's token number 2, 3, … 8, by the length of its prompt."""

    def __init__(self, end: int, tokenizer):
        self.end = end
        header = tokenizer("<|im_start|>assistant\n")["input_ids"]
        self.turn, self.header = header[0], len(header)

    @staticmethod
    def length(prompt_tokens: int) -> int:
        return 2 + prompt_tokens % 7

    def __call__(self, input_ids, scores):
        for row, ids in enumerate(input_ids.tolist()):
            user = ids.index(self.turn)
            width = ids.index(self.turn, user + 1) + self.header
            if len(ids) - width + 1 == self.length(width - user):
                scores[row] = -torch.inf
                scores[row, self.end] = 0.0
        return scores


def test_a_question_is_one_user_message():
    assert make_conversation("Why?") == [{"role": "user", "content": "Why?"}]
    assert (
        make_conversation("Why?", "")
        == make_conversation("Why?", None)
        == make_conversation("Why?")
    )


def test_a_system_message_stands_first():
    assert make_conversation("Why?", "Be calm.") == [
        {"role": "system", "content": "Be calm."},
        {"role": "user", "content": "Why?"},
    ]


def test_left_padding_gives_the_same_text_batched_and_alone(chat, together):
    assert len(set(together.texts)) == len(QUESTIONS), "the model must tell the prompts apart"
    for conversation, text in zip(ASKED, together.texts, strict=True):
        assert generate(*chat, [conversation], max_new_tokens=16).texts == [text]


def test_without_the_mask_the_texts_would_be_others(chat, together, monkeypatch):
    """The comparison above sees wrong padding: the model does read what it attends to."""
    padded = generation._left_padded

    def unmasked(*arguments):
        inputs = padded(*arguments)
        return inputs | {"attention_mask": torch.ones_like(inputs["attention_mask"])}

    monkeypatch.setattr(generation, "_left_padded", unmasked)
    assert generate(*chat, ASKED, max_new_tokens=16).texts != together.texts


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_the_order_is_kept_whatever_the_batches(chat, together, batch_size):
    replies = generate(*chat, ASKED, max_new_tokens=16, batch_size=batch_size)
    assert replies.texts == together.texts
    assert replies.prompt_tokens == together.prompt_tokens
    assert replies.tokens == together.tokens
    backwards = generate(*chat, ASKED[::-1], max_new_tokens=16, batch_size=batch_size)
    assert backwards.texts == together.texts[::-1]


def test_prompts_are_the_chat_template_with_the_assistants_turn_open(chat, together):
    _, tokenizer = chat
    for question, count in zip(QUESTIONS, together.prompt_tokens, strict=True):
        prompt = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
        assert count == len(tokenizer(prompt)["input_ids"])


def test_the_text_is_what_plain_greedy_decoding_writes(chat, together):
    model, tokenizer = chat
    prompt = tokenizer.apply_chat_template(
        ASKED[2], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    ids = prompt["input_ids"]
    with torch.inference_mode():
        for _ in range(16):
            ids = torch.cat([ids, model(ids).logits[:, -1:].argmax(-1)], dim=1)
    written = ids[0, prompt["input_ids"].shape[1] :]
    assert tokenizer.decode(written, skip_special_tokens=True).strip() == together.texts[2]


def test_without_an_end_every_token_is_counted(chat, together):
    assert together.tokens == 16 * len(QUESTIONS)
    assert generate(*chat, ASKED, max_new_tokens=3).tokens == 3 * len(QUESTIONS)


@pytest.mark.parametrize("batch_size", [2, 64])
def test_the_end_token_stops_each_row_and_is_not_in_the_text(chat, together, batch_size):
    _, tokenizer = chat
    ender = EndEarly(tokenizer.eos_token_id, tokenizer)
    replies = generate(
        *chat, ASKED, max_new_tokens=16, batch_size=batch_size, logits_processor=[ender]
    )
    lengths = [ender.length(count) for count in together.prompt_tokens]
    assert len(set(lengths)) > 2
    assert replies.tokens == sum(lengths), "the end token counts, the padding after it does not"
    for conversation, length, text in zip(ASKED, lengths, replies.texts, strict=True):
        assert text == generate(*chat, [conversation], max_new_tokens=length - 1).texts[0]
        assert "<|" not in text


def test_each_reply_says_whether_it_came_to_its_end(chat, together):
    _, tokenizer = chat
    ender = EndEarly(tokenizer.eos_token_id, tokenizer)
    lengths = [ender.length(count) for count in together.prompt_tokens]
    replies = generate(*chat, ASKED, max_new_tokens=4, logits_processor=[ender])
    assert replies.ended == [length <= 4 for length in lengths]
    assert len(set(replies.ended)) == 2
    assert together.ended == [False] * len(QUESTIONS)


def test_any_of_several_end_tokens_ends(chat, together, monkeypatch):
    """Qwen's generation configuration has a list."""
    model, tokenizer = chat
    other = tokenizer.convert_tokens_to_ids("<|im_start|>")
    ends = [tokenizer.eos_token_id, other]
    monkeypatch.setattr(model.generation_config, "eos_token_id", ends)
    ender = EndEarly(other, tokenizer)
    replies = generate(*chat, ASKED, max_new_tokens=16, logits_processor=[ender])
    assert replies.tokens == sum(ender.length(count) for count in together.prompt_tokens)
    assert not any("<|" in text for text in replies.texts)


def test_a_model_without_an_end_token_writes_to_the_limit(chat, together, monkeypatch):
    model, _ = chat
    monkeypatch.setattr(model.generation_config, "eos_token_id", None)
    replies = generate(*chat, ASKED, max_new_tokens=16)
    assert (replies.texts, replies.tokens) == (together.texts, together.tokens)


def test_an_end_token_among_the_options_ends_the_count_too(chat):
    _, tokenizer = chat
    newline = tokenizer("\n")["input_ids"][0]
    ender = EndEarly(newline, tokenizer)
    options = {"logits_processor": [ender], "eos_token_id": newline}
    replies = generate(*chat, ASKED, max_new_tokens=16, **options)
    assert replies.tokens == sum(ender.length(count) for count in replies.prompt_tokens)


def test_options_go_to_generate(chat, together):
    sampling = {"do_sample": True, "temperature": 5.0, "max_new_tokens": 16}
    torch.manual_seed(1)
    one = generate(*chat, ASKED, **sampling).texts
    torch.manual_seed(1)
    assert generate(*chat, ASKED, **sampling).texts == one
    torch.manual_seed(2)
    assert generate(*chat, ASKED, **sampling).texts != one
    assert one != together.texts


def test_nothing_asked_is_nothing_answered(chat):
    replies = generate(*chat, [])
    assert (replies.texts, replies.tokens, replies.prompt_tokens) == ([], 0, [])


def test_earlier_turns_are_read(chat, together):
    longer = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Good day."},
        *ASKED[2],
    ]
    assert generate(*chat, [longer], max_new_tokens=16).texts[0] != together.texts[2]


def test_generating_leaves_the_model_as_it_was(chat):
    model, _ = chat
    before = {name: p.clone() for name, p in model.named_parameters()}
    generate(*chat, ASKED[:2], max_new_tokens=4)
    assert not model.training
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


def test_batches_are_reported(chat):
    heard = []
    with report_with(lambda *step: heard.append(step)):
        generate(*chat, ASKED, max_new_tokens=2, batch_size=2)
    assert heard == [("generate", done, 3) for done in range(4)]


def test_throughput_is_tokens_by_seconds(together):
    assert Replies(["a"], 30, 2.0, [4]).tokens_per_second == 15
    assert together.seconds > 0
    assert together.tokens_per_second == pytest.approx(together.tokens / together.seconds)


def test_an_adapter_changes_the_text_and_switched_off_it_does_not(chat, together):
    model, tokenizer = chat
    torch.manual_seed(0)
    lora = LoraConfig(
        r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM"
    )
    adapted = get_peft_model(copy.deepcopy(model), lora).eval()
    on = generate(adapted, tokenizer, ASKED, max_new_tokens=16)
    assert on.texts != together.texts
    with adapted.disable_adapter():
        assert generate(adapted, tokenizer, ASKED, max_new_tokens=16).texts == together.texts
    assert generate(adapted, tokenizer, ASKED, max_new_tokens=16).texts == on.texts
    for conversation, text in zip(ASKED, on.texts, strict=True):
        assert generate(adapted, tokenizer, [conversation], max_new_tokens=16).texts == [text]
