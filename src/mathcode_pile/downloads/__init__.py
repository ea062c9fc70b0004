"""Bring files from addresses, hubs and package indexes: resumed, checked, kept in the scratch folder."""
