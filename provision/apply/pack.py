"""`provision-agent pack`: the agent, and of Python what it needs, into the tree of an initramfs.

A hook of the initramfs calls it, on the system that the initramfs is for, where all of Python is installed. What the
agent needs stands in its own file, in `modules.txt`; nothing has to be found out here.
"""

import io
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import find_spec
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from provision import __version__
from provision.apply import environment
from provision.apply.bytecode import Source, compile_with
from provision.apply.fetch.tls import BUNDLES
from provision.apply.options import DONE, USAGE, new_parser
from provision.apply.paths import parent_of, shown
from provision.apply.system import Machine
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple

REFUSED = 3
LIST = "modules.txt"
# The oldest time that a zip file can hold, the same in every build.
EPOCH = (1980, 1, 1, 0, 0, 0)
FILE_MODE, PROGRAM_MODE, FOLDER_MODE = 0o644, 0o755, 0o755

AGENT = "/usr/lib/provision/agent.pyz"
WRAPPER = "/usr/bin/provision-agent"
INTERPRETER = "/usr/bin/python3"
WRAPPER_TEXT = f'#!/bin/sh\nexec {INTERPRETER} -I -S {AGENT} "$@"\n'

# What the C library loads when a thread has to end before its time; the applier leaves one waiting for a name server.
# Source: glibc, `misc/unwind-link.c`; pthread_exit(3).
UNWINDER = "libgcc_s.so.1"
# What `ldd` prints.
LINKED, STATIC = " => ", "not a dynamic executable"
WITHOUT_OPENSSL = "https: URLs will be refused in the initramfs"


class Listed(NamedTuple):
    """A module of the standard library that the agent needs, and whether it does so for HTTPS alone."""

    name: str
    https: bool


class Tree:
    """The tree of an initramfs. What is there already, with the same content, is left alone."""

    def __init__(self, folder: str) -> None:
        self.machine = Machine(folder, {})
        self.files, self.size = 0, 0

    def put(self, path: str, content: bytes, mode: int = FILE_MODE) -> None:
        """A file, with the folders above it. Links are followed, inside the tree."""
        self.mirror_link(path)
        place = self.machine.resolve(path, follow=True)
        self.make_folders(parent_of(place))
        found = self.machine.look(place)
        if found.kind == "file" and found.size == len(content) and self.machine.read(place) == content:
            return
        self.machine.replace(place, content, mode, "")
        self.files, self.size = self.files + 1, self.size + len(content)

    def copy(self, path: str, to: str | None = None) -> None:
        """A file of this system, at the same path; a link in its folder, such as the short name of a library, becomes
        one, too.
        """
        place = to or path
        link = os.readlink(path) if os.path.islink(path) else ""
        if not to and link and "/" not in link:
            self.copy(f"{parent_of(path)}/{link}")
            self.link(path, link)
            return
        with open(path, "rb") as file:
            content, mode = file.read(), os.fstat(file.fileno()).st_mode & 0o777
        self.put(place, content, mode)

    def link(self, path: str, target: str) -> None:
        """A symbolic link, unless something is there."""
        place = self.machine.resolve(path)
        if self.machine.look(place).kind == "missing":
            self.machine.make_link(place, target, "")

    def make_folders(self, path: str) -> None:
        """A folder, with those above it, by its true path."""
        if path != "/" and self.machine.look(path).kind == "missing":
            self.make_folders(parent_of(path))
            self.machine.make_directory(path, FOLDER_MODE, "")

    def mirror_link(self, path: str) -> None:
        """Where this system has a link in place of a folder in its root, such as `/lib`, and the tree nothing: a link."""
        top = path[: path.index("/", 1)]
        if os.path.islink(top) and self.machine.look(top).kind == "missing":
            self.machine.make_link(top, os.path.relpath(os.path.realpath(top), "/"), "")


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    options = parser().parse_args(arguments)
    agent, listed = read_agent()
    if not os.path.isdir(options.destination):
        raise ProvisionError(f"--destination {shown(options.destination)}: there is no such folder", exit_code=USAGE)
    try:
        tree, with_https = pack(agent, listed, options.destination, https=options.https)
    except OSError as error:
        raise ProvisionError(f"{shown(str(error.filename))}: {error.strerror}", exit_code=REFUSED) from None
    kind = "with HTTPS" if with_https else "without HTTPS"
    print(
        f"provision {__version__} {kind}: {tree.files} files, {tree.size / 1e6:.1f} MB into {shown(options.destination)}"
    )
    return DONE


