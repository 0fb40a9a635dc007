"""Tests of the checkpoints, one file for each module."""
