"""Building all hosts of an inventory: in several processes, each host by itself, then what they say of each other."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from fnmatch import fnmatchcase
from typing import NamedTuple

from provision.diagnostics import Diagnostic, ProvisionError
from provision.inputs import refusal
from provision.inventory.documents import Documents, Source
from provision.inventory.gathering import Chunk, Work, gathered, key_of
from provision.inventory.hosts import Settings
from provision.inventory.outputs import Folder, Manifest, Output, opened
from provision.inventory.reading import Inventory, Level, read_inventory
from provision.inventory.report import Report
from provision.inventory.texts import texts_for
from provision.inventory.together import Hosts, Misfit
from provision.suppressions import suppress
from provision.templates.configs import platform_names
from provision.templates.values import from_environment, from_files, from_set
from provision.transpile.author import Options


class Wanted(NamedTuple):
    """What to build: the file of the inventory, where to, and how. No folder is a check alone."""

    path: str
    folder: str | None
    options: Options
    libraries: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    jobs: int = 0
    override: bool = False
    strict: bool = False
    prune: bool = False


class Plan(NamedTuple):
    """What is to be built, and what is wrong before anything is: the names of all hosts that are wanted, and those with sound documents."""

    inventory: Inventory
    documents: Documents
    names: list[str]
    hosts: list[tuple[Level, list[Level], tuple[Source, ...]]]
    known: list[Diagnostic]


def build_inventory(wanted: Wanted) -> Report:
    """Build the hosts of an inventory. Raises ProvisionError for what can't be read or written."""
    inventory = read_inventory(wanted.path)
    if inventory.failed:
        return Report(inventory.diagnostics, {inventory.file: inventory.document.text})
    plan = planned(inventory, wanted)
    settings = settings_of(inventory, plan.documents, wanted)
    with opened(wanted.folder) if wanted.folder is not None else nullcontext() as folder:
        work = Work(settings, plan.hosts, folder, wanted.strict)
        whole = gathered(work, wanted.jobs or os.cpu_count() or 1)
        return settle(folder, plan, whole.done, reported(plan, whole, wanted), wanted)


def planned(inventory: Inventory, wanted: Wanted) -> Plan:
    """What an inventory asks for."""
    names = selected(inventory, wanted.only)
    documents = Documents(inventory, wanted.libraries, wanted.options)
    made = {name: made_of(host, inventory, documents) for name, host in inventory.hosts.items()}
    lacking = [*without_documents(inventory, made), *unused(inventory, made)]
    sound = [name for name in names if made[name][1] and all(source.sound for source in made[name][1])]
    hosts = [(inventory.hosts[name], *made[name]) for name in sound]
    return Plan(inventory, documents, names, hosts, [*inventory.diagnostics, *documents.diagnostics, *lacking])


def reported(plan: Plan, whole: Chunk, wanted: Wanted) -> Report:
    """What was found in all hosts, and between them."""
    inventory = plan.inventory
    complete = len(whole.done) == len(inventory.hosts)
    misfits = Hosts(inventory, whole.machines, complete=complete).misfits(whole.facts)
    before = {key_of(each) for each in plan.known}
    own = [told.shown(len(plan.hosts)) for key, told in whole.found.items() if key not in before]
    diagnostics = silenced(inventory, [*plan.known, *own, *(each.diagnostic for each in misfits)], complete=complete)
    right = {each.name for each in whole.done} - failing(misfits, diagnostics, strict=wanted.strict)
    failed = tuple(name for name in plan.names if name not in right)
    return Report(
        diagnostics, texts_for(diagnostics, inventory, plan.documents, whole.sources), len(plan.names), failed=failed
    )


def selected(inventory: Inventory, only: Sequence[str]) -> list[str]:
    """The hosts whose names match one of the patterns; all where there are none. Raises ProvisionError where none does."""
    if not only:
        return list(inventory.hosts)
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in inventory.hosts):
            raise ProvisionError(f"--only {pattern}: no host of {inventory.file} has such a name", exit_code=2)
    return [name for name in inventory.hosts if any(fnmatchcase(name, pattern) for pattern in only)]


Made = tuple[list[Level], tuple[Source, ...]]


def made_of(host: Level, inventory: Inventory, documents: Documents) -> Made:
    """The levels that a host is made of, and its documents."""
    levels = inventory.levels(host)
    return levels, documents.of(levels)


def settings_of(inventory: Inventory, documents: Documents, wanted: Wanted) -> Settings:
    """What holds for all hosts. A value on the command line is for a template that takes it, else for an older format."""
    options = wanted.options
    names = {name for template in documents.templates if template.header for name in template.header.parameters}
    others = tuple(pair for pair in options.values if pair[0].split(".")[0] not in names)
    known = frozenset(names | platform_names(name for name, _ in others))
    weaker = from_environment(os.environ)
    stronger = [*from_files(options.value_files), *from_set(options.values)]
    return Settings(inventory, options._replace(values=others), weaker, stronger, known, wanted.override)


