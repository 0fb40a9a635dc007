"""Tests of the metrics, one file for each module."""
