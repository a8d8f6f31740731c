"""Metrics: classification, spans, sentence similarity, intervals."""
