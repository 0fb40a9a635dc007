"""Tests of `transforms`, folder by folder.

Modules without a test file of their own:

columns: names and schemas alone; tests/docs/test_docs.py compares them with the documents
"""
