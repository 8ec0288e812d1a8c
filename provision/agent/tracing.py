"""What imports what in the standard library: a program for any interpreter, run bare, that prints JSON.

Its arguments are modules to load, as `name`, and imports not to follow, as `importer>name`.
"""

import builtins
import sys
from types import ModuleType

# Before anything else is loaded: these are there at every start.
AT_START = sorted(set(sys.modules) - {"__main__"})


class Tracer:
    """Stands in for `__import__`, and notes who imports what."""

    def __init__(self) -> None:
        self.imports: dict[str, set[str]] = {}
        self.running: list[str] = []
        self.real = builtins.__import__

    def __call__(
        self,
        name: str,
        globals: dict[str, object] | None = None,
        locals: dict[str, object] | None = None,
        fromlist: tuple[str, ...] = (),
        level: int = 0,
    ) -> ModuleType:
        importer, module = self.names(name, globals or {}, level)
        self.running.append(module)
        try:
            found = self.real(name, globals, locals, fromlist, level)
        finally:
            self.running.pop()
        noted = self.imports.setdefault(importer, set())
        noted.add(module)
        noted.update(f"{module}.{each}" for each in fromlist or () if f"{module}.{each}" in sys.modules)
        return found

    def names(self, name: str, globals: dict[str, object], level: int) -> tuple[str, str]:
        """The full names of the module that imports, and of the one that it wants."""
        importer = str(globals.get("__name__", ""))
        if importer.startswith("_frozen_importlib") and self.running:
            importer = self.running[-1]  # one in C, while it is being loaded
        if not level:
            return importer, name
        package = str(globals.get("__package__") or importer.rpartition(".")[0])
        for _ in range(level - 1):
            package = package.rpartition(".")[0]
        return importer, f"{package}.{name}".rstrip(".")


def main(arguments: list[str]) -> None:
    """Trace, and print what was seen."""
    tracer = Tracer()
    left_out = {argument for argument in arguments if ">" in argument}
    with_tracer(tracer, "__main__", [argument for argument in arguments if argument not in left_out])
    # These would have hidden imports if they had been loaded before.
    import json
    import platform

    known: set[str] = set()
    left = {*AT_START, *tracer.imports["__main__"]}
    while left:
        module = left.pop()
        known.add(module)
        late = [name for name in sorted(late_imports(module)) if f"{module}>{name}" not in left_out]
        with_tracer(tracer, module, late)
        needs = {name for name in tracer.imports.get(module, ()) if f"{module}>{name}" not in left_out}
        left |= {*needs, module.rpartition(".")[0] or module} - known
    names = sorted(name for name in known if getattr(sys.modules.get(name), "__spec__", None))
    answer = {
        "version": platform.python_version(),
        "executable": sys.executable,
        "start": AT_START,
        "imports": {name: sorted(tracer.imports.get(name, ())) for name in ("__main__", *names)},
        "files": {name: file_of(sys.modules[name]) for name in names},
    }
    json.dump(answer, sys.stdout)


def with_tracer(tracer: Tracer, importer: str, names: list[str]) -> None:
    """Import on behalf of a module. A name may also be one that a module holds, or for another system."""
    builtins.__import__ = tracer  # type: ignore[assignment]  # does what it does
    for name in names:
        try:
            tracer(name, {"__name__": importer})
        except ImportError:
            continue
    builtins.__import__ = tracer.real


def late_imports(module: str) -> set[str]:
    """The modules that the functions of a module import; for its own and C's ones, none."""
    import ast

    path = getattr(sys.modules.get(module), "__file__", None) or source_beside_frozen(module)
    if not path.endswith(".py"):
        return set()
    with open(path, "rb") as file:
        tree = ast.parse(file.read())
    functions = (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    found: set[str] = set()
    for node in {inner for function in functions for inner in ast.walk(function)}:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module if path.endswith("/__init__.py") else module.rpartition(".")[0]
            base = ".".join(part for part in (package if node.level else "", node.module or "") if part)
            found.add(base)
            found.update(name for alias in node.names if (name := f"{base}.{alias.name}") in sys.modules)
    return found


def source_beside_frozen(module: str) -> str:
    """The source of a module that is part of the interpreter, where there is one."""
    import os

    folder = os.path.dirname(os.path.abspath(os.__file__)) if hasattr(os, "__file__") else ""
    path = f"{folder}/{module.replace('.', '/')}.py"
    return path if os.path.isfile(path) else ""


def file_of(module: ModuleType) -> str:
    """Where a module comes from: a path, `built-in` or `frozen`."""
    spec = module.__spec__
    origin = spec.origin if spec else None
    return origin or "built-in"


if __name__ == "__main__":
    main(sys.argv[1:])
