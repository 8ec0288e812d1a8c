"""`provision-agent first-boot`: what the scripts and units of an initramfs call around the stages.

`begin` decides whether this is a first boot, `end` ends it, `failure` puts the failure block where people look.
"""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from provision.apply import kernel_command_line, log
from provision.apply.failure import report_of
from provision.apply.failure_file import keep_failure
from provision.apply.first_boot import run_file
from provision.apply.options import DONE, FAILED, USAGE, check_platform, flag, is_on, new_parser, switch
from provision.diagnostics import ProvisionError

PROGRAM = "first-boot"
HELP = """usage: first-boot COMMAND [ARGUMENT…]

What an initramfs calls around the stages. The commands; each tells more with --help:

  begin    decide whether this is a first boot, and write /run/provision/first-boot if it is
  end      remove the stamp that asked for this first boot, and switch the network off again
  failure  print the failure block on every console"""


def main(arguments: Sequence[str]) -> int:
    """Run one of COMMANDS; the answer is the exit code."""
    name, *given = arguments or [""]
    if name in ("-h", "-help", "--help"):
        print(HELP)
        return DONE
    if name not in COMMANDS:
        wrong = f"{name!r} is no command of it" if name else "a command is missing"
        raise ProvisionError(f"{PROGRAM}: {wrong}; there are {', '.join(COMMANDS)}", exit_code=USAGE)
    return COMMANDS[name](given)


def parsed(name: str, describe: str, arguments: Sequence[str], *rows: Callable[[ArgumentParser], None]) -> Namespace:
    """The options of a command; the log is open after this."""
    parser = new_parser(f"{PROGRAM} {name}", describe)
    for row in rows:
        row(parser)
    switch(parser, "log-to-stdout", "write the log to standard output, not to the system log")
    options = parser.parse_args(arguments)
    log.open_log(to_standard_output=is_on(options.log_to_stdout))
    return options


# ---- begin ----------------------------------------------------------------------------------------------------------


def root_option(parser: ArgumentParser) -> None:
    """`-root`."""
    flag(parser, "root", "", "where the root file system is mounted", "DIR")


def device_option(parser: ArgumentParser) -> None:
    """`-device`."""
    flag(parser, "device", "", "the device that holds the root file system, instead of that of root=", "DEVICE")


def wait_option(parser: ArgumentParser) -> None:
    """`-wait`."""
    flag(parser, "wait", "0", "how many seconds that device may take to appear", "SECONDS")


def begin(arguments: Sequence[str]) -> int:
    """`begin`."""
    options = parsed(
        "begin", "Decide whether this is a first boot.", arguments, root_option, device_option, wait_option
    )
    if not options.wait.isdecimal():
        raise ProvisionError(f"-wait {options.wait}: write seconds, such as 10", exit_code=USAGE)
    try:
        decide(kernel_command_line.read(os.environ), options)
    except (ProvisionError, OSError) as error:
        return told(error, "begin")
    return DONE


def decide(command_line: str, options: Namespace) -> None:
    """Judge this boot, and write down what it is."""
    from provision.apply.first_boot.platforms import platform_of
    from provision.apply.first_boot.recognition import decide as judge
    from provision.apply.first_boot.stamp import find
    from provision.apply.first_boot.target import state_of

    with root_of(command_line, options) as host_path:
        state = state_of(host_path) if host_path is not None else None
        stamps = tuple(map(str, find(host_path)))
    verdict = judge(command_line, stamps, state)
    if not verdict.is_first:
        log.info(f"this is no first boot: {verdict.reason}")
        run_file.remove()
        return
    platform = platform_of(command_line)
    check_platform(platform.platform)
    run_file.write(run_file.FirstBoot(platform.platform, stamps, verdict.reason))
    log.info(f"this is a first boot: {verdict.reason}; the platform is {platform.platform}: {platform.why}")


@contextmanager
def root_of(command_line: str, options: Namespace) -> Iterator[str | None]:
    """Where the root file system can be looked at: where it is mounted already, or for a moment."""
    from provision.apply.first_boot.target import looked_at

    if options.root:
        yield options.root
        return
    with looked_at(command_line, device=options.device, wait_s=float(options.wait)) as host_path:
        yield host_path


# ---- end ------------------------------------------------------------------------------------------------------------


def end(arguments: Sequence[str]) -> int:
    """`end`. The stage `files` has removed the stamps already, unless it failed to know of them."""
    from provision.apply.first_boot.network import take_down
    from provision.apply.first_boot.stamp import clear

    options = parsed("end", "End a first boot.", arguments, root_option)
    if run_file.read() is None:
        log.info("this is no first boot: there is nothing to end")
        return DONE
    try:
        clear(options.root)
    except (ProvisionError, OSError) as error:
        return told(error, "end")
    take_down()
    log.info("the first boot is complete")
    return DONE


# ---- failure --------------------------------------------------------------------------------------------------------


def told(error: ProvisionError | OSError, stage: str) -> int:
    """Tell of a failure as the stages do; the exit code for it."""
    report = report_of(error, stage, {})
    log.critical(f"{stage} failed: {report.cause}")
    keep_failure(report, "", stage)
    print_block(report.block())
    return FAILED


def print_block(block: str) -> None:
    """Print the block for whoever reads this program's messages."""
    import sys

    print(block, file=sys.stderr, flush=True)


def stage_option(parser: ArgumentParser) -> None:
    """`-stage`."""
    flag(parser, "stage", "", "the stage that failed, or those of which one did", "STAGE[,STAGE…]")


def quiet_option(parser: ArgumentParser) -> None:
    """`-quiet`."""
    switch(parser, "quiet", "write the block to /run/provision/failure-block only")


def failure(arguments: Sequence[str]) -> int:
    """`failure`."""
    from provision.apply.first_boot.consoles import block_of, keep, show

    options = parsed("failure", "Print the failure block on every console.", arguments, stage_option, quiet_option)
    block = block_of(options.stage)
    keep(block)
    if not is_on(options.quiet):
        show(block)
    return DONE


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {"begin": begin, "end": end, "failure": failure}
