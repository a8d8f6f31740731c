"""Benchmarks as their authors define them: file formats, multiple choice, word problems, programs."""
