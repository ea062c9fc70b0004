"""Plays vLLM, in an environment of its own that tests make; see entrypoints/openai/api_server.py."""
