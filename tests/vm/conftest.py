"""Where pytest looks for fixtures; they stand in a module with a name of its own, so that checkers can tell it apart."""

from vm_fixtures import guest, shared_guest

__all__ = ["guest", "shared_guest"]
