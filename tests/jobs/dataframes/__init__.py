"""Tests of the functions for DataFrames, one file for each module."""
