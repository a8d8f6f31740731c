"""Lab 03: its exercises, each in a module of its own."""

from lab_helpers.labs.lab03.exercises import (
    bits_per_parameter,
    choose_rate,
    dequantize,
    merge,
    nf4_code,
    quantize,
    training_bytes,
)

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        nf4_code,
        quantize,
        dequantize,
        bits_per_parameter,
        choose_rate,
        merge,
        training_bytes,
    )
)
