"""Doing what a plan says: say it, skip what is done, execute. Knows no single operation.

Acts that keep different things busy (`Act.lanes`) run at the same time; all others wait for those before them. With a
journal, acts are announced before they begin and told when what they did is on the disks: quick ones many at a time.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from provision.apply import faults
from provision.apply.operations import Act
from provision.diagnostics import ProvisionError
from provision.typed import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
A = TypeVar("A", bound=Act[Any])

# How a line says that an operation finds its work done.
IS_SO = " (is so already)"

# Fetches wait for servers more than for processors.
MIN_WORKERS = 4

# How long a line may wait for others, where there is no terminal: one write for each takes longer than small files do.
WAIT_S = 0.2

# How many quick acts are announced at once: each announcement waits for the disk twice.
BATCH = 256

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


class Keeper(Protocol):
    """A journal as a run uses it. `start` and `finish` return when the journal is on the disk."""

    def is_finished(self, act: Act[Any]) -> bool:
        """Whether an earlier run did an act."""

    def note_of(self, act: Act[Any]) -> dict[str, Any] | None:
        """What was noted of an act that an earlier run began; None where none did."""

    def start(self, acts: Sequence[Act[Any]], system: Any) -> None:
        """Announce acts."""

    def finish(self, acts: Sequence[Act[Any]]) -> None:
        """Say that acts are done, what they did being on the disks."""


def run(operations: Sequence[A], system: Any, progress: Progress, journal: Keeper | None = None) -> Result[A]:
    """Execute operations in their order. Stops at the first that fails, with a OperationError that names it.

    With a journal the system has a method `sync`, which waits until what was done is on the disks.
    """
    runner = Run(operations, system, progress, journal)
    for batch in batches(operations) if journal is not None else groups(operations):
        runner.perform_batch(batch)
    return Result(tuple(runner.executed), tuple(runner.skipped))


def batches(operations: Sequence[Act[Any]]) -> Iterator[range]:
    """The groups, quick operations in a row taken together."""
    start = end = 0
    for group in groups(operations):
        is_quick = len(group) == 1 and operations[group.start].is_quick
        if end > start and not (is_quick and operations[start].is_quick and end - start < BATCH):
            yield range(start, end)
            start = end
        end = group.stop
    if end > start:
        yield range(start, end)


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

    def __init__(self, operations: Sequence[A], system: Any, progress: Progress, journal: Keeper | None = None) -> None:
        self.operations, self.system, self.progress, self.journal = operations, system, progress, journal
        self.executed: list[A] = []
        self.skipped: list[A] = []
        self.begun: dict[int, dict[str, Any]] = {}
        self.lock = threading.Lock()

    def perform_batch(self, batch: range) -> None:
        """Execute operations that the journal, if there is one, takes together."""
        journal = self.journal
        if journal is None:
            self.perform_group(batch)
            return
        acts = [self.operations[index] for index in batch if not journal.is_finished(self.operations[index])]
        for index in batch:
            note = journal.note_of(self.operations[index])
            if note is not None:
                self.begun[index] = note
        if acts:
            journal.start(acts, self.system)
        # Of those that run side by side each is finished for itself: they take long.
        if not self.perform_group(batch) and acts:
            self.finish(acts)

    def finish(self, acts: Sequence[A]) -> None:
        """Have the journal say that acts are done."""
        if self.journal is not None:
            with self.lock:
                self.system.sync()
                self.journal.finish(acts)

    def perform_group(self, group: range) -> bool:
        """Execute operations: side by side those that have lanes, all others one after another. Whether they had lanes."""
        if len(group) > 1 and self.operations[group.start].lanes:
            self.perform_at_once(group)
            return True
        for index in group:
            self.perform(index)
        return False

    def perform(self, index: int) -> None:
        """Execute one operation, unless it is done."""
        act, number = self.operations[index], faults.next_number()
        is_done = self.attempt(lambda: self.is_done(index), index)
        self.tell(index, "skipped" if is_done else "started")
        if is_done:
            self.skipped.append(act)
            return
        faults.point(number, "before")
        if not self.recovered(index):
            self.attempt(lambda: act.execute(self.system), index)
        faults.point(number, "after")
        self.executed.append(act)
        self.tell(index, "executed")

    def is_done(self, index: int) -> bool:
        """Whether an operation has nothing to do. What was begun before is done by the journal alone: half of it may look
        like all of it.
        """
        act = self.operations[index]
        if self.journal is not None and self.journal.is_finished(act):
            return True
        return index not in self.begun and act.done(self.system)

    def recovered(self, index: int) -> bool:
        """Take back what is half-done of an operation; whether it is done after all."""
        note = self.begun.get(index)
        return note is not None and self.attempt(lambda: self.operations[index].recover(self.system, note), index)

    def attempt(self, ask: Callable[[], T], index: int) -> T:
        """What a question to an operation is answered; what the machine refuses becomes an OperationError."""
        try:
            return ask()
        except (OSError, ProvisionError) as error:
            self.tell(index, "failed")
            cause = str(error) if isinstance(error, ProvisionError) else error.strerror or str(error)
            raise OperationError(self.operations[index], cause, number=index + 1, total=len(self.operations)) from error

    def tell(self, index: int, state: State) -> None:
        """Report where the run stands."""
        self.progress(Step(index + 1, len(self.operations), self.operations[index], state))

    def perform_at_once(self, group: range) -> None:
        """Execute operations side by side; of those that share a lane the earlier one goes first."""
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
                    self.finish([self.operations[index]])
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
