"""The command line. Every command imports what it needs itself, so that `--help` loads no compiler."""

import errno
import gc
import os
import sys
from typing import Annotated, Any

import typer

from provision import __version__
from provision.diagnostics import ISSUES_URL, SEVERITIES, Diagnostic, ProvisionError

app = typer.Typer(
    name="provision",
    help="Validate, transpile and apply the configs of machines: Butane and Ignition.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# 3, the machine refused, comes with the ProvisionError that says so.
DONE, FOUND, USAGE, BUG = 0, 1, 2, 70
# A document has far more objects than Python's collector expects; none of them are garbage.
GC_THRESHOLD = 1_000_000
# How the system says that standard output takes no more.
OUTPUT_LOST = frozenset((errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT))

FormatOption = Annotated[
    str, typer.Option("--format", help="full, concise, json, sarif, github, gitlab, junit or auto.", metavar="FORMAT")
]
ColorOption = Annotated[str, typer.Option("--color", help="auto, always or never.", metavar="WHEN")]
FilesDirOption = Annotated[
    str | None, typer.Option("-d", "--files-dir", help="Folder that local files are read from.", metavar="DIR")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """The console script: runs a command, and answers for what it did not expect."""
    arguments, debug = prepared(sys.argv[1:])
    gc.set_threshold(GC_THRESHOLD)
    open_streams()
    try:
        try:
            app(args=arguments, prog_name="provision")
        finally:
            sys.stdout.flush()
    except ProvisionError as error:
        say(f"provision: {error}")
        sys.exit(error.exit_code)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OUTPUT_LOST:
            drop_output()
            if isinstance(error, BrokenPipeError):
                sys.exit(FOUND)  # who reads us, `head` for one, has seen enough
            say(f"provision: standard output: {(error.strerror or str(error)).lower()}")
            sys.exit(USAGE)
        if debug:
            raise
        where = "".join(f" {note}" for note in getattr(error, "__notes__", ()))
        say(
            f"provision: internal error{where}: {type(error).__name__}: {error}\n"
            f"This is a mistake in provision {__version__}, not in your config. Please report it at {ISSUES_URL}\n"
            "with the command and the input. Run it again with --debug to see the traceback."
        )
        sys.exit(BUG)


def open_streams() -> None:
    """Make the standard streams safe to use: UTF-8, whatever the locale, and the null device for a closed one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  # it lives as long as the process
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def drop_output() -> None:
    """Forget what standard output still holds, so that Python does not try it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def prepared(arguments: list[str]) -> tuple[list[str], bool]:
    """The arguments without `--debug`, and with a bare `--color` spelled as `--color=always`, as Butane has it."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    debug = "--debug" in arguments[:end]
    out: list[str] = []
    rest = iter([argument for argument in arguments[:end] if argument != "--debug"] + arguments[end:])
    for argument in rest:
        if argument == "--":
            return [*out, argument, *rest], debug
        if argument in ("--color", "--colour"):
            value = next(rest, None)
            known = value in ("auto", "always", "never", "yes", "no")
            out.append(f"--color={value if known else 'always'}")
            out += [value] if value is not None and not known else []
        else:
            out.append(argument)
    return out, debug


def say(text: str) -> None:
    """A line for the person, not for the pipe."""
    print(text, file=sys.stderr, flush=True)


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
    """Validate, transpile and apply the configs of machines: Butane and Ignition.

    --debug with any command shows the traceback of an internal error.
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


# ---- commands ---------------------------------------------------------------------------------------------------


@app.command()
def validate(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files and folders; - or nothing is standard input.", metavar="PATH")
    ] = None,
    files_dir: FilesDirOption = None,
    strict: Annotated[bool, typer.Option("-s", "--strict", help="Fail on warnings, too.")] = False,
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
) -> None:
    """Check configs and report every problem with its place, its code and its remedy."""
    from provision.report import choose
    from provision.validation import Selection, validate_files

    level = checked_level("info" if strict else fail_level)
    choose(format, terminal=False, environ={})  # a wrong name is told before any work
    selection = Selection(codes(select), codes(ignore), codes(extend_select))
    result = validate_files(paths or ["-"], files_dir, selection, jobs, stdin_filename)
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
def transpile(
    file: Annotated[
        str, typer.Argument(help="The config; - or nothing is standard input.", metavar="FILE", show_default=False)
    ] = "-",
    output: Annotated[str | None, typer.Option("-o", "--output", help="Write to a file.", metavar="FILE")] = None,
    pretty: Annotated[bool, typer.Option("-p", "--pretty", help="Indent the JSON.")] = False,
    strict: Annotated[bool, typer.Option("-s", "--strict", help="Fail on warnings, too.")] = False,
    check: Annotated[bool, typer.Option("-c", "--check", help="Write nothing.")] = False,
    files_dir: FilesDirOption = None,
    raw: Annotated[bool, typer.Option("-r", "--raw", help="Ignition JSON also where a MachineConfig is due.")] = False,
    format: FormatOption = "auto",
    raw_errors: Annotated[bool, typer.Option("--raw-errors", help="Short for --format concise.")] = False,
    color: ColorOption = "auto",
    version: VersionOption = False,
) -> None:
    """Translate a config to Ignition JSON, or to the MachineConfig that carries it. Takes Butane's flags."""
    from provision.inputs import STDIN, STDIN_NAME, read_input, write_output
    from provision.progress import Progress
    from provision.transpile.author import Options
    from provision.transpile.compile import compile_document

    name = STDIN_NAME if file == STDIN else file
    with Progress(f"transpiling {os.path.basename(name)}"):
        compiled = compile_document(read_input(file), name, Options(files_dir, pretty, raw))
        failed = compiled.failed or (strict and bool(compiled.diagnostics))
        data = b"" if failed or check else compiled.output()
    if compiled.diagnostics:
        chosen = "concise" if raw_errors else format
        show(compiled.diagnostics, compiled.sources, [name], chosen, color, sys.stderr)
    if failed:
        if not compiled.failed:
            say("provision: nothing was written: --strict takes no warnings")
        raise typer.Exit(FOUND)
    if check:
        return
    if not output:  # as Butane, which takes an empty name for none
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        write_output(output, data)


@app.command()
def apply(
    config: Annotated[str, typer.Argument(help="The config, in any dialect; - is standard input.", metavar="FILE")],
    root: Annotated[str, typer.Option("--root", help="The root directory to change.", metavar="DIR")],
    dry_run: Annotated[
        bool, typer.Option("-n", "--dry-run", help="Show what would be done, with diffs; write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm that the running system itself may be changed.")] = False,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help="Leave a section out, for example passwd.", metavar="SECTION")
    ] = None,
    files_dir: FilesDirOption = None,
    format: FormatOption = "auto",
    color: ColorOption = "auto",
) -> None:
    """Apply a config to a root directory: files, links, units, users."""
    from provision.applying import apply_to_root
    from provision.inputs import STDIN, STDIN_NAME, read_input
    from provision.transpile.author import Options
    from provision.transpile.compile import compile_document

    name = STDIN_NAME if config == STDIN else config
    compiled = compile_document(read_input(config), name, Options(files_dir))
    if compiled.diagnostics:
        show(compiled.diagnostics, compiled.sources, [name], format, color, sys.stderr)
    if compiled.failed or compiled.config is None or compiled.release is None:
        raise typer.Exit(FOUND)
    apply_to_root(compiled.config, compiled.release.spec, root, dry_run=dry_run, yes=yes, skip=frozenset(skip or ()))


