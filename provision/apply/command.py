"""The command lines of the initramfs: `ignition` and its companions, told apart by the name that they are called by.

`ignition` runs stages, `ignition-apply` applies a config to a root directory, `ignition-validate` judges one, and
`ignition-rmcfg` has the platform forget it. Source: Ignition, `internal/main.go`, `internal/apply`, `validate`.
`provision-agent`, which is also what the agent's file is called by, takes the name as its first argument.
"""

import os
import sys
from argparse import Action, ArgumentParser, HelpFormatter, Namespace
from collections.abc import Callable, Sequence

from provision import __version__
from provision.apply import log
from provision.apply.failure import Report, report_of
from provision.apply.paths import shown
from provision.apply.root_command import print_version, read
from provision.diagnostics import ProvisionError, nearest
from provision.source_map import load_source_map
from provision.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from provision.apply.engine import Engine, Options

DONE, FAILED, USAGE, UNPREPARED, INTERRUPTED = 0, 1, 2, 3, 130
STAGES = ("fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount")
FAILURE_FILE = "/run/ignition/failure.json"
FAILURE_MODE = 0o600

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Parser(ArgumentParser):
    """A parser for flags with one dash or two, as Go programs take them; none may be abbreviated."""

    def _get_option_tuples(self, option_string: str) -> list[tuple[Action, str, str | None]]:
        """What a flag may be short for. `allow_abbrev` is not heeded for flags with one dash."""
        return []


def new_parser(program: str, description: str) -> ArgumentParser:
    """A parser for one of the programs."""
    # Without a width argparse asks for the terminal's, and loads all of shutil to do so.
    return Parser(
        program,
        description=description,
        allow_abbrev=False,
        formatter_class=lambda prog: HelpFormatter(prog, width=100),
    )


def flag(parser: ArgumentParser, name: str, default: str | None, meaning: str, metavar: str) -> None:
    """A flag with a value."""
    parser.add_argument(f"--{name}", f"-{name}", default=default, metavar=metavar, help=meaning)


def switch(parser: ArgumentParser, name: str, meaning: str) -> None:
    """A flag without one; `=true` and `=false` are taken, too."""
    parser.add_argument(f"--{name}", f"-{name}", nargs="?", const="true", default="false", choices=SWITCHES, help=meaning,
                        metavar="BOOL")  # fmt: skip


SWITCHES = ("true", "false", "1", "0", "t", "f", "T", "F", "TRUE", "FALSE", "True", "False")


def is_on(value: str) -> bool:
    """What a switch says. Source: Go, strconv.ParseBool."""
    return value.lower() in ("true", "1", "t")


def duration(text: str) -> float:
    """Seconds of '2m', '1h30m', '500ms'. Source: Go, time.ParseDuration. Raises ProvisionError."""
    rest, total = "" if text == "0" else text, 0.0
    while rest:
        number = rest[: len(rest) - len(rest.lstrip("0123456789."))]
        rest = rest[len(number) :]
        unit = next((unit for unit in sorted(UNITS, key=len, reverse=True) if rest.startswith(unit)), None)
        if unit is None or not number.strip(".") or number.count(".") > 1:
            raise ProvisionError(f"-fetch-timeout {text}: write a time such as 2m, 30s or 1h30m", exit_code=USAGE)
        total += float(number) * UNITS[unit]
        rest = rest[len(unit) :]
    if not text:
        raise ProvisionError("-fetch-timeout is empty: write a time such as 2m", exit_code=USAGE)
    return total


# ---- ignition -----------------------------------------------------------------------------------------------------


def stage_parser() -> ArgumentParser:
    """The options of `ignition`."""
    parser = new_parser("ignition", "Run stages of provisioning: fetch the machine's config and carry it out.")
    flag(parser, "platform", None, "what the machine runs on: qemu, aws, metal, file, …", "ID")
    flag(parser, "stage", None, f"one or several, with commas between: {', '.join(STAGES)}", "STAGE[,STAGE…]")
    flag(parser, "root", "/", "the root of the system that is provisioned", "DIR")
    flag(parser, "config-cache", "/run/ignition.json", "where the fetched config is kept for later stages", "FILE")
    flag(parser, "state-file", "/run/ignition/state", "what one stage leaves to the next", "FILE")
    flag(parser, "neednet", "/run/ignition/neednet", "made where the network is needed", "FILE")
    flag(parser, "fetch-timeout", "2m", "how long the platform may take to give the config", "DURATION")
    flag(parser, "source-map", None, "lines of the author's document, for messages", "FILE")
    switch(parser, "log-to-stdout", "write the log to standard output, not to the system log")
    switch(parser, "version", "print the version and exit")
    return parser


