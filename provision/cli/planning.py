"""The commands that look at machines and change nothing."""

import os
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.app import (
    FOUND,
    USAGE,
    ColorOption,
    FormatOption,
    JsonOption,
    OutputOption,
    app,
    name_of,
    pairs,
    put,
    reads_configs,
    say,
    show,
    wants_color,
)
from provision.diagnostics import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from provision.ignition import Config
    from provision.transpile.author import Options


def read_config(file: str, options: "Options", format: str, color: str) -> "tuple[Config, Callable[[str], str]]":
    """A config of any dialect in the newest spec, once its diagnostics are shown; errors end the command.

    With it comes what takes the secrets of a template out of a text.
    """
    from provision.ignition import upgrade
    from provision.templates.configs import compile_input

    name = name_of(file)
    compiled = compile_input(file, name, options)
    if compiled.diagnostics:
        show(compiled.diagnostics, compiled.sources, [name], format, color, sys.stderr)
    if compiled.failed or compiled.config is None or compiled.author is None:
        raise typer.Exit(FOUND)
    return upgrade(compiled.config, compiled.author.spec), compiled.hide or str


@app.command()
@reads_configs()
def plan(
    config: Annotated[str, typer.Argument(help="The config, in any dialect; - is standard input.", metavar="FILE")],
    facts: Annotated[
        str | None,
        typer.Option("--facts", help="A machine that `facts` recorded; else this one.", metavar="FILE"),
    ] = None,
    root: Annotated[
        str | None, typer.Option("--root", help="Its root directory; else an empty one is assumed.", metavar="DIR")
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option("--device", help="Another name that a device has at first boot.", metavar="NAME=/dev/vda"),
    ] = None,
    idle: Annotated[
        bool, typer.Option("--idle", help="As if no device were in use: what a first boot would do.")
    ] = False,
    json: JsonOption = False,
    keep_data: Annotated[bool, typer.Option("--keep-data", help="Exit with 1 if anything would be destroyed.")] = False,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
    *,
    options: "Options",
) -> None:
    """Show what a config would do to a machine, and what it would destroy. Changes nothing.

    Destroyed are partitions, partition tables, file systems, volumes and what members of arrays hold; files, links and
    directories that the config replaces or removes; users with their homes. Not so what is only resized, appended to, or
    given another mode, and what stays where it is under a new partition table.

    Exit codes: 0, also where something would be destroyed; 1 with --keep-data then, and for errors in the config; 3 if
    the config cannot be applied to the machine as it is.
    """
    from provision.planning import Source, as_json, as_text, exit_code, make_forecast

    wanted, hide = read_config(config, options, format, color)
    made = make_forecast(wanted, Source(facts, root, pairs("--device", device), idle))
    if json:
        put(hide(as_json(made).decode()).encode(), None)
    else:
        plain = (os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or "") in (
            "C",
            "POSIX",
        )
        width = shutil.get_terminal_size().columns
        text = as_text(made, name_of(config), width=width, color=wants_color(color, sys.stdout), ascii=plain)
        put(hide(text.decode()).encode(), None)
    raise typer.Exit(exit_code(made, keep_data=keep_data))


@app.command()
@reads_configs()
def facts(
    root: Annotated[str, typer.Option("--root", help="The root directory to look at.", metavar="DIR")] = "/",
    no_root: Annotated[bool, typer.Option("--no-root", help="Record the devices alone, as for a new machine.")] = False,
    wanted: Annotated[
        str | None,
        typer.Option("--for", help="Record also what this config touches, wherever it is.", metavar="CONFIG"),
    ] = None,
    output: OutputOption = None,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
    *,
    options: "Options",
) -> None:
    """Record what a machine is: disks and what they hold, users, /etc. `provision plan --facts` reads it anywhere.

    Only looks. Holds no content of files, only hashes; none of /etc/shadow and its like, and of files that not everybody
    may read only those that the config of --for touches. In a rescue shell, name the mounted system with --root, or take
    --no-root. Without root privileges, what could not be seen is said.
    """
    from provision.planning import facts_json

    if no_root and root != "/":
        raise ProvisionError("facts: --root names a root and --no-root wants none; leave one out", exit_code=USAGE)
    config = read_config(wanted, options, format, color)[0] if wanted is not None else None
    data, found = facts_json(None if no_root else root, config)
    put(data, output)
    for remark in found.remarks:
        say(f"note: {remark}")
