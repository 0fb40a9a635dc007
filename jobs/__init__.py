"""Everything that reads, writes or waits, in rooms. `transforms` has what is pure.

docs/architecture.md lists the rooms and their layers.
"""
