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


def count_metrics(rows: list[dict]) -> dict[str, float]:
    """What the claims ask of the counts: two ratios, and the adapter files (float32) of three settings."""
    named = {(row["model"], row["r"], row["targets"]): row for row in rows}
    gpt3 = named["GPT-3 175B", 4, "q, v"]
    small, large = named["Llama 3 8B", 16, "q, v"], named["Llama 3 70B", 64, "all linear"]
    return {
        "ratio_gpt3_r4_qv": gpt3["one_in"],
        "ratio_llama3_8b_r16_qv": small["one_in"],
        "adapter_mb_llama3_8b_r16_qv": small["MB (float32)"],
        "adapter_mb_llama3_70b_r64_all": large["MB (float32)"],
        "adapter_mb_smallest": min(row["MB (float32)"] for row in rows),
        "adapter_mb_largest": max(row["MB (float32)"] for row in rows),
    }
