"""The pages of the library: for each template what it is for, what it takes, and what comes of its sample of values.

`python -m provision.templates.pages` writes them to docs/templates (`make docs-templates`); a test holds them to what this makes.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from provision.templates.header import Header
from provision.templates.library import Folder, Template, templates_in
from provision.templates.parameters import Parameter, parts_of, summary_of
from provision.templates.rendering import render
from provision.templates.values import gathered
from provision.templates.yaml_text import to_yaml

# In the order of the index, with a line on each.
FAMILIES = {
    "clusters": "Clusters in the manner of CoreOS: etcd in the middle, containers around it, updates one after the other.",
    "containers": "What runs on Fedora CoreOS and Flatcar today.",
    "machines": "Parts of a machine: disks, network, clock, people, updates. Several go together with `provision build`.",
    "openshift": "MachineConfigs for `oc apply`.",
    "debian": "The first boot of Debian, Ubuntu and their kin.",
}
INDEX = "README.md"
LONGEST_IN_TABLE = 50
# A pattern would make a cell of a table that nobody reads; it stands below the table.
WITHOUT = ("pattern", "not", "propertyNames")


def pages(library: Path, samples: Path) -> dict[str, str]:
    """The text of each page by its file's name, with the index."""
    templates = templates_in(Folder(str(library)))
    made = {f"{each.title}.md": page(each, samples) for each in templates}
    return {INDEX: index(templates), **made}


def header_of(template: Template) -> Header:
    """The header of a template of the library. Raises ValueError where it is not sound."""
    header, found = template.parsed
    if header is None or found or header.family not in FAMILIES:
        raise ValueError(f"{template.file}: {found[0].message if found else 'no header of a known family'}")
    return header


def index(templates: Sequence[Template]) -> str:
    """The page that leads to all others."""
    lines = [
        "# Templates",
        "",
        "Starting points: each is a document with typed parameters, and is compiled, applied and, where a machine is needed,",
        "run in tests. `provision template list` shows them, `provision template show NAME` what one takes.",
        "",
        *shell(
            "provision template new data-disk -o values.yaml                                # asks for what it takes",
            "provision template render data-disk --values values.yaml -o data-disk.bu       # the document, to go on from",
            "provision template render data-disk --values values.yaml | provision transpile  # Ignition at once",
        ),
    ]
    for family, what in FAMILIES.items():
        mine = [each for each in templates if header_of(each).family == family]
        lines += ["", f"## {family.capitalize()}", "", what, "", "| template | what the machine is then |", "|---|---|"]
        lines += [f"| [{each.title}]({each.title}.md) | {cell(header_of(each).description)} |" for each in mine]
    return "\n".join(lines) + "\n"


def page(template: Template, samples: Path) -> str:
    """The page of one template."""
    header, sample = header_of(template), samples / f"{template.title}.yaml"
    rendered = render(template, gathered(files=[str(sample)]))
    if rendered.text is None or rendered.diagnostics:
        raise ValueError(f"{sample}: {rendered.diagnostics[0].message}")
    parameters = list(header.parameters.values())
    lines = [
        "<!-- Made by `make docs-templates`; change the template instead. -->",
        "",
        f"# {template.title}",
        "",
        header.description,
        "",
        *shell(f"provision template render {template.title} --values values.yaml -o {template.output_name}"),
        "",
        "## Parameters",
        "",
        "| parameter | takes | default | meaning |",
        "|---|---|---|---|",
        *(row(each) for each in parameters),
        *details(parameters),
        "",
        "## A sample of values",
        "",
        *fence("yaml", rendered.secrets.hide(sample.read_text(encoding="utf-8"))),
        "",
        "## What comes of it",
        "",
        *fence("yaml", rendered.secrets.hide(rendered.text)),
    ]
    return "\n".join(lines) + "\n"


