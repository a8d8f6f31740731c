"""Lab 08: nine PEFT methods on one task, several adapters on one base, settings by search."""
