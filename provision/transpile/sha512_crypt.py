"""Hashes of passwords as crypt(3) writes them with SHA-512: `$6$salt$hash`.

Source: Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6; the numbers of the steps are his.
"""

import hashlib

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ROUNDS = 5000
SALT_LENGTH = 16
# The bytes of the digest, three by three, in the order in which they are written; the last stands alone.
WRITTEN = tuple(
    (start, start + 21, start + 42) if start % 3 == 0
    else (start + 21, start + 42, start) if start % 3 == 1
    else (start + 42, start, start + 21)
    for start in range(21)
)  # fmt: skip
LAST = 63


def sha512_crypt(password: str, salt: str, rounds: int = ROUNDS) -> str:
    """The hash of a password. `rounds` other than 5000 stand in the result."""
    key, salt_bytes = password.encode("utf-8", "surrogateescape"), salt.encode()[:SALT_LENGTH]
    digest = first_digest(key, salt_bytes)
    keys = repeated(hashlib.sha512(key * len(key)).digest(), len(key))  # 13 to 16
    salts = repeated(hashlib.sha512(salt_bytes * (16 + digest[0])).digest(), len(salt_bytes))  # 17 to 20
    for turn in range(rounds):  # 21
        odd = turn % 2 == 1
        block = keys if odd else digest
        if turn % 3:
            block += salts
        if turn % 7:
            block += keys
        digest = hashlib.sha512(block + (digest if odd else keys)).digest()
    named = "" if rounds == ROUNDS else f"rounds={rounds}$"
    return f"$6${named}{salt_bytes.decode()}${written(digest)}"


def first_digest(key: bytes, salt: bytes) -> bytes:
    """Steps 1 to 12."""
    other = hashlib.sha512(key + salt + key).digest()
    mixed = key + salt + repeated(other, len(key))
    bits = len(key)
    while bits:
        mixed += other if bits & 1 else key
        bits >>= 1
    return hashlib.sha512(mixed).digest()


def repeated(block: bytes, length: int) -> bytes:
    """A block over and over, up to a length."""
    return (block * (length // len(block) + 1))[:length]


def written(digest: bytes) -> str:
    """Step 22: the digest in the alphabet of crypt(3)."""
    out = "".join(letters(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in WRITTEN)
    return out + letters(digest[LAST], 2)


def letters(number: int, count: int) -> str:
    """A number in base 64, lowest digit first."""
    return "".join(ALPHABET[number >> 6 * place & 63] for place in range(count))


def salt_for(name: str, password: str) -> str:
    """A salt that follows from the user and the password, so that the same document always gives the same output."""
    digest = hashlib.sha256(f"{name}\0{password}".encode("utf-8", "surrogateescape")).digest()
    return "".join(ALPHABET[byte & 63] for byte in digest[:SALT_LENGTH])
