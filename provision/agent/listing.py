"""What the agent needs of an interpreter, as text and as JSON."""

import json

from provision.agent.stdlib import Needs
from provision.apply.pack import is_shared_object

KINDS = {"built-in": "built in", "frozen": "frozen"}


def as_text(needs: Needs, *, https: bool) -> bytes:
    """A line for each module, with where it is, and for each shared object."""
    names = needs.named(https=https)
    width = max(map(len, names))
    lines = [f"# modules of Python {needs.version}'s standard library"]
    lines += [f"{name:{width}}  {kind_of(needs, name)}" for name in names]
    lines += ["", "# shared objects", *needs.shared_objects(https=https)]
    return "".join(f"{line}\n" for line in lines).encode()


def as_json(needs: Needs, *, https: bool) -> bytes:
    """The same for programs."""
    modules = [
        {"name": module.name, "kind": kind_of(needs, module.name), "file": file_of(needs, module.name), "https": module.https}
        for module in needs.modules
        if https or not module.https
    ]  # fmt: skip
    document = {
        "python": needs.version,
        "executable": needs.executable,
        "modules": modules,
        "shared_objects": needs.shared_objects(https=https),
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def kind_of(needs: Needs, name: str) -> str:
    """Where a module is: built in, frozen, in a shared object or in a source file."""
    path = needs.files[name]
    return KINDS.get(path) or ("shared object" if is_shared_object(path) else "source")


def file_of(needs: Needs, name: str) -> str | None:
    """A module's file; None where it is in the interpreter."""
    path = needs.files[name]
    return None if path in KINDS else path
