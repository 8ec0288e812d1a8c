"""`provision inspect`: what is in a config of any dialect. Nothing is fetched, and no secret is shown.

`contents` decodes, `inventory` gathers what there is as plain values (its docstring describes the JSON), `text` shows
them, with the help of `tree` and `layout`; `extract` takes bytes out.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from provision.diagnostics import Diagnostic, ProvisionError
from provision.ignition import Config, full_version
from provision.inspection.extract import cat, extract, find
from provision.inspection.inventory import inventory
from provision.inspection.text import text_of
from provision.inspection.tree import ASCII, BOX
from provision.transpile.author import Options
from provision.transpile.compile import Compiled, compile_all
from provision.transpile.output import to_json

__all__ = ["Inspected", "as_json", "as_text", "cat_one", "extract_all", "inspect_file", "readable"]

DEFAULT_WIDTH = 80
NO_CONFIG = "there is no config in this file"


class Inspected(NamedTuple):
    """What the command prints: `data` for the pipe, `notes` for the person; and what was wrong with the file."""

    data: bytes
    notes: list[str]
    diagnostics: list[Diagnostic]
    sources: dict[str, str]

    @property
    def failed(self) -> bool:
        """Whether the file has errors; what could be made out of it is shown all the same."""
        return any(found.severity == "error" for found in self.diagnostics)


def inspect_file(
    data: bytes, file: str, options: Options, *, cat: str | None = None, extract: str | None = None,
    json: bool = False, width: int = DEFAULT_WIDTH, ascii: bool = False,
) -> Inspected:  # fmt: skip
    """All of `provision inspect FILE [--cat PATH] [--extract DIR] [--json]`. Raises ProvisionError for what can't be done."""
    return inspect_compiled(
        compile_all(data, file, options), file, cat=cat, extract=extract, json=json, width=width, ascii=ascii
    )


def inspect_compiled(
    found: Sequence[Compiled], file: str, *, cat: str | None = None, extract: str | None = None, json: bool = False,
    width: int = DEFAULT_WIDTH, ascii: bool = False,
) -> Inspected:  # fmt: skip
    """The same, of what was compiled already. What is shown of a template has none of its secrets; what is taken out has."""
    diagnostics = [diagnostic for one in found for diagnostic in one.diagnostics]
    if not readable(found) and not any(one.severity == "error" for one in diagnostics):
        raise ProvisionError(f"{file}: {NO_CONFIG}", exit_code=2)
    notes: list[str] = []
    if cat is not None:
        out = cat_one(found, cat)
    elif extract is not None:
        notes, out = extract_all(found, extract), b""
    else:
        out = as_json(found) if json else as_text(found, width=width, ascii=ascii).encode("utf-8", "backslashreplace")
        for one in found:
            out = one.hide(out.decode()).encode() if one.hide else out
    return Inspected(out, notes, diagnostics, {name: text for one in found for name, text in one.sources.items()})


def readable(found: Sequence[Compiled]) -> list[Compiled]:
    """What of a file can be inspected: the documents that could be read as a config."""
    configs = [one for one in found if one.config and one.release and one.release.dialect != "machineconfigpool"]
    return [wrapped(one) if one.release and one.release.dialect == "openshift" else one for one in configs]


def wrapped(butane: Compiled) -> Compiled:
    """A Butane config for OpenShift as the MachineConfig that it becomes, if a cluster takes it."""
    if butane.failed or butane.author is None or butane.author.options.raw:
        return butane
    (made,) = compile_all(butane.output(), butane.document.file)
    return butane._replace(config=made.config, author=made.author, root=made.root) if made.config else butane


def as_json(found: Sequence[Compiled]) -> bytes:
    """The inventory; a list of them where a file has several configs."""
    facts = [{"file": one.document.file, **head(one), **facts_of(one)} for one in readable(found)]
    return to_json(facts[0] if len(facts) == 1 else facts, pretty=True)


def as_text(found: Sequence[Compiled], *, width: int = DEFAULT_WIDTH, ascii: bool = False) -> str:
    """The inventory for people, with characters that any terminal has if need be."""
    strokes = ASCII if ascii else BOX
    lines: list[str] = []
    for one in readable(found):
        named = head(one)
        title = f"{one.document.file}: {named['dialect']}"
        lines += [title + ("" if str(named["spec"]) in title else f", as Ignition {named['spec']}")]
        lines += [*text_of(config_of(one), facts_of(one), strokes, width), ""]
    text = "\n".join(lines)
    return text.replace("…", "..") if ascii else text


def cat_one(found: Sequence[Compiled], path: str) -> bytes:
    """The bytes of one file of the config, or of the first config that has it."""
    configs = [config_of(one) for one in readable(found)]
    if not configs:
        raise ProvisionError(NO_CONFIG, exit_code=2)
    return cat(next((config for config in configs if find(config, path)), configs[-1]), path)


def extract_all(found: Sequence[Compiled], folder: str) -> list[str]:
    """Write the files of the one config of a file below a folder; the answer says what was left out."""
    configs = readable(found)
    if len(configs) != 1:
        raise ProvisionError(f"extract takes a file with one config, this has {len(configs)}", exit_code=2)
    return extract(config_of(configs[0]), folder)


def config_of(one: Compiled) -> Config:
    """The config of a document that has one."""
    return one.config or Config()


def head(one: Compiled) -> dict[str, object]:
    """What a document is."""
    spec = one.author.spec if one.author else (3, 0)
    return {"dialect": one.release.name if one.release else "", "spec": full_version(spec)}


def facts_of(one: Compiled) -> dict[str, Any]:
    """The inventory of a document."""
    return inventory(config_of(one), one.author.spec if one.author else (3, 0), one.root)
