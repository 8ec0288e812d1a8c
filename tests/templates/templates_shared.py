"""Templates of tests: from texts, in a library that is in no folder."""

from collections.abc import Mapping

from provision.diagnostics import Diagnostic
from provision.templates.layers import PlainLayer
from provision.templates.library import Folder, Template
from provision.templates.rendering import Rendered, render
from provision.templates.values import Values, gathered

HEAD = "{# description: A test. #}\n"


class Memory(Folder):
    """A library of texts by name."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__("lib")
        self.texts = texts

    def names(self) -> list[str]:
        return sorted(self.texts)

    def data(self, name: str) -> bytes | None:
        text = self.texts.get(name)
        return None if text is None else text.encode("utf-8", "surrogatepass")


def header(**parameters: str) -> str:
    """A header with parameters, each schema as YAML on one line; descriptions are added."""
    lines = [f"  {name}: {{description: x, {schema}}}" for name, schema in parameters.items()]
    return "\n".join(["{#", "description: A test.", "parameters:", *lines, "#}"]) + "\n"


def template(text: str, **others: str) -> Template:
    """A template, with other files of its library by their names without `.j2`."""
    files = {"t.bu.j2": text, **{f"{name}.j2": other for name, other in others.items()}}
    return Template(Memory(files), "t.bu.j2")


def rendered(text: str, values: Mapping[str, object] | None = None, **others: str) -> Rendered:
    """What a text with a header gives."""
    return render(template(text, **others), Values([PlainLayer(values)]) if values else Values())


def result(body: str, values: Mapping[str, object] | None = None, **schemas: str) -> str:
    """The text that a body renders to; values have any type unless a schema is given."""
    known = {name: schemas.get(name, "") for name in {**(values or {}), **schemas}}
    found = rendered(header(**known) + body if known else HEAD + body, values)
    assert not found.diagnostics, found.diagnostics
    assert found.text is not None
    return found.text


def problems(body: str, values: Mapping[str, object] | None = None, **others: str) -> list[Diagnostic]:
    """What is wrong with a body under a plain header of one line, as lines from 2 on."""
    names = ", ".join(f"{name}: {{description: x}}" for name in values or {})
    return rendered("{# {description: A test., parameters: {" + names + "}} #}\n" + body, values, **others).diagnostics


def problem(body: str, values: Mapping[str, object] | None = None, **others: str) -> Diagnostic:
    """The one thing that is wrong."""
    found = problems(body, values, **others)
    assert len(found) == 1, found
    return found[0]


def place(found: Diagnostic) -> tuple[str, str, int, int]:
    """Code and place of a diagnostic."""
    return found.code, found.file, found.span.line, found.span.column


def bound(schema: str, *sets: str, environ: Mapping[str, str] | None = None) -> tuple[object, list[Diagnostic]]:
    """What `--set x…` gives for a parameter `x`, and what is wrong."""
    made = template(header(x=schema))
    assert made.header is not None, made.parsed[1]
    pairs = [(name, value) for name, _, value in (each.partition("=") for each in sets)]
    found = gathered(pairs, environ=environ).bind(made.header, made.file)
    return found.values.get("x"), found.diagnostics
