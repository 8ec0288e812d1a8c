"""What the parameters of a template are set to: values from several sources, each with the place that it came from.

The later source wins, and of mappings each key by itself. From weak to strong: the default in the header, the environment, an
inventory, files of values in their order, `--set` in its order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from provision.diagnostics import Diagnostic, nearest
from provision.document import read
from provision.templates.fitting import unfit, validator_class
from provision.templates.header import Header
from provision.templates.layers import Layer, NodeLayer, TextLayer, merged
from provision.templates.parameters import Parameter, completed
from provision.templates.positions import Place

VARIABLE_PREFIX = "PROVISION_VAR_"
SET, ENVIRONMENT = "--set", "environment"


class Bound(NamedTuple):
    """The values of all parameters, as far as they are sound, and what is wrong."""

    values: dict[str, Any]
    diagnostics: list[Diagnostic]


class Values:
    """The sources of values, the weakest first.

    `other` are names that something else takes, such as the variables of older formats: they are no mistake here.
    """

    def __init__(self, layers: Sequence[Layer] = (), other: Iterable[str] = ()) -> None:
        self.layers, self.other = tuple(layers), frozenset(other)

    @property
    def sources(self) -> dict[str, str]:
        """The texts that diagnostics may name."""
        return {file: text for layer in self.layers for file, text in layer.sources.items()}

    def over(self, layers: Sequence[Layer]) -> "Values":
        """These values, and below them, weaker, those of other sources."""
        return Values((*layers, *self.layers), self.other)

    def bind(self, header: Header, file: str) -> Bound:
        """The values for a template's parameters; `file` is the template's."""
        found = [each for layer in self.layers for each in self.unknown(layer, header)]
        values: dict[str, Any] = {}
        for name, parameter in header.parameters.items():
            givers = [layer for layer in self.layers if name in layer.names()]
            if not givers:
                if parameter.required:
                    found.append(missing(parameter, file))
                else:
                    values[name] = completed_default(parameter)
                continue
            value: Any = None
            for layer in givers:
                value = merged(value, layer.value(parameter))
            value = completed(value, parameter.schema)
            if known_sound(parameter, value):
                values[name] = value
                continue
            problems = unfit(value, parameter, validator_of(parameter))
            for each in problems:
                place = place_of(givers, name, each.path, each.key) or Place(file, parameter.span)
                found.append(Diagnostic("PV785", "error", each.message, place.file, place.span, each.hint, None))
            if not problems:
                remember(parameter, value)
                values[name] = value
        broken = [each for layer in self.layers for each in layer.diagnostics()]
        # What can't be read is not also of the wrong type.
        said = {(each.file, each.span.line) for each in broken}
        kept = [each for each in found if each.code != "PV785" or (each.file, each.span.line) not in said]
        return Bound(values, sorted({*broken, *kept}, key=Diagnostic.sort_key))

    def unknown(self, layer: Layer, header: Header) -> Iterator[Diagnostic]:
        """Names that no parameter has."""
        if layer.severity is None:
            return
        for name in layer.names():
            if name in header.parameters or name in self.other:
                continue
            known = [*self.other, *header.parameters]
            meant = nearest(name, known)
            listed = f"parameters are {', '.join(header.parameters)}" if header.parameters else "it has none"
            place = layer.name_place(name)
            yield Diagnostic(
                "PV784", layer.severity, f"the template has no parameter `{name}`", place.file, place.span,
                f"did you mean `{meant}`?" if meant else listed,
            )  # fmt: skip


def missing(parameter: Parameter, file: str) -> Diagnostic:
    """A parameter that nothing was given for."""
    what = f": {parameter.description}" if parameter.description else ""
    return Diagnostic(
        "PV783", "error", f"`{parameter.name}` has no value and no default{what}", file, parameter.span,
        f"give it one with --set {parameter.name}=… or in a file for --values",
    )  # fmt: skip


def place_of(givers: Sequence[Layer], name: str, path: Sequence[str | int], key: str | None) -> Place | None:
    """Where a part of a value was set last; where nothing set it, what it is in."""
    for length in range(len(path), -1, -1):
        for layer in reversed(givers):
            found = layer.place(name, path[:length], key if length == len(path) else None)
            if found is not None:
                return found
        if key is not None and length == len(path):
            for layer in reversed(givers):
                found = layer.place(name, path)
                if found is not None:
                    return found
    return None


# ---- what was checked before -------------------------------------------------------------------------------------

# Many machines share most of their values. Bounded, for values that differ between all of them.
MANY_SOUND = 4096


class Known:
    """The validator of a parameter, its completed default, and the plain values that it has found sound."""

    __slots__ = ("default", "parameter", "sound", "validator")

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        self.validator = validator_class()(parameter.schema)
        self.default = completed(parameter.default, parameter.schema)
        self.sound: set[tuple[type, object]] = set()


KNOWN: dict[int, Known] = {}


def known(parameter: Parameter) -> Known:
    """What is kept of a parameter."""
    found = KNOWN.get(id(parameter.schema))
    if found is None or found.parameter.schema is not parameter.schema:
        found = KNOWN[id(parameter.schema)] = Known(parameter)
    return found


def validator_of(parameter: Parameter) -> Any:
    """The validator of a parameter."""
    return known(parameter).validator


def completed_default(parameter: Parameter) -> Any:
    """The default, with the defaults of its parts."""
    return known(parameter).default


def known_sound(parameter: Parameter, value: Any) -> bool:
    """Whether this very value has been found sound before."""
    return isinstance(value, str | int) and (type(value), value) in known(parameter).sound


def remember(parameter: Parameter, value: Any) -> None:
    """Keep that a value is sound."""
    if isinstance(value, str | int):
        sound = known(parameter).sound
        if len(sound) < MANY_SOUND:
            sound.add((type(value), value))


# ---- where values come from --------------------------------------------------------------------------------------


def from_set(pairs: Sequence[tuple[str, str]]) -> list[Layer]:
    """The values of `--set`."""
    return [TextLayer(SET, pairs)] if pairs else []


def from_environment(environ: Mapping[str, str]) -> list[Layer]:
    """The values of `PROVISION_VAR_…`."""
    pairs = [
        (name.removeprefix(VARIABLE_PREFIX), text) for name, text in environ.items() if name.startswith(VARIABLE_PREFIX)
    ]
    pairs = sorted((name, text) for name, text in pairs if name)
    return [TextLayer(ENVIRONMENT, pairs, prefix=VARIABLE_PREFIX, severity="warning")] if pairs else []


def from_files(paths: Sequence[str]) -> list[Layer]:
    """The values of files. Raises ProvisionError for one that can't be read."""
    from provision.inputs import read_input

    layers: list[Layer] = []
    for path in paths:
        document = read(read_input(path), path)
        layers.append(NodeLayer(document, document.root))
    return layers


def gathered(
    sets: Sequence[tuple[str, str]] = (),
    files: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    other: Iterable[str] = (),
) -> Values:
    """The values of a command line and its environment."""
    return Values([*from_environment(environ or {}), *from_files(files), *from_set(sets)], other)
