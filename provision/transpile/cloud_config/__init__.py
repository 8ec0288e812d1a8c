"""CoreOS cloud-config to Ignition: what coreos-cloudinit did on every boot, as the machine finds it on its first.

Each module knows one key. They come in the order of coreos-cloudinit's own work, so that what it wrote last also wins
here. Source: coreos-cloudinit 1.14, `initialize/config.go`.
"""

from provision.ignition import Config
from provision.schema.cloud_config import CloudConfig
from provision.transpile.author import Author
from provision.transpile.cloud_config import (
    accounts,
    environment,
    files,
    header,
    naming,
    rendering,
    services,
    structure,
    units,
    updates,
    variables,
)
from provision.transpile.cloud_config.draft import Draft

__all__ = ["structure", "translate"]


def translate(root: CloudConfig, author: Author) -> Config:
    """The Ignition config that sets a machine up as the document says."""
    header.check(author)
    author.fate(root, None, "exact", "done once, on first boot; coreos-cloudinit did it again at every boot")
    values = variables.given_values(author)
    root = variables.substituted(root, values, author)
    draft = Draft(author)
    naming.expand(root, draft, author)
    accounts.expand(root, draft, author)
    files.expand(root.write_files, draft, author)
    services.expand_oem(root.coreos.oem, draft, author)
    updates.expand(root.coreos, draft, author)
    naming.expand_hosts(root, draft, author)
    units.expand(root.coreos.units, draft, author)
    services.expand(root.coreos, draft, author)
    environment.expand(root, values, draft)
    rendering.expand(root, draft, author)
    return draft.config()
