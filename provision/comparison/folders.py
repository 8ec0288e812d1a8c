"""All pairs of a comparison compared, in one process or several, and put together: configs that differ alike in a group."""

import os
from collections.abc import Iterable, Iterator

from provision.comparison.changes import Change, Comparison, Group
from provision.comparison.sides import Compared, Pair, Read, Side, compare_pair, compared, pairs_of, side_of
from provision.diagnostics import Diagnostic, ProvisionError
from provision.inputs import STDIN
from provision.progress import Progress
from provision.transpile.author import Options
from provision.typed import NamedTuple
from provision.workers import in_processes

# Below this many pairs starting processes costs more than they save.
MANY_PAIRS = 64


class Result(NamedTuple):
    """What was compared, and why some of it could not be: diagnostics with their texts, and files that can't be read."""

    comparison: Comparison
    diagnostics: list[Diagnostic]
    sources: dict[str, str]
    errors: list[str]

    @property
    def failed(self) -> bool:
        """Whether anything could not be compared."""
        return bool(self.comparison.failed)


def compare_paths(old: str, new: str, old_options: Options, new_options: Options, jobs: int = 0) -> Result:
    """Compare two files, or two folders by the names in them; ProvisionError for what can't be compared at all."""
    if old == new == STDIN:
        raise ProvisionError("diff: only one side can be standard input", exit_code=2)
    sides = side_of(old, old_options), side_of(new, new_options)
    if sides[0].is_folder != sides[1].is_folder:
        folder, file = (old, new) if sides[0].is_folder else (new, old)
        raise ProvisionError(f"diff: {folder} is a folder and {file} is none; compare two of a kind", exit_code=2)
    done = list(compare_folders(*sides, jobs)) if sides[0].is_folder else [compare_files(*sides)]
    if not done:
        raise ProvisionError(f"diff: there is no config in {old}, nor in {new}", exit_code=2)
    return Result(
        comparison_of(*sides, done),
        [found for one in done for found in one.diagnostics],
        {name: text for one in done for name, text in one.sources},
        [one.error for one in done if one.error is not None],
    )


def compare_files(old: Side, new: Side) -> Compared:
    """Compare two files."""
    (before,), (after,) = old.files.values(), new.files.values()
    pair = Pair(new.path, before, after, old.options, new.options)
    with Progress("comparing"):
        sides = [Read(path, side.options) for path, side in ((before, old), (after, new))]
        return compared(pair, *sides)


def compare_folders(old: Side, new: Side, jobs: int) -> Iterator[Compared]:
    """Compare two folders, in several processes where there is much to compare."""
    work = list(pairs_of(old, new))
    with Progress("comparing", len(work)) as progress:
        for one in compare_all(work, jobs or os.cpu_count() or 1):
            progress.step()
            if one.known:
                yield one


def compare_all(work: list[Pair], workers: int) -> Iterator[Compared]:
    """Compare pairs in their order."""
    if workers == 1 or len(work) < MANY_PAIRS:
        yield from map(compare_pair, work)
        return
    yield from in_processes(compare_chunk, work, workers)


def compare_chunk(work: list[Pair]) -> list[Compared]:
    """Compare some pairs in a worker."""
    return [compare_pair(each) for each in work]


def comparison_of(old: Side, new: Side, done: list[Compared]) -> Comparison:
    """What comparing all pairs gave."""
    sound = [one for one in done if not one.failed]
    both = [one for one in sound if one.pair.old is not None and one.pair.new is not None]
    return Comparison(
        old.path, new.path, tuple(groups_of(both)),
        added=tuple(one.pair.name for one in sound if one.pair.old is None),
        removed=tuple(one.pair.name for one in sound if one.pair.new is None),
        same=sum(not one.changes for one in both),
        failed=tuple(one.pair.name for one in done if one.failed),
        is_folder=old.is_folder,
    )  # fmt: skip


def groups_of(done: Iterable[Compared]) -> Iterator[Group]:
    """The configs that differ; those with the same changes together: a template changes many machines at once."""
    found: dict[tuple[Change, ...], list[str]] = {}
    for one in done:
        if one.changes:
            found.setdefault(one.changes, []).append(one.pair.name)
    for changes, names in found.items():
        yield Group(tuple(names), changes)
