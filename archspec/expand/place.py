"""Where the expander stands: names, taps, numbering, and the way in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from archspec import syntax
from archspec.expand.definitions import Definitions
from archspec.expand.values import Scope
from archspec.graph import Frame
from archspec.record import Record
from archspec.source import Span


class Bundle(NamedTuple):
    """The outputs of a block that has several, by name."""

    outputs: dict[str, int]
    block: str


Stream = int | Bundle  # a node's index, or several by name


class Loop(Record):
    """One iteration of a repeat of the present body."""

    repeat: object  # tells one run of a repeat from another
    index: int
    count: int


@dataclass(slots=True)
class Counter:
    """Numbers the steps of one scope: conv1, conv2, bn1.  A name that ends in a digit gets an underscore: conv6_1."""

    taken: dict[str, int] = field(default_factory=dict)

    def next(self, name: str) -> str:
        low = name.lower().replace(".", "_")
        number = self.taken[low] = self.taken.get(low, 0) + 1
        return f"{low}_{number}" if low[-1].isdigit() else f"{low}{number}"


class Entry(NamedTuple):
    """One stream that a label names, and in which iterations it arose."""

    stream: Stream
    loops: tuple[Loop, ...]
    span: Span


@dataclass(slots=True)
class Body:
    """One stamp of a block, or the net: closed, with taps, inputs and shared flows of its own."""

    streams: dict[str, Stream]  # ports and declared inputs
    first: Stream | None = None  # what INPUT means here
    labels: dict[str, list[Entry]] = field(default_factory=dict)
    indexed: dict[str, dict[tuple[int, ...], Entry]] = field(default_factory=dict)
    shared: dict[str, SharedFlow] = field(default_factory=dict)
    ends: list[tuple[Stream, Span]] = field(default_factory=list)
    statements: tuple[Any, ...] = ()  # its text, to tell a label that comes later from one that is nowhere


@dataclass(slots=True)
class SharedFlow:
    """A flow with one set of weights: the path of its first use, and how often it was used."""

    flow: syntax.Flow
    place: Place
    path: str = ""
    uses: int = 0


class Sharing(NamedTuple):
    """The present nodes reuse the weights of those whose path begins with `owner` instead of `here`."""

    owner: str
    here: str


class Site(Record):
    """What a step will be called: its label, or None to number it; `lent` where a repeat already named it."""

    mark: syntax.Mark | None = None
    index: tuple[int, ...] = ()
    lent: bool = False


def lowered(mark: syntax.Mark, index: tuple[int, ...]) -> str:
    """The path segment of a label: e, or x.0.2 for x[0, 2]."""
    return ".".join([mark.name.lower(), *map(str, index)])


class Place(Record):
    """Where a step is expanded."""

    definitions: Definitions
    scope: Scope
    body: Body
    counter: Counter
    free: bool = False  # undeclared counts and missing arguments are symbols to bind
    path: str = ""
    frames: tuple[Frame, ...] = ()
    loops: tuple[Loop, ...] = ()
    sharing: Sharing | None = None

    def below(self, segment: str) -> str:
        """The path of something named `segment` here."""
        return f"{self.path}.{segment}" if self.path else segment

    def inside(self, frame: Frame, **changes: Any) -> Place:
        """The place within a frame, with its own numbering."""
        return self.but(path=frame.path, frames=(*self.frames, frame), counter=Counter(), **changes)

    def named(self, site: Site, word: str) -> str:
        """The path of what a step makes: lent by its repeat, its label, or its word and number."""
        if site.lent:
            return self.path
        if site.mark is not None:
            return self.below(lowered(site.mark, site.index))
        return self.below(self.counter.next(word))
