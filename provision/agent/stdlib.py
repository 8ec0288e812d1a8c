"""What the agent needs of Python's standard library: which modules, which shared objects, with HTTPS and without."""

import json
import os

from provision.agent import tracing
from provision.agent.closure import wanted_of_python
from provision.apply.bytecode import BARE_FLAGS, asked
from provision.apply.pack import Listed, is_shared_object, libraries_of
from provision.typed import NamedTuple

# What brings OpenSSL with it. All that uses these goes without where they are missing.
HTTPS = frozenset({"ssl", "_ssl", "_hashlib"})

# Imports of the standard library that the agent never comes to, or that are only tried.
OPTIONAL = "the importer does without it: the import is tried, and its failure expected"
UNUSED = "imported inside a function that the agent does not call"
FOREIGN = "for another system"
NOT_FOLLOWED = {
    ("shutil", "bz2"): OPTIONAL,
    ("shutil", "lzma"): OPTIONAL,
    ("shutil", "tarfile"): UNUSED,
    ("shutil", "zipfile"): UNUSED,
    ("warnings", "linecache"): OPTIONAL,
    ("warnings", "traceback"): UNUSED,
    ("warnings", "tracemalloc"): OPTIONAL,
    ("argparse", "shutil"): UNUSED,  # asks for the terminal's width, which our parsers state
    ("base64", "getopt"): UNUSED,
    ("calendar", "argparse"): UNUSED,
    ("collections", "copy"): UNUSED,
    ("ctypes", "nt"): FOREIGN,
    ("datetime", "_strptime"): UNUSED,
    ("difflib", "doctest"): UNUSED,
    ("email.message", "email.generator"): UNUSED,
    ("email.message", "email.policy"): UNUSED,
    ("encodings", "_winapi"): FOREIGN,
    ("encodings", "encodings.mbcs"): FOREIGN,
    ("functools", "typing"): UNUSED,
    ("gettext", "copy"): UNUSED,
    ("importlib._bootstrap_external", "importlib.metadata"): UNUSED,
    ("importlib._bootstrap_external", "importlib.readers"): UNUSED,
    ("importlib._bootstrap_external", "tokenize"): UNUSED,
    ("_frozen_importlib_external", "importlib.metadata"): UNUSED,
    ("_frozen_importlib_external", "importlib.readers"): UNUSED,
    ("_frozen_importlib_external", "tokenize"): UNUSED,
    ("os", "nt"): FOREIGN,
    ("quopri", "getopt"): UNUSED,
    ("random", "statistics"): UNUSED,
    ("runpy", "pkgutil"): UNUSED,
    ("zipimport", "importlib.readers"): UNUSED,
}


class Trace(NamedTuple):
    """What `tracing` saw in an interpreter. `files` says of a module where it is: a path, `built-in` or `frozen`."""

    version: str
    executable: str
    start: list[str]
    imports: dict[str, list[str]]
    files: dict[str, str]

    def needs_of(self, module: str) -> set[str]:
        """What a module imports, at once or late."""
        return {need for need in self.imports.get(module, ()) if (module, need) not in NOT_FOLLOWED}

    def reached(self, without: frozenset[str] = frozenset()) -> set[str]:
        """All modules that the agent may come to load, but for some that it does without."""
        found: set[str] = set()
        left = {*self.start, *self.needs_of("__main__")} - without
        while left:
            module = left.pop()
            found.add(module)
            needs = self.needs_of(module) | {module.rpartition(".")[0]}
            left |= {need for need in needs if need in self.files} - found - without
        return found & self.files.keys()


class Needs(NamedTuple):
    """What the agent needs of one interpreter."""

    version: str
    executable: str
    modules: list[Listed]
    files: dict[str, str]

    def named(self, *, https: bool) -> list[str]:
        """The names of the modules."""
        return [module.name for module in self.modules if https or not module.https]

    def shared_objects(self, *, https: bool) -> list[str]:
        """The paths of the interpreter's own shared objects, and of the libraries of all that is loaded."""
        own = [path for name in self.named(https=https) if is_shared_object(path := self.files[name])]
        return [*own, *libraries_of([os.path.realpath(self.executable), *own])]


def trace(program: str) -> Trace:
    """Watch an interpreter load all that the agent needs. Raises ProvisionError where it is none."""
    not_followed = [f"{importer}>{name}" for importer, name in NOT_FOLLOWED]
    seen = json.loads(asked(program, *BARE_FLAGS, tracing.__file__, *sorted(wanted_of_python()), *not_followed))
    return Trace(*(seen[name] for name in Trace._fields))


def needs_of_agent(program: str) -> Needs:
    """What the agent needs of an interpreter. Raises ProvisionError where it is none."""
    seen = trace(program)
    plain = seen.reached(HTTPS)
    modules = [Listed(name, name not in plain) for name in sorted(seen.reached())]
    return Needs(seen.version, seen.executable, modules, seen.files)
