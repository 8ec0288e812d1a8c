"""Validating many files in one process or several."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from provision.diagnostics import CODES, Diagnostic, ProvisionError
from provision.inputs import STDIN, SURE_SUFFIXES, files_of
from provision.progress import Progress
from provision.schema import machine
from provision.schema.machine.facts import Fact, check_together, facts_of
from provision.templates.configs import compile_read, read_config
from provision.transpile.author import Options
from provision.transpile.detect import is_recognised
from provision.workers import in_processes

# Below this many files starting processes costs more than they save.
MANY_FILES = 64


class Selection(NamedTuple):
    """Which codes to report; each entry is a code or the beginning of some."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend: tuple[str, ...] = ()

    def keeps(self, code: str) -> bool:
        """Whether a code is reported. What is ignored stays ignored, whatever selects it less precisely."""

        def longest(prefixes: Iterable[str]) -> int:
            return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=-1)

        chosen = longest((*self.select, *self.extend))
        if not self.select:
            chosen = max(chosen, 0)
        return chosen > longest(self.ignore)


class Checked(NamedTuple):
    """What validating one file gave. `error` says why it could not be read; `known` is False for a file that is no config."""

    file: str
    text: dict[str, str]
    diagnostics: list[Diagnostic]
    error: str | None = None
    known: bool = True
    facts: tuple[Fact, ...] = ()


# A file, whether it was named itself, the options, and the name of standard input.
Work = tuple[str, bool, Options, str]


class Result(NamedTuple):
    """All diagnostics in order, the texts they speak of, the files that were checked, and what could not be read."""

    diagnostics: list[Diagnostic]
    sources: dict[str, str]
    files: list[str]
    unreadable: list[str]


def validate_files(paths: list[str], options: Options, selection: Selection, jobs: int, stdin_name: str) -> Result:
    """Check files, and folders for what looks like a config."""
    check_selection(selection)
    files = files_of(paths)
    workers = jobs or os.cpu_count() or 1
    checked: list[Checked] = []
    with Progress("validating", len(files)) as progress:
        for one in check_all(files, options, stdin_name, workers):
            checked.append(one)
            progress.step()
    everything = [found for one in checked for found in one.diagnostics]
    machine.load()  # which the workers may have done alone
    everything += check_together([fact for one in checked for fact in one.facts])
    diagnostics = [found for found in everything if selection.keeps(found.code)]
    sources = {name: text for one in checked for name, text in one.text.items()}
    return Result(
        sorted(set(diagnostics), key=Diagnostic.sort_key),
        sources,
        [one.file for one in checked if one.error is None and one.known],
        [one.error for one in checked if one.error is not None],
    )


def check_selection(selection: Selection) -> None:
    """Refuse a code that is no beginning of any."""
    prefixes = (*selection.select, *selection.ignore, *selection.extend)
    if not prefixes:
        return
    from provision.pages import load_everything

    load_everything()
    for prefix in prefixes:
        if not any(code.startswith(prefix) for code in CODES):
            raise ProvisionError(f"{prefix} is no code, nor the beginning of one; see `provision rules`", exit_code=2)


def check_all(files: list[tuple[str, bool]], options: Options, stdin_name: str, workers: int) -> Iterator[Checked]:
    """Check files in their order, in several processes where there are many."""
    work: list[Work] = [(file, named, options, stdin_name) for file, named in files]
    if workers == 1 or len(files) < MANY_FILES:
        yield from map(check_one, work)
        return
    yield from in_processes(check_chunk, work, workers)


def check_chunk(work: list[Work]) -> list[Checked]:
    """Check some files in a worker: starting each by itself would cost more than checking it."""
    return [check_one(each) for each in work]


def check_one(work: Work) -> Checked:
    """Check one file; a file that a search came upon is left alone if it does not look like a config."""
    file, named, options, stdin_name = work
    name = stdin_name if file == STDIN else file
    try:
        config = read_config(file, options)
    except ProvisionError as error:
        return Checked(name, {}, [], str(error))
    try:
        found = compile_read(config, name, options)
    except Exception as error:
        error.add_note(f"while checking {name}")
        raise
    if not named and not file.endswith(SURE_SUFFIXES) and not any(is_recognised(one.document) for one in found):
        return Checked(name, {}, [], known=False)
    facts = [
        fact if one.place is None else fact.moved(one.place)
        for one in found
        if one.config and one.author
        for fact in facts_of(one.config, name, one.author.locate)
    ]
    diagnostics = [diagnostic for one in found for diagnostic in one.diagnostics]
    # A text goes back to the parent only where something in it will be shown.
    text = {file: text for one in found for file, text in one.sources.items()} if diagnostics or facts else {}
    return Checked(name, text, diagnostics, facts=tuple(facts))
