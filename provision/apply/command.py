"""The command lines of the initramfs: `ignition` and its companions, told apart by the name that they are called by.

`ignition` runs stages, `ignition-apply` applies a config to a root directory, `ignition-validate` judges one, and
`ignition-rmcfg` has the platform forget it. Source: Ignition, `internal/main.go`, `internal/apply`, `validate`.
`provision-agent`, which is also what the agent's file is called by, takes the name as its first argument.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from provision import __version__
from provision.apply import log
from provision.apply.failure import report_of
from provision.apply.failure_file import FAILURE_FILE, keep_failure
from provision.apply.options import DONE, FAILED, USAGE, check_platform, flag, is_on, new_parser, switch
from provision.apply.options import duration as duration
from provision.apply.paths import shown
from provision.apply.root_command import print_version, read
from provision.diagnostics import ProvisionError, nearest
from provision.source_map import load_source_map
from provision.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from provision.apply.engine import Engine, Options

INTERRUPTED = 130
STAGES = ("fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount")

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


def run_engine(options: Namespace, stages: tuple[str, ...]) -> int:
    """Run the stages in their order; the first that fails ends the run with the failure block."""
    from provision.apply.console import Console
    from provision.apply.engine import Engine, Options
    from provision.apply.workplace import log_step

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
            keep_failure(report, options.root, stage, FAILURE_FILE)
            print(report.block(), file=sys.stderr, flush=True)
            return FAILED
        engine.report(stage, None)
        # The stage after this one needs what could not be had; only `fetch` begins anew.
        if engine.needs_network and stages[stages.index(stage) + 1 : stages.index(stage) + 2] != ("fetch",):
            break
    log.info("ignition finished successfully")
    return DONE


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
        # What tells of a failure must not fail for the same reason.
        if (name, *given[:1]) != ("first-boot", "failure"):
            from provision.apply import environment

            environment.load(os.environ)
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
