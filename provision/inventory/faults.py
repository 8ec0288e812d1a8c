"""What can be wrong with an inventory, and between its hosts: the codes. Of documents that are built together, see `composition`."""

from provision.diagnostics import declare

declare(
    "PV791", "error", "form of an inventory",
    """An inventory has hosts, and may have groups, variables, templates and fragments.

    Known at its top are `variables`, `templates`, `fragments`, `groups` and `hosts`; in a group and in a host `groups`,
    `variables`, `templates` and `fragments`. A host's name is that of its file: letters, digits, `.`, `_` and `-`, at most 200,
    and no two differ only in capitals. See docs/inventory.md.

    Bad, in an inventory: `hosts: [web-1, web-2]`. Good: `hosts: {web-1: {groups: [web]}, web-2: {groups: [web]}}`.
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV793", "error", "group of an inventory",
    """A group that is named in `groups` exists, and does not include itself, be it by way of others.

    Bad, under `groups`: `web: {groups: [site]}` and `site: {groups: [web]}`. Good: `web: {groups: [site]}` and `site: {}`.
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV794", "warning", "variable without a use",
    """A variable of an inventory is a parameter of a template that some host with the variable gets.

    A misspelt name would leave the default in place without a word. A host's own name is `hostname`, without being set.
    """,
)  # fmt: skip
declare(
    "PV795", "error", "address of two hosts",
    """No two hosts of an inventory have one address.

    Addresses are read from files of networkd, NetworkManager, netplan and ifupdown, and from the kernel argument `ip=`. Those
    of `lo` and of dummy devices, and link-local ones, may be on any number of machines. Where an address is meant to be on
    several, such as that of a bridge which nobody else sees, a comment at the host in the inventory says so.
    """,
)  # fmt: skip
declare(
    "PV796", "error", "name of two hosts",
    """No two hosts of an inventory have one host name.

    A host's name is what its config writes to /etc/hostname, else what its kernel arguments say, else its name in the inventory.
    """,
)  # fmt: skip
declare(
    "PV797", "error", "members of one cluster disagree",
    """Hosts that become members of one new etcd cluster have the same `initial_cluster`.

    A member takes only those for its own whose list is the same: it makes the cluster's id of it. A host that joins a cluster
    which exists already (`initial_cluster_state: existing`) has a longer list than those before it.
    Source: etcd, clustering guide, "Static".
    """,
)  # fmt: skip
declare(
    "PV798", "warning", "member without a host",
    """Where hosts of an inventory become members of a new etcd cluster, all of its members are hosts of the inventory.

    A new cluster starts once more than half of its members run.
    """,
)  # fmt: skip
declare(
    "PV799", "error", "documents of a host",
    """What an inventory names under `templates` and `fragments` exists, and each host gets something to be built from.

    A template is a file whose name ends in `.j2`, or has the name of one in a library; a fragment is a document or a folder of
    them. Paths are relative to the inventory.
    """, silenceable=False,
)  # fmt: skip
