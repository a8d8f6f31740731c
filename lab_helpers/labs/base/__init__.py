"""The base model before any tuning: ``labs run base``."""
