"""Language models: load, save, keep attention inside documents, measure held-out loss."""
