"""Token ids: the format of tokenized documents and packed rows, and an encoder that sees each pre-token once."""
