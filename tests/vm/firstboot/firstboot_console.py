"""A serial console, as a person uses it: waits for words, types, logs in, and runs scripts in the shell that is there."""

import base64
import codecs
import itertools
import re
import socket
import time
from pathlib import Path
from typing import NamedTuple

from vm_guest import GuestError, StalledError

# Colours, and what systemd draws its progress with.
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x00\x07\r]")
CUT_OFF = re.compile(r"\x1b[^A-Za-z]{0,20}$")
# What the kernel says of a task that waits for two minutes already. Source: Linux, kernel/hung_task.c.
STALLED = re.compile(r"INFO: task \S+ blocked for more than \d+ seconds")
LAST_LINES = 70
# Less than a terminal takes in one go before somebody reads it. Source: n_tty, N_TTY_BUF_SIZE 4096.
PIECE = 1500
PROMPT = r"[#$] $"
SHELL = "bash -e -o pipefail"
CHECKS = Path(__file__).parents[1] / "in_guest" / "checks.sh"

# Emulation is slow, and other tests run at the same time.
ANSWER_S = 180.0


class Ended(NamedTuple):
    """How a script ended: its status, and all that it said."""

    status: int
    output: str


class Console:
    """One side of a serial line; the log is what the guest said since power-on."""

    def __init__(self, path: Path, log: Path, limit_s: float) -> None:
        self.log_file = log
        self.line = socket.socket(socket.AF_UNIX)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = self.held = ""
        self.seen = 0
        self.numbers = itertools.count(1)
        self.shell = SHELL
        self.has_checks = False
        deadline = time.monotonic() + limit_s
        while True:
            try:
                return self.line.connect(str(path))
            except OSError:
                if time.monotonic() > deadline:
                    raise GuestError(f"the emulator does not listen at {path}") from None
                time.sleep(0.02)

    def expect(self, pattern: str, limit_s: float) -> re.Match[str]:
        """Wait for words, behind those that were waited for last. Raises GuestError where they do not come."""
        wanted, deadline = re.compile(pattern, re.MULTILINE), time.monotonic() + limit_s
        while not (match := wanted.search(self.text, self.seen)):
            self.read(deadline, pattern)
        self.seen = match.end()
        return match

    def read(self, deadline: float, awaited: str) -> None:
        """Take in what came."""
        self.line.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            piece = self.line.recv(1 << 16)
        except TimeoutError:
            raise GuestError(f"waited in vain for {awaited!r}\n{self.shown()}") from None
        except OSError as error:
            raise GuestError(f"{error} while waiting for {awaited!r}\n{self.shown()}") from None
        if not piece:
            raise GuestError(f"the machine went off while waiting for {awaited!r}\n{self.shown()}")
        self.held += self.decoder.decode(piece)
        whole = len(self.held) if not (cut := CUT_OFF.search(self.held)) else cut.start()
        self.text += ESCAPES.sub("", self.held[:whole])
        last = self.text[-(1 << 16) :]
        if "Kernel panic" in last:
            raise GuestError(f"the kernel gave up while waiting for {awaited!r}\n{self.shown()}")
        if STALLED.search(last):
            raise StalledError(f"a disk does not answer while waiting for {awaited!r}\n{self.shown()}")
        self.held = self.held[whole:]

    def until_off(self, limit_s: float) -> str:
        """Read on until the machine is off, and return all that it said."""
        deadline = time.monotonic() + limit_s
        try:
            while True:
                self.read(deadline, "the end")
        except GuestError as error:
            if "in vain" in str(error):
                raise
        return self.text

    def type(self, text: str) -> None:
        """Send keys."""
        try:
            self.line.sendall(text.encode())
        except OSError as error:
            raise GuestError(f"nobody reads what is typed: {error}\n{self.shown()}") from None

    def log_in(self, user: str, password: str, limit_s: float) -> None:
        """Log in at the prompt, and make the shell one that is easy to talk to."""
        self.expect(r"login: $", limit_s)
        self.type(f"{user}\n")
        self.expect(r"Password: $", ANSWER_S)
        self.type(f"{password}\n")
        match = self.expect(rf"{PROMPT}|Login incorrect", ANSWER_S)
        if match[0] == "Login incorrect":
            raise GuestError(f"{user} is not let in\n{self.shown()}")
        self.quieten()

    def quieten(self) -> None:
        """No echo, no prompts, no news of the kernel or of systemd (signal 55) between the answers. Source: systemd(1)."""
        self.type("PS1= PS2= exec sh\n")
        self.type(
            "PS1= PS2=; stty -echo cols 500; dmesg -n 1 2>/dev/null; kill -55 1 2>/dev/null; echo shell-$((40+2))\n"
        )
        self.expect(r"shell-42\n", ANSWER_S)

    def run(self, script: str, limit_s: float = ANSWER_S) -> Ended:
        """Run a script in a shell of its own, and wait for its end."""
        number = next(self.numbers)
        # Each with a name of its own: one of another user could not be written to, and would run again.
        self.write(f"/tmp/script-{number}", script)
        self.type(f"echo begin-{number}; {self.shell} /tmp/script-{number} 2>&1 < /dev/null; echo end-{number}-$?\n")
        self.expect(rf"begin-{number}\n", limit_s)
        start = self.seen
        match = self.expect(rf"end-{number}-(\d+)\n", limit_s)
        return Ended(int(match[1]), self.text[start : match.start()].rstrip("\n"))

    def write(self, path: str, content: str) -> None:
        """Write a file, in pieces that the line takes."""
        encoded = base64.b64encode(content.encode()).decode()
        self.type(f": > {path}.64\n")
        for start in range(0, len(encoded), PIECE):
            number = next(self.numbers)
            self.type(f"printf %s {encoded[start : start + PIECE]} >> {path}.64; echo piece-{number}\n")
            self.expect(rf"piece-{number}\n", ANSWER_S)
        self.type(f"base64 -d < {path}.64 > {path}\n")

    def check(self, script: str, limit_s: float = ANSWER_S) -> str:
        """Run a script that must succeed, with the functions of in_guest/checks.sh at hand."""
        if not self.has_checks:
            self.write("/tmp/checks.sh", CHECKS.read_text())
            self.has_checks = True
        return self.do(f". /tmp/checks.sh\n{script}", limit_s)

    def do(self, script: str, limit_s: float = ANSWER_S) -> str:
        """Run a script that must succeed, and return what it printed."""
        ended = self.run(script, limit_s)
        assert ended.status == 0, f"status {ended.status} of\n{script}\n{ended.output}\n{self.shown()}"
        return ended.output

    def shown(self) -> str:
        """The last lines, for messages."""
        return "the last of its console:\n" + "\n".join(self.text.splitlines()[-LAST_LINES:])

    def close(self) -> None:
        """Hang up."""
        self.line.close()
