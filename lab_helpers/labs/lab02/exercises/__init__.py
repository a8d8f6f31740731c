"""Lab 02: its exercises, each in a module of its own."""

from lab_helpers.labs.lab02.exercises import (
    adapter_parameters,
    choose_rate,
    energy,
    init_lora,
    lora_forward,
    merge,
)

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        energy,
        lora_forward,
        init_lora,
        merge,
        adapter_parameters,
        choose_rate,
    )
)
