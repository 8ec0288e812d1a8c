"""/etc/environment, in which coreos-cloudinit leaves the addresses that it knows. Source: `initialize/env.go`."""

from collections.abc import Mapping

from provision.ignition import File, FileContents
from provision.schema.cloud_config import CloudConfig
from provision.transpile.cloud_config.draft import Draft
from provision.transpile.cloud_config.variables import environment_name
from provision.transpile.contents import data_url

PATH = "/etc/environment"


def expand(root: CloudConfig, values: Mapping[str, str], draft: Draft) -> None:
    """Add the given addresses to the file, whatever it has; one that the author writes stays as it is."""
    if not values or PATH in draft.files:
        return
    text = "".join(f"{environment_name(name)}={values[name]}\n" for name in sorted(values))
    piece = FileContents(source=data_url(text.encode()).source).at(root.origin)
    draft.files[PATH] = File(path=PATH, append=(piece,), mode=0o644).at(root.origin)
