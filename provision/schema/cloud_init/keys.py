"""What in a `#cloud-config` document only cloud-init knows: that tells it from CoreOS's cloud-config."""

from collections.abc import Mapping

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.document.nodes import child
from provision.schema.cloud_init import UserData

# Both dialects have these.
SHARED_KEYS = frozenset(("hostname", "manage_etc_hosts", "ssh_authorized_keys", "users", "write_files"))
CANONICAL_KEYS: frozenset[str] = frozenset(row.snake.replace("-", "_") for row in UserData.rows.values()) - SHARED_KEYS
# Keys of the elements of shared lists. CoreOS's documents name some of cloud-init's keys, to say that they have no effect:
# `lock_passwd` or `sudo` tell nothing.
ELEMENT_KEYS: Mapping[str, frozenset[str]] = {
    "users": frozenset(("hashed_passwd", "plain_text_passwd", "ssh_redirect_user", "doas", "snapuser")),
    "write_files": frozenset(("append", "defer", "source")),
}
DEFAULT_USER = "default"


def is_canonical(root: Node | None) -> bool:
    """Whether something in a document is known to cloud-init only."""
    return not CANONICAL_KEYS.isdisjoint(keys_of(root)) or any(
        is_default_user(item) or not keys.isdisjoint(keys_of(item))
        for name, keys in ELEMENT_KEYS.items()
        for item in elements(child(root, name))
    )


def is_default_user(item: Node) -> bool:
    """Whether an element of `users` is the word for the account of the image."""
    return isinstance(item, ScalarNode) and item.value == DEFAULT_USER


def elements(node: Node | None) -> list[Node]:
    """The elements of a list."""
    return node.value if isinstance(node, SequenceNode) else []


def keys_of(node: Node | None) -> set[str]:
    """The keys of a mapping, with `_` for `-`."""
    return {str(key.value).replace("-", "_") for key, _ in node.value} if isinstance(node, MappingNode) else set()
