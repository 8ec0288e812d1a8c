"""Hashes of passwords, against the vectors of their specification."""

import pytest

from provision.passwords import ROUNDS, SALT_LENGTH, crypt_sha512, letters, password_hash

# Source: Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", the table of tests: salt, rounds, key, hash. The last is what
# `openssl passwd -6` of OpenSSL 3.0 says.
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
    ("abcdefgh", 5000, "grüße",
     "$6$abcdefgh$.xTiwGaH1sjmZiOKcrRj3InUEQ5dIAYkL0U9ipShRb3BfYCnvdpfKV.URQyrSOP8cFkwcEo0tLOPZN.Oi4I.G/"),
]  # fmt: skip


@pytest.mark.parametrize(("salt", "rounds", "key", "wanted"), VECTORS)
def test_a_vector_of_the_specification_comes_out(salt: str, rounds: int, key: str, wanted: str) -> None:
    assert crypt_sha512(key, salt[:SALT_LENGTH], rounds) == wanted
    if len(salt) <= SALT_LENGTH:
        assert password_hash(key, "web", salt, rounds) == wanted


def test_a_salt_follows_from_the_name_and_the_password() -> None:
    salts = [
        password_hash(*given).split("$")[2] for given in (("secret", "ada"), ("secret", "bob"), ("secret2", "ada"))
    ]
    assert len(set(salts)) == 3
    assert {len(salt) for salt in salts} == {SALT_LENGTH}
    assert password_hash("secret", "ada") == password_hash("secret", "ada")


def test_the_salt_gives_no_way_around_the_work_of_the_hash() -> None:
    """Made from the hash of a hash: who tries passwords has to work for each."""
    salt = password_hash("a", "web").split("$")[2]
    assert salt == letters(crypt_sha512("a", letters("web"), ROUNDS))
    assert salt != letters("a")
