"""The losses by hand against TRL's ``DPOTrainer``, on one batch, and a reference that is not the start."""

import copy

import torch

from lab_helpers.models.residency import free_dead_models
from lab_helpers.tuning import preference_losses as hand
from lab_helpers.tuning.dpo import dpo_trainer
from lab_helpers.tuning.pairs import batch_token_logps, pair_batch, preference_pairs

BETA, FLIPPED, TAIL = 0.1, 0.2, 0.3


def compute_losses_by_hand(
    model, tokenizer, pairs: list[dict], max_length: int | None
) -> dict[str, torch.Tensor]:
    """Every loss of this lab on one batch: adapter on is the policy, adapter off the reference."""
    batch = pair_batch(tokenizer, preference_pairs(pairs), max_length)
    mask = batch["completion_mask"].to(model.device)
    answer = mask[:, 1:]
    policy = batch_token_logps(model, batch)
    with model.disable_adapter():
        before = batch_token_logps(model, batch)
    lengths = mask.sum(-1).chunk(2)
    logps = hand.PairLogps(*policy.sum(-1).chunk(2), *before.sum(-1).chunk(2), *lengths)
    shared = hand.PairLogps(
        *hand.shared_length_logps(policy, answer, TAIL).chunk(2),
        *hand.shared_length_logps(before, answer, TAIL).chunk(2),
        *lengths,
    )
    half = len(answer) // 2
    return {
        "sigmoid": hand.dpo_loss(*logps.sides, BETA).mean(),
        "ipo": hand.ipo_loss(
            logps.chosen_ratio,
            logps.rejected_ratio,
            logps.chosen_tokens,
            logps.rejected_tokens,
            BETA,
        ).mean(),
        "robust": hand.robust_loss(logps, BETA, FLIPPED).mean(),
        "sigmoid_norm": hand.normalised_loss(logps, BETA).mean(),
        "sft": hand.sft_loss(policy[:half], answer[:half]),
        "ld_alpha": hand.dpo_loss(*shared.sides, BETA).mean(),
    }


def measure_loss_parity(model, tokenizer, pairs: list[dict], config, adapter) -> list[dict]:
    """One row a loss: ours, TRL's, and their difference; the adapter is moved away from its start first.

    At the start policy and reference are equal, and a formula with a wrong sign would agree as well.
    """
    trainer = dpo_trainer(model, tokenizer, pairs, copy.copy(config), adapter)
    _move(trainer.model, config.seed)
    trainer.model.eval()
    ours = compute_losses_by_hand(trainer.model, tokenizer, pairs, config.max_length)
    inputs = trainer.data_collator([trainer.train_dataset[i] for i in range(len(pairs))])
    inputs = {name: values.to(trainer.model.device) for name, values in inputs.items()}
    trainer.beta, trainer.label_smoothing = BETA, FLIPPED
    rows = []
    for name, mine in ours.items():
        trainer.loss_types = ["sigmoid" if name == "ld_alpha" else name]
        trainer.ld_alpha = TAIL if name == "ld_alpha" else None
        with torch.no_grad():
            theirs = trainer.compute_loss(trainer.model, inputs)
        rows.append(
            {
                "loss": name,
                "by hand": float(mine),
                "TRL": float(theirs),
                "difference": abs(float(mine) - float(theirs)),
            }
        )
    trainer.model.unload()
    return rows


def _move(model, seed: int) -> None:
    """Small random numbers into every B, so that adapter on and adapter off differ."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                noise = torch.randn(weight.shape, generator=generator) * 0.05
                weight.copy_(noise.to(weight.device, weight.dtype))


def compute_first_loss(trainer) -> float:
    """The loss of a trainer's first rows, one batch, before any step.

    For plain DPO it is ln 2 = 0.6931… where policy and reference are the same model.
    """
    rows = trainer.train_dataset
    inputs = trainer.data_collator([rows[i] for i in range(len(rows))])
    inputs = {name: values.to(trainer.model.device) for name, values in inputs.items()}
    trainer.model.eval()
    with torch.no_grad():
        return float(trainer.compute_loss(trainer.model, inputs))


def measure_first_loss(
    model, tokenizer, pairs: list[dict], config, adapter=None, reference=None
) -> float:
    """:func:`compute_first_loss` of a ``DPOTrainer`` that is made for it.

    Without an adapter and without ``reference`` TRL chooses itself: it loads the model again from
    where it came from, here onto the card of the policy. (By itself it asks for ``device_map="auto"``,
    which may spread a model that has just no room.)
    """
    from datasets import Dataset
    from trl import DPOTrainer

    settings = copy.copy(config)
    if model.device.type == "cuda":
        settings.model_init_kwargs = {"device_map": {"": model.device.index}}
    trainer = DPOTrainer(
        model,
        ref_model=reference,
        args=settings,
        train_dataset=Dataset.from_list(preference_pairs(pairs)),
        processing_class=tokenizer,
        peft_config=adapter,
    )
    loss = compute_first_loss(trainer)
    if adapter is not None:
        trainer.model.unload()
    return loss


def parity_metrics(rows: list[dict]) -> dict[str, float]:
    """The largest difference from TRL over all losses."""
    return {"dpo_loss_abs_diff": max(row["difference"] for row in rows)}


def measure_first_losses(model, tokenizer, batch: list[dict], config, adapter) -> dict[str, float]:
    """Before any step: with the adapter as the only difference, and with TRL's own choice for full tuning.

    The SFT model exists in memory only; TRL loads the reference from disk, where the base is. No step is
    taken, so ``model`` stays as it is, and the reference leaves the memory again.
    """
    found = {
        "dpo_first_loss": measure_first_loss(model, tokenizer, batch, config, adapter),
        "dpo_first_loss_wrong_reference": measure_first_loss(model, tokenizer, batch, config),
    }
    free_dead_models()
    return found
