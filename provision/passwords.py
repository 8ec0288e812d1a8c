"""Passwords as crypt(3) keeps them, by SHA-512: `$6$salt$hash`. The same input gives the same hash, so that outputs can be compared.

Source: Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", version 0.6.
"""

import hashlib
from functools import lru_cache

SALT_LETTERS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SALT_LENGTH = 16
ROUNDS = 5000  # what crypt(3) takes where nothing is said


def password_hash(password: str, name: str, salt: str | None = None, rounds: int = ROUNDS) -> str:
    """The hash of a password without NUL characters. A salt may be any text.

    Without one it follows from the password and a `name`, by way of a full hash: a salt that followed directly would let one
    try passwords without the work that a hash is meant to cost.
    """
    if salt is None:
        salt = letters(crypt_sha512(password, letters(name), rounds))
    elif len(salt) > SALT_LENGTH or not set(salt) <= set(SALT_LETTERS):
        salt = letters(salt)
    return crypt_sha512(password, salt, rounds)


def letters(text: str) -> str:
    """A salt that stands for a text of any length."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
    return "".join(SALT_LETTERS[byte & 63] for byte in digest[:SALT_LENGTH])


@lru_cache(maxsize=1024)
def crypt_sha512(password: str, salt: str, rounds: int) -> str:
    """The hash itself."""
    from passlib.handlers.sha2_crypt import sha512_crypt

    hashed: str = sha512_crypt.using(salt=salt, rounds=rounds).hash(password.encode("utf-8", "surrogateescape"))
    return hashed
