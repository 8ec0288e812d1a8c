"""Which keys at the top of a `#cloud-config` document only cloud-init knows: they tell it from CoreOS's cloud-config."""

from provision.schema.cloud_init import UserData

# Both dialects have these.
SHARED_KEYS = frozenset(("hostname", "manage_etc_hosts", "ssh_authorized_keys", "users", "write_files"))
CANONICAL_KEYS: frozenset[str] = frozenset(row.snake.replace("-", "_") for row in UserData.rows.values()) - SHARED_KEYS
