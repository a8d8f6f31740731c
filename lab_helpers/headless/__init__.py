"""One module a lab: its core steps in order, callable without Jupyter."""
