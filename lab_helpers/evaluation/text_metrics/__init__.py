"""How alike two texts are, by the words they share: BLEU, ROUGE, METEOR, and what a word is."""
