"""The application that the commands join, what their options are called, and how they end."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from inspect import Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provision import __version__
from provision.diagnostics import SEVERITIES, Diagnostic, ProvisionError, nearest

if TYPE_CHECKING:
    from provision.transpile.author import Options

Command = Callable[..., None]

app = typer.Typer(
    name="provision",
    help="Validate, transpile and apply the configs of machines, in any of their formats.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# 3, the machine refused, comes with the ProvisionError that says so.
DONE, FOUND, USAGE, BUG = 0, 1, 2, 70


def known_format(name: str) -> str:
    """A format that exists: a wrong name is told before any work."""
    if name != "auto":
        from provision.report import choose

        choose(name, terminal=False, environ={})
    return name


FormatOption = Annotated[
    str,
    typer.Option(
        "--format", callback=known_format, help="full, concise, json, sarif, github, gitlab, junit or auto.",
        metavar="FORMAT",
    ),
]  # fmt: skip
ColorOption = Annotated[str, typer.Option("--color", help="auto, always or never.", metavar="WHEN")]
FilesDirOption = Annotated[
    str | None, typer.Option("-d", "--files-dir", help="Folder that local files are read from.", metavar="DIR")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ConfigArgument = Annotated[
    str, typer.Argument(help="The config; - or nothing is standard input.", metavar="FILE", show_default=False)
]


def named_output(name: str | None) -> str | None:
    """The file to write; none for an empty name, as Butane has it, and for `-`."""
    return None if name in ("", "-") else name


OutputOption = Annotated[
    str | None,
    typer.Option(
        "-o", "--output", callback=named_output, help="Write to a file; - is standard output.", metavar="FILE"
    ),
]
StrictOption = Annotated[bool, typer.Option("-s", "--strict", help="Fail on warnings, too.")]

# What decides how older formats are read; commands that compile a config take all of these.
DialectOption = Annotated[
    str | None,
    typer.Option(
        "--dialect", help="clc, cloud-config, cloud-init, unit or script, where the content can't tell.", metavar="NAME"
    ),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="A value for a template, or of a variable.", metavar="NAME=VALUE")
]
ValuesOption = Annotated[
    list[str] | None, typer.Option("--values", help="A YAML file with values for a template.", metavar="FILE")
]
PlatformOption = Annotated[
    str | None, typer.Option("--platform", help="Where a Container Linux Config runs: ec2, gce, …", metavar="NAME")
]
FsmapOption = Annotated[
    list[str] | None,
    typer.Option("--fsmap", help="Where a named file system of Ignition 2 is mounted.", metavar="NAME=/PATH"),
]
TargetOsOption = Annotated[
    str | None, typer.Option("--target-os", help="What the machine runs: fcos, flatcar, ubuntu, …", metavar="NAME")
]
EveryBootOption = Annotated[bool, typer.Option("--every-boot", help="Scripts run at every boot, not once.")]
AnalyzeOption = Annotated[bool, typer.Option("--systemd-analyze", help="Have systemd-analyze look at the units, too.")]


def author_options(
    files_dir: FilesDirOption = None,
    dialect: DialectOption = None,
    set: SetOption = None,
    values: ValuesOption = None,
    platform: PlatformOption = None,
    fsmap: FsmapOption = None,
    target_os: TargetOsOption = None,
    every_boot: EveryBootOption = False,
    systemd_analyze: AnalyzeOption = False,
) -> "Options":
    """What the options say that decide how a config is read, checked as far as a command line can be."""
    from provision.transpile.author import Options
    from provision.versions import NAMEABLE

    check_name("--dialect", dialect, NAMEABLE)
    if target_os is not None:
        from provision.transpile.cloud_init.targets import SYSTEMS

        check_name("--target-os", target_os, tuple(SYSTEMS))
    if platform is not None:
        from provision.transpile.clc.dynamic_data import PLATFORMS

        check_name("--platform", platform, tuple(PLATFORMS))
    for name, path in pairs("--fsmap", fsmap):
        if not path.startswith("/"):
            raise ProvisionError(f"--fsmap {name}={path}: write NAME=/PATH, with an absolute path", exit_code=USAGE)
    return Options(
        files_dir, dialect=dialect, values=pairs("--set", set), platform=platform, fsmap=pairs("--fsmap", fsmap),
        target_os=target_os, every_boot=every_boot, systemd_analyze=systemd_analyze, value_files=tuple(values or ()),
    )  # fmt: skip


def reads_configs(*, without: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a command the options of `author_options`; what they say comes to it as `options`."""

    def widen(command: Command) -> Command:
        own = [row for name, row in signature(command).parameters.items() if name != "options"]
        shared = [row for name, row in signature(author_options).parameters.items() if name not in without]

        @wraps(command)
        def run(**given: Any) -> None:
            read = {row.name: given.pop(row.name) for row in shared}
            command(options=author_options(**read), **given)

        run.__signature__ = Signature([*own, *shared])  # type: ignore[attr-defined]  # what typer reads
        run.__annotations__ = {row.name: row.annotation for row in (*own, *shared)}
        return run

    return widen