def parser() -> ArgumentParser:
    """The options."""
    options = new_parser(
        "provision-agent pack", "Copy the agent, and of Python what it needs, into an initramfs's tree."
    )
    options.add_argument("--destination", "-destination", required=True, metavar="DIR", help="the tree")
    options.add_argument(
        "--https", "-https", choices=("auto", "yes", "no"), default="auto",
        help="whether TLS is among it; auto, unless given: where this system's Python has it",
    )  # fmt: skip
    return options


def read_agent() -> tuple[str, list[Listed]]:
    """The file that this program runs from, and the list in it. Raises ProvisionError outside of one."""
    loader = __spec__.loader
    archive = getattr(loader, "archive", None)
    if archive is None:
        raise ProvisionError("pack is a program of the agent's file; make that with `provision agent build`")
    return archive, read_list(loader.get_data(f"{archive}/{LIST}").decode())  # type: ignore[union-attr]  # has it: zipimport


def write_list(modules: Iterable[Listed]) -> str:
    """The modules as text, one in a line."""
    return "".join(f"{module.name}{' https' * module.https}\n" for module in modules)


def read_list(text: str) -> list[Listed]:
    """What `write_list` wrote."""
    return [Listed(name, bool(https)) for name, _, https in (line.partition(" ") for line in text.splitlines())]


def pack(agent: str, listed: list[Listed], destination: str, *, https: str) -> tuple[Tree, bool]:
    """Copy all that there is to copy; the tree, and whether HTTPS will work. Raises ProvisionError."""
    found = {module.name: find(module.name) for module in listed}
    with_https = decide(https, [module.name for module in listed if module.https and not found[module.name]])
    wanted = [module.name for module in listed if with_https or not module.https]
    specs = {name: spec for name in wanted if (spec := found[name])}
    check_complete([name for name in wanted if name not in specs])
    objects = [spec.origin for spec in specs.values() if spec.origin and is_shared_object(spec.origin)]
    interpreter = os.path.realpath(sys.executable)

    tree = Tree(destination)
    tree.copy(interpreter, INTERPRETER)
    for path in objects:
        tree.copy(path, f"{python_folder()}/lib-dynload/{os.path.basename(path)}")
    # It looks for this folder, too, and complains where it is missing.
    tree.make_folders(tree.machine.resolve(f"{python_folder()}/lib-dynload", follow=True))
    for path in libraries_of([interpreter, *objects]):
        tree.copy(path)
    tree.put(f"{python_folder().replace('.', '')}.zip", zipped(specs))
    if with_https:
        add_authorities(tree)
    with open(agent, "rb") as file:
        tree.put(AGENT, file.read(), PROGRAM_MODE)
    tree.put(WRAPPER, WRAPPER_TEXT.encode(), PROGRAM_MODE)
    if os.path.exists(environment.FILE):
        tree.copy(environment.FILE)
    return tree, with_https


def find(name: str) -> ModuleSpec | None:
    """Where a module is; None where it is missing."""
    try:
        return find_spec(name)
    except (ImportError, ValueError):
        return None


def decide(https: str, missing: list[str]) -> bool:
    """Whether TLS comes along. Raises ProvisionError where it must and cannot."""
    if https == "no" or not missing:
        return https != "no"
    if https == "yes":
        check_complete(missing)
    print(f"note: this Python has no {missing[0]}; {WITHOUT_OPENSSL}", file=sys.stderr)
    return False


