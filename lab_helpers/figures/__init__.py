"""Plots and widgets; they draw results that they are handed."""
