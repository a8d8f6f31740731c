"""Maintainers' measurements: how fast the course is, and what goes with a pre-training."""
