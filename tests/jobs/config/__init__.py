"""Tests of the settings, one file for each module."""
