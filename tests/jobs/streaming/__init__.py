"""Tests of the queries, one file for each module. `test_process_restored.py`: old checkpoints."""