def run_stages(arguments: Sequence[str]) -> int:
    """`ignition`."""
    options = stage_parser().parse_args(arguments)
    if is_on(options.version):
        return print_version()
    if not options.platform:
        raise ProvisionError("-platform is missing: say what the machine runs on", exit_code=USAGE)
    if not options.stage:
        raise ProvisionError(f"-stage is missing; there are {', '.join(STAGES)}", exit_code=USAGE)
    stages = tuple(options.stage.split(","))
    unknown = [stage for stage in stages if stage not in STAGES]
    if unknown:
        raise ProvisionError(
            f"-stage {', '.join(unknown)}: not a stage; there are {', '.join(STAGES)}", exit_code=USAGE
        )
    check_platform(options.platform)
    log.open_log(to_standard_output=is_on(options.log_to_stdout))
    log.info(f"provision {__version__}")
    return run_engine(options, stages)


def check_platform(platform: str) -> None:
    """Raise ProvisionError for a platform that is not in the table."""
    from provision.apply.providers import PROVIDERS

    if platform not in PROVIDERS:
        raise ProvisionError(
            f"-platform {platform}: not known; there are {', '.join(sorted(PROVIDERS))}", exit_code=USAGE
        )


def run_engine(options: Namespace, stages: tuple[str, ...]) -> int:
    """Run the stages in their order; the first that fails ends the run with the failure block."""
    from provision.apply.console import Console
    from provision.apply.engine import Engine, Options
    from provision.apply.work import log_step

    settings = Options(
        options.platform, stages, options.root, options.config_cache, options.state_file, options.neednet,
        duration(options.fetch_timeout), os.environ, load_source_map(options.source_map) if options.source_map else {},
    )  # fmt: skip
    with Console(log_step) as console:
        return run_each(Engine(settings, console), settings)


def run_each(engine: "Engine", options: "Options") -> int:
    """Run the stages of an engine."""
    stages = options.stages
    for stage in stages:
        try:
            engine.run(stage)
        except (ProvisionError, OSError) as error:
            report = report_of(error, stage, options.source_map)
            log.critical(f"{stage} failed: {report.cause}")
            engine.report(stage, report)
            keep_failure(report, options.root, stage)
            print(report.block(), file=sys.stderr, flush=True)
            return FAILED
        engine.report(stage, None)
        # The stage after this one needs what could not be had; only `fetch` begins anew.
        if engine.needs_network and stages[stages.index(stage) + 1 : stages.index(stage) + 2] != ("fetch",):
            break
    log.info("ignition finished successfully")
    return DONE


def keep_failure(report: Report, root: str, stage: str) -> None:
    """Write the failure where it is found later: on this machine, and in the root where a stage had begun to fill it."""
    from provision.apply.result import as_json, boot
    from provision.apply.state import write_whole

    try:
        content = as_json({**boot(), "failure": report.as_dict()})
        if stage == "files" and root:
            keep_in_root(root, content)
        os.makedirs(os.path.dirname(FAILURE_FILE), mode=0o700, exist_ok=True)
        write_whole(FAILURE_FILE, content, FAILURE_MODE)
    except (OSError, ProvisionError) as error:
        log.notice(f"the failure could not be written down: {error}")


def keep_in_root(root: str, content: bytes) -> None:
    """Write the failure in the place of the result, unless there is no folder for it. Links do not lead out."""
    from provision.apply.paths import parent_of
    from provision.apply.result import result_path
    from provision.apply.system import Machine

    machine = Machine(root, {})
    try:
        path = machine.resolve(result_path())
        if machine.look(parent_of(path)).kind == "directory":
            machine.replace(path, content, FAILURE_MODE, "")
    except (OSError, ProvisionError) as error:
        log.notice(f"the failure could not be written to {root}: {error}")
    finally:
        machine.close()


# ---- ignition-rmcfg -------------------------------------------------------------------------------------------------


