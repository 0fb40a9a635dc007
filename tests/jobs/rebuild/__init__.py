"""Tests of `rebuild`."""
