"""Tests of the Kinesis source.

Modules without a test file of their own:

model: its classes only hold values, which the tests of all other modules use
shard_planner: part of each plan, in test_planner.py, test_batch_end.py and test_data_loss.py
"""
