"""What the cells of several labs call."""
