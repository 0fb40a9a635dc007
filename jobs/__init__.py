"""The jobs: everything that reads, writes or waits. `transforms` holds what is pure."""
