"""The commands for those who write configs."""

import os
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from provision.cli.app import (
    DONE,
    FOUND,
    USAGE,
    ColorOption,
    ConfigArgument,
    FormatOption,
    OutputOption,
    StrictOption,
    VersionOption,
    app,
    checked_level,
    checked_target,
    name_of,
    put,
    reaches,
    reads_configs,
    say,
    show,
)
from provision.diagnostics import Diagnostic, ProvisionError

if TYPE_CHECKING:
    from provision.transpile.author import Options


@app.command()
@reads_configs(without=("every_boot",))
def validate(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files and folders; - or nothing is standard input.", metavar="PATH")
    ] = None,
    strict: StrictOption = False,
    fail_level: Annotated[
        str,
        typer.Option("--fail-level", help="Fail from this severity on: error, warning, info or none.", metavar="LEVEL"),
    ] = "error",
    format: FormatOption = "auto",
    select: Annotated[
        list[str] | None,
        typer.Option("--select", help="Only these codes: PV310, or PV3 for all that begin so.", metavar="CODE,…"),
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", help="All but these codes.", metavar="CODE,…")] = None,
    extend_select: Annotated[
        list[str] | None, typer.Option("--extend-select", help="These codes, too.", metavar="CODE,…")
    ] = None,
    jobs: Annotated[
        int,
        typer.Option("-j", "--jobs", help="Processes for many files; 0 takes one a processor.", min=0, metavar="N"),
    ] = 0,
    stdin_filename: Annotated[
        str, typer.Option("--stdin-filename", help="Name that reports give to standard input.", metavar="NAME")
    ] = "<stdin>",
    color: ColorOption = "auto",
    *,
    options: "Options",
) -> None:
    """Check configs and report every problem with its place, its code and its remedy."""
    from provision.validation import Selection, validate_files

    level = checked_level("warning" if strict else fail_level)
    selection = Selection(codes(select), codes(ignore), codes(extend_select))
    # A config of an older format is right by that format, whatever of it Ignition 3 can't carry: that is a warning here.
    options = options._replace(lossy=True)
    result = validate_files(paths or ["-"], options, selection, jobs, stdin_filename)
    show(result.diagnostics, result.sources, result.files, format, color, sys.stdout)
    for problem in result.unreadable:
        say(f"provision: {problem}")
    if result.unreadable:
        raise typer.Exit(USAGE)
    if not result.files:
        say(f"provision: no config found in {', '.join(paths or [])}")
    raise typer.Exit(FOUND if reaches(result.diagnostics, level) else DONE)


def codes(given: list[str] | None) -> tuple[str, ...]:
    """The codes that an option lists, however often it is given: `--select PV1,PV3 --select pv601`."""
    return tuple(code.strip().upper() for text in given or () for code in text.split(",") if code.strip())


@app.command()
@reads_configs()
def transpile(
    file: ConfigArgument = "-",
    more: Annotated[list[str] | None, typer.Argument(help="More configs, with --check.", metavar="[FILE]...")] = None,
    output: OutputOption = None,
    pretty: Annotated[bool, typer.Option("-p", "--pretty", help="Indent the JSON.")] = False,
    strict: StrictOption = False,
    check: Annotated[bool, typer.Option("-c", "--check", help="Write nothing.")] = False,
    raw: Annotated[bool, typer.Option("-r", "--raw", help="Ignition JSON also where a MachineConfig is due.")] = False,
    target: Annotated[
        str | None, typer.Option("--target", help="Ignition version to write: 3.1.0, 2.3.0, …", metavar="VERSION")
    ] = None,
    lossy: Annotated[bool, typer.Option("--lossy", help="Leave out what --target can't express.")] = False,
    source_map: Annotated[
        str | None,
        typer.Option(
            "--source-map", help="Also write where everything stands in FILE, for the applier.", metavar="MAP"
        ),
    ] = None,
    format: FormatOption = "auto",
    raw_errors: Annotated[bool, typer.Option("--raw-errors", help="Short for --format concise.")] = False,
    color: ColorOption = "auto",
    version: VersionOption = False,
    *,
    options: "Options",
) -> None:
    """Translate a config to Ignition JSON, or to the MachineConfig that carries it. Takes Butane's flags."""
    from provision.progress import Progress
    from provision.templates.configs import compile_input

    options = options._replace(pretty=pretty, raw=raw, target=checked_target(target), lossy=lossy)
    if more:
        if not check:
            raise ProvisionError(
                "transpile: one config is written; several can be checked, with --check", exit_code=USAGE
            )
        check_several([file, *more], options, strict, "concise" if raw_errors else format, color)
    name = name_of(file)
    with Progress(f"transpiling {os.path.basename(name)}"):
        compiled = compile_input(file, name, options)
        failed = compiled.failed or (strict and reaches(compiled.diagnostics, "warning"))
        data = b"" if failed or check else compiled.output()
    if compiled.diagnostics:
        chosen = "concise" if raw_errors else format
        show(compiled.diagnostics, compiled.sources, [name], chosen, color, sys.stderr)
    if failed:
        if not compiled.failed:
            say("provision: nothing was written: --strict takes no warnings")
        raise typer.Exit(FOUND)
    if not check:
        put(data, output)
    if source_map and not check:
        from provision.inputs import write_output
        from provision.source_map import written
        from provision.transpile.source_map import places_of

        write_output(source_map, written(places_of(compiled)))


def check_several(files: list[str], options: "Options", strict: bool, format: str, color: str) -> NoReturn:
    """Transpile configs and write nothing: all that is wrong with them comes in one report."""
    from provision.progress import Progress
    from provision.templates.configs import compile_input

    found: list[Diagnostic] = []
    sources: dict[str, str] = {}
    with Progress("transpiling", len(files)) as progress:
        for file in files:
            compiled = compile_input(file, name_of(file), options)
            found += compiled.diagnostics
            sources |= compiled.sources
            progress.step()
    if found:
        show(found, sources, list(map(name_of, files)), format, color, sys.stderr)
    raise typer.Exit(FOUND if reaches(found, "warning" if strict else "error") else DONE)
