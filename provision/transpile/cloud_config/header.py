"""The first line of a cloud-config, by which CoreOS knows it."""

from provision.diagnostics import Span, declare
from provision.transpile.author import Author

declare(
    "PV007", "error", "header",
    """The first line of a cloud-config is `#cloud-config`, and nothing else.

    CoreOS takes no blank, byte order mark or empty line before it, no capitals and no blank within. It runs nothing of a
    document that it does not know. Canonical's cloud-init is laxer. Source: coreos-cloudinit 1.14, `config/config.go`.

    Bad:
        #cloud-config for the web servers
        coreos:
          update:
            reboot_strategy: reboot

    Good:
        #cloud-config
        coreos:
          update:
            reboot_strategy: reboot
    """, silenceable=False,
)  # fmt: skip

HEADER = "#cloud-config"


def check(author: Author) -> None:
    """Say what is wrong with the first line. A file with nothing in it asks for nothing."""
    text = author.document.text
    first = text.split("\n", 1)[0].rstrip()
    if text and first != HEADER:
        said, hint = fault(text, first)
        span = Span(1, 1, 1, max(len(first), 1) + 1)
        author.diagnostics.append(author.document.diagnostic(span, "PV007", "error", said, hint))


def fault(text: str, first: str) -> tuple[str, str]:
    """What is wrong with a first line, and its remedy."""
    wanted = f"make the first line `{HEADER}`"
    bare = first.removeprefix("\ufeff")
    if bare != first:
        return (
            "a byte order mark stands before the header; CoreOS does not know the file",
            "save it as UTF-8 without BOM",
        )
    if not bare:
        return "the file begins with an empty line; CoreOS looks at the first line only", "take the empty lines away"
    if bare.lstrip() != bare:
        return "the header is indented; CoreOS does not know the file", wanted
    if bare.lower() == HEADER:
        return f"the header is spelled `{bare}`; CoreOS takes lower case only", wanted
    if bare.replace(" ", "").replace("\t", "").lower() == HEADER:
        return f"the header is spelled `{bare}`; CoreOS takes no blanks in it", wanted
    if bare.lower().startswith(HEADER):
        return f"`{bare}` is none of CoreOS's formats", f"{wanted}; other headers are Canonical's cloud-init"
    return "the first line does not say that this is a cloud-config", wanted
