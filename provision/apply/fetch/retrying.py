"""Attempt after attempt, until one succeeds or there is no time left. Source: Ignition, `internal/resource/http.go`."""

from collections.abc import Callable
from itertools import count
from time import sleep

from provision.apply import log
from provision.apply.fetch.clock import Clock
from provision.apply.fetch.faults import Broken, Busy, Interrupted, TooLate
from provision.diagnostics import ProvisionError
from provision.typed import TypeVar

T = TypeVar("T")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
# A server that breaks off each time (our own limit: the peer gives up at the first).
MAX_INTERRUPTIONS = 10


def persist(name: str, method: str, clock: Clock, attempt: Callable[[], T]) -> T:
    """What the first attempt that succeeds has to give. Broken is tried again; all else goes to the caller.

    Raises TooLate as soon as no further attempt fits in, and ProvisionError for a transfer that always breaks off.
    """
    wait, interruptions = FIRST_WAIT_S, 0
    for number in count(1):
        log.info(f"{method} {name}: attempt #{number}")
        try:
            return attempt()
        except Broken as error:
            if not isinstance(error, Busy):
                log.info(f"{method} error: {error}")
            interruptions += isinstance(error, Interrupted)
            if interruptions == MAX_INTERRUPTIONS:
                raise ProvisionError(f"{name}: {error}; it was tried {interruptions} times") from None
            if clock.left() <= wait:
                raise TooLate(overdue(name, clock.total_s, number, error)) from None
        sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT_S)
    raise AssertionError("count() has no end")


def overdue(name: str, total_s: float, attempts: int, last: Broken) -> str:
    """What to say when the time is over."""
    times = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    return f"{name} could not be fetched in time: {times} in {total_s:g} s (timeouts.httpTotal); the last one: {last}"