def check_complete(missing: list[str]) -> None:
    """Raise ProvisionError if modules are missing, with what brings them."""
    if missing:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ProvisionError(
            f"this Python has no {', '.join(missing)}; install all of its standard library "
            f"(on Debian and its like the package libpython{version}-stdlib, which python3 needs)",
            exit_code=REFUSED,
        )


def python_folder() -> str:
    """Where the interpreter looks for its standard library in the tree, found from where it is itself."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"{parent_of(parent_of(INTERPRETER))}/{sys.platlibdir}/python{version}"


def is_shared_object(path: str) -> bool:
    """Whether a module's file is one."""
    return path.endswith(tuple(EXTENSION_SUFFIXES))


def zipped(specs: dict[str, ModuleSpec]) -> bytes:
    """The modules that are written in Python, compiled, in one file. Those that are frozen are in the interpreter."""
    paths = {name: path_of(name, spec) for name, spec in specs.items() if (spec.origin or "").endswith((".py", ".pyc"))}
    sources = [name for name in paths if (specs[name].origin or "").endswith(".py")]
    made = compile_with(
        sys.executable, [Source(specs[name].origin or "", f"{paths[name]}.py") for name in sources], lines=False
    )
    members = dict(zip(sources, made.files, strict=True))
    # A library without sources has to be taken as it is.
    members |= {name: as_installed(specs[name]) for name in paths.keys() - members.keys()}
    return archive([(f"{paths[name]}.pyc", data) for name, data in members.items()])


def as_installed(spec: ModuleSpec) -> bytes:
    """The compiled module that this system has."""
    with open(spec.origin or "", "rb") as file:
        return file.read()


def path_of(name: str, spec: ModuleSpec) -> str:
    """Where a module stands below the folder or file that it is imported from, without an ending."""
    return name.replace(".", "/") + "/__init__" * (spec.submodule_search_locations is not None)


def archive(members: list[tuple[str, bytes]]) -> bytes:
    """A zip file, the same for the same members. Nothing is compressed: the initramfs is, as a whole."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as file:
        for name, data in sorted(members):
            about = ZipInfo(name, EPOCH)
            about.create_system, about.external_attr = 3, FILE_MODE << 16
            file.writestr(about, data)
    return buffer.getvalue()


def libraries_of(paths: list[str]) -> list[str]:
    """The shared libraries that programs and shared objects load, with what ends their threads. Raises ProvisionError."""
    try:
        listed = subprocess.run(
            ["ldd", *paths], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )
    except OSError as error:
        raise ProvisionError(f"ldd cannot be run: {error.strerror}; it comes with the C library") from None
    found = sorted({*libraries_in(listed.stdout)})
    if not found and STATIC not in listed.stderr:
        raise ProvisionError(f"ldd finds no libraries of {paths[0]}: {listed.stderr.strip() or 'it says nothing'}")
    beside = (f"{parent_of(path)}/{UNWINDER}" for path in found if os.path.basename(path).startswith("libc.so"))
    return sorted({*found, *filter(os.path.exists, beside)})


def libraries_in(text: str) -> Iterator[str]:
    """The paths in what `ldd` prints."""
    for line in text.splitlines():
        if not line.startswith("\t"):
            continue
        name, linked, path = line.strip().partition(" (0x")[0].partition(LINKED)
        if linked and not path.startswith("/"):
            raise ProvisionError(f"the shared library {name} is missing; install what has it")
        if path or name.startswith("/"):
            yield path or name


def add_authorities(tree: Tree) -> None:
    """The certificate authorities that this system trusts."""
    bundle = next(filter(os.path.isfile, BUNDLES), None)
    if bundle is None:
        print(
            "note: this system has no certificate authorities (on Debian the package ca-certificates); "
            "only those of a config will be trusted in the initramfs",
            file=sys.stderr,
        )
        return
    with open(bundle, "rb") as file:
        tree.put(bundle, file.read())
