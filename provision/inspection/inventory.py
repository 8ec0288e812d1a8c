"""What a config makes of a machine, as plain values: the JSON of `provision inspect --json`.

`dialect` and `spec` name what was read. The lists are in the order of the config; unset values are null.

- `files`: path, mode (`0644`), user, group, overwrite, size, kind and `pieces` (the content, then what is appended, each
  with kind, size, source, hash, compression and fault); `directories`: path, mode, user, group; `links`: path, target, hard
- `units`: name, state (`enabled`, `disabled`, `masked` or null), lines, `dropins` (name, lines)
- `users`: name, uid, groups, password (`set` or `not set`), keys (how many), and what else is set but a secret; `groups`
- `kernelArguments`: shouldExist, shouldNotExist
- `disks`, `raid`, `luks`, `filesystems`: as in Ignition, without key files
- `mounts`: unit, what, where (null for swap): what the mount and swap units do
- `references`: use (`merge` or `replace`), source, hash, pool (of a pointer); `certificates`: how many; `pointers`: scheme, host, port, pool
- `machineconfig`, only of such: name, role, pool (of a merged one), kernelArguments, kernelType, extensions, fips, osImageURL, effect
"""

import posixpath
from typing import Any

from provision.ignition import Config, Directory, File, Node, Unit, User
from provision.inspection.contents import Reader, public
from provision.inspection.devices import mounts_of
from provision.record import Record, Spec, encode
from provision.schema.machineconfig import MachineConfig
from provision.schema.rules.pointer import pointers_in

SECRET_USER_FIELDS = frozenset(("password_hash", "ssh_authorized_keys", "name"))


def inventory(config: Config, spec: Spec, root: Record | None) -> dict[str, Any]:
    """All of it."""
    reader, storage, ignition = Reader(), config.storage, config.ignition
    found: dict[str, Any] = {
        "files": [file_facts(file, reader) for file in storage.files],
        "directories": [node_facts(node) for node in storage.directories],
        "links": [{"path": link.path, "target": link.target, "hard": bool(link.hard)} for link in storage.links],
        "units": [unit_facts(unit) for unit in config.systemd.units],
        "users": [user_facts(user) for user in config.passwd.users],
        "groups": [
            {"name": each.name, "gid": each.gid, "system": each.system, "shouldExist": each.should_exist}
            for each in config.passwd.groups
        ],
        "kernelArguments": {
            "shouldExist": list(config.kernel_arguments.should_exist),
            "shouldNotExist": list(config.kernel_arguments.should_not_exist),
        },
        **{
            name: [without_keys(encode(each, spec)) for each in getattr(storage, name)]
            for name in ("disks", "raid", "luks", "filesystems")
        },
        "mounts": [mount._asdict() for mount in mounts_of(config)],
        "references": references(config),
        "certificates": len(ignition.security.tls.certificate_authorities),
        "pointers": [pointer._asdict() for _, pointer in pointers_in(ignition)],
    }
    return {**found, "machineconfig": machineconfig_facts(root, found)} if isinstance(root, MachineConfig) else found


def without_keys(value: dict[str, Any]) -> dict[str, Any]:
    """A volume without its key, and with no more of its URLs than may be shown."""
    for tang in value.get("clevis", {}).get("tang", ()):
        tang.update({"url": public(tang["url"])} if tang.get("url") else {})
    return {key: inner for key, inner in value.items() if key != "keyFile"}


def mode_of(node: File | Directory) -> str | None:
    """A mode as people write it."""
    return None if node.mode is None else f"{node.mode & 0o7777:04o}"


def owner_of(node: Node) -> dict[str, object]:
    """The owner and the group: a name or a number; None for root."""
    user, group = node.user, node.group
    return {"user": user.name or user.id, "group": group.name or group.id}


def node_facts(node: Directory) -> dict[str, Any]:
    """A directory."""
    return {"path": node.path, "mode": mode_of(node), **owner_of(node), "overwrite": node.overwrite}


def file_facts(file: File, reader: Reader) -> dict[str, Any]:
    """A file with its contents, but not the bytes of them."""
    pieces = reader.pieces(file)
    sizes = [piece.size for piece in pieces]
    kinds = list(dict.fromkeys(piece.kind for piece in pieces))
    return {
        "path": file.path, "mode": mode_of(file), **owner_of(file), "overwrite": file.overwrite,
        "size": None if None in sizes else sum(size or 0 for size in sizes),
        "kind": kinds[0] if len(kinds) == 1 else "mixed",
        "appends": len(file.append),
        "pieces": [piece.plain() for piece in pieces],
    }  # fmt: skip


