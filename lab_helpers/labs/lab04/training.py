"""Lab 04: the adapter that it trains on the learner's own rows."""


def make_lora_config(rank: int):
    """The adapter of this lab: every linear layer."""
    from peft import LoraConfig

    return LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
