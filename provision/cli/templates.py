"""The commands about templates: what there is, what one takes, and what it gives."""

import os
import shutil
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from provision.cli.app import (
    FOUND,
    USAGE,
    ColorOption,
    FilesDirOption,
    FormatOption,
    JsonOption,
    OutputOption,
    ValuesOption,
    app,
    pairs,
    put,
    say,
    show,
)
from provision.diagnostics import ProvisionError, nearest

if TYPE_CHECKING:
    from provision.diagnostics import Diagnostic
    from provision.templates.header import Header
    from provision.templates.library import Template
    from provision.templates.values import Values

template = typer.Typer(
    name="template",
    help="Documents with parameters, and the library of them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(template)

PathOption = Annotated[
    list[str] | None,
    typer.Option("--path", help="A library of your own, searched before ours: a folder or a zip.", metavar="PATH"),
]
NameArgument = Annotated[
    str, typer.Argument(help="A template's name, or its file.", metavar="NAME", show_default=False)
]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="The value of a parameter.", metavar="NAME=VALUE")]


@template.command("list")
def list_templates(
    path: PathOption = None,
    json: JsonOption = False,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
) -> None:
    """List the templates that there are, family by family."""
    from provision.templates.library import LibraryError, all_templates
    from provision.templates.listing import list_json, list_text

    try:
        found = list(all_templates(path or ()))
    except LibraryError as error:
        refuse([error.diagnostic], {}, format, color)
    put(list_json(found) if json else list_text(found, shutil.get_terminal_size().columns).encode(), None)
    problems = [problem for each in found for problem in each.parsed[1]]
    if problems:
        refuse(problems, {each.file: each.text for each in found}, format, color)


@template.command("show")
def show_template(
    name: NameArgument,
    path: PathOption = None,
    json: JsonOption = False,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
) -> None:
    """Show what a template is for, and its parameters; with --json also the JSON Schema of its values."""
    from provision.templates.listing import show_json, show_text

    found = find_template(name, path, format, color)
    header = header_of(found, format, color)
    width = shutil.get_terminal_size().columns
    put(show_json(found, header) if json else show_text(found, header, width).encode(), None)


@template.command()
def render(
    name: NameArgument,
    set: SetOption = None,
    values: ValuesOption = None,
    output: OutputOption = None,
    path: PathOption = None,
    files_dir: FilesDirOption = None,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
) -> None:
    """Fill in a template: the config as you would write it, to go on with.

    Values come from --set, from files of --values, and from the environment as PROVISION_VAR_name, the first the strongest.
    `provision transpile FILE.bu.j2` does both steps at once.
    """
    from provision.templates.asking import write_private
    from provision.templates.rendering import render as render_template

    found = find_template(name, path, format, color)
    rendered = render_template(found, values_of(set, values), files_dir)
    if rendered.text is None:
        refuse(rendered.diagnostics, rendered.sources, format, color)
    if rendered.diagnostics:
        show(rendered.diagnostics, rendered.sources, [found.file], format, color, sys.stderr)
    data = rendered.text.encode("utf-8", "surrogateescape")
    if output is None:
        put(data, None)
    else:
        write_private(output, data, private=bool(rendered.secrets))


@template.command()
def new(
    name: NameArgument,
    set: SetOption = None,
    values: ValuesOption = None,
    output: OutputOption = None,
    path: PathOption = None,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
) -> None:
    """Write a file of values for a template: NAME.yaml, with a comment for each parameter.

    On a terminal it asks for what --set, --values and the environment do not give; elsewhere that has to be complete. The file
    must not be there yet. `provision template render NAME --values NAME.yaml` goes on from it.
    """
    from provision.templates.asking import ask_all, ask_terminal, given_value, on_terminal, values_file, write_new

    found = find_template(name, path, format, color)
    header = header_of(found, format, color)
    file = output or f"{os.path.basename(found.title)}.yaml"
    if os.path.lexists(file):
        raise ProvisionError(f"{file} is there already; name another file with -o, or move it away", exit_code=USAGE)
    wanted = values_of(set, values)
    bound = wanted.bind(header, found.file)
    asking = on_terminal()
    problems = [each for each in bound.diagnostics if not (asking and each.code == "PV783")]
    if any(each.severity == "error" for each in problems):
        from provision.templates.rendering import secrets_of

        hidden = secrets_of(header, wanted)
        sources = hidden.hide_all({found.file: found.text, **wanted.sources})
        refuse([hidden.hide_in(each) for each in problems], sources, format, color)
    if asking:
        say(f"{found.title}: {header.description}\nAn empty answer takes the default, which stands in brackets.")
        given = ask_all(header, wanted, ask_terminal, say)
    else:
        given = {
            name: given_value(row, wanted)
            for name, row in header.parameters.items()
            if any(name in layer.names() for layer in wanted.layers)
        }
    write_new(file, values_file(found, header, given, file), private=bool(header.secrets))
    where = "".join(f"--path {each} " for each in path or ())
    say(f"{file} written; next: provision template render {name} {where}--values {file} -o {found.output_name}")


def values_of(set: list[str] | None, files: list[str] | None) -> "Values":
    """The values of a command line and the environment."""
    from provision.templates.values import gathered

    return gathered(pairs("--set", set), files or (), os.environ)


def find_template(name: str, path: list[str] | None, format: str, color: str) -> "Template":
    """The template of a name; ends the command where there is none."""
    from provision.templates.library import LibraryError, NotFound, find

    try:
        found = find(name, path or ())
    except LibraryError as error:
        refuse([error.diagnostic], {}, format, color)
    if isinstance(found, NotFound):
        meant = nearest(name, found.known)
        hint = f"did you mean {meant}?" if meant else "`provision template list` lists them"
        raise ProvisionError(f"there is no template {name}; {hint}", exit_code=USAGE)
    return found


def header_of(found: "Template", format: str, color: str) -> "Header":
    """The header of a template; ends the command where it is not sound."""
    header, problems = found.parsed
    if header is None or problems:
        refuse(problems, {found.file: found.text}, format, color)
    return header


def refuse(problems: "list[Diagnostic]", sources: dict[str, str], format: str, color: str) -> NoReturn:
    """Show what is wrong, and end the command."""
    show(problems, sources, sorted({each.file for each in problems}), format, color, sys.stderr)
    raise typer.Exit(FOUND)
