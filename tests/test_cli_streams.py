"""The console script and its surroundings: terminals, pipes that end, Ctrl-C, full disks, and bugs of ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_console import (
    ERROR,
    GOOD,
    SAMPLES,
    SCRIPT,
    Ran,
    environment,
    on_terminal,
    patched,
    provision,
    run_patched,
    started,
    written,
)

from provision import __version__
from provision.diagnostics import ISSUES_URL

IMPATIENT = "import provision.progress as p; p.PATIENCE_S = 0.01"
# `explain` with a bug in it, which stands for any.
BROKEN = "import provision.pages\ndef broken(code): raise KeyError(code)\nprovision.pages.print_explanation = broken"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "slow.bu")
    return written(tmp_path, good_bu=GOOD, error_bu=ERROR)


# ---- on a terminal -----------------------------------------------------------------------------------------------


def test_on_a_terminal_reports_are_full_and_coloured(here: Path) -> None:
    ran = on_terminal(SCRIPT, "validate", str(here / "error.bu"))
    assert ran.code == 1
    assert "\x1b[1;31merror[PV301]\x1b[0m" in ran.out
    assert "^^^" in ran.out
    assert ran.out.endswith("\n\n\x1b[1;31m1 error\x1b[0m in 1 file\n")


@pytest.mark.parametrize("command", [["validate"], ["transpile"], ["apply", "--root", "/nowhere"]])
def test_no_color_switches_colours_off(command: list[str], here: Path) -> None:
    ran = on_terminal(SCRIPT, *command, str(here / "error.bu"), env={"NO_COLOR": "1"})
    assert ran.code == 1
    assert "\x1b" not in ran.out
    assert "error[PV301]" in ran.out


def test_in_github_actions_a_terminal_makes_no_difference(here: Path) -> None:
    ran = on_terminal(SCRIPT, "validate", str(here / "error.bu"), env={"GITHUB_ACTIONS": "true"})
    assert "::error " in ran.out


def test_who_waits_for_standard_input_on_a_terminal_says_so() -> None:
    def answer(wait_for: Callable[[str], None], keys: Callable[[str], None]) -> None:
        wait_for("reading from the terminal; Ctrl-D ends the config")
        keys(GOOD + "\x04")

    ran = on_terminal(SCRIPT, "validate", meanwhile=answer)
    assert ran.code == 0
    assert ran.out.endswith("1 file: \x1b[1;32mno problems\x1b[0m\n")


@pytest.mark.parametrize("command", ["validate", "transpile"])
def test_what_takes_long_shows_progress_on_a_terminal(command: str, here: Path) -> None:
    def feed(wait_for: Callable[[str], None], keys: Callable[[str], None]) -> None:
        with open(here / "slow.bu", "w") as slow:  # opens once the command reads
            wait_for(command.removesuffix("e") + "ing")
            slow.write(GOOD)

    ran = on_terminal(*patched(IMPATIENT, command, here / "slow.bu"), meanwhile=feed)
    assert ran.code == 0
    assert "0:00:0" in ran.out
    assert "\x1b[?25h" in ran.out  # the cursor is back


def test_progress_waits_a_second(here: Path) -> None:
    ran = on_terminal(SCRIPT, "validate", str(here / "good.bu"))
    assert ran.out == "1 file: \x1b[1;32mno problems\x1b[0m\n"


def test_in_a_pipe_nothing_shows_progress(here: Path) -> None:
    with subprocess.Popen(
        patched(IMPATIENT, "transpile", here / "slow.bu"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(),
    ) as process:  # fmt: skip
        with open(here / "slow.bu", "w") as slow:
            slow.flush()
            threads = len(os.listdir(f"/proc/{process.pid}/task"))
            slow.write(GOOD)
        _, err = process.communicate()
    assert (process.returncode, err, threads) == (0, b"", 1)


# ---- output that ends early --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [["rules"], ["schema", "fcos"], ["validate", "error.bu"], ["transpile", "good.bu"], ["--help"], ["version"]],
)
def test_a_reader_that_has_seen_enough_ends_us_without_a_word(command: list[str], here: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    ran = provision(*command, cwd=here, stdout=write)
    os.close(write)
    assert (ran.code, ran.err) in [(1, ""), (1, "1 error in 1 file\n")]


@pytest.mark.parametrize("command", [["rules"], ["version"], ["validate", "error.bu"], ["transpile", "good.bu"]])
def test_a_full_disk_is_told_and_is_no_bug_of_ours(command: list[str], here: Path) -> None:
    with open("/dev/full", "wb") as full:
        ran = provision(*command, cwd=here, stdout=full.fileno())
    assert ran == Ran(2, "", "provision: standard output: no space left on device\n")


@pytest.mark.parametrize(("closed", "code"), [(">&-", 1), ("2>&-", 1), (">&- 2>&-", 1), ("<&-", 1)])
def test_streams_that_are_closed_are_no_obstacle(closed: str, code: int, here: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" validate error.bu {closed}', SCRIPT], cwd=here, capture_output=True, text=True,
        env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "internal" not in done.stderr


# ---- Ctrl-C ------------------------------------------------------------------------------------------------------


def interrupted(process: "subprocess.Popen[bytes]", slow: Path) -> tuple[int, bytes]:
    """The exit code and all output of a process that gets Ctrl-C while it reads a slow file."""
    with process, open(slow, "wb"):
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    return process.returncode, out + err


@pytest.mark.parametrize("command", [["validate"], ["transpile"], ["apply", "--root", "/nowhere"]])
def test_ctrl_c_ends_a_command_without_a_traceback(command: list[str], here: Path) -> None:
    assert interrupted(started(SCRIPT, *command, str(here / "slow.bu")), here / "slow.bu") == (130, b"")


def test_ctrl_c_ends_several_processes_without_a_traceback(here: Path) -> None:
    for number in range(100):
        (here / f"z{number}.bu").write_text(GOOD)
    code, said = interrupted(started(SCRIPT, "validate", "-j", "3", str(here)), here / "slow.bu")
    assert (code, said) == (130, b"")


def test_ctrl_c_while_applying_says_how_to_go_on(here: Path) -> None:
    written(here / "root")
    stop = "import provision.applying as a\ndef stopped(*_): raise KeyboardInterrupt\na.apply_plan = stopped"
    ran = run_patched(stop, "apply", here / "good.bu", "--root", here / "root")
    assert (ran.code, ran.out) == (130, "")
    assert "stopped; apply again to complete the work" in ran.err
    assert "Traceback" not in ran.err


# ---- bugs of ours ------------------------------------------------------------------------------------------------


def test_a_bug_of_ours_says_that_it_is_ours_and_where_to_report_it() -> None:
    ran = run_patched(BROKEN, "explain", "PV310")
    assert (ran.code, ran.out) == (70, "")
    assert "Traceback" not in ran.err
    assert "provision: internal error: KeyError: 'PV310'\n" in ran.err
    assert ISSUES_URL in ran.err
    assert "--debug" in ran.err
    assert f"provision {__version__}" in ran.err


@pytest.mark.parametrize("arguments", [["--debug", "explain", "PV310"], ["explain", "PV310", "--debug"]])
def test_debug_shows_the_traceback_of_a_bug(arguments: list[str]) -> None:
    ran = run_patched(BROKEN, *arguments)
    assert ran.code == 1
    assert ran.err.startswith("Traceback (most recent call last):")
    assert ran.err.endswith("KeyError: 'PV310'\n")


def test_debug_changes_nothing_where_there_is_no_bug(here: Path) -> None:
    assert provision("validate", "--debug", "error.bu", cwd=here) == provision("validate", "error.bu", cwd=here)
    assert provision("--debug", "transpile", "nothing.bu", cwd=here).err.startswith("provision: nothing.bu: no such")


def test_what_follows_a_double_dash_is_a_file_even_if_it_looks_like_an_option(here: Path) -> None:
    written(here)
    for name in ("--debug", "--color", "-s"):
        (here / name).write_text(GOOD)
    assert provision("validate", "--", "--debug", "--color", "-s", cwd=here).err == "3 files: no problems\n"


def test_a_bug_while_checking_names_the_file_in_one_process_and_in_many(here: Path) -> None:
    broken = (
        "import provision.validation as v\nright = v.compile_read\n"
        "def broken(data, name, options):\n"
        "    if name.endswith('error.bu'): raise KeyError('x')\n"
        "    return right(data, name, options)\n"
        "v.compile_read = broken"
    )
    (here / "slow.bu").unlink()
    for number in range(100):
        (here / f"z{number}.bu").write_text(GOOD)
    for jobs in ("1", "2"):
        ran = run_patched(broken, "validate", "-j", jobs, here)
        assert (ran.code, ran.out) == (70, "")
        assert f"internal error while checking {here}/error.bu: KeyError: 'x'\n" in ran.err


def test_a_worker_that_is_killed_is_told(here: Path) -> None:
    killed = (
        "import os, provision.validation as v\n"
        "def killed(*_): os.kill(os.getpid(), 9)\n"
        "v.compile_read = killed; v.MANY_FILES = 1"
    )
    ran = run_patched(killed, "validate", "-j", "2", here / "good.bu", here / "error.bu")
    assert ran == Ran(3, "", "provision: a worker process was killed, perhaps for want of memory; try --jobs 1\n")


def test_the_module_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "provision", "version"], capture_output=True, text=True, env=environment(), check=False
    )
    assert Ran(done.returncode, done.stdout, done.stderr) == provision("version")


def test_the_samples_pass_and_the_broken_ones_do_not() -> None:
    good = sorted(map(str, SAMPLES.glob("*.bu")))
    assert provision("validate", "--strict", "-d", SAMPLES / "files", *good).err == f"{len(good)} files: no problems\n"
    assert provision("validate", SAMPLES / "broken").code == 1
