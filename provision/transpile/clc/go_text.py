"""Values as Go prints them into a unit, where systemd unquotes them alike. Source: Go, `strconv.Quote`."""

ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v",
              "\\": r"\\", '"': r"\""}  # fmt: skip


def printed(value: str | int | bool) -> str:
    """A value as Go prints it: `true`, a number, or a quoted text."""
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower()


def quoted(text: str) -> str:
    """A text as a string literal of Go, which systemd unquotes alike. Source: Go, `strconv.Quote`."""
    return '"' + "".join(character(char) for char in text) + '"'


def character(char: str) -> str:
    """One character of a string literal; a byte that is no UTF-8 stands for itself as a lone surrogate."""
    code = ord(char)
    if char in ESCAPES:
        return ESCAPES[char]
    if char.isprintable():
        return char
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
