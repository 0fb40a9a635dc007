"""Tests of the lake's tables, one file for each module.

conflicts: test_merge.py of rebuild and test_rewrite.py of maintenance make real conflicts
"""
