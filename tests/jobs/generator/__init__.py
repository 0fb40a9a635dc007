"""Tests of the generator of synthetic records."""
