"""Updates of the system: `coreos.update`, which becomes /etc/coreos/update.conf."""

from provision.diagnostics import declare
from provision.schema.cloud_config import CoreOS, Update
from provision.transpile.author import Author
from provision.transpile.cloud_config.draft import Draft
from provision.transpile.cloud_config.structure import REBOOT_STRATEGIES

declare(
    "PV712", "warning", "removed reboot strategy",
    """A reboot strategy is one that locksmith still has: `etcd-lock`, `reboot` or `off`.

    `best-effort` was the default until locksmith 0.6.0 removed it: a lock through etcd where etcd runs, else a reboot. It
    is written as `etcd-lock` where the document configures etcd, else as `reboot`.

    Bad:
        #cloud-config
        coreos:
          update:
            reboot_strategy: best-effort

    Good:
        #cloud-config
        coreos:
          update:
            reboot_strategy: reboot
    """,
)  # fmt: skip

UPDATE_CONF = "/etc/coreos/update.conf"
BEST_EFFORT = "best-effort"
LOCKSMITH = "locksmithd.service"


def expand(coreos: CoreOS, draft: Draft, author: Author) -> None:
    """Write the given keys; others are looked up in the image's own file. A strategy `off` masks locksmith."""
    update = coreos.update
    values = {
        setting.variable: (str(getattr(update, setting.key)), setting.key)
        for setting in Update.settings
        if getattr(update, setting.key)
    }
    if not values:
        return
    strategy = strategy_of(coreos, author)
    if strategy is not None:
        values["REBOOT_STRATEGY"] = (strategy, "reboot_strategy")
    text = "".join(f"{name}={value}\n" for name, (value, _) in sorted(values.items()))
    places = {name: author.place(update, key) for name, (_, key) in values.items()}
    draft.write(UPDATE_CONF, text, update.origin, **places)
    if strategy == "off":
        unit = draft.unit(LOCKSMITH, author.place(update, "reboot_strategy"))
        unit.masked = True


def strategy_of(coreos: CoreOS, author: Author) -> str | None:
    """The reboot strategy, an old one by its successor."""
    strategy: str | None = getattr(coreos.update, "reboot_strategy")  # noqa: B009  # its rows come from a table
    if strategy != BEST_EFFORT:
        return strategy if strategy in REBOOT_STRATEGIES else None
    etcd = any(not section.empty() for section in (coreos.etcd, coreos.etcd2))
    new = "etcd-lock" if etcd else "reboot"
    why = "etcd is configured" if etcd else "no etcd is configured"
    said = f"locksmith has no strategy best-effort any more; it is written as {new}, since {why}"
    author.complain("PV712", "warning", coreos.update, "reboot_strategy", said, f"write reboot_strategy: {new}")
    author.fate(coreos.update, "reboot_strategy", "exact", f"written as {new}")
    return new
