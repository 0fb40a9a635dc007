"""Tests of the demo.

kinesis_server: a script without logic; test_local_kinesis.py runs it
run: the whole command runs in tests/scenarios/test_demo.py
"""
