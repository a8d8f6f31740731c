"""Models the course uses: those that it ships or reads out of packages, local folders and hub names."""
