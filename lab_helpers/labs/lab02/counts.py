"""Lab 02: published models whose LoRA parameters are counted."""

COUNTED = (
    ("GPT-3 175B", 4, "q, v"),
    ("Llama 3 70B", 4, "q, v"),
    ("Llama 3 8B", 4, "q, v"),
    ("Llama 3 8B", 16, "q, v"),
    ("Llama 3 8B", 16, "all linear"),
    ("Llama 3 70B", 64, "all linear"),
    ("Gemma 2 2B", 16, "q, v"),
    ("Gemma 2 9B", 16, "q, v"),
)
