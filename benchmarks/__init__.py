"""Measure the throughput and the cost of the guarantee on this machine: `python -m benchmarks`."""
