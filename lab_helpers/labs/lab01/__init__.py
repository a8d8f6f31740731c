"""Lab 01, transfer learning: what only its cells call. Its steps stand in ``labs/source``."""
