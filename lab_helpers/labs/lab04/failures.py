"""Lab 04's silent failures: loss on the prompt, no end, another template, two starts, accumulation."""

import copy

from lab_helpers.course.record import Run
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.evaluation.known_facts import unknown
from lab_helpers.labs.lab04.scoring import ScoredReplies, measure_replies, tone_and_fact_metrics
from lab_helpers.labs.lab04.training import train_on_rows
from lab_helpers.labs.shared.models import load_model
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


def message_rows(rows: list[dict]) -> list[dict]:
    """Rows as whole conversations: TRL then puts the loss on every token."""
    return [{"messages": [*row["prompt"], *row["completion"]]} for row in prompt_completion(rows)]


# --- 2: the end that nobody taught ----------------------------------------------------------------


def make_collator_without_end(tokenizer):
    """What many tutorials write: pad with the end token, and transformers' collator.

    It labels every padding token -100, and with it every end (transformers#23530).
    """
    from transformers import DataCollatorForLanguageModeling

    muted = copy.deepcopy(tokenizer)
    muted.pad_token = muted.eos_token
    collate = DataCollatorForLanguageModeling(muted, mlm=False)
    return lambda rows: collate([{"input_ids": row["input_ids"]} for row in rows])


def count_trained_ends(batch: dict, tokenizer) -> int:
    """How many end tokens of a batch carry loss."""
    return int((batch["labels"] == tokenizer.eos_token_id).sum())


def measure_runaway(model, tokenizer, rows: list[dict], limit: int) -> tuple[list[float], Replies]:
    """1.0 for each reply that has not ended after ``limit`` tokens; and the replies."""
    conversations = [make_conversation(row["question"]) for row in rows]
    replies = generate(model, tokenizer, conversations, max_new_tokens=limit)
    return [float(not ended) for ended in replies.ended], replies


# --- 1: loss on the prompt ------------------------------------------------------------------------


def compute_prompt_share(tokenizer, rows: list[dict]) -> float:
    """Share of the tokens of whole conversations that belong to the customer."""
    labels = [ids_and_labels(tokenizer, row)[1] for row in prompt_completion(rows)]
    every = [label for row in labels for label in row]
    return every.count(IGNORED) / len(every)


def measure_prompt_loss(model, tokenizer, rows: list[dict], test: list[dict]) -> dict:
    """The model trained on everything: tone, and the loss on held-out answers."""
    outcome = measure_replies(model, tokenizer, test)
    return {
        **tone_and_fact_metrics(outcome, "everything"),
        "answer_loss_everything": answer_loss(model, tokenizer, prompt_completion(test)),
        "prompt_share": compute_prompt_share(tokenizer, rows),
    }


def completion_metrics(arms: list[dict], usual: float) -> dict[str, float]:
    """Drill 1's other side: the arm with the same rows, steps and rate, its loss on the answers alone."""
    arm = next(r for r in arms if r["method"] == "lora" and r["learning_rate"] == usual)
    return {"answer_loss_completion": arm["answer_loss"], "tone_compliance_completion": arm["tone"]}


# --- 3: another template --------------------------------------------------------------------------


def replace_template(tokenizer, template: str):
    """A copy of the tokenizer with another chat template."""
    other = copy.deepcopy(tokenizer)
    other.chat_template = template
    return other


def measure_templates(model, tokenizer, test: list[dict]) -> dict[str, ScoredReplies]:
    """The same model asked in the template it was trained in (``"right"``), and in others."""
    asked_in = {"right": tokenizer} | {
        name: replace_template(tokenizer, template) for name, template in OTHER_TEMPLATES.items()
    }
    return {name: measure_replies(model, one, test) for name, one in asked_in.items()}


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


def count_start_tokens(tokenizer, row: dict) -> dict[str, int]:
    """Start tokens at the head of a row given as messages, and as text that was rendered before."""
    [conversation] = message_rows([row])
    text = tokenizer.apply_chat_template(conversation["messages"], tokenize=False)
    given = {"messages": conversation, "text": {"text": text}}
    return {
        name: _leading(ids_and_labels(tokenizer, example)[0], tokenizer.bos_token_id)
        for name, example in given.items()
    }


def _leading(ids: list[int], token: int) -> int:
    return next((i for i, other in enumerate(ids) if other != token), len(ids))


def start_metrics(tokenizer, row: dict) -> dict[str, int]:
    """Drill 4: start tokens of a row given as text that was rendered before, and as messages."""
    found = count_start_tokens(add_start_token(tokenizer), row)
    return {f"start_tokens_{name}": count for name, count in found.items()}


# --- 17: accumulation -----------------------------------------------------------------------------


def uneven_rows(rows: list[dict]) -> list[dict]:
    """Four rows with answers of a few tokens and four in the house's tone: lengths differ most."""
    short = [{"question": q, "answer": a} for q, a in unknown("en")[:4]]
    return [*short, *rows[:4]]


def train_one_step(run: Run, rows: list[dict], batch_size: int) -> dict[str, float]:
    """Loss and gradient norm of one step on all ``rows``, in micro-batches of ``batch_size``."""
    tuned, _ = train_on_rows(
        run,
        rows,
        1,
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


def measure_accumulation(run: Run, rows: list[dict]) -> dict[str, float]:
    """One batch of eight, eight batches of one, and the mean of means that older trainers took."""
    whole, pieces = train_one_step(run, rows, len(rows)), train_one_step(run, rows, 1)
    sums, tokens = measure_micro_losses(run, rows)
    means = [total / count for total, count in zip(sums, tokens, strict=True)]
    return {
        "accumulation_loss_gap": abs(whole["loss"] - pieces["loss"]),
        "accumulation_grad_norm_gap": abs(whole["grad_norm"] - pieces["grad_norm"])
        / whole["grad_norm"],
        "mean_of_means_gap": abs(sum(means) / len(means) - accumulated_loss(sums, tokens)),
    }
