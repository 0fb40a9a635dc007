"""Tests of the lake's tables, one file for each module.

conflicts: test_merge.py of rebuild and test_rewrite.py of maintenance make real conflicts
lease_gate: test_lease.py and test_lease_keeper.py open and close it
lease_record: test_lease.py writes and reads it
"""
