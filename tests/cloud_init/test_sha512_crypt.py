"""Hashes of passwords, against the vectors of their specification."""

import pytest

from provision.transpile.sha512_crypt import ALPHABET, salt_for, sha512_crypt

# Source: Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", the table of tests: salt, rounds, key, hash.
VECTORS = [
    ("saltstring", 5000, "Hello world!",
     "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"),
    ("saltstringsaltstring", 10000, "Hello world!",
     "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."),
    ("toolongsaltstring", 5000, "This is just a test",
     "$6$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0"),
    ("anotherlongsaltstring", 1400, "a very much longer text to encrypt.  This one even stretches over morethan one line.",
     "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1"),
    ("short", 77777, "we have a short salt string but not a short password",
     "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0"),
]  # fmt: skip


@pytest.mark.parametrize(("salt", "rounds", "key", "wanted"), VECTORS)
def test_a_vector_of_the_specification_comes_out(salt: str, rounds: int, key: str, wanted: str) -> None:
    assert sha512_crypt(key, salt, rounds) == wanted


def test_a_salt_follows_from_the_user_and_the_password() -> None:
    assert salt_for("ada", "secret") == salt_for("ada", "secret")
    assert salt_for("ada", "secret") != salt_for("bob", "secret")
    assert salt_for("ada", "secret") != salt_for("ada", "secret2")
    assert len(salt_for("ada", "secret")) == 16
    assert set(salt_for("ada", "secret")) <= set(ALPHABET)
