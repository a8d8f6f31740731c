"""Cleaning rows that somebody else wrote: nothing rewritten and nothing removed without being said."""
