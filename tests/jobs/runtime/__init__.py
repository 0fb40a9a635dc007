"""Tests of the runtime, one file for each module."""
