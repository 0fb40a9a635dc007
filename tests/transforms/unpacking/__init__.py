"""Tests of the unpacking of records. Pure Python, but for the transform itself.

compression: test_record.py tests it through `parts_of`
"""
