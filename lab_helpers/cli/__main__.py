"""``python -m lab_helpers.cli``."""

from lab_helpers.cli.main import main

main()
