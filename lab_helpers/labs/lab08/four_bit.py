"""Lab 08: the run's model in 4 bits, as lab 03 loads it."""

from lab_helpers.course.record import Run
from lab_helpers.models.four_bit import four_bit_config, ready_four_bit
from lab_helpers.models.language_models import load_language_model, plain_dtype


def load_four_bit(run: Run):
    """The model with NF4 weights (Dettmers et al. 2023) and its tokenizer."""
    dtype = plain_dtype(run.model_name)
    model, tokenizer = load_language_model(
        run.model_name, quantization_config=four_bit_config(dtype), dtype=dtype
    )
    return ready_four_bit(model), tokenizer
