"""Whole runs of the program: killed, restarted, on damaged checkpoints, on hostile streams."""
