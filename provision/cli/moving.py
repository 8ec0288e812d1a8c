"""The commands that take configs from one format to another, and show what is in them."""

import os
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.app import (
    FOUND,
    ColorOption,
    ConfigArgument,
    FilesDirOption,
    FormatOption,
    FsmapOption,
    JsonOption,
    OutputOption,
    StrictOption,
    app,
    author_options,
    name_of,
    put,
    reaches,
    reads_configs,
    say,
    show,
)
from provision.diagnostics import ProvisionError

if TYPE_CHECKING:
    from provision.decompile.files import Decompiled
    from provision.transpile.author import Options

VariantOption = Annotated[
    str | None, typer.Option("--variant", help="Butane's variant: fcos, flatcar, openshift, r4e, fiot.", metavar="NAME")
]
WrittenFilesOption = Annotated[
    str | None,
    typer.Option("--files-dir", help="Folder to write contents to that are no text, as local files.", metavar="DIR"),
]


@app.command()
@reads_configs(without=("files_dir", "systemd_analyze"))
def convert(
    file: ConfigArgument = "-",
    output: OutputOption = None,
    variant: VariantOption = None,
    files_dir: WrittenFilesOption = None,
    input_files_dir: Annotated[
        str | None,
        typer.Option("-d", "--input-files-dir", help="Folder that local files are read from.", metavar="DIR"),
    ] = None,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
    *,
    options: "Options",
) -> None:
    """Turn a config of any format into Butane, with its comments."""
    from provision.decompile.files import convert_file

    options = options._replace(files_dir=input_files_dir)
    finish(convert_file(file, variant, output, files_dir, options), name_of(file), output, files_dir, format, color)


@app.command()
def decompile(
    file: ConfigArgument = "-",
    output: OutputOption = None,
    variant: VariantOption = None,
    files_dir: WrittenFilesOption = None,
    fsmap: FsmapOption = None,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
) -> None:
    """Turn an Ignition config or a MachineConfig back into Butane."""
    from provision.decompile.files import decompile_file

    options = author_options(fsmap=fsmap)
    finish(decompile_file(file, variant, output, files_dir, options), name_of(file), output, files_dir, format, color)


def finish(result: "Decompiled", name: str, output: str | None, files_dir: str | None, format: str, color: str) -> None:
    """Show what was found, and print the text where it was not written."""
    if result.diagnostics:
        show(result.diagnostics, result.sources, [name], format, color, sys.stderr)
    if result.text is None:
        raise typer.Exit(FOUND)
    if files_dir is not None and result.files:
        say(f"{len(result.files)} {'file' if len(result.files) == 1 else 'files'} written to {files_dir}")
    if not output:
        put(result.text.encode(), None)


@app.command()
def merge(
    paths: Annotated[list[str], typer.Argument(help="MachineConfigs; - is standard input.", metavar="FILE")],
    machineconfig: Annotated[
        bool, typer.Option("--machineconfig", help="Merge as OpenShift's operator does, by name.")
    ] = False,
    pool: Annotated[
        str | None, typer.Option("--pool", help="The pool to merge for, where the files have several.", metavar="NAME")
    ] = None,
    output: OutputOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say in which order, and who won what.")] = False,
    json: JsonOption = False,
    strict: StrictOption = False,
    files_dir: FilesDirOption = None,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
) -> None:
    """Merge MachineConfigs into the one that the machines of a pool get."""
    from provision.rendering import merge_files

    if not machineconfig:
        raise ProvisionError(
            "merge: add --machineconfig; MachineConfigs are all that can be merged so far", exit_code=2
        )
    result = merge_files(paths, pool, explain=explain, as_json=json, options=author_options(files_dir))
    if result.diagnostics:
        show(result.diagnostics, result.sources, result.files, format, color, sys.stderr)
    if result.data is None:
        raise typer.Exit(FOUND)
    if strict and reaches(result.diagnostics, "warning"):
        say("provision: nothing was written: --strict takes no warnings")
        raise typer.Exit(FOUND)
    if result.explanation:
        say(result.explanation.rstrip("\n"))
    put(result.data, output)


@app.command()
@reads_configs()
def inspect(
    file: ConfigArgument = "-",
    cat: Annotated[
        str | None, typer.Option("--cat", help="Print the content of one file of the config.", metavar="PATH")
    ] = None,
    extract: Annotated[
        str | None, typer.Option("--extract", help="Write the files of the config into a folder.", metavar="DIR")
    ] = None,
    json: JsonOption = False,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
    *,
    options: "Options",
) -> None:
    """Show what a config holds: files, units, users, disks."""
    from provision.inspection import inspect_compiled
    from provision.templates.configs import compile_all_of

    if cat is not None and (extract is not None or json):
        raise ProvisionError("inspect: --cat prints one file as it is; leave out --extract and --json", exit_code=2)
    width = shutil.get_terminal_size().columns
    plain = (os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or "") in ("C", "POSIX")
    found = compile_all_of(file, name_of(file), options)
    result = inspect_compiled(found, name_of(file), cat=cat, extract=extract, json=json, width=width, ascii=plain)
    problems = [found for found in result.diagnostics if found.severity == "error"]
    if problems:
        show(problems, result.sources, [name_of(file)], format, color, sys.stderr)
    for note in result.notes:
        say(note)
    put(result.data, None)
    if result.failed:
        raise typer.Exit(FOUND)


@app.command()
@reads_configs()
def report(
    file: ConfigArgument = "-",
    json: JsonOption = False,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
    *,
    options: "Options",
) -> None:
    """Show, field by field, what Ignition carries: exactly, by a generated unit, or not at all."""
    from provision.migration import print_report

    compiled = print_report(file, options, json)
    problems = [found for found in compiled.diagnostics if found.severity == "error"]
    if problems:
        sys.stdout.flush()
        show(problems, compiled.sources, [name_of(file)], format, color, sys.stderr)
        raise typer.Exit(FOUND)
