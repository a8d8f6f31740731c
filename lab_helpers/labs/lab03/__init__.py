"""Lab 03, QLoRA: what only its cells call. Its steps stand in ``labs/source``."""
