"""`provision build`: one config from several documents, or one for each host of an inventory."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provision.cli.app import (
    FOUND,
    ColorOption,
    FormatOption,
    JsonOption,
    StrictOption,
    app,
    checked_target,
    name_of,
    put,
    reaches,
    reads_configs,
    say,
    show,
)
from provision.cli.templates import PathOption
from provision.diagnostics import ProvisionError

if TYPE_CHECKING:
    from provision.transpile.author import Options

USES = "give documents, or --inventory with a file of hosts"


@app.command()
@reads_configs()
def build(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Documents, in order; a folder is the documents in it, by their names.", metavar="PATH"),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", help="Write to a file, or with --inventory to a folder.", metavar="OUT"),
    ] = None,
    inventory: Annotated[
        str | None, typer.Option("--inventory", help="Build a config for each host of this file.", metavar="FILE")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only hosts with such names: 'web-*'; repeatable.", metavar="GLOB"),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option("-j", "--jobs", help="Processes for many hosts; 0 takes one a processor.", min=0, metavar="N"),
    ] = 0,
    prune: Annotated[bool, typer.Option("--prune", help="Remove the files of hosts that are gone.")] = False,
    override: Annotated[
        bool, typer.Option("--override", help="Of two values for one thing, take the later one.")
    ] = False,
    pretty: Annotated[bool, typer.Option("-p", "--pretty", help="Indent the JSON.")] = False,
    strict: StrictOption = False,
    check: Annotated[bool, typer.Option("-c", "--check", help="Write nothing.")] = False,
    target: Annotated[
        str | None, typer.Option("--target", help="Ignition version to write: 3.1.0, 2.3.0, …", metavar="VERSION")
    ] = None,
    lossy: Annotated[bool, typer.Option("--lossy", help="Leave out what --target can't express.")] = False,
    source_map: Annotated[
        str | None,
        typer.Option("--source-map", help="Also write where everything stands to MAP.", metavar="MAP"),
    ] = None,
    path: PathOption = None,
    json: JsonOption = False,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
    *,
    options: "Options",
) -> None:
    """Merge documents of any dialect into one Ignition config, or build a config for each host of an inventory."""
    options = options._replace(pretty=pretty, raw=True, target=checked_target(target), lossy=lossy)
    if inventory is None:
        refuse_options(
            {"--only": only, "--prune": prune, "--path": path, "--json": json, "--jobs": jobs}, "only with --inventory"
        )
        if not paths:
            raise ProvisionError(f"build: {USES}", exit_code=2)
        build_one(paths, output, options, override, strict, check, source_map, format, color)
        return
    if paths:
        raise ProvisionError(f"build: {USES}, not both; fragments for all hosts stand in the inventory", exit_code=2)
    refuse_options({"--source-map": source_map}, "not with --inventory")
    build_hosts(inventory, output, options, path, only, jobs, prune, override, strict, check, json, format, color)


def refuse_options(given: dict[str, object], why: str) -> None:
    """Refuse options that would have no effect."""
    for name, value in given.items():
        if value:
            raise ProvisionError(f"build: {name} is {why}", exit_code=2)


def build_one(
    paths: list[str], output: str | None, options: "Options", override: bool, strict: bool, check: bool,
    source_map: str | None, format: str, color: str,
) -> None:  # fmt: skip
    """Build one config."""
    from provision.composition.building import compose
    from provision.composition.parts import documents_of, read_parts
    from provision.progress import Progress

    files = documents_of(paths)
    with Progress(f"building from {len(files)} documents"):
        built = compose(read_parts(files, options), options, override=override)
        failed = built.failed or (strict and reaches(built.diagnostics, "warning"))
        data = b"" if failed or check else built.output()
    if built.diagnostics:
        show(built.diagnostics, built.sources, [name_of(file) for file in files], format, color, sys.stderr)
    if failed:
        if not built.failed:
            say("provision: nothing was written: --strict takes no warnings")
        raise typer.Exit(FOUND)
    if check:
        return
    put(data, None if output in ("", "-") else output)
    if source_map:
        from provision.inputs import write_output
        from provision.source_map import written

        write_output(source_map, written(built.places()))


def build_hosts(
    inventory: str, output: str | None, options: "Options", path: list[str] | None, only: list[str] | None, jobs: int,
    prune: bool, override: bool, strict: bool, check: bool, json: bool, format: str, color: str,
) -> None:  # fmt: skip
    """Build the configs of an inventory."""
    from provision.inventory.building import Wanted, build_inventory
    from provision.inventory.report import words

    if not check and (output in (None, "", "-") or (os.path.exists(output or "") and not os.path.isdir(output or ""))):
        raise ProvisionError("build: name the folder to build into with -o", exit_code=2)
    wanted = Wanted(
        inventory, None if check else output, options, tuple(path or ()), tuple(only or ()), jobs, override, strict, prune
    )  # fmt: skip
    report = build_inventory(wanted)
    if report.diagnostics:
        show(report.diagnostics, report.sources, [name_of(inventory)], format, color, sys.stderr)
    if json:
        from provision.transpile.output import to_json

        put(to_json(report.as_plain(), pretty=True), None)
    if report.total:
        for line in words(report):
            say(line)
    if report.is_wrong or (strict and reaches(report.diagnostics, "warning")):
        raise typer.Exit(FOUND)
