"""``labs``, the command line: one module a command, which parses, calls and prints."""

from lab_helpers.cli.main import main

__all__ = ["main"]
