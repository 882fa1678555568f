"""Orders in which the steps of a forward pass can run; the least memory is taken by the best of them.

The best order of all cannot be found in reasonable time for a large network (Sethi 1975), so a handful is tried: the
file's, branches one after the other in three ways, and always the step that adds least.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush

from archspec.memory.lifetimes import Program


def orders(program: Program) -> Iterator[tuple[str, Sequence[int]]]:
    """The orders that are tried, each with its name; n log n in the steps."""
    makers, steps = program.makers, program.steps
    needs = [[makers[tensor] for tensor in step.reads if makers[tensor] >= 0] for step in steps]
    yield "file", range(len(steps))
    if all(len(before) < 2 for before in needs) and all(len(readers) < 2 for readers in program.readers):
        return  # a chain has one order
    yield "depth first", _depth_first(program, needs)
    yield "depth first, last branch first", _depth_first(program, [before[::-1] for before in needs])
    yield "heaviest branch first", _depth_first(program, _heaviest_first(program, needs))
    yield "least growth", _least_growth(program, needs)


def _depth_first(program: Program, needs: list[list[int]]) -> list[int]:
    """Every step right after what it needs, which is done in the order given."""
    ends = [program.makers[tensor] for tensor in sorted(program.outputs) if program.makers[tensor] >= 0]
    ends += [index for index, step in enumerate(program.steps) if not program.readers[step.writes]]
    order: list[int] = []
    entered, done = [False] * len(needs), [False] * len(needs)
    todo = ends[::-1]
    while todo:
        index = todo[-1]
        if entered[index]:
            todo.pop()
            if not done[index]:
                done[index] = True
                order.append(index)
            continue
        entered[index] = True
        todo += [before for before in reversed(needs[index]) if not entered[before]]
    return order


def _heaviest_first(program: Program, needs: list[list[int]]) -> list[list[int]]:
    """What each step needs, first what takes most memory beyond what it leaves: the best order for trees (Sethi and
    Ullman 1970)."""
    sizes = [program.tensors[step.writes].size for step in program.steps]
    most: list[int] = []
    sorted_needs: list[list[int]] = []
    for index, before in enumerate(needs):
        ranked = sorted(before, key=lambda i: sizes[i] - most[i])
        left = peak = 0
        for i in ranked:
            peak = max(peak, left + most[i])
            left += sizes[i]
        most.append(max(peak, left + sizes[index]))
        sorted_needs.append(ranked)
    return sorted_needs


def _least_growth(program: Program, needs: list[list[int]]) -> list[int]:
    """Always the step that adds least: its output less the inputs that nobody reads afterwards."""
    tensors, waiting = program.tensors, [len(steps) for steps in program.readers]
    missing = [len(before) for before in needs]
    done = [False] * len(needs)

    def growth(index: int) -> int:
        step = program.steps[index]
        freed = sum(tensors[t].size for t in step.reads if waiting[t] == 1 and t not in program.outputs)
        return tensors[step.writes].size - freed

    ready = [(growth(index), index) for index, count in enumerate(missing) if not count]
    heapify(ready)
    order: list[int] = []
    while ready:
        _, index = heappop(ready)
        if done[index]:
            continue
        done[index] = True
        order.append(index)
        step = program.steps[index]
        for tensor in step.reads:
            waiting[tensor] -= 1
            if waiting[tensor] == 1:  # whoever reads it last now frees it
                last = next(i for i in program.readers[tensor] if not done[i])
                if not missing[last]:
                    heappush(ready, (growth(last), last))
        for user in program.readers[step.writes]:
            missing[user] -= 1
            if not missing[user]:
                heappush(ready, (growth(user), user))
    return order
