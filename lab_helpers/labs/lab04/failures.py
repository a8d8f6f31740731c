"""Lab 04's silent failures: no end, loss on the prompt, another template, two starts, packing, accumulation."""

import copy

import torch

from lab_helpers.course.record import Run
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.evaluation.tone import HOUSE
from lab_helpers.labs.lab04.scoring import ScoredReplies, measure_replies
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.training import train_arm
from lab_helpers.models.generation import Replies, generate, make_conversation
from lab_helpers.tuning.masks import IGNORED, accumulated_loss, ids_and_labels
from lab_helpers.tuning.sft import prompt_completion

_TURNS = "{% for m in messages %}"
# What a server may use in place of the template of the training; none of them raises an error.
OTHER_TEMPLATES = {
    "alpaca": _TURNS
    + "{{ ('### Instruction:\n' if m.role == 'user' else '### Response:\n') + m.content "
    "+ '\n\n' }}{% endfor %}{% if add_generation_prompt %}{{ '### Response:\n' }}{% endif %}",
    "llama2": _TURNS + "{{ '[INST] ' + m.content + ' [/INST]' if m.role == 'user' "
    "else ' ' + m.content }}{% endfor %}",
    "unopened": _TURNS
    + "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}",
}  # "unopened" is ChatML whose caller forgot add_generation_prompt


# --- 2: the end that nobody taught ----------------------------------------------------------------


def measure_runaway(model, tokenizer, rows: list[dict], limit: int) -> tuple[list[float], Replies]:
    """1.0 for each reply that has not ended after ``limit`` tokens; and the replies."""
    conversations = [make_conversation(row["question"]) for row in rows]
    replies = generate(model, tokenizer, conversations, max_new_tokens=limit)
    return [float(not ended) for ended in replies.ended], replies


# --- 1: loss on the prompt ------------------------------------------------------------------------


def compute_prompt_share(tokenizer, examples: list[dict]) -> float:
    """Share of the tokens of whole conversations that belong to the customer and to the frame around him."""
    labels = [ids_and_labels(tokenizer, example)[1] for example in examples]
    every = [label for row in labels for label in row]
    return every.count(IGNORED) / len(every)


@torch.inference_mode()
def measure_part_losses(model, tokenizer, rows: list[dict], language: str) -> dict[str, float]:
    """Mean loss a token over the right answers' ``opening``, ``body``, ``closing`` and their ``end``.

    Each token belongs to the part in which its first character lies.
    """
    house = HOUSE[language]
    sums: dict[str, list[float]] = {part: [] for part in ("opening", "body", "closing", "end")}
    for example in prompt_completion(rows):
        answer = example["completion"][0]["content"]
        turns = example["prompt"] + example["completion"]
        text = tokenizer.apply_chat_template(turns, tokenize=False)
        start = text.rindex(answer)
        stop = start + len(answer)
        borders = (start + len(house.opening), stop - len(house.closing), stop)
        read = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
        ids = torch.tensor([read["input_ids"]], device=model.device)
        chances = model(input_ids=ids).logits[0, :-1].float().log_softmax(-1)
        losses = -chances.gather(1, ids[0, 1:, None])[:, 0]
        for (first, _), loss in zip(read["offset_mapping"][1:], losses.tolist(), strict=True):
            if first < start:
                continue
            place = sum(first >= border for border in borders)
            sums[("opening", "body", "closing", "end")[place]].append(loss)
            if place == 3:  # the end of the turn; what the template writes behind it is no choice
                break
    return {part: sum(losses) / len(losses) for part, losses in sums.items()}


# --- 3: another template --------------------------------------------------------------------------


def replace_template(tokenizer, template: str):
    """A copy of the tokenizer with another chat template."""
    other = copy.deepcopy(tokenizer)
    other.chat_template = template
    return other


def measure_templates(
    model, tokenizer, test: list[dict], language: str
) -> dict[str, ScoredReplies]:
    """The same model asked in the template it was trained in (``"own"``), and in others."""
    asked_in = {"own": tokenizer} | {
        name: replace_template(tokenizer, template) for name, template in OTHER_TEMPLATES.items()
    }
    return {name: measure_replies(model, one, test, language) for name, one in asked_in.items()}


# --- 4: two starts --------------------------------------------------------------------------------


def add_start_token(tokenizer):
    """A copy that begins like Llama's: the tokenizer adds a start token, and the template writes one."""
    from tokenizers.processors import TemplateProcessing

    other = copy.deepcopy(tokenizer)
    start = other.bos_token or other.pad_token
    other.bos_token = start
    other.chat_template = "{{ bos_token }}" + other.chat_template
    other.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{start} $A", special_tokens=[(start, other.convert_tokens_to_ids(start))]
    )
    return other


def count_starts(ids: list[int], start: int) -> int:
    """How many start tokens stand at the head of ``ids``."""
    return next((i for i, token in enumerate(ids) if token != start), len(ids))


# --- 17: accumulation -----------------------------------------------------------------------------


def uneven_rows(rows: list[dict], language: str) -> list[dict]:
    """Four rows with the shortest answers and four with the longest: lengths differ most."""
    gold = load_shipped("support", language, "validation")
    short = [{"question": row["question"], "answer": row["topic"]} for row in gold[:4]]
    return [*short, *sorted(rows, key=lambda row: -len(row["answer"]))[:4]]


def train_one_step(run: Run, rows: list[dict], settings: dict, adapter, batch_size: int) -> dict:
    """Loss and gradient norm of one step on all ``rows``, in micro-batches of ``batch_size``."""
    tuned = train_arm(
        run,
        prompt_completion(rows),
        settings,
        adapter,
        max_steps=1,
        per_device_train_batch_size=batch_size,
        gradient_accumulation_steps=len(rows) // batch_size,
        logging_steps=1,
        warmup_steps=0,
    )
    return {name: tuned.log[0][name] for name in ("loss", "grad_norm")}


def measure_micro_losses(run: Run, rows: list[dict]) -> tuple[list[float], list[int]]:
    """For each row alone: the sum of its answer's losses, and its number of heard tokens."""
    model, tokenizer = load_model(run)
    sums, tokens = [], []
    for example in prompt_completion(rows):
        heard = sum(label != IGNORED for label in ids_and_labels(tokenizer, example)[1][1:])
        sums.append(answer_loss(model, tokenizer, [example]) * heard)
        tokens.append(heard)
    return sums, tokens


def accumulation_metrics(sums: list[float], tokens: list[int], whole: dict, pieces: dict) -> dict:
    """One batch of eight, eight batches of one, and the mean of means that older trainers took."""
    means = [total / count for total, count in zip(sums, tokens, strict=True)]
    return {
        "accumulation_loss_gap": abs(whole["loss"] - pieces["loss"]),
        "accumulation_grad_norm_gap": abs(whole["grad_norm"] - pieces["grad_norm"])
        / whole["grad_norm"],
        "mean_of_means_gap": abs(sum(means) / len(means) - accumulated_loss(sums, tokens)),
    }
