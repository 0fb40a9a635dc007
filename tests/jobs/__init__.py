"""Tests of the jobs, folder by folder as in the code.

versions: constants; tests/packaging builds, sets up and runs with them
"""
