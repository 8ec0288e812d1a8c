"""Keys of users and hosts. Source: cloud-init 25, modules ssh, ssh_import_id, ssh_authkey_fingerprints."""

from provision.ignition import User
from provision.transpile.cloud_init.accounts import import_id
from provision.transpile.cloud_init.build import Build, shell_word
from provision.transpile.cloud_init.passwords import SSH_CONFIG

TYPES = ("rsa", "ecdsa", "ed25519")
SUFFIXES = {"private": ("", 0o600), "public": (".pub", 0o644), "certificate": ("-cert.pub", 0o644)}
KEY_FILE = "/etc/ssh/ssh_host_{}_key"
# What root's keys, and those of users with `ssh_redirect_user`, answer with. Source: `ssh_util.py`.
REDIRECT = (
    'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="echo \'Please login as the user \\"$USER\\"'
    ' rather than the user \\"$DISABLE_USER\\".\';echo;sleep 10;exit 142"'
)


def ssh_keys(build: Build) -> None:
    """All that concerns ssh but passwords."""
    default_keys(build)
    redirected(build)
    host_keys(build)
    key_types(build)
    printed(build)


def default_keys(build: Build) -> None:
    """The keys at the top are the default user's, and root's with a hint."""
    root, author = build.root, build.author
    if root.ssh_import_id:
        import_id(build, root)
    keys = [key.strip() for key in root.ssh_authorized_keys]
    if not keys:
        return
    if build.default_user is None:
        said = "these keys are the default user's, and `users` has no `default`"
        author.complain("PV745", "warning", root, "ssh_authorized_keys", said, "add `default` to `users`")
        author.fate(root, "ssh_authorized_keys", "lost", "there is no default user")
    else:
        give_keys(build.default_user, keys, build)
    if root.disable_root is False:
        give_keys("root", keys, build)
    elif root.disable_root or root.disable_root_opts:
        give_keys("root", [f"{hint_for('root', build)} {key}" for key in keys], build)


def hint_for(name: str, build: Build) -> str:
    """The options of a key that only tells whom to log in as."""
    options = (build.root.disable_root_opts or REDIRECT) if name == "root" else REDIRECT
    return options.replace("$USER", build.default_user or "NONE").replace("$DISABLE_USER", name)


def give_keys(name: str, keys: list[str], build: Build, place: object = None) -> None:
    """Add keys to an account, which may be one that the image has."""
    place = place or build.author.place(build.root, "ssh_authorized_keys")
    user = build.users.get(name) or User(name=name).at(place)
    asked = build.shapes.items(place, "") if is_list(place) else []
    asked = asked if len(asked) == len(keys) else [place] * len(keys)
    new = {key: where for key, where in zip(keys, asked, strict=True) if key not in user.ssh_authorized_keys}
    if new:
        before = user.spot("ssh_authorized_keys")
        if user.ssh_authorized_keys and before is None:
            before = user.origin
        old = tuple(build.shapes.items(before, "")) if is_list(before) else (before,) * len(user.ssh_authorized_keys)
        merged = user.changed(ssh_authorized_keys=(*user.ssh_authorized_keys, *new))
        build.users[name] = merged.spotted(ssh_authorized_keys=(*old, *new.values()))


def is_list(place: object) -> bool:
    """Whether a place is a list in the document."""
    from ruamel.yaml.nodes import SequenceNode

    return isinstance(place, SequenceNode)


