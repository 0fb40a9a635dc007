"""Lakes, streams, servers and commands for the tests. Only tests and benchmarks import it."""
