"""Doing what a plan says: say it, skip what is done, execute. Knows no single operation.

The seam for a journal is `run`: an operation's `key` before `execute` and after it.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeVar

from provision.apply.operations import Operation, System
from provision.diagnostics import ProvisionError

T = TypeVar("T")

# How a line says that an operation finds its work done.
IS_SO = " (is so already)"

State = Literal["started", "executed", "skipped"]


class Step(NamedTuple):
    """Where a run stands: the operation, its number from 1, and what became of it."""

    number: int
    total: int
    operation: Operation
    state: State


Progress = Callable[[Step], None]


class Result(NamedTuple):
    """What a run did: the operations that it executed and those that it found done."""

    executed: tuple[Operation, ...]
    skipped: tuple[Operation, ...]


def run(operations: Sequence[Operation], system: System, progress: Progress) -> Result:
    """Execute operations in their order. Stops at the first that fails, with a ProvisionError that names it."""
    executed: list[Operation] = []
    skipped: list[Operation] = []
    total = len(operations)
    for number, operation in enumerate(operations, 1):
        is_done = attempt(operation.done, operation, system, number, total)
        progress(Step(number, total, operation, "skipped" if is_done else "started"))
        if is_done:
            skipped.append(operation)
            continue
        attempt(operation.execute, operation, system, number, total)
        executed.append(operation)
        progress(Step(number, total, operation, "executed"))
    return Result(tuple(executed), tuple(skipped))


def attempt(act: Callable[[System], T], operation: Operation, system: System, number: int, total: int) -> T:
    """What a method of an operation answers; what the machine refuses becomes a ProvisionError."""
    try:
        return act(system)
    except (OSError, ProvisionError) as error:
        raise refusal(operation, number, total, error) from error


def refusal(operation: Operation, number: int, total: int, error: OSError | ProvisionError) -> ProvisionError:
    """What the machine refused, with what stands on the disk now and what to do."""
    cause = str(error) if isinstance(error, ProvisionError) else error.strerror or str(error)
    return ProvisionError(
        f"could not {operation.describe()}\n  {cause}\n"
        f"  operation {number} of {total}; the ones before it are complete. Remove the cause and apply again"
    )


def say(step: Step) -> None:
    """One line on the console for each operation, before it starts."""
    if step.state != "executed":
        done = IS_SO if step.state == "skipped" else ""
        print(f"[{step.number}/{step.total}] {step.operation.describe()}{done}", flush=True)