def remove_config(arguments: Sequence[str]) -> int:
    """`ignition-rmcfg`: have the platform forget the config, which may hold secrets."""
    parser = new_parser("ignition-rmcfg", "Have the platform forget the machine's config.")
    flag(parser, "platform", None, "what the machine runs on: vmware, virtualbox", "ID")
    switch(parser, "log-to-stdout", "write the log to standard output, not to the system log")
    switch(parser, "version", "print the version and exit")
    options = parser.parse_args(arguments)
    if is_on(options.version):
        return print_version()
    if not options.platform:
        raise ProvisionError("--platform is missing: say what the machine runs on", exit_code=USAGE)
    check_platform(options.platform)
    log.open_log(to_standard_output=is_on(options.log_to_stdout))
    from provision.apply.fetch import Fetcher
    from provision.apply.providers import PROVIDERS, Host

    try:
        PROVIDERS[options.platform].delete(Host(Fetcher()))
    except ProvisionError as error:
        raise ProvisionError(f"{options.platform}: {error}", exit_code=FAILED) from None
    log.info(f"{options.platform} has forgotten the config")
    return DONE


# ---- ignition-validate ------------------------------------------------------------------------------------------------


def validate(arguments: Sequence[str]) -> int:
    """`ignition-validate`: what is wrong with a config, on standard output."""
    parser = new_parser("ignition-validate", "Say what is wrong with an Ignition config.")
    switch(parser, "version", "print the version and exit")
    parser.add_argument("config", nargs="*", metavar="CONFIG.ign", help="Ignition JSON; - reads standard input")
    options = parser.parse_args(arguments)
    if is_on(options.version):
        return print_version()
    if len(options.config) != 1:
        raise ProvisionError("ignition-validate takes one config; - reads standard input", exit_code=FAILED)
    from provision.apply.reading import read_config

    reading = read_config(read(options.config[0], exit_code=FAILED))
    for remark in reading.remarks:
        print(remark)
    return DONE if reading.is_sound else FAILED


# ---- all of them --------------------------------------------------------------------------------------------------------


def apply_config(arguments: Sequence[str]) -> int:
    """`ignition-apply`."""
    from provision.apply import root_command

    return root_command.main(list(arguments), program="ignition-apply")


def first_boot(arguments: Sequence[str]) -> int:
    """`first-boot`: what the scripts and units of an initramfs call around the stages."""
    from provision.apply.first_boot.command import main

    return main(arguments)


def pack(arguments: Sequence[str]) -> int:
    """`pack`: the agent and what it needs, into the tree of an initramfs."""
    from provision.apply import pack as packing

    return packing.main(arguments)


PROGRAMS: dict[str, Callable[[Sequence[str]], int]] = {
    "ignition": run_stages,
    "provision-ignition": run_stages,
    "ignition-apply": apply_config,
    "ignition-rmcfg": remove_config,
    "ignition-validate": validate,
    "first-boot": first_boot,
    "pack": pack,
}


# ---- provision-agent ----------------------------------------------------------------------------------------------------

AGENT, AGENT_SUFFIX = "provision-agent", ".pyz"
AGENT_HELP = """usage: provision-agent PROGRAM [ARGUMENT…]

What provisions this machine. The programs; each tells more with --help:

  ignition           run stages: fetch the machine's config and carry it out
  ignition-apply     apply a config to a root directory
  ignition-validate  say what is wrong with a config
  ignition-rmcfg     have the platform forget the config
  first-boot         what an initramfs calls around the stages
  pack               copy this agent and what it needs into the tree of an initramfs"""


def run_agent(arguments: Sequence[str]) -> int:
    """`provision-agent`: the first argument names the program. Raises ProvisionError for one that there is not."""
    name, given = (arguments[0], arguments[1:]) if arguments else ("", ())
    if name in ("--version", "-version"):
        return print_version()
    if name in ("--help", "-help", "-h"):
        print(AGENT_HELP)
        return DONE
    if name in PROGRAMS:
        return PROGRAMS[name](given)
    known = [each for each in PROGRAMS if each != "provision-ignition"]
    if not name:
        raise ProvisionError(f"the first argument says what to do; there are {', '.join(known)}", exit_code=USAGE)
    meant = nearest(name, known)
    said = f"did you mean {meant}?" if meant else f"there are {', '.join(known)}"
    raise ProvisionError(f"{shown(name)} is no program of the agent; {said}", exit_code=USAGE)


def program_called(path: str) -> Callable[[Sequence[str]], int]:
    """The program that a path calls: by its name, or for the agent's file by the first argument."""
    name = os.path.basename(path)
    return run_agent if name == AGENT or name.endswith(AGENT_SUFFIX) else PROGRAMS.get(name, run_stages)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program that this was called as; the answer is the exit code."""
    called, *given = sys.argv if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show must not end the work half-way.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        return program_called(called)(given)
    except ProvisionError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped; run it again to complete the work", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
