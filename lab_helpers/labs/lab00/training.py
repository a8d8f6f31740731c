"""Lab 00: one step by hand, and the second language's adapter, trained as the first one was in the cell."""

from lab_helpers.course.record import Run
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainers import Tuned


def training_step(model, optimizer, batch):
    """One step: forward, backward, update, gradients back to zero; the loss before the update."""
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def train_adapter(run: Run, language: str, training, adapter) -> tuple[Tuned, object]:
    """An adapter of its own on the gold answers of ``language``; with its tokenizer."""
    model, tokenizer = load_model(run)
    rows = prompt_completion(gold_rows(language, "train"))
    return run.train(sft_trainer(model, tokenizer, rows, training, adapter)), tokenizer
