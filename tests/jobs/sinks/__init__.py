"""Tests of the sinks, one file for each step. `rows.py` builds their batches."""
