"""Lab 04, supervised fine-tuning: what only its cells call. Its steps stand in ``labs/source``."""
