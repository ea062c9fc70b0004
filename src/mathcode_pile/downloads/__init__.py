"""Download files from addresses, hubs and package indexes: resumable, checked, stored in the scratch folder."""
