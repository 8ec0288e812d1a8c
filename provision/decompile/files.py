"""From a config in any dialect to a Butane document in a file, with the files that it reads beside it."""

import os
from contextlib import ExitStack
from typing import NamedTuple

from provision.decompile import comments, yaml
from provision.decompile.butane import butane_of, nowhere
from provision.decompile.contents import Contents
from provision.decompile.machineconfig import as_openshift
from provision.decompile.origins import Origins
from provision.decompile.releases import HOME, adapted, release_for, without_sugar
from provision.diagnostics import Diagnostic, ProvisionError
from provision.inputs import STDIN, STDIN_NAME, read_input, write_output
from provision.transpile.author import Options, inside
from provision.transpile.compile import DEFAULTS, Compiled, compile_document
from provision.versions import BUTANE, Dialect, Release

USAGE = 2
DECOMPILED = ("ignition", "ignition2", "machineconfig", "machineconfig2")


class Decompiled(NamedTuple):
    """What became of a document: the Butane text, None where there are errors, and the files that it reads.

    `sources` has the text of every file that a diagnostic may name.
    """

    text: str | None
    files: dict[str, bytes]
    diagnostics: list[Diagnostic]
    sources: dict[str, str]
    release: Release | None = None


def decompile_file(
    path: str, variant: str | None, output: str | None, files_dir: str | None, options: Options = DEFAULTS
) -> Decompiled:
    """Turn an Ignition config or a MachineConfig into Butane; see `convert_file`."""
    return written(path, variant, output, files_dir, options, DECOMPILED)


def convert_file(
    path: str, variant: str | None, output: str | None, files_dir: str | None, options: Options = DEFAULTS
) -> Decompiled:
    """Turn a config of any dialect into Butane, with its comments.

    `files_dir` is where files beside the document go, None for none at all; the local files of the config itself are
    read from below `options.files_dir`. Without an `output` the text is left to the caller. Nothing is written where
    there are errors, or where another file would be overwritten (ProvisionError).
    """
    return written(path, variant, output, files_dir, options, None)


def written(
    path: str, variant: str | None, output: str | None, files_dir: str | None, options: Options,
    dialects: tuple[str, ...] | None,
) -> Decompiled:  # fmt: skip
    """The document of a file, put into its place with its files."""
    if variant is not None and variant not in BUTANE:
        raise ProvisionError(f"--variant {variant}: use one of {', '.join(BUTANE)}", exit_code=USAGE)
    name = STDIN_NAME if path == STDIN else path
    compiled = compile_document(read_input(path), name, options)
    release = compiled.release
    if dialects is not None and release is not None and release.dialect not in dialects:
        raise ProvisionError(f"{name} is {release.name}: use `provision convert`", exit_code=USAGE)
    result = decompiled(compiled, variant, files=files_dir is not None)
    if result.text is not None:
        with ExitStack() as undo:
            if files_dir is not None:
                write_files(files_dir, result.files, undo)
            if output:
                write_output(output, result.text.encode())
            undo.pop_all()
    return result


def decompiled(compiled: Compiled, variant: Dialect | str | None = None, *, files: bool = False) -> Decompiled:
    """A compiled document as Butane; `files` says that contents which are no text may stand in files beside it."""
    config, author, diagnostics = compiled.config, compiled.author, list(compiled.diagnostics)
    failed = Decompiled(None, {}, diagnostics, compiled.sources)
    if compiled.failed or config is None or author is None:
        return failed
    chosen: Dialect = variant or HOME.get(author.release.dialect, "fcos")  # type: ignore[assignment]  # checked by the caller
    config, lost = as_openshift(compiled, author) if chosen == "openshift" else (without_sugar(config), [])
    release, problems = release_for(config, author, chosen)
    diagnostics += lost + problems
    diagnostics.sort(key=Diagnostic.sort_key)
    if problems:
        return failed
    contents = Contents(files=files)
    document = compiled.document
    place, origins = nowhere if document.json else author.place, Origins(author)
    tree = butane_of(adapted(config, author.spec, release), release, contents, place, origins.local)
    origins.explain(tree)
    if not document.json:
        tree = origins.ordered(tree)
    header, footer = comments.attach(comments.comments_in(document), tree, document)
    return Decompiled(yaml.document(tree, header, footer), contents.files, diagnostics, compiled.sources, release)


def write_files(folder: str, files: dict[str, bytes], undo: ExitStack) -> None:
    """Write the files of a document below a folder; one that is there already must be the same. `undo` takes them away."""
    root = os.path.realpath(folder)
    for file, data in files.items():
        path = os.path.join(root, file)
        if not inside(os.path.realpath(path), root):
            raise ProvisionError(f"{path}: a symbolic link leads out of {folder}", exit_code=USAGE)
        if os.path.lexists(path) and not same(path, data):
            raise ProvisionError(f"{path}: there is another file already; take an empty folder", exit_code=USAGE)
    for file, data in files.items():
        path = os.path.join(root, file)
        try:
            make_folder(os.path.dirname(path), undo)
        except OSError as error:
            raise ProvisionError(f"{path}: {(error.strerror or str(error)).lower()}", exit_code=USAGE) from None
        if not os.path.exists(path):
            write_output(path, data)
            undo.callback(os.unlink, path)


def make_folder(path: str, undo: ExitStack) -> None:
    """Make a folder and those above it that are missing."""
    if not os.path.isdir(path):
        make_folder(os.path.dirname(path), undo)
        os.mkdir(path)
        undo.callback(os.rmdir, path)


def same(path: str, data: bytes) -> bool:
    """Whether a file has just this content."""
    try:
        with open(path, "rb") as file:
            return file.read() == data
    except OSError:
        return False
