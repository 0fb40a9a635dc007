"""Tests of the lake's tables, one file for each module."""
