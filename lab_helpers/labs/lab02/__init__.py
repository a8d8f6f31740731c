"""Lab 02, the mathematics of LoRA: what only its cells call. Its steps stand in ``labs/source``."""
