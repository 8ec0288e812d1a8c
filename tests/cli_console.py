"""What the command line's tests share: the console script as a process of its own, with pipes or on a terminal."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

SCRIPT = str(Path(sys.executable).with_name("provision"))
REPOSITORY = Path(__file__).parents[1]
SAMPLES = REPOSITORY / "samples"
# What a shell or a CI service may have set, and what the tool heeds.
HEEDED = ("GITHUB_ACTIONS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "TERM")
ROWS, COLUMNS = 40, 80
PATIENCE_S = 30
OTHER_USER = 65534

GOOD = """\
variant: fcos
version: 1.6.0
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents:
        inline: box
"""
GOOD_JSON = (
    '{"ignition":{"version":"3.5.0"},"storage":{"files":[{"path":"/etc/hostname",'
    '"contents":{"compression":"","source":"data:,box"},"mode":420}]}}\n'
)
WARNING = "variant: fcos\nversion: 1.6.0\nfoo: 1\n"
ERROR = GOOD.replace("/etc/hostname", "etc/hostname")
EMPTY_JSON = '{"ignition":{"version":"3.5.0"}}\n'


class Ran(NamedTuple):
    """What a process gave back."""

    code: int
    out: str
    err: str


def environment(**changes: str) -> dict[str, str]:
    """The environment without what would change the output, and with changes."""
    clean = {name: value for name, value in os.environ.items() if name not in HEEDED}
    return {**clean, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", **changes}


def provision(
    *arguments: str | Path,
    stdin: str | bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
    **streams: int,
) -> Ran:
    """Run the console script with pipes. `before` is put before it, `streams` replace stdout or stderr."""
    done = subprocess.run(
        [*before, SCRIPT, *map(str, arguments)],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        cwd=cwd,
        env=environment(**(env or {})),
        timeout=PATIENCE_S,
        check=False,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},  # type: ignore[call-overload]  # ints
    )
    return Ran(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())


def started(*command: str) -> "subprocess.Popen[bytes]":
    """A process in a group of its own that Ctrl-C reaches, also where a shell made this one deaf to it."""
    hears = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    return subprocess.Popen(
        [sys.executable, "-c", hears, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
    )


def on_terminal(
    *command: str,
    env: Mapping[str, str] | None = None,
    meanwhile: Callable[[Callable[[str], None], Callable[[str], None]], None] | None = None,
) -> Ran:
    """Run a command with all its streams on a terminal; both outputs come back as `out`.

    `meanwhile` is called with two functions: one waits for a text on the screen, one presses keys.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(**(env or {})),
    )
    os.close(slave)
    screen = bytearray()

    def read() -> bool:
        assert select.select([master], [], [], PATIENCE_S)[0], f"nothing more after {screen.decode()}"
        try:
            more = os.read(master, 65536)
        except OSError:  # Linux answers EIO once the last writer has gone
            more = b""
        screen.extend(more)
        return bool(more)

    def wait_for(text: str) -> None:
        while text.encode() not in screen:
            assert read(), f"the command ended before it wrote {text!r}: {screen.decode()}"

    try:
        if meanwhile:
            meanwhile(wait_for, lambda text: void(os.write(master, text.encode())))
        while read():
            pass
        return Ran(process.wait(PATIENCE_S), screen.decode().replace("\r\n", "\n"), "")
    finally:
        process.kill()
        process.wait()
        os.close(master)


def void(_: object) -> None:
    """Nothing of what a call answers."""


def patched(code: str, *arguments: str | Path) -> list[str]:
    """The command of a console script that runs some code of the test's first."""
    start = "import sys; from provision import cli; sys.argv[0] = 'provision'\n"
    return [sys.executable, "-c", f"{start}{code}\ncli.main()", *map(str, arguments)]


def run_patched(code: str, *arguments: str | Path) -> Ran:
    """Run such a command with pipes."""
    done = subprocess.run(
        patched(code, *arguments), capture_output=True, text=True, env=environment(), timeout=PATIENCE_S, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def as_other_user() -> list[str]:
    """What to put before a command to run it as someone who is not root; nothing where we are not."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups", "--"]


def other_user_can_run() -> bool:
    """Whether someone who is not root can run the console script of this environment at all."""
    try:
        return subprocess.run([*as_other_user(), SCRIPT, "-V"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that other users reach, which those of `tmp_path` are not."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            folder.chmod(0o755)


def written(folder: Path, **files: str | bytes) -> Path:
    """A folder with files; `name_bu` stands for name.bu."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / ".".join(name.rsplit("_", 1))
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder
