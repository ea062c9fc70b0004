"""Token ids: read packed rows, and encode each distinct pre-token once."""
