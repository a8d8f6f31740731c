"""Lab 03, training: the arms that repeat the training which its cells write out."""

import copy

from lab_helpers.course.record import Run
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.models.four_bit import load_four_bit
from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainers import Tuned


def support_rows(language: str, split: str) -> list[dict]:
    """Hand-written questions and answers of ``train``, ``validation`` or ``test``, as ``SFTTrainer`` takes them."""
    return prompt_completion(gold_rows(language, split))


def train_arm(run: Run, rows: list[dict], training, adapter, four_bit=None, **changed) -> Tuned:
    """The training of the cells once more, over a fresh base: in 4 bits where ``four_bit`` says how.

    ``training`` is the cells' ``SFTConfig``; ``changed`` are those of its settings that differ here.
    """
    config = copy.copy(training)
    for name, value in changed.items():
        setattr(config, name, value)
    if four_bit is None:
        base, tokenizer = load_language_model(run.model_name)
    else:
        base, tokenizer = load_four_bit(run.model_name, four_bit)
    arm = "LoRA" if four_bit is None else "QLoRA"
    label = f"{arm} {config.learning_rate:g} · {config.seed}"
    return run.train(sft_trainer(base, tokenizer, rows, config, adapter), label)


def choose_rate(rates, train, loss, rows):
    """The rate whose model has the lowest loss on the validation rows; each is trained once."""
    return min(rates, key=lambda rate: loss(train(rate), rows["validation"]))
