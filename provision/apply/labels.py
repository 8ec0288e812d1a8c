"""SELinux labels of what was made. Source: Ignition, `internal/exec/util/selinux.go`.

No policy is loaded while the initramfs works, so new files have no labels; setfiles gives them those of the root's own
policy. A root without an SELinux configuration has none, and nothing is to be done.
"""

import os

from provision.apply import log
from provision.apply.paths import shown
from provision.apply.programs import setting
from provision.apply.roots import Root
from provision.diagnostics import ProvisionError

CONFIGURATION = "/etc/selinux/config"
VARIABLE = "PROVISION_SELINUX_RELABEL"
CHOICES = {"auto": None, "true": True, "1": True, "false": False, "0": False}


class Labels:
    """Paths in a root that need new labels, with all below them."""

    def __init__(self, host_path: str) -> None:
        chosen = setting(VARIABLE, os.environ)
        if chosen not in CHOICES:
            raise ProvisionError(f"{VARIABLE} is {chosen!r}; it takes auto, true or false", exit_code=2)
        self.host_path = host_path
        self.policy = None if CHOICES[chosen] is False else self.read_policy()
        self.is_demanded = bool(CHOICES[chosen])
        if self.is_demanded and self.policy is None:
            raise ProvisionError(f"{VARIABLE} is {chosen}, but the root has no {CONFIGURATION} with SELINUXTYPE")
        self.paths: dict[str, None] = {}

    def add(self, *paths: str) -> None:
        """Remember paths."""
        self.paths.update(dict.fromkeys(paths))

    def apply(self) -> None:
        """Label all that was remembered and exists, in one call."""
        paths, self.paths = self.topmost(), {}
        if self.policy is None or not paths:
            return
        from provision.apply.commands import run

        root = self.host_path.rstrip("/")
        existing = [f"{root}{path}" for path in paths if os.path.lexists(f"{root}{path}")]
        contexts = f"{root}/etc/selinux/{self.policy}/contexts/files/file_contexts"
        if not self.is_demanded and not os.path.exists(contexts):
            log.notice(
                f"{CONFIGURATION} names the policy {self.policy}, which the root does not have: no labels are set"
            )
        elif existing:
            names = b"".join(os.fsencode(path) + b"\0" for path in existing)
            run("setfiles", "-vF0", "-r", root or "/", contexts, "-f", "-", stdin=names)

    def topmost(self) -> list[str]:
        """The remembered paths without those below another one, as setfiles goes down by itself."""
        out: list[str] = []
        for path in sorted(self.paths, key=lambda path: path.split("/")):
            if not out or not (path == out[-1] or path.startswith(out[-1].rstrip("/") + "/")):
                out.append(path)
        return out

    def read_policy(self) -> str | None:
        """The name of the root's policy; None where it has no SELinux."""
        root = Root(self.host_path)
        try:
            for line in root.text(CONFIGURATION).splitlines():
                key, equals, value = line.partition("=")
                if equals and key.strip() == "SELINUXTYPE" and value.strip():
                    name = value.strip()
                    if "/" in name or name in (".", ".."):
                        raise ProvisionError(f"{CONFIGURATION} of the root: SELINUXTYPE {shown(name)} is no name")
                    return name
            return None
        finally:
            root.close()