def row(parameter: Parameter) -> str:
    """A parameter's row of the table."""
    default = "required" if parameter.required else cell(code(short(parameter.default)))
    default += "".join(f", such as {cell(code(short(each)))}" for each in plain_examples(parameter)[:1])
    takes = summary_of(without_patterns(parameter.schema)) + (", secret" if parameter.secret else "")
    return f"| `{parameter.name}` | {cell(takes)} | {default} | {cell(parameter.description)} |"


def without_patterns(schema: Any) -> Any:
    """A schema without its patterns, and those of its parts."""
    if not isinstance(schema, dict):
        return schema
    found = {key: value for key, value in schema.items() if key not in WITHOUT}
    if isinstance(found.get("items"), dict):
        found["items"] = without_patterns(found["items"])
    return found


def details(parameters: Sequence[Parameter]) -> Iterator[str]:
    """Patterns, the keys of mappings, and examples, of the parameters that have some."""
    for parameter in parameters:
        shown = [each for each in parameter.schema.get("examples", ()) if each not in plain_examples(parameter)]
        found = list(parts(parameter.schema))
        if found or shown:
            yield from ("", f"### `{parameter.name}`")
            yield from ("", *found) if found else ()
            for each in shown:
                yield from ("", "For example:", "", *fence("yaml", to_yaml({parameter.name: each})))


def parts(schema: Any, path: tuple[str, ...] = (), *, needed: bool = False) -> Iterator[str]:
    """What is asked of a value and of what is in it, one line for each place that the table says nothing of."""
    if not isinstance(schema, dict):
        return
    if path and "properties" not in schema:
        must = "required, " if needed else ""
        yield f"- {place(path)}{must}{summary_of(without_patterns(schema))}{pattern_of(schema)}{meaning(schema)}"
    elif "pattern" in schema:
        yield f"- matches{pattern_of(schema)}"
    names = schema.get("propertyNames")
    if isinstance(names, dict):
        yield f"- its keys: {summary_of({'type': 'string', **without_patterns(names)})}{pattern_of(names)}"
    for step, part in parts_of(schema):
        if step[0] == "properties":
            yield from parts(part, (*path, str(step[1])), needed=step[1] in schema.get("required", ()))
        elif step[0] == "items" and ("pattern" in part or "properties" in part):
            yield from parts(part, (*path, "[]"))
        elif step[0] == "additionalProperties":
            yield from parts(part, (*path, "*"))


def pattern_of(schema: dict[str, Any]) -> str:
    """The pattern that a text has to match."""
    return f" {code(schema['pattern'])}" if "pattern" in schema else ""


def place(path: Sequence[str]) -> str:
    """Where in a value a line is about; nothing for the value itself."""
    return f"{code('.'.join(path).replace('.[]', '[]'))}: " if path else ""


def meaning(schema: dict[str, Any]) -> str:
    """The description of a part, behind a line on it."""
    return f". {schema['description']}" if schema.get("description") else ""


def plain_examples(parameter: Parameter) -> list[object]:
    """The examples of a parameter that are short enough for the table."""
    found = parameter.schema.get("examples", ())
    return [each for each in found if not isinstance(each, dict) and len(short(each)) <= LONGEST_IN_TABLE]


def short(value: object) -> str:
    """A default on one line."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else to_yaml(value)


def code(text: str) -> str:
    """A text as code, also in a cell of a table."""
    tick = "``" if "`" in text else "`"
    return f"{tick}{text}{tick}" if text else "empty"


def cell(text: str) -> str:
    """A text that does not end its cell."""
    return text.replace("|", "\\|")


def fence(language: str, text: str) -> list[str]:
    """A block of code."""
    return [f"```{language}", *text.rstrip("\n").split("\n"), "```"]


def shell(*commands: str) -> list[str]:
    """Commands, as the other documents have them."""
    return [f"    {command}" for command in commands]


def write(folder: Path, made: dict[str, str]) -> None:
    """Write pages to a folder, and take away those of templates that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


def main(root: Path) -> None:
    """Write the pages of the library of a checkout."""
    write(root / "docs" / "templates", pages(root / "templates", root / "samples" / "templates"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
