"""Lab 08: the configuration that its exercise asks for."""

import math


def adalora_config(steps: int):
    """``AdaLoraConfig`` whose warm-up, cuts and final phase fit into ``steps`` optimizer steps."""
    from peft import AdaLoraConfig

    return AdaLoraConfig(
        init_r=12,
        target_r=4,
        lora_alpha=32,
        target_modules=["v_proj", "o_proj"],
        task_type="CAUSAL_LM",
        tinit=steps // 5,
        tfinal=math.ceil(steps / 4),
        deltaT=max(1, steps // 20),
        total_step=steps,
    )
