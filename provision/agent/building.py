"""Making the agent's file: a zip file that Python runs, the same to the byte for the same sources and interpreter."""

from string import Template

from provision import __version__
from provision.agent.closure import agent_modules
from provision.agent.stdlib import needs_of_agent
from provision.apply.bytecode import BARE_FLAGS, Source, asked, compile_with
from provision.apply.pack import LIST, archive, write_list
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

SHEBANG = b"#!/usr/bin/python3 -IS\n"
OLDEST = (3, 11)
TELL_RELEASE = "import sys; print('%d.%d' % tuple(sys.version_info[:2]))"

# Read as source, by whichever interpreter comes, so it is kept to what all of them know.
MAIN = Template('''\
"""provision's agent, version $version, for Python $release."""
import sys
try:
    from _frozen_importlib_external import MAGIC_NUMBER
except ImportError:
    MAGIC_NUMBER = b""
if MAGIC_NUMBER != $magic:
    sys.stderr.write(
        "error: this agent is made for Python $release, and %s is Python %d.%d.%d; "
        "make one for it: provision agent build --python %s\\n"
        % ((sys.executable or "this",) + tuple(sys.version_info[:3]) + (sys.executable or "PROGRAM",))
    )
    sys.exit(3)
from provision.apply.command import main
sys.exit(main())
''')


class Built(NamedTuple):
    """The agent's file, and what is in it."""

    content: bytes
    modules: int
    version: str


def build(program: str) -> Built:
    """The agent for an interpreter. Raises ProvisionError where it is none, or too old."""
    release = release_of(program)
    modules = agent_modules()
    names = {
        name: f"{name.replace('.', '/')}{'/__init__' * (path.stem == '__init__')}" for name, path in modules.items()
    }
    made = compile_with(program, [Source(str(path), f"{names[name]}.py") for name, path in modules.items()], lines=True)
    needs = needs_of_agent(program)
    members = [(f"{names[name]}.pyc", data) for name, data in zip(modules, made.files, strict=True)]
    members.append(("__main__.py", MAIN.substitute(version=__version__, release=release, magic=made.magic).encode()))
    members.append((LIST, write_list(needs.modules).encode()))
    return Built(SHEBANG + archive(members), len(modules), made.version)


def release_of(program: str) -> str:
    """The release of an interpreter, such as 3.11. Raises ProvisionError for one that is too old."""
    release = asked(program, *BARE_FLAGS, "-c", TELL_RELEASE).decode().strip()
    if tuple(map(int, release.split("."))) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ProvisionError(f"--python {program} is Python {release}; the agent needs {oldest} or later")
    return release
