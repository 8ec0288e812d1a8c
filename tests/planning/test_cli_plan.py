"""`provision plan` and `provision facts` as processes: what they show, how they end, and that they write nothing."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_console import (
    SCRIPT,
    as_other_user,
    environment,
    on_terminal,
    other_user_can_run,
    patched,
    provision,
    public_folder,
    written,
)
from machines import CASES

SERVER, RUNNING, NEW = (str(CASES / "facts" / f"{name}.json") for name in ("server", "running", "new"))
CONFIG = """\
variant: fcos
version: 1.6.0
storage:
  files:
    - path: /etc/motd
      contents:
        inline: hello
      overwrite: true
"""
# Ends the process at everything that changes the system. The numbers are flags of open(2): write, read and write, create.
GUARD = """
import os, sys
sys.dont_write_bytecode = True
NEVER = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate",
    "os.utime", "os.setxattr", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen", "os.kill",
    "socket.connect", "socket.bind", "socket.getaddrinfo", "shutil.rmtree", "shutil.move", "shutil.copyfile", "ctypes.dlopen")
def watch(event, arguments):
    flags = arguments[2] if event == "open" and isinstance(arguments[2], int) else 0
    if event in NEVER or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
        sys.stderr.write(f"FORBIDDEN {event} {arguments}")
        sys.stderr.flush()
        os._exit(99)
sys.addaudithook(watch)
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return written(tmp_path, config_bu=CONFIG)


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """All below a folder: mode, time of change and content."""
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


# ---- plan -----------------------------------------------------------------------------------------------------------


def test_a_plan_is_made_for_a_machine_that_is_not_this_one(here: Path) -> None:
    ran = provision("plan", "config.bu", "--facts", SERVER, cwd=here)
    assert (ran.code, ran.err) == (0, "")
    assert "motd  replaced  0644  root:root  5 B" in ran.out
    assert ran.out.endswith("1 thing WOULD BE DESTROYED:\n    file /etc/motd: 6 bytes (`overwrite` is set)\n")


@pytest.mark.parametrize("case", ["repartition", "new-machine", "refused"])
def test_the_command_shows_what_the_case_expects(case: str) -> None:
    first = (CASES / f"{case}.bu").read_text().splitlines()[0]
    facts, *options = first.removeprefix("#! ").split()
    ran = provision("plan", f"{case}.bu", "--facts", f"facts/{facts}.json", *options, cwd=CASES)
    golden = (CASES / f"{case}.txt").read_text()
    assert ran.out.split("\n\n", 1)[1] == golden.split("\n\n", 1)[1]
    assert ran.code == (3 if case == "refused" else 0)


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--keep-data"], 1)])
def test_keep_data_makes_destruction_an_exit_code(options: list[str], code: int, here: Path) -> None:
    ran = provision("plan", "config.bu", "--facts", SERVER, *options, cwd=here)
    assert ran.code == code
    assert provision("plan", "config.bu", "--facts", NEW, *options, cwd=here).code == 0


def test_json_is_json_whatever_the_exit_code(here: Path) -> None:
    ran = provision("plan", "-", "--facts", SERVER, "--json", stdin=CONFIG.replace("true", "false"))
    told = json.loads(ran.out)
    assert (ran.code, told["version"], len(told["refusals"])) == (3, 1, 1)


def test_a_config_with_errors_is_not_planned(here: Path) -> None:
    ran = provision("plan", "-", "--facts", SERVER, stdin=CONFIG.replace("/etc/motd", "etc/motd"))
    assert (ran.code, ran.out) == (1, "")
    assert "error[PV301]" in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--facts", "nowhere.json"], "nowhere.json: no such file or directory"),
        (["--facts", "config.bu"], "config.bu: these facts cannot be read:\n  line 1, column 1: not JSON"),
        (["--facts", SERVER, "--root", "."], "--root .: the facts have their own root"),
        (["--root", "nowhere"], "--root nowhere: "),
        (["--facts", SERVER, "--device", "/dev/a"], "--device /dev/a: write NAME=VALUE"),
        (["--facts", SERVER, "--device", "/dev/a=/dev/b"], "there is no device /dev/b"),
    ],
)
def test_wrong_usage_is_told(options: list[str], said: str, here: Path) -> None:
    ran = provision("plan", "config.bu", *options, cwd=here)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_plan_for_this_machine_assumes_an_empty_root_and_says_so(here: Path) -> None:
    ran = provision("plan", "config.bu", cwd=here)
    assert ran.code == 0
    assert "no root directory is known: an empty one is assumed; --root DIR names one" in ran.out
    assert "motd  new" in ran.out


def test_a_plan_for_a_root_here_looks_into_it(here: Path) -> None:
    written(here / "root/etc", passwd_="root:x:0:0:root:/root:/bin/sh\n")
    (here / "root/etc/motd").write_text("old")
    before = tree(here)
    ran = provision("plan", "config.bu", "--root", "root", cwd=here)
    assert ran.code == 0
    assert "file /etc/motd: 3 bytes" in ran.out
    assert tree(here) == before


def test_colours_are_for_terminals_and_for_those_who_ask(here: Path) -> None:
    arguments = ("plan", str(here / "config.bu"), "--facts", SERVER)
    assert "\x1b[1;31mreplaced\x1b[0m" in on_terminal(SCRIPT, *arguments).out
    assert "\x1b[" not in provision(*arguments).out
    assert "\x1b[" in provision(*arguments, "--color", "always").out
    assert "\x1b[" not in on_terminal(SCRIPT, *arguments, env={"NO_COLOR": "1"}).out


