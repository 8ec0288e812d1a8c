"""How a URL may be shown to people. What can be a secret in it is left out: user, password, query, a data URL's content."""

from provision.apply.paths import shown


def shown_url(url: str) -> str:
    """A URL as it may be shown: without user, password, query and fragment; of a data URL nothing but its kind."""
    scheme, colon, rest = url.partition(":")
    if not colon or scheme.lower() == "data":
        return "a data URL" if colon else shown(url[:40])
    rest = rest.partition("#")[0].partition("?")[0]
    if rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        rest = f"//{authority.rpartition('@')[2]}{slash}{path}"
    return shown(f"{scheme}:{rest}")
