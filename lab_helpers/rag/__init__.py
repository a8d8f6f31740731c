"""Retrieval-augmented generation: documents, chunks, embeddings, the store, fusion, answers with sources."""
