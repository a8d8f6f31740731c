"""Lab 00, start here: what only its cells call. Its steps stand in ``labs/source``."""
