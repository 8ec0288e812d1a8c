"""Documents for authors that a machine fetched where Ignition JSON is usual: the applier asks, if this package is there."""

from provision.diagnostics import ProvisionError
from provision.report import render
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

NAME = "<fetched>"


def transpile(data: bytes) -> bytes:
    """The Ignition JSON of a document in any dialect. Raises ProvisionError with all that is wrong in it."""
    compiled = compile_document(data, NAME, Options(raw=True))
    if compiled.failed:
        told = render(compiled.diagnostics, compiled.sources, "concise", color=False, files=[NAME])
        lines = "\n".join(f"  {line}" for line in told.splitlines())
        raise ProvisionError(f"the fetched document cannot be used:\n{lines}", exit_code=1)
    return compiled.output()
