"""Lab 07, RAG and tuning together: what only its cells call. Its steps stand in ``labs/source``."""
