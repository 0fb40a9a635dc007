"""Tests of the audit.

reconciliation: its counts decide every outcome in test_verify.py and test_violations.py
suspects: what it clears, and what it does not, is in test_verify.py and test_violations.py
"""
