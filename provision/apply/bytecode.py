"""Compiling modules so that equal sources give equal bytes, in whichever folder, process or order.

Runs as a program in the interpreter that is to load the result, which need not be the one that asks for it.
"""

import json
import marshal
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER, source_hash
from types import CodeType

from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

# A hash in the place of the time, and nobody asks the source for it. Source: PEP 552.
UNCHECKED_HASH = (0b01).to_bytes(4, "little")
# No docstrings and assertions; messages are neither.
OPTIMIZE = 2
# Columns are a third of all, and serve only the carets under a traceback's lines. Source: PEP 657.
FLAGS = ("-I", "-S", "-B", "-X", "no_debug_ranges")
BARE_FLAGS = FLAGS[:2]
RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from provision.apply.bytecode import main; main()"
LENGTH_BYTES = 4
# An entry of a table of lines for up to eight units of code: nothing but a step in lines, and that is none. Source:
# CPython, `Objects/locations.md`.
UNIT_BYTES, UNITS_IN_ENTRY = 2, 8
SAME_LINE = 0x80 | 13 << 3


class Source(NamedTuple):
    """A module to compile: the file with its source, and what tracebacks call that."""

    path: str
    name: str


class Compiled(NamedTuple):
    """What an interpreter made of sources: its version, the number that marks its bytecode, and a file for each."""

    version: str
    magic: bytes
    files: list[bytes]


def compile_with(program: str, sources: list[Source], *, lines: bool) -> Compiled:
    """Compile with an interpreter, named by its path or as on a command line. Raises ProvisionError.

    Without `lines` tracebacks name the line that a function begins with. A table of all lines is a sixth of a module.
    """
    wanted = json.dumps({"lines": lines, "sources": [[source.path, source.name] for source in sources]})
    told, _, rest = asked(program, *FLAGS, "-c", RUN, folder_of_package(), stdin=wanted.encode()).partition(b"\n")
    about = json.loads(told)
    files = []
    while rest:
        end = LENGTH_BYTES + int.from_bytes(rest[:LENGTH_BYTES], "big")
        files.append(rest[LENGTH_BYTES:end])
        rest = rest[end:]
    return Compiled(about["version"], bytes.fromhex(about["magic"]), files)


def asked(program: str, *arguments: str, stdin: bytes = b"") -> bytes:
    """What an interpreter prints. Raises ProvisionError where it is none, or fails."""
    try:
        done = subprocess.run([program, *arguments], input=stdin, capture_output=True, check=False)
    except OSError as error:
        raise ProvisionError(f"{program} cannot be run: {error.strerror}; name a Python interpreter") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ProvisionError(f"{program} ended with status {done.returncode}: {said or 'it gives no reason'}")
    return done.stdout


def folder_of_package() -> str:
    """What has to be on the path of an interpreter that is to import `provision`: a folder, or the agent's file."""
    return os.path.abspath(__file__).rpartition("/provision/")[0]


def main() -> None:
    """Compile what standard input names; on standard output a line about the interpreter, then each file's length and
    bytes.
    """
    about = {"version": platform.python_version(), "magic": MAGIC_NUMBER.hex()}
    sys.stdout.buffer.write(json.dumps(about).encode() + b"\n")
    wanted = json.load(sys.stdin)
    for path, name in wanted["sources"]:
        with open(path, "rb") as file:
            made = compiled(file.read(), name, lines=wanted["lines"])
        sys.stdout.buffer.write(len(made).to_bytes(LENGTH_BYTES, "big") + made)


def compiled(source: bytes, name: str, *, lines: bool) -> bytes:
    """A module as the content of a `.pyc` file."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=OPTIMIZE)
    if not lines:
        code = without_lines(code)
    # `marshal` writes what has another holder in another way, and who else holds a name depends on what was loaded
    # before. Now everything has one. Source: CPython, `Python/marshal.c`, `w_ref`; bpo-34093.
    held = list(parts_of(code))
    data = MAGIC_NUMBER + UNCHECKED_HASH + source_hash(source) + marshal.dumps(code)
    held.clear()
    return data


def without_lines(code: CodeType) -> CodeType:
    """The same code with one line for all that is in a function."""
    constants = tuple(without_lines(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    whole, rest = divmod(len(code.co_code) // UNIT_BYTES, UNITS_IN_ENTRY)
    sizes = [UNITS_IN_ENTRY] * whole + [rest] * bool(rest)
    table = bytes(byte for size in sizes for byte in (SAME_LINE | size - 1, 0))
    return code.replace(co_consts=constants, co_linetable=table)


def parts_of(value: object) -> Iterator[object]:
    """All that a code object consists of."""
    yield value
    if isinstance(value, CodeType):
        yield from (value.co_name, value.co_qualname, value.co_filename, value.co_linetable, value.co_exceptiontable)
        for names in (value.co_names, value.co_varnames, value.co_cellvars, value.co_freevars, value.co_consts):
            yield from parts_of(names)
    elif isinstance(value, tuple | frozenset):
        for part in value:
            yield from parts_of(part)
