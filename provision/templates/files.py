"""`file()` in templates: texts from the files directory, and from nowhere else."""

from provision.templates.faults import RenderingError
from provision.templates.limits import MAX_TEXT, too_large
from provision.transpile.author import inside


def read_file(name: object, files_dir: str | None) -> str:
    """The text of a file below the files directory. Raises RenderingError for one that may not, or can't, be read."""
    import os

    if not isinstance(name, str):
        raise RenderingError("`file()` takes the name of a file", word="file")
    if files_dir is None:
        raise RenderingError(
            f"`{name}` is a local file, and there is no files directory", "name the directory that it is in with -d/--files-dir",
            "PV606", "file",
        )  # fmt: skip
    root = os.path.abspath(files_dir)
    path = os.path.normpath(os.path.join(root, name.lstrip("/").replace("\0", "")))
    real = os.path.realpath(path)
    if "\0" in name or not inside(path, root) or not inside(real, os.path.realpath(root)):
        raise RenderingError(
            f"`{name}` leads out of the files directory", f"keep local files below {files_dir}", "PV607", "file"
        )
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise RenderingError(f"local file `{name}`: not a regular file", f"looked in {files_dir}", "PV608", "file")
        with open(path, "rb") as file:
            data = file.read(MAX_TEXT + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise RenderingError(f"local file `{name}`: {why}", f"looked in {files_dir}", "PV608", "file") from None
    if len(data) > MAX_TEXT:
        raise too_large()
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RenderingError(
            f"local file `{name}` is no text in UTF-8",
            "use `contents: local:` of Butane for what is no text",
            "PV608",
            "file",
        ) from None