def redirected(build: Build) -> None:
    """Users whose keys only say whom to log in as: the default user's keys, with a hint."""
    for entry in build.accounts:
        if not entry.ssh_redirect_user or entry.snapuser is not None:
            continue
        if entry.ssh_authorized_keys or entry.ssh_import_id:
            said = "`ssh_redirect_user` can't stand beside `ssh_authorized_keys` or `ssh_import_id`"
            build.author.complain("PV728", "error", entry, "ssh_redirect_user", said, "drop one of them")
        elif entry.name == build.default_user:
            said = "`ssh_redirect_user` sends people to the default user, who is this one"
            build.author.complain("PV728", "error", entry, "ssh_redirect_user", said, "drop it")
        elif build.default_user is None:
            said = "`ssh_redirect_user` sends people to the default user, and `users` has no `default`"
            build.author.complain("PV745", "warning", entry, "ssh_redirect_user", said, "add `default` to `users`")
        else:
            keys = [f"{hint_for(entry.name, build)} {key.strip()}" for key in build.root.ssh_authorized_keys]
            give_keys(entry.name, keys, build)
            said = "the platform's keys are not known here; those of `ssh_authorized_keys` get the hint"
            build.author.fate(entry, "ssh_redirect_user", "exact", said)


def host_keys(build: Build) -> None:
    """`ssh_keys`: host keys that are given."""
    root = build.root
    place = build.author.place(root, "ssh_keys")
    given = root.ssh_keys or {}
    for name, text in given.items():
        kind, _, part = name.rpartition("_")
        if kind not in TYPES or part not in SUFFIXES:
            said = f"`{name}` is no host key; known are rsa, ecdsa and ed25519 with _private, _public and _certificate"
            build.author.complain("PV728", "error", root, "ssh_keys", said)
            continue
        suffix, mode = SUFFIXES[part]
        path = KEY_FILE.format(kind) + suffix
        build.file(path, text, mode, place)
        if part == "certificate":
            build.append(SSH_CONFIG, f"HostCertificate {path}\n", 0o600, place)
    missing = [kind for kind in TYPES if f"{kind}_private" in given and f"{kind}_public" not in given]
    if missing:
        lines = [f"ssh-keygen -yf {KEY_FILE.format(kind)} > {KEY_FILE.format(kind)}.pub\n" for kind in missing]
        build.step("ssh-keys", "#!/bin/sh\n" + "".join(lines), place, when="settings")


def key_types(build: Build) -> None:
    """`ssh_genkeytypes`: the key types that sshd offers; the image's own units make the keys."""
    root = build.root
    unknown = [kind for kind in root.ssh_genkeytypes if kind not in TYPES]
    if unknown:
        said = f"`ssh_genkeytypes` has {unknown[0]}; known are {', '.join(TYPES)}"
        build.author.complain("PV728", "error", root, "ssh_genkeytypes", said)
    elif root.ssh_genkeytypes and not root.ssh_keys:
        lines = [f"HostKey {KEY_FILE.format(kind)}\n" for kind in root.ssh_genkeytypes]
        build.append(SSH_CONFIG, "".join(lines), 0o600, build.author.place(root, "ssh_genkeytypes"))
        build.author.fate(root, "ssh_genkeytypes", "exact", "sshd offers these; the image may make more")


def printed(build: Build) -> None:
    """Fingerprints and keys on the console: only where they are asked for."""
    root = build.root
    if root.ssh is None or not root.ssh.emit_keys_to_console:
        return
    hidden = shell_word(f" {' '.join(root.ssh_key_console_blacklist)} ")
    script = PRINT_KEYS.format(hidden=hidden)
    service = (("StandardOutput", "journal+console"),)
    build.step("fingerprints", script, build.author.place(root, "ssh"), once=False, service=service)
    build.author.fate(root, "ssh", "unit", "by cloud-init-fingerprints.service")


PRINT_KEYS = """#!/bin/sh
hidden={hidden}
echo "-----BEGIN SSH HOST KEY FINGERPRINTS-----"
for key in /etc/ssh/ssh_host_*_key.pub; do
  [ -f "$key" ] && ssh-keygen -l -f "$key"
done
echo "-----END SSH HOST KEY FINGERPRINTS-----"
echo "-----BEGIN SSH HOST KEY KEYS-----"
for key in /etc/ssh/ssh_host_*_key.pub; do
  [ -f "$key" ] || continue
  read -r type rest < "$key"
  case "$hidden" in *" $type "*) ;; *) echo "$type $rest" ;; esac
done
echo "-----END SSH HOST KEY KEYS-----"
"""
