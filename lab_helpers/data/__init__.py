"""Load, check and split the data that the course ships or a learner brings."""
