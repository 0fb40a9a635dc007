"""What is shipped to a cluster: built here, and checked there."""

from jobs.deploy.shipped import require_matching_python

__all__ = ["require_matching_python"]