# ---- what is wrong before anything is built ---------------------------------------------------------------------


def without_documents(inventory: Inventory, made: dict[str, Made]) -> Iterator[Diagnostic]:
    """Hosts that there is nothing to build for."""
    for name, (_, sources) in made.items():
        if not sources:
            message = f"there is nothing to build {name} from"
            hint = "name `templates` or `fragments`: of the host, of a group of it, or at the top"
            yield Diagnostic("PV799", "error", message, inventory.file, inventory.hosts[name].span, hint)


def unused(inventory: Inventory, made: dict[str, Made]) -> Iterator[Diagnostic]:
    """Variables that no template of any of their hosts takes. Where a template is unsound, nobody knows what it takes."""
    taken: dict[int, set[str]] = {}
    levels_of: dict[int, Level] = {}
    for levels, sources in made.values():
        if any(not source.sound for source in sources):
            return
        parameters = {name for source in sources for name in source.parameters}
        for level in levels:
            if level.variables is not None:
                levels_of[id(level.variables)] = level
                taken.setdefault(id(level.variables), set()).update(parameters)
    for key, level in levels_of.items():
        layer = level.variables
        for name in layer.names() if layer is not None else ():
            if name not in taken[key] and layer is not None:
                place = layer.name_place(name)
                of = f"of {level.name}" if level.name else "of the inventory"
                message = f"no template takes the variable `{name}` {of}"
                hint = (
                    f"templates take {', '.join(sorted(taken[key]))}"[:120]
                    if taken[key]
                    else "fragments that are no templates take none"
                )
                yield Diagnostic("PV794", "warning", message, place.file, place.span, hint)


# ---- what it comes to -------------------------------------------------------------------------------------------


def silenced(inventory: Inventory, found: Iterable[Diagnostic], *, complete: bool) -> list[Diagnostic]:
    """The diagnostics that no comment in the inventory silences. Only a whole build shows that a comment has no use."""
    kept = suppress(inventory.document, list(dict.fromkeys(found)))
    if not complete:
        kept = [each for each in kept if each.code != "PV010" or each.file != inventory.file]
    return sorted(kept, key=Diagnostic.sort_key)


def failing(misfits: Sequence[Misfit], kept: Sequence[Diagnostic], *, strict: bool) -> set[str]:
    """The hosts between which something is wrong that was not silenced."""
    bad = {each for each in kept if each.severity == "error" or (strict and each.severity == "warning")}
    return {host for each in misfits if each.diagnostic in bad for host in each.hosts}


def settle(folder: Folder | None, plan: Plan, done: Sequence[Output], report: Report, wanted: Wanted) -> Report:
    """Move what is right to its place, and say what is there now."""
    failed = set(report.failed)
    good = [output for output in done if output.name not in failed]
    report = report._replace(
        written=tuple(each.name for each in good if each.changed), unchanged=sum(not each.changed for each in good)
    )
    if folder is None:
        return report._replace(checked=True)
    try:
        for output in good:
            folder.take(output)
        gone = {name: entry for name, entry in folder.before.known.items() if name not in plan.inventory.hosts}
        removed = tuple(name for name in gone if wanted.prune and folder.remove(name))
        stale = {name: entry for name, entry in gone.items() if name not in removed and folder.has(name)}
        folder.write_manifest(
            plan.inventory.file, manifest_of(folder.before, plan, good, report.failed)._replace(stale=stale)
        )
    except OSError as error:
        raise refusal(error.filename or folder.path, error) from None
    return report._replace(
        outdated=tuple(name for name in report.failed if folder.has(name)), stale=tuple(stale), removed=removed,
        kept=tuple(stale) if wanted.prune else (),
    )  # fmt: skip


def manifest_of(before: Manifest, plan: Plan, good: Sequence[Output], failed: Sequence[str]) -> Manifest:
    """The manifest of all hosts: of those that were not built now it says what it said before."""
    built = {each.name: each.entry for each in good}
    wanted = set(plan.names)
    others = [name for name in plan.inventory.hosts if name not in wanted]
    entries = {**{name: before.hosts[name] for name in others if name in before.hosts}, **built}
    hosts = {name: entries[name] for name in plan.inventory.hosts if name in entries}
    still = {name: before.failed[name] for name in others if name in before.failed}
    return Manifest(hosts, {**still, **{name: before.known.get(name, {}) for name in failed}}, {})
