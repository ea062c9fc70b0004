"""What every stage needs: errors, params, records, shards, scratch folder, engine. Imports nothing of the project."""
