"""The exercises, predictions and quizzes, one module a lab."""
