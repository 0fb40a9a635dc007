"""Tests of the maintenance of files.

footers: test_rewrite.py finds the files of each kind
report: test_rewrite.py compares its lines
"""
