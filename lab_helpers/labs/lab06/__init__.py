"""Lab 06, evaluation: what only its cells call. Its steps stand in ``labs/source``."""
