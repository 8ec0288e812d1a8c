"""What can go wrong while something is fetched."""

# ruff: noqa: N818 - each is named after the fact; all but those for `retrying` are a ProvisionError.

from provision.diagnostics import ProvisionError


class NeedsNetwork(ProvisionError):
    """Something that was asked for while offline cannot be had without the network."""


class NotFound(ProvisionError):
    """The server has no such thing (404 and its like)."""


class Refused(ProvisionError):
    """The server answered with another status than those that are accepted or tried again."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class TooLate(ProvisionError):
    """The total timeout ended the attempts."""


class Untrusted(ProvisionError):
    """The server's certificate is not to be trusted. It is final: more attempts would not make it another one."""


class Broken(Exception):
    """An attempt failed in a way that the next one may not. Only `retrying` catches it; it never leaves this package."""


class Interrupted(Broken):
    """The transfer broke off after the headers of the answer."""


class Busy(Broken):
    """The server answered with a status that is tried again."""
