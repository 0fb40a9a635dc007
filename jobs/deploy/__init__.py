"""Build the archives that are shipped to a cluster."""