@app.command()
def schema(
    dialect: Annotated[
        str | None, typer.Argument(help="fcos, flatcar, openshift, r4e, fiot or ignition.", metavar="DIALECT")
    ] = None,
    version: Annotated[
        str | None, typer.Argument(help="A version of it; the newest stable one by default.", metavar="VERSION")
    ] = None,
    all: Annotated[
        str | None, typer.Option("--all", help="Write the schemas of all releases into a folder.", metavar="DIR")
    ] = None,
) -> None:
    """Print the JSON Schema of a release, for editors and other tools."""
    from provision.pages import print_schema, write_schemas

    if all is not None:
        write_schemas(all)
    else:
        print_schema(dialect, version)


@app.command()
def rules(json: JsonOption = False) -> None:
    """List the codes of everything that can be reported."""
    from provision.pages import print_rules

    print_rules(as_json=json)


@app.command()
def explain(code: Annotated[str, typer.Argument(help="A code, for example PV310.", metavar="CODE")]) -> None:
    """Say what a code is about, with a bad and a good example, and how to silence it."""
    from provision.pages import print_explanation

    print_explanation(code)


@app.command()
def version(json: JsonOption = False) -> None:
    """Print the versions of provision and of what it runs on."""
    from provision.pages import print_version

    print_version(as_json=json)
