"""Work in several processes: forked, so that they have what this one has read; in chunks, in order, quiet on Ctrl-C."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from provision.diagnostics import ProvisionError

CHUNK = 16

T = TypeVar("T")
R = TypeVar("R")


def in_processes(
    call: Callable[[list[T]], list[R]],
    work: Sequence[T],
    workers: int,
    *,
    chunk: int = CHUNK,
    begin: Callable[[], None] = lambda: None,
) -> Iterator[R]:
    """The results of `call` for chunks of the work, in its order; `begin` is called once in each process.

    Raises ProvisionError where a process was killed.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(workers, mp_context=get_context("fork"), initializer=begun, initargs=(begin,))
    try:
        # Not `pool.map`: what it cancels on Ctrl-C, the pool's own thread then stumbles over (CPython 3.11).
        futures = [pool.submit(call, list(work[at : at + chunk])) for at in range(0, len(work), chunk)]
        futures.reverse()  # what was taken is let go, so that results don't pile up
        while futures:
            yield from futures.pop().result()
    except BrokenProcessPool:
        raise ProvisionError("a worker process was killed, perhaps for want of memory; try --jobs 1") from None
    finally:
        pool.shutdown(cancel_futures=True)


def begun(begin: Callable[[], None]) -> None:
    """How a worker begins."""
    die_on_interrupt()
    begin()


def die_on_interrupt() -> None:
    """Let Ctrl-C end a worker without a word: its parent answers for both."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
