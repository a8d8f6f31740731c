"""Lab 05, direct preference optimization: what only its cells call. Its steps stand in ``labs/source``."""
