"""Building the hosts one by one, in several processes where there are many, and putting together what came of them."""

import gc
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provision.diagnostics import Diagnostic, ProvisionError, Span
from provision.inputs import refusal
from provision.inventory.documents import Source
from provision.inventory.facts import Machine
from provision.inventory.hosts import Settings, build_host
from provision.inventory.outputs import Folder, Output
from provision.inventory.reading import Level
from provision.progress import Progress
from provision.schema.machine.facts import Fact
from provision.workers import CHUNK, in_processes

# Below this many hosts starting processes costs more than they save.
MANY_HOSTS = 64
NAMES_SHOWN = 2
CHUNKS_PER_COLLECTION = 32

Key = tuple[str, str, Span]


class Told(NamedTuple):
    """A diagnostic, the first of its place, with some of the hosts that it is about, and how many these are."""

    diagnostic: Diagnostic
    hosts: tuple[str, ...]
    number: int

    def joined(self, other: "Told") -> "Told":
        """The same about more hosts."""
        return Told(self.diagnostic, (*self.hosts, *other.hosts)[:NAMES_SHOWN], self.number + other.number)

    def shown(self, hosts: int) -> Diagnostic:
        """The diagnostic with the hosts that it is about, unless these are all of them."""
        if self.number == hosts:
            return self.diagnostic
        more = self.number - len(self.hosts)
        listed = ", ".join(self.hosts) + (f" and {more} more" if more else "")
        about = f"{'host' if self.number == 1 else 'hosts'} {listed}"
        return self.diagnostic._replace(hint=f"{self.diagnostic.hint}; {about}" if self.diagnostic.hint else about)


class Chunk(NamedTuple):
    """What came of some hosts. Diagnostics stand under their place, with the hosts that they are about."""

    done: list[Output]
    failed: list[str]
    found: dict[Key, Told]
    sources: dict[str, str]
    machines: dict[str, Machine]
    facts: list[Fact]


class Work(NamedTuple):
    """What the processes share: the hosts to build with what each is made of, and where to."""

    settings: Settings
    hosts: list[tuple[Level, list[Level], tuple[Source, ...]]]
    folder: Folder | None
    strict: bool


WORK: list[Work] = []


def gathered(work: Work, workers: int) -> Chunk:
    """What came of all hosts, in their order."""
    whole = Chunk([], [], {}, {}, {}, [])
    WORK[:] = [work]
    try:
        with Progress("building", len(work.hosts)) as progress:
            for chunk in chunks(len(work.hosts), workers):
                add(chunk, whole)
                for _ in range(len(chunk.done) + len(chunk.failed)):
                    progress.step()
    finally:
        WORK.clear()
    return whole


def chunks(count: int, workers: int) -> Iterator[Chunk]:
    """What came of the hosts, some at a time; the first of them in this process, so that the others find everything loaded."""
    numbers = range(count)
    yield build_some(numbers[:CHUNK])
    rest = numbers[CHUNK:]
    gc.freeze()  # what was read so far is for all, and nobody need look through it
    try:
        if workers == 1 or count < MANY_HOSTS:
            for at in range(0, len(rest), CHUNK):
                yield build_some(rest[at : at + CHUNK])
        else:
            yield from in_processes(build_chunk, rest, workers)
    finally:
        gc.unfreeze()


def build_chunk(numbers: list[int]) -> list[Chunk]:
    """Build some hosts in a worker, which has the work from the process that it was forked from."""
    return [build_some(numbers)]


def build_some(numbers: Sequence[int]) -> Chunk:
    """Build the hosts with some numbers, and put them beside their place."""
    work = WORK[0]
    chunk = Chunk([], [], {}, {}, {}, [])
    for number in numbers:
        build_one(*work.hosts[number], work, chunk)
    if numbers and numbers[0] % (CHUNK * CHUNKS_PER_COLLECTION) == 0:
        gc.collect()  # the command line has switched it off, for runs that end soon
    return chunk


def build_one(host: Level, levels: list[Level], sources: tuple[Source, ...], work: Work, chunk: Chunk) -> None:
    """Build one host."""
    try:
        built = build_host(host, levels, sources, work.settings)
        for found in {key_of(found): found for found in reversed(built.diagnostics)}.values():
            note(Told(found, (host.name,), 1), chunk)
        if built.diagnostics:
            chunk.sources.update(built.sources)
        refused = work.strict and any(found.severity == "warning" for found in built.diagnostics)
        if built.data is None or built.machine is None or refused:
            chunk.failed.append(host.name)
            return
        chunk.done.append(work.folder.stage(host.name, built.data) if work.folder else checked(host.name, built.data))
        chunk.machines[host.name] = built.machine
        chunk.facts.extend(built.facts)
    except OSError as error:
        raise refusal(error.filename or host.name, error) from None
    except ProvisionError:
        raise
    except Exception as error:
        error.add_note(f"while building {host.name}")
        raise


def checked(name: str, data: bytes) -> Output:
    """A config that is not written."""
    return Output(name, "", len(data), False)


def key_of(found: Diagnostic) -> Key:
    """What two hosts' diagnostics have in common that are told as one."""
    return found.code, found.file, found.span


def note(told: Told, chunk: Chunk) -> None:
    """Add a diagnostic to those of a chunk."""
    key = key_of(told.diagnostic)
    known = chunk.found.get(key)
    chunk.found[key] = known.joined(told) if known else told


def add(chunk: Chunk, whole: Chunk) -> None:
    """Add what came of some hosts to what came of those before."""
    whole.done.extend(chunk.done)
    whole.failed.extend(chunk.failed)
    whole.machines.update(chunk.machines)
    whole.facts.extend(chunk.facts)
    whole.sources.update(chunk.sources)
    for told in chunk.found.values():
        note(told, whole)