def unit_facts(unit: Unit) -> dict[str, Any]:
    """A unit and its drop-ins."""
    state = "masked" if unit.mask else {True: "enabled", False: "disabled", None: None}[unit.enabled]
    return {
        "name": unit.name, "state": state, "lines": lines_of(unit.contents),
        "dropins": [{"name": each.name, "lines": lines_of(each.contents)} for each in unit.dropins],
    }  # fmt: skip


def lines_of(text: str | None) -> int:
    """How many lines a text has."""
    return len((text or "").splitlines())


def user_facts(user: User) -> dict[str, Any]:
    """An account without its secrets."""
    rest = {
        row.key: list(value) if isinstance(value, tuple) else value
        for row, value in user.given()
        if row.name not in SECRET_USER_FIELDS
    }
    return {
        "name": user.name, "uid": user.uid, "password": "set" if user.password_hash else "not set",
        "keys": len(user.ssh_authorized_keys), **rest,
    }  # fmt: skip


def references(config: Config) -> list[dict[str, object]]:
    """The configs that this one refers to."""
    both = [("merge", each) for each in config.ignition.config.merge] + [("replace", config.ignition.config.replace)]
    pools = {id(each): pointer.pool for each, pointer in pointers_in(config.ignition)}
    return [
        {
            "use": use, "source": public(each.source),
            "hash": each.verification.hash, "pool": pools.get(id(each)),
        }
        for use, each in both
        if each.source
    ]  # fmt: skip


# ---- MachineConfigs ---------------------------------------------------------------------------------------------

# What a node does for a file, or for those of a folder, without a reboot.
# Source: machine-config-operator 4.20, `calculatePostConfigChangeActionFromMCDiffs` in `pkg/daemon/update.go`.
WITHOUT_REBOOT = {
    "/etc/kubernetes/kubelet-ca.crt": "nothing",
    "/var/lib/kubelet/config.json": "nothing",
    "/etc/nmstate/openshift": "nothing",
    "/etc/containers/registries.conf": "reload crio",
    "/etc/containers/policy.json": "reload crio",
    "/etc/containers/registries.d": "reload crio",
    "/etc/machine-config-daemon/no-reboot/containers-gpg.pub": "reload crio",
    "/etc/pki/ca-trust/source/anchors/openshift-config-user-ca-bundle.crt": "restart crio",
}
# The strongest comes first.
EFFECTS = ("reboot", "restart crio", "reload crio")


def machineconfig_facts(root: MachineConfig, found: dict[str, Any]) -> dict[str, Any]:
    """What is in a MachineConfig beside its Ignition config."""
    from provision.transpile.machineconfig.objects import role_of

    spec = root.spec
    return {
        "name": root.metadata.name, "role": role_of(root) or None, "pool": pool_of(root), "kernelArguments": list(spec.kernel_arguments),
        "kernelType": spec.kernel_type, "extensions": list(spec.extensions), "fips": spec.fips,
        "osImageURL": spec.os_image_url, "effect": effect(root, found),
    }  # fmt: skip


def pool_of(root: MachineConfig) -> str | None:
    """The pool that a merged MachineConfig belongs to."""
    return next((each.name for each in root.metadata.owner_references if each.kind == "MachineConfigPool"), None)


def effect(root: MachineConfig, found: dict[str, Any]) -> str:
    """What a running node does when it gets this config: `reboot`, `restart crio`, `reload crio` or `nothing`."""
    from provision.transpile.machineconfig import lost_fields

    parts = ("directories", "links", "units", "groups", "disks", "raid", "luks", "filesystems")
    more = any(found[part] for part in parts) or any(found["kernelArguments"].values())
    if more or root.spec.kernel_arguments or any(lost_fields(root.spec)):
        return "reboot"
    if any(user["password"] == "set" for user in found["users"]):
        return "reboot"
    effects = {effect_of(file["path"]) for file in found["files"]}
    return next((each for each in EFFECTS if each in effects), "nothing")


def effect_of(path: str) -> str:
    """What a running node does for one file."""
    return WITHOUT_REBOOT.get(path) or WITHOUT_REBOOT.get(posixpath.dirname(path), "reboot")
