"""What is known of the root before anything is planned. Data only: `survey` in `roots` fills it in by looking."""

from collections.abc import Mapping

from provision.apply.accounts import Account, Team
from provision.apply.paths import Found
from provision.apply.programs import KEYS_FRAGMENT
from provision.contents import sha512, verify
from provision.diagnostics import ProvisionError
from provision.typed import NamedTuple


class Facts(NamedTuple):
    """The state that a plan starts from. The mappings by path may look things up when they are first asked for.

    `nodes`: any true path, MISSING included. `contents`: of regular files. `names`: the sorted entries of a directory,
    none for what is no directory. `is_root`: whether this process may set owners and change users. `absent_programs`:
    those of `programs.ACCOUNT_PROGRAMS` that were not found. `hashes`: `sha512-…` and `sha256-…` of the files whose content
    is not at hand, none where not even those are known.
    """

    nodes: Mapping[str, Found]
    contents: Mapping[str, bytes]
    names: Mapping[str, tuple[str, ...]]
    users: Mapping[str, Account]
    groups: Mapping[str, Team]
    is_root: bool = True
    absent_programs: frozenset[str] = frozenset()
    keys_file: str = KEYS_FRAGMENT
    hashes: Mapping[str, tuple[str, ...]] = {}

    def holds(self, path: str, content: bytes) -> bool:
        """Whether a regular file has this content."""
        if path in self.hashes:
            return f"sha512-{sha512(content)}" in self.hashes[path]
        return self.contents[path] == content

    def has_hash(self, path: str, expected: str) -> bool:
        """Whether the content of a regular file has a hash, `sha512-<hex>` or `sha256-<hex>`."""
        if path in self.hashes:
            return expected.lower() in self.hashes[path]
        try:
            verify(self.contents[path], expected)
        except ProvisionError:
            return False
        return True
