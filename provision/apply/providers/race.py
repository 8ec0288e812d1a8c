"""Platforms that keep the config in one of several places: all are asked at the same time."""

from collections.abc import Callable, Iterable
from contextlib import suppress

from provision.apply import log
from provision.apply.providers.host import Host, Overtaken
from provision.apply.providers.provider import Provider
from provision.diagnostics import ProvisionError
from provision.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from queue import SimpleQueue

# A source that was overtaken ends at once, except for what it has mounted.
PATIENCE_S = 10

More = Callable[[Host], Iterable[Provider]]


class Answer(NamedTuple):
    """How a source ended: with a config, without one, or with an error."""

    source: Provider
    content: bytes | None = None
    error: Exception | None = None


class Race(Provider):
    """The first source that answers wins, also with "no config"; where all fail, there is no config.

    `more` finds further sources on the machine. `online`: the race is only fair with the network.
    """

    def __init__(self, *sources: Provider, more: More | None = None, online: bool = False) -> None:
        self.sources, self.more, self.online = sources, more, online
        self.what = " or ".join(source.what for source in sources)

    def fetch(self, host: Host) -> bytes | None:
        if self.online:
            host.needs_network("the config may be on a metadata server")
        return run_race([*self.sources, *(self.more(host) if self.more else ())], host)


def run_race(sources: list[Provider], host: Host) -> bytes | None:
    """Ask all, each in a thread of its own."""
    from queue import SimpleQueue
    from threading import Event, Thread

    stop = Event()
    answers: SimpleQueue[Answer] = SimpleQueue()
    threads = [
        # What waits for a server that never answers must not keep the process.
        Thread(target=run, args=(source, host.in_race(stop), answers), daemon=True)
        for source in sources
    ]
    for thread in threads:
        thread.start()
    try:
        return first_answer(answers, len(sources))
    finally:
        stop.set()
        for source, thread in zip(sources, threads, strict=True):
            if source.ends_when_overtaken:
                thread.join(PATIENCE_S)


def run(source: Provider, host: Host, answers: "SimpleQueue[Answer]") -> None:
    """Ask one source and put what it says, or how it failed, where the others do."""
    with suppress(Overtaken):
        try:
            answers.put(Answer(source, source.fetch(host)))
        except Exception as error:
            answers.put(Answer(source, error=error))


def first_answer(answers: "SimpleQueue[Answer]", count: int) -> bytes | None:
    """The content of the first answer that is no failure. Raises what is no fault of the platform's."""
    for _ in range(count):
        answer = answers.get()
        if answer.error is None:
            log.info(f"{answer.source.what} was the first to answer")
            return answer.content
        if not isinstance(answer.error, ProvisionError):
            raise answer.error
        log.warning(f"{answer.source.what}: {answer.error}")
    log.info("no source has a config")
    return None