def test_a_terminal_that_knows_no_unicode_gets_other_strokes() -> None:
    case = str(CASES / "repartition.bu")
    ran = provision("plan", case, "--facts", SERVER, env={"LC_ALL": "C"})
    assert "+---" in ran.out
    assert "┌" not in ran.out


# ---- facts ----------------------------------------------------------------------------------------------------------


def test_facts_of_a_root_are_written_and_planned_with(here: Path) -> None:
    written(here / "root/etc", passwd_="root:x:0:0:root:/root:/bin/sh\n")
    (here / "root/etc/motd").write_text("hello")
    (here / "root/etc/motd").chmod(0o644)
    before = tree(here / "root")
    ran = provision("facts", "--root", "root", "-o", "facts.json", cwd=here)
    assert (ran.code, ran.out) == (0, "")
    assert tree(here / "root") == before
    told = provision("plan", "config.bu", "--facts", "facts.json", cwd=here)
    assert told.code == 0
    assert "motd  kept" in told.out or os.geteuid() != 0


def test_facts_are_printed_where_no_file_is_named(here: Path) -> None:
    ran = provision("facts", "--no-root", cwd=here)
    assert ran.code == 0
    told = json.loads(ran.out)
    assert (told["version"], "root" in told) == (1, False)
    assert provision("facts", "--no-root", "-o", "-", cwd=here).code == 0
    assert sorted(path.name for path in here.iterdir()) == ["config.bu"]


def test_facts_for_a_config_hold_what_it_touches(here: Path) -> None:
    (here / "root/usr/share").mkdir(parents=True)
    config = CONFIG.replace("/etc/motd", "/usr/share/doc/x")
    told = json.loads(provision("facts", "--root", "root", "--for", "-", cwd=here, stdin=config).out)
    nodes = {node["path"]: node["kind"] for node in told["root"]["nodes"]}
    assert nodes["/usr/share/doc/x"] == "missing"


def test_a_root_and_none_is_too_much(here: Path) -> None:
    ran = provision("facts", "--root", "root", "--no-root", cwd=here)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.skipif(not other_user_can_run(), reason="another user can't reach this environment")
def test_without_root_facts_and_plans_are_made_with_remarks() -> None:
    with public_folder() as here:
        written(here, config_bu=CONFIG)
        (here / "root/etc/closed").mkdir(parents=True)
        (here / "root/etc/closed").chmod(0o700 if os.geteuid() == 0 else 0)
        user = as_other_user()
        ran = provision("facts", "--root", "root", cwd=here, before=user)
        assert ran.code == 0
        assert "could not be looked at: /etc/closed" in ran.err
        assert json.loads(ran.out)["host"]["isRoot"] is False
        told = provision("plan", "config.bu", "--root", "root", cwd=here, before=user)
        assert (told.code, "motd  new" in told.out) == (0, True)
        (here / "root/etc/closed").chmod(0o700)


# ---- neither can write ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["repartition.bu", "root.bu", "fetched.ign", "refused.bu"])
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_planning_with_facts_opens_nothing_for_writing_and_starts_nothing(case: str, options: list[str]) -> None:
    done = subprocess.run(
        patched(GUARD, "plan", CASES / case, "--facts", SERVER, *options), capture_output=True, text=True, check=False,
        env=environment(),
    )  # fmt: skip
    assert "FORBIDDEN" not in done.stderr
    assert done.returncode in (0, 3)


def test_the_guard_sees_a_write(here: Path) -> None:
    done = subprocess.run(
        patched(GUARD, "facts", "--no-root", "-o", here / "out.json"), capture_output=True, text=True, check=False,
        env=environment(),
    )  # fmt: skip
    assert (done.returncode, "FORBIDDEN open" in done.stderr) == (99, True)


# System calls that change something that has a name, or a disk.
CHANGING = (
    "rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,chmod,fchmod,fchmodat,"
    "chown,fchown,fchownat,lchown,truncate,ftruncate,mknod,mknodat,mount,umount2,setxattr,connect,utimensat"
)


def may_trace() -> bool:
    """Whether strace is there and may trace."""
    strace = shutil.which("strace")
    return (
        strace is not None and subprocess.run([strace, "-qq", "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not may_trace(), reason="needs strace")
@pytest.mark.parametrize("command", [["facts"], ["plan", "config.bu", "--root", "root"]])
def test_looking_at_this_machine_changes_nothing_that_the_kernel_knows_of(command: list[str], here: Path) -> None:
    written(here / "root/etc", passwd_="root:x:0:0:root:/root:/bin/sh\n")
    log = here / "trace"
    ran = subprocess.run(
        ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace=open,openat,creat,{CHANGING}", SCRIPT, *command],
        cwd=here, capture_output=True, check=False, env=environment(PYTHONDONTWRITEBYTECODE="1"),
    )  # fmt: skip
    assert ran.returncode == 0
    for line in log.read_text(errors="replace").splitlines():
        call = line.split(maxsplit=1)[1]
        is_harmless = (
            call.startswith(("+++", "---", "<...")) or "/dev/null" in call or "O_RDONLY" in call or "O_PATH" in call
        )
        assert is_harmless, call
