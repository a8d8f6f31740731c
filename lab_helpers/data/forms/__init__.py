"""What a row means: its shape, its turns, what it says of itself, and what is wrong with it."""
