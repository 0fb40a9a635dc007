"""The command line. The only room that knows argparse; nothing heavy is imported before a run."""

from jobs.cli.main import main

__all__ = ["main"]
