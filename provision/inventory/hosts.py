"""One host: its values, its documents, and the config that they make."""

from collections.abc import Sequence
from typing import NamedTuple

from provision.composition.building import compose
from provision.composition.parts import Part, document_part, rendered_part
from provision.diagnostics import WHOLE_FILE, Diagnostic, Span
from provision.ignition import Config
from provision.inventory.documents import Source
from provision.inventory.facts import Machine, machine_of
from provision.inventory.reading import Inventory, Level
from provision.record import Record
from provision.schema.machine.facts import Fact, facts_of
from provision.templates.layers import Layer, PlainLayer
from provision.templates.library import Template
from provision.templates.positions import Place
from provision.templates.rendering import compile_template
from provision.templates.values import Values
from provision.transpile.author import Options

HOST_VARIABLE = "hostname"
HOW_TO_SET = "set it under `variables`: of the host, of a group of it, or at the top of the inventory"


class Settings(NamedTuple):
    """What holds for all hosts: what values are weaker and stronger than the inventory's, names of values that others take."""

    inventory: Inventory
    options: Options
    weaker: Sequence[Layer] = ()
    stronger: Sequence[Layer] = ()
    other: frozenset[str] = frozenset()
    override: bool = False


class Host(NamedTuple):
    """What became of a host. `data` is None where something is wrong with it."""

    name: str
    data: bytes | None
    diagnostics: list[Diagnostic]
    sources: dict[str, str]
    machine: Machine | None = None
    facts: Sequence[Fact] = ()


def build_host(host: Level, levels: Sequence[Level], sources: Sequence[Source], settings: Settings) -> Host:
    """The config of a host."""
    values = values_of(host, levels, settings)
    only = sources[0] if len(sources) == 1 else None
    if only is not None and only.template is not None:
        built = from_template(host.name, only.template, values, settings.options)
    else:
        built = from_documents(host.name, sources, values, settings)
    found = [each._replace(hint=HOW_TO_SET) if each.code == "PV783" else each for each in built.diagnostics]
    return built._replace(diagnostics=found)


def values_of(host: Level, levels: Sequence[Level], settings: Settings) -> Values:
    """The values of a host, the weakest first; its name is `hostname` where nothing says otherwise."""
    name = PlainLayer({HOST_VARIABLE: host.name}, Place(settings.inventory.file, host.span), severity=None)
    own = [level.variables for level in levels if level.variables is not None]
    return Values([*settings.weaker, name, *own, *settings.stronger], settings.other)


def from_template(name: str, template: Template, values: Values, options: Options) -> Host:
    """The config of a host that needs no more than one template."""
    done = compile_template(template, values, options)
    if done.failed or done.config is None:
        return Host(name, None, done.diagnostics, done.sources)
    return Host(name, done.output(), done.diagnostics, done.sources, machine_of(done.config), told(name, done.config))


def from_documents(name: str, sources: Sequence[Source], values: Values, settings: Settings) -> Host:
    """The config of a host that several documents make."""
    parts = [part_of(source, values, settings.options) for source in sources]
    built = compose(parts, settings.options, override=settings.override)
    texts = built.sources if built.diagnostics else {}
    if built.failed or built.config is None:
        return Host(name, None, built.diagnostics, texts)
    return Host(name, built.output(), built.diagnostics, texts, machine_of(built.config), told(name, built.config))


def part_of(source: Source, values: Values, options: Options) -> Part:
    """A document of a host."""
    if source.template is not None:
        return rendered_part(source.template, values, options)
    return source.part or document_part(source.name, options)


def told(name: str, config: Config) -> list[Fact]:
    """What a host says that those of other hosts must fit with, under its name."""
    return facts_of(config, name, nowhere)


def nowhere(record: Record, field: str | None, line: int | None) -> Span:
    """The place of a fact: its host is all that counts."""
    return WHOLE_FILE
