"""Templates and their parameters as `provision template` shows them."""

import json
import textwrap
from collections.abc import Iterator, Sequence

from provision.inspection.tree import aligned
from provision.templates.header import Header
from provision.templates.library import Template
from provision.templates.parameters import Parameter
from provision.templates.yaml_text import to_yaml

NARROWEST = 24
NO_FAMILY = "others"


def list_text(templates: Sequence[Template], width: int) -> str:
    """The templates of a library, family by family."""
    blocks = []
    names = max((len(each.title) for each in templates), default=0)
    for family in sorted({family_of(each) for each in templates}):
        mine = [line for each in templates if family_of(each) == family for line in in_list(each, names, width)]
        blocks.append("\n".join([family, *mine]) + "\n")
    return "\n".join(blocks)


def in_list(template: Template, names: int, width: int) -> Iterator[str]:
    """A template's lines in the list."""
    indent = " " * (names + 4)
    first, *rest = textwrap.wrap(described(template), max(width - len(indent), NARROWEST)) or [""]
    yield f"  {template.title:{names}}  {first}".rstrip()
    yield from (indent + line for line in rest)


def family_of(template: Template) -> str:
    """The family that a template says it is of."""
    return template.header.family if template.header and template.header.family else NO_FAMILY


def described(template: Template) -> str:
    """What a template is for."""
    return template.header.description if template.header else ""


def list_json(templates: Sequence[Template]) -> bytes:
    """`[{"name", "family", "description", "file", "output", "parameters": [names]}]`; keys are only ever added."""
    rows = [
        {
            "name": each.title, "family": family_of(each), "description": described(each), "file": each.file,
            "output": each.output_name, "parameters": list(each.header.parameters) if each.header else [],
        }
        for each in templates
    ]  # fmt: skip
    return as_json(rows)


def as_json(value: object) -> bytes:
    """JSON for other programs."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def show_text(template: Template, header: Header, width: int) -> str:
    """A template with a table of its parameters."""
    head = [
        f"{template.title} ({family_of(template)})",
        *textwrap.wrap(header.description, width),
        "",
        f"file: {template.file}",
        "",
    ]
    rows = [["parameter", "type", "default"], *(list(cells(row)) for row in header.parameters.values())]
    if len(rows) == 1:
        return "\n".join([*head, "no parameters"]) + "\n"
    lines = aligned(rows)
    room = width - max(map(len, lines)) - 2
    if room < NARROWEST:  # the descriptions go below
        body = [line for at, each in enumerate(lines) for line in (each, *below(at, header, width))]
    else:
        body = [line for at, each in enumerate(lines) for line in beside(at, each, max(map(len, lines)), header, room)]
    return "\n".join([*head, *body]) + "\n"


def cells(parameter: Parameter) -> Iterator[str]:
    """The columns of a parameter before its description."""
    yield parameter.name
    yield parameter.summary + (" (secret)" if parameter.secret else "")
    yield default_text(parameter)


def default_text(parameter: Parameter, longest: int = 24) -> str:
    """The default on one line, or that there is none."""
    if parameter.required:
        return "required"
    if parameter.secret and parameter.default:
        return "…"
    value = parameter.default
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else to_yaml(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def nth(at: int, header: Header) -> Parameter | None:
    """The parameter of a row of the table, None for its head."""
    return list(header.parameters.values())[at - 1] if at else None


def below(at: int, header: Header, width: int) -> Iterator[str]:
    """A description on lines of its own."""
    parameter = nth(at, header)
    if parameter is not None:
        yield from textwrap.wrap(parameter.description, width, initial_indent="    ", subsequent_indent="    ")


def beside(at: int, line: str, width: int, header: Header, room: int) -> Iterator[str]:
    """A row with its description in a column of its own."""
    parameter = nth(at, header)
    first, *rest = textwrap.wrap(parameter.description if parameter else "meaning", room) or [""]
    yield f"{line:{width}}  {first}".rstrip()
    yield from (" " * (width + 2) + each for each in rest)


def show_json(template: Template, header: Header) -> bytes:
    """The template's head, its parameters in their order, and the JSON Schema of a file of values."""
    parameters = [
        {
            "name": row.name, "type": row.summary, "required": row.required, "secret": row.secret,
            "description": row.description, "schema": row.schema, **({} if row.required else {"default": row.default}),
        }
        for row in header.parameters.values()
    ]  # fmt: skip
    return as_json({
        "name": template.title, "family": family_of(template), "description": header.description, "file": template.file,
        "output": template.output_name, "parameters": parameters, "schema": header.schema(),
    })  # fmt: skip
