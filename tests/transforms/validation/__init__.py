"""Tests of the checks.

details: test_checks.py tests the text of each detail
"""
