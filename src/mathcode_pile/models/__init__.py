"""Causal language models: load and save them, keep attention inside documents, measure the loss on held-out text."""
