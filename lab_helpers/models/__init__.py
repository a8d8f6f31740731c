"""Models the course uses: the shipped MiniLM encoder, local folders and hub names."""
