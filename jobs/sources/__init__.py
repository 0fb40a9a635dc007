"""The sources of records: one package for each."""
