"""The error that vLLM refuses a prompt with, which is no ValueError."""


class VLLMClientError(Exception):
    """A prompt that is not to be answered."""
