"""The text of a file that a config holds itself. Needs no library; whoever fetches remote content has its own way."""

from provision.ignition import File

MAX_TEXT = 1 << 20


def text_of(file: File) -> str | None:
    """The text of a file, None where the config does not hold it, or it is too long to be looked through."""
    source = file.contents.source
    if source is None or source[:5] != "data:" or len(source) > MAX_TEXT or file.broken:
        return None
    from provision.contents import content_of  # only a file that is looked at pays for it
    from provision.diagnostics import ProvisionError

    try:
        return content_of(file.contents, MAX_TEXT).decode("utf-8", "replace")
    except ProvisionError:
        return None
