"""What a checkpoint records beside Spark's files, and whether and where a run resumes."""

from jobs.checkpoints import resume
from jobs.checkpoints.checkpoint import Checkpoint
from jobs.checkpoints.coverage import StateCoverage
from jobs.checkpoints.generation import EPOCH, Generation
from jobs.checkpoints.resume import (
    IngestStart,
    ProcessStart,
    resume_ingest,
    resume_process,
    stored_positions,
)

__all__ = [
    "EPOCH",
    "Checkpoint",
    "Generation",
    "IngestStart",
    "ProcessStart",
    "StateCoverage",
    "resume",
    "resume_ingest",
    "resume_process",
    "stored_positions",
]
