"""What the object of a lease says: who holds it, who asks for it, and how often it was renewed."""

import json
import os
import socket
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import uuid4

from jobs.errors import LakeError

_VERSION = 1


@dataclass(frozen=True)
class Program:
    """A program that commits. `identifier` is unique to its run."""

    identifier: str
    command: str
    host: str
    pid: int

    @staticmethod
    def this(command: str) -> "Program":
        """This process."""
        return Program(uuid4().hex, command, socket.gethostname(), os.getpid())

    def __str__(self) -> str:
        return f"{self.command} (process {self.pid} on {self.host})"


@dataclass(frozen=True)
class LeaseRecord:
    """The lease at one moment. No two records of an object are equal, so no two ETags are.

    epoch:    grows whenever the holder changes
    renewal:  grows with each renewal by the same holder
    request:  grows with each request, so that a repeated one is another record
    holder:   who may commit; None: nobody
    asking:   who gets the lease next, in this order
    duration: seconds for which a renewal counts
    """

    epoch: int
    renewal: int
    request: int
    holder: Program | None
    asking: tuple[Program, ...]
    duration: float

    @property
    def state(self) -> tuple[Program | None, int, int]:
        """What changes when the holder shows that it lives. A request of others changes nothing."""
        return self.holder, self.epoch, self.renewal

    @staticmethod
    def first(holder: Program, duration: float) -> "LeaseRecord":
        """The first record of an object. If one was deleted, its epochs do not come again."""
        return LeaseRecord(uuid4().int >> 96, 0, 0, holder, (), duration)

    def renewed(self, duration: float) -> "LeaseRecord":
        """The next record of the same holder."""
        return replace(self, renewal=self.renewal + 1, duration=duration)

    def succeeded_by(self, holder: Program, duration: float) -> "LeaseRecord":
        """The record of a new holder. The requests of other programs are kept."""
        others = tuple(each for each in self.asking if each != holder)
        return LeaseRecord(self.epoch + 1, 0, self.request + 1, holder, others, duration)

    def handed_over(self, last: Program | None) -> "LeaseRecord":
        """The record whose holder is the first that asks, or nobody. `last` asks for it now."""
        holder, others = (self.asking[0], self.asking[1:]) if self.asking else (None, ())
        asking = others if last is None else (*others, last)
        return LeaseRecord(self.epoch + 1, 0, self.request + 1, holder, asking, self.duration)

    def asked_by(self, program: Program) -> "LeaseRecord":
        """The record in which `program` asks, after those that ask already."""
        return replace(self, request=self.request + 1, asking=(*self.asking, program))

    def without(self, program: Program) -> "LeaseRecord":
        """The record in which `program` does not ask."""
        others = tuple(each for each in self.asking if each != program)
        return replace(self, request=self.request + 1, asking=others)

    def text(self) -> str:
        """The record as JSON."""
        return json.dumps({"version": _VERSION} | asdict(self), indent=1)

    @staticmethod
    def parse(text: str, uri: str) -> "LeaseRecord":
        """The record of `text`.

        Raises:
            LakeError: the text is none, or a newer version wrote it.
        """
        try:
            found: dict[str, Any] = json.loads(text)
            if found.pop("version") != _VERSION:
                raise ValueError(f"version: expected {_VERSION}")
            holder = found.pop("holder")
            asking = tuple(Program(**each) for each in found.pop("asking"))
            return LeaseRecord(
                int(found.pop("epoch")),
                int(found.pop("renewal")),
                int(found.pop("request")),
                None if holder is None else Program(**holder),
                asking,
                float(found.pop("duration")),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise LakeError(
                f"{uri} is no lease that this version can read ({error}): expected JSON that "
                "event-lake wrote. Stop all programs that write this lake, then delete the object"
            ) from None