def pairs(option: str, given: list[str] | None) -> tuple[tuple[str, str], ...]:
    """`NAME=VALUE` arguments as pairs."""
    found = []
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ProvisionError(f"{option} {text}: write NAME=VALUE", exit_code=USAGE)
        found.append((name, value))
    return tuple(found)


def check_name(option: str, name: str | None, known: tuple[str, ...]) -> None:
    """Raise ProvisionError for a name that does not exist, with the one that is meant, or all."""
    if name is not None and name not in known:
        meant = nearest(name, known)
        said = f"did you mean {meant}?" if meant else f"use one of {', '.join(known)}"
        raise ProvisionError(f"{option} {name}: {said}", exit_code=USAGE)


def checked_target(target: str | None) -> str | None:
    """An Ignition version that can be written."""
    from provision.versions import TARGETS

    if target is None or target in TARGETS:
        return target
    meant = next((each for each in TARGETS if each in (f"{target}.0", f"{target}-experimental")), None)
    said = f"did you mean {meant}?" if meant else f"known are {', '.join(TARGETS)}"
    raise ProvisionError(f"--target {target}: {said}", exit_code=USAGE)


def say(text: str) -> None:
    """A line for the person, not for the pipe."""
    print(text, file=sys.stderr, flush=True)


def put(data: bytes, output: str | None) -> None:
    """Write a result to a file, or to standard output where none is named."""
    from provision.inputs import write_output

    if output:
        write_output(output, data)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def name_of(file: str) -> str:
    """What reports call an input."""
    from provision.inputs import STDIN, STDIN_NAME

    return STDIN_NAME if file == STDIN else file


def version_wanted(wanted: bool) -> None:
    """`--version` and `-V`."""
    if wanted:
        print(f"provision {__version__}")
        raise typer.Exit


VersionOption = Annotated[
    bool, typer.Option("-V", "--version", callback=version_wanted, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def options(
    version: VersionOption = False,
) -> None:
    """Validate, transpile and apply the configs of machines, in any of their formats.

    Butane, Ignition 2 and 3, CoreOS cloud-config, Container Linux Config, MachineConfig, Canonical cloud-init, systemd and
    fleet units: the content tells which. --debug with any command shows the traceback of an internal error.
    """


# ---- showing diagnostics ----------------------------------------------------------------------------------------


def wants_color(when: str, stream: Any) -> bool:
    """Whether to colour what goes to a stream. NO_COLOR (no-color.org) switches off what `auto` would do."""
    if when in ("always", "yes"):
        return True
    return when == "auto" and stream.isatty() and not os.environ.get("NO_COLOR")


def show(
    diagnostics: list[Diagnostic], sources: dict[str, str], files: list[str], format: str, color: str, stream: Any
) -> None:
    """Print diagnostics in a format; the formats for people end with a summary on standard error."""
    from provision.report import choose, render, summary

    chosen = choose(format, terminal=stream.isatty(), environ=os.environ)
    text = render(diagnostics, sources, chosen, color=wants_color(color, stream), files=files)
    stream.write(text)
    stream.flush()
    if chosen in ("full", "concise", "github"):
        say(
            "\n" * (chosen == "full" and bool(text))
            + summary(diagnostics, len(files), color=wants_color(color, sys.stderr))
        )


def reaches(diagnostics: list[Diagnostic], level: str) -> bool:
    """Whether a diagnostic is at or above a level."""
    if level == "none":
        return False
    bar = SEVERITIES.index(level)
    return any(SEVERITIES.index(diagnostic.severity) >= bar for diagnostic in diagnostics)


def checked_level(level: str) -> str:
    """A level that exists."""
    if level not in (*SEVERITIES, "none"):
        raise ProvisionError(f"--fail-level {level}: use error, warning, info or none", exit_code=USAGE)
    return level
