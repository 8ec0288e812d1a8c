"""Doing what a plan says: say it, skip what is done, execute. Knows no single operation.

Acts that keep different things busy (`Act.lanes`) run at the same time; all others wait for those before them. The seam
for a journal is `attempt`: an act's `key` before `execute` and after it.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from provision.apply.operations import Act
from provision.diagnostics import ProvisionError
from provision.typed import Any, Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")
A = TypeVar("A", bound=Act[Any])

# How a line says that an operation finds its work done.
IS_SO = " (is so already)"

# Fetches wait for servers more than for processors.
MIN_WORKERS = 4

# How long a line may wait for others, where there is no terminal: one write for each takes longer than small files do.
WAIT_S = 0.2

State = Literal["started", "executed", "skipped", "failed"]


class Step(NamedTuple):
    """Where a run stands: the operation, its number from 1, and what became of it."""

    number: int
    total: int
    operation: Act[Any]
    state: State


Progress = Callable[[Step], None]


class Result(NamedTuple, Generic[A]):
    """What a run did: the operations that it executed and those that it found done."""

    executed: tuple[A, ...]
    skipped: tuple[A, ...]


class OperationError(ProvisionError):
    """What the machine refused: which act, on what, for what cause."""

    def __init__(self, act: Act[Any], cause: str, *, number: int, total: int) -> None:
        self.act, self.cause = act, cause
        super().__init__(
            f"could not {act.describe()}\n  {cause}\n"
            f"  operation {number} of {total}; the ones before it are complete. Remove the cause and apply again"
        )


def run(operations: Sequence[A], system: Any, progress: Progress) -> Result[A]:
    """Execute operations in their order. Stops at the first that fails, with a OperationError that names it."""
    runner = Run(operations, system, progress)
    for group in groups(operations):
        if len(group) == 1:
            runner.perform(group[0])
        else:
            runner.perform_at_once(group)
    return Result(tuple(runner.executed), tuple(runner.skipped))


def groups(operations: Sequence[Act[Any]]) -> Iterator[range]:
    """The stretches of operations that may overlap; each other one for itself."""
    start = 0
    while start < len(operations):
        end = start + 1
        if operations[start].lanes:
            while end < len(operations) and operations[end].lanes:
                end += 1
        yield range(start, end)
        start = end


class Run(Generic[A]):
    """A run under way. `system` is what the acts are for."""

    def __init__(self, operations: Sequence[A], system: Any, progress: Progress) -> None:
        self.operations, self.system, self.progress = operations, system, progress
        self.executed: list[A] = []
        self.skipped: list[A] = []

    def perform(self, index: int) -> None:
        """Execute one operation, unless it is done."""
        act = self.operations[index]
        is_done = self.attempt(act.done, index)
        self.tell(index, "skipped" if is_done else "started")
        if is_done:
            self.skipped.append(act)
            return
        self.attempt(act.execute, index)
        self.executed.append(act)
        self.tell(index, "executed")

    def attempt(self, method: Callable[[Any], T], index: int) -> T:
        """What a method of an operation answers; what the machine refuses becomes an OperationError."""
        try:
            return method(self.system)
        except (OSError, ProvisionError) as error:
            self.tell(index, "failed")
            cause = str(error) if isinstance(error, ProvisionError) else error.strerror or str(error)
            raise OperationError(self.operations[index], cause, number=index + 1, total=len(self.operations)) from error

    def tell(self, index: int, state: State) -> None:
        """Report where the run stands."""
        self.progress(Step(index + 1, len(self.operations), self.operations[index], state))

    def perform_at_once(self, group: range) -> None:
        """Execute operations side by side; of those that share a lane the earlier one goes first."""
        import threading

        from provision.apply import log

        waiting, busy, failures = list(group), set[str](), list[BaseException]()
        changed = threading.Condition()

        def next_index() -> int | None:
            """The first operation that none before it and none under way stands in the way of."""
            taken = set(busy)
            for index in waiting:
                lanes = set(self.operations[index].lanes)
                if not lanes & taken:
                    return index
                taken |= lanes
            return None

        def work() -> None:
            while True:
                with changed:
                    index = next_index()
                    while index is None and waiting and not failures:
                        changed.wait()
                        index = next_index()
                    if index is None or failures:
                        return
                    waiting.remove(index)
                    lanes = self.operations[index].lanes
                    busy.update(lanes)
                try:
                    self.perform(index)
                except BaseException as error:  # raised again by the thread that waits
                    failures.append(error)
                finally:
                    with changed:
                        busy.difference_update(lanes)
                        changed.notify_all()

        workers = min(len(group), max(MIN_WORKERS, os.cpu_count() or 1))
        # Those who interrupt the run do not wait for servers: what is under way then ends with the process.
        threads = [
            threading.Thread(target=log.carried(work), name=f"lane {number}", daemon=True) for number in range(workers)
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException as error:
            failures.append(error)
            raise
        if failures:
            raise failures[0]


class Said:
    """When lines were last handed on."""

    at_s = 0.0


def say(step: Step) -> None:
    """One line on the console for each operation, before it starts; those of quick ones wait for each other."""
    if step.state == "failed":
        sys.stdout.flush()
    elif step.state != "executed":
        now = time.monotonic()
        is_due = not step.operation.is_quick or now - Said.at_s > WAIT_S
        done = IS_SO if step.state == "skipped" else ""
        print(f"[{step.number}/{step.total}] {step.operation.describe()}{done}", flush=is_due)
        if is_due:
            Said.at_s = now
