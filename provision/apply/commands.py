"""Running the programs that the applier needs. Their names are in `programs`; secrets go through standard input."""

import os
from collections.abc import Collection, Sequence
from itertools import pairwise

from provision.apply import log
from provision.apply.paths import shown
from provision.apply.programs import Ended as Ended
from provision.apply.programs import program, search_path
from provision.diagnostics import ProvisionError

# What a program may say of its failure before it is cut.
MAX_COMPLAINT = 500
# What stands for "no password works". Source: shadow(5).
NO_HASHES = ("*", "!")


def run(
    name: str,
    *arguments: str,
    stdin: bytes = b"",
    secret: bool = False,
    accept: Collection[int] = (0,),
    timeout_s: float | None = None,
    cwd: str | None = None,
) -> Ended:
    """Run one of `programs.PROGRAMS` in the C locale. Raises ProvisionError, with what it complained of, for another
    status than those in `accept`, a missing program and a timeout. Where `secret` holds, neither what it printed nor its
    arguments are shown.
    """
    import subprocess

    called = program(name, os.environ)
    secret = secret or holds_hash(arguments)
    log.debug("executing: " + " ".join(f'"{shown(word)}"' for word in (called, *(("…",) if secret else arguments))))
    environ = {**os.environ, "PATH": search_path(os.environ), "LC_ALL": "C"}
    try:
        ended = subprocess.run(
            [called, *arguments], input=stdin, capture_output=True, env=environ, timeout=timeout_s, cwd=cwd, check=False
        )
    except FileNotFoundError:
        raise ProvisionError(f"{shown(called)} was not found on this machine; install it") from None
    except PermissionError:
        raise ProvisionError(f"{shown(called)} cannot be executed") from None
    except subprocess.TimeoutExpired:
        raise ProvisionError(f"{shown(called)} did not end in {timeout_s:g} s") from None
    if ended.returncode not in accept:
        said = "" if secret else complaint(ended.stderr or ended.stdout)
        how = f"status {ended.returncode}" if ended.returncode >= 0 else f"signal {-ended.returncode}"
        raise ProvisionError(f"{shown(called)} ended with {how}" + (f": {said}" if said else ""))
    return Ended(ended.returncode, ended.stdout)


def holds_hash(arguments: Sequence[str]) -> bool:
    """Whether a program is called with a password's hash, as a distribution may have it."""
    return any(option == "--password" and value not in NO_HASHES for option, value in pairwise(arguments))


def complaint(output: bytes) -> str:
    """What a program said, in one line."""
    lines = output.decode(errors="replace").strip().splitlines()
    return shown("; ".join(line.strip() for line in lines if line.strip()))[:MAX_COMPLAINT]
