"""What `*N` unfolded, folded again: the graph as a tree of frames in which iterations that are alike stand once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from archspec.graph import Frame, Graph, Node
from archspec.op import Op

# How much two iterations must share to be told once, besides operators, settings and wiring: the sizes of their outputs
# but for the channels (a dense block grows), all output shapes, or the shapes that enter as well (equal parameters).
Alike = Literal["sizes", "shapes", "entries"]


@dataclass(frozen=True, slots=True)
class Group:
    """One frame of the network, or `count` consecutive iterations of a repeat that are alike.

    `members` are the nodes (indices) and groups of the first iteration, in order.  A frame that holds nothing but
    another one is told with it: `frames` has both, outermost first; only the root has none.
    """

    frames: tuple[Frame, ...]
    start: int  # the first node
    size: int  # how many nodes one iteration has
    members: tuple[Group | int, ...]
    count: int = 1

    @property
    def nodes(self) -> range:
        """The nodes of every iteration; the first `size` of them are the ones that `members` shows."""
        return range(self.start, self.start + self.size * self.count)

    @property
    def repeat(self) -> Frame | None:
        """The innermost iteration of a repeat among the frames; the first one where several are told once."""
        return next((frame for frame in reversed(self.frames) if frame.kind == "repeat"), None)

    @property
    def block(self) -> Frame | None:
        """The innermost stamp of a block among the frames."""
        return next((frame for frame in reversed(self.frames) if frame.kind == "block"), None)

    @property
    def path(self) -> str:
        """The path of everything in the first iteration."""
        return self.frames[-1].path if self.frames else ""

    @property
    def label(self) -> str:
        """The path with all iterations told: `stage.2.bottleneck.1..5`."""
        if self.count == 1 or self.repeat is None:
            return self.path
        at, last = self.repeat.path, self.repeat.index + self.count - 1
        return f"{at}..{last}{self.path[len(at) :]}"

    def groups(self) -> Iterator[Group]:
        """This group and all below it, outermost first."""
        todo = [self]
        while todo:
            group = todo.pop()
            yield group
            todo += [member for member in reversed(group.members) if isinstance(member, Group)]


def fold(graph: Graph, alike: Alike = "shapes") -> Group:
    """The tree of a graph's frames; consecutive iterations of a repeat that are alike become one group.

    Iterations are alike when they hold the same operators with the same settings, each wired to its own body, to the
    iteration before it or to one fixed node in the same way, and when the rest of the network reads all of them in the
    same way; a tap on one iteration keeps it apart.  Takes time linear in nodes times nesting.
    """
    return _Folding(graph, alike).tree()


def unfold(graph: Graph) -> Group:
    """The same tree with every iteration on its own."""
    return _Folding(graph, None).tree()


def representatives(graph: Graph, root: Group) -> list[int]:
    """For each node the one that `root` shows in its place: the same layer of the first of the iterations told once.

    An edge of the folded network goes from `representatives[i]` to a shown node that reads i.
    """
    shown = list(range(len(graph.nodes)))
    for group in root.groups():
        for index in range(group.start + group.size, group.nodes.stop):
            shown[index] = index - (index - group.start) // group.size * group.size
    for index, earlier in enumerate(shown):
        shown[index] = index if earlier == index else shown[earlier]
    return shown


class _Part(NamedTuple):
    """Consecutive nodes of one frame; no frame where they stand directly in what encloses them."""

    frame: Frame | None
    start: int
    size: int


_Wiring = tuple[int, ...]  # per read from outside: its place in the iteration before, or -1 for a fixed node
_Reads = frozenset[tuple[int, int, int]]  # of an iteration from outside: (place in it, reader, how often)


class _Folding:
    """What one fold knows: which operators are equal, and who reads what."""

    def __init__(self, graph: Graph, alike: Alike | None) -> None:
        self.nodes, self.alike = graph.nodes, alike
        # Who reads each node how often; an output counts as a reader, numbered after the nodes.
        self.readers: list[Counter[int]] = [Counter() for _ in graph.nodes]
        for index, node in enumerate(graph.nodes):
            for source in node.inputs:
                self.readers[source][index] += 1
        for number, output in enumerate(graph.outputs, len(graph.nodes)):
            self.readers[output.node][number] += 1
        numbers: dict[Op, int] = {}
        known: dict[int, int] = {}  # most nodes of a repeat hold one operator object: hash each only once
        for node in graph.nodes:
            if id(node.op) not in known:
                known[id(node.op)] = numbers.setdefault(node.op, len(numbers))
        self.op = [known[id(node.op)] for node in graph.nodes]

    def tree(self) -> Group:
        return Group((), 0, len(self.nodes), self._members(0, len(self.nodes), 0))

    def _members(self, start: int, stop: int, depth: int) -> tuple[Group | int, ...]:
        """The nodes and groups of start..stop-1, whose first `depth` frames are the same."""
        parts = self._parts(start, stop, depth)
        members: list[Group | int] = []
        at = 0
        while at < len(parts):
            frame, first, size = parts[at]
            count = self._run(parts, at, depth)
            at += count
            if frame is None:
                members += range(first, first + size)
                continue
            self._gather(first, size, count)
            group = Group((frame,), first, size, self._members(first, first + size, depth + 1), count)
            members.append(_told_together(group))
        return tuple(members)

    def _parts(self, start: int, stop: int, depth: int) -> list[_Part]:
        parts: list[_Part] = []
        for index in range(start, stop):
            scope = self.nodes[index].scope
            frame = scope[depth] if depth < len(scope) else None
            if parts and (parts[-1].frame is frame or parts[-1].frame == frame):
                parts[-1] = _Part(frame, parts[-1].start, parts[-1].size + 1)
            else:
                parts.append(_Part(frame, index, 1))
        return parts

    def _run(self, parts: list[_Part], at: int, depth: int) -> int:
        """How many parts from `at` on are iterations of one repeat that are alike."""
        count, size, reads = 1, parts[at].size, _Reads()
        wiring: _Wiring | None = None
        while at + count < len(parts) and self._may_fold(parts[at + count - 1], parts[at + count]):
            a, b = parts[at + count - 1].start, parts[at + count].start
            found, read = self._wiring(a, size, depth), self._reads(a, size, b + size)
            if found is None or (wiring is not None and (found, read) != (wiring, reads)):
                break
            wiring, reads, count = found, read, count + 1
        if wiring is None:
            return 1
        # What reads every iteration but the last has to read the last as well, and what else reads the last has to
        # stand where the next iteration would: otherwise the last is left out.
        end = parts[at].start + count * size
        last = self._reads(end - size, size, end)
        return count if reads <= last and {place for place, _, _ in last - reads} <= set(wiring) else count - 1

    def _may_fold(self, part: _Part, after: _Part) -> bool:
        """Whether `after` is the next iteration of the repeat that `part` is an iteration of, and as large."""
        one, other = part.frame, after.frame
        if self.alike is None or one is None or other is None or part.size != after.size:
            return False
        same = one.kind == other.kind == "repeat" and one.name == other.name and one.span == other.span
        return same and one.count == other.count and one.index + 1 == other.index

    def _wiring(self, a: int, size: int, depth: int) -> _Wiring | None:
        """How the iteration after the one at a is wired to it and to the rest; None where the two are not alike."""
        b = a + size
        wiring: list[int] = []
        ports: dict[int, int] = {}  # what b reads from outside -> what a reads there
        for x, y in zip(range(a, b), range(b, b + size), strict=True):
            one, other = self.nodes[x], self.nodes[y]
            if self.op[x] != self.op[y] or not self._same_node(one, other, a, size, depth):
                return None
            for from_a, from_b in zip(one.inputs, other.inputs, strict=True):
                if from_b >= b:
                    if from_a != from_b - size:
                        return None
                    continue
                carried = from_b >= a
                if from_a >= a or not (carried or from_a == from_b) or ports.setdefault(from_b, from_a) != from_a:
                    return None
                wiring.append(from_b - a if carried else -1)
        return tuple(wiring) if len(set(ports.values())) == len(ports) and self._same_entries(ports) else None

    def _same_node(self, one: Node, other: Node, a: int, size: int, depth: int) -> bool:
        """Whether two nodes of iterations agree in shape, place below the iteration and sharing of weights."""
        skip = 1 if self.alike == "sizes" else 0
        if len(one.inputs) != len(other.inputs) or one.shape[skip:] != other.shape[skip:]:
            return False
        if one.name != other.name or _below(one, depth) != _below(other, depth):
            return False
        if one.shares is None or other.shares is None:
            return one.shares is other.shares
        return one.shares == (other.shares if other.shares < a + size else other.shares - size)

    def _same_entries(self, ports: dict[int, int]) -> bool:
        return self.alike != "entries" or all(self.nodes[x].shape == self.nodes[y].shape for x, y in ports.items())

    def _reads(self, first: int, size: int, stop: int) -> _Reads:
        """Who reads the iteration at `first` from outside first..stop-1."""
        return frozenset(
            (place, reader, times)
            for place in range(size)
            for reader, times in self.readers[first + place].items()
            if not first <= reader < stop
        )

    def _gather(self, first: int, size: int, count: int) -> None:
        """Let the reads of iterations told once count as reads of the first one, so that a repeat in it sees them all;
        a read by the next iteration counts as a negative number."""
        for index in range(first + size, first + size * count):
            place = (index - first) % size
            end = index - place + size
            for reader, times in self.readers[index].items():
                inside = first <= reader < first + size * count
                back = first + (reader - first) % size
                self.readers[first + place][reader if not inside else back if reader < end else -1 - back] += times


def _below(node: Node, depth: int) -> list[tuple[str, str, int, str]]:
    """The frames of a node inside the one at `depth`, but for what is told by where they stand."""
    return [(frame.kind, frame.name, frame.index, frame.definition) for frame in node.scope[depth + 1 :]]


def _told_together(group: Group) -> Group:
    """A group that holds nothing but one other group, as one; a repeat stays apart from what has a name around it."""
    only = group.members[0]
    if len(group.members) > 1 or isinstance(only, int):
        return group
    named = any(frame.labelled or frame.kind in ("block", "shared") for frame in group.frames)
    if (group.count > 1 and only.repeat is not None) or (only.count > 1 and named):
        return group
    return replace(only, frames=group.frames + only.frames, count=group.count * only.count)
