"""Kotori, the course's own base model: its world, its tokenizer, its pre-training, its weights.

Read in this order: :mod:`values` and :mod:`world` (what the texts are made of), :mod:`facts`,
:mod:`passages`, :mod:`prose` and :mod:`patterns` (the kinds of text), :mod:`corpus` (the mixture),
:mod:`planted` (what it must never read), :mod:`tokenizer`, :mod:`architecture`, :mod:`pretraining`,
:mod:`skills` (what it can do afterwards) and :mod:`shipped` (the files a learner loads).
"""
