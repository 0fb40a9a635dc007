"""The whole way on one machine: a local Kinesis, generated events, the stream, and the proof."""

from jobs.demo.run import run_demo

__all__ = ["run_demo"]
