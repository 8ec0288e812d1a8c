"""Rules of users and groups. That their names are unique is seen to by `duplicates`."""

from collections.abc import Iterator

from provision.ignition import Group, NodeGroup, NodeUser, User
from provision.schema.rules import Finding, rule


@rule("PV410", "warning", on=User)
@rule("PV410", "warning", on=Group)
@rule("PV410", "warning", on=NodeUser)
@rule("PV410", "warning", on=NodeGroup)
def id_is_not_negative(owner: User | Group | NodeUser | NodeGroup) -> Iterator[Finding]:
    """A user or group id is not negative.

    useradd and groupadd refuse it, and chown(2) takes -1 for "leave it as it is". Source: useradd(8), --uid.

    Bad:
      passwd:
        users:
          - name: app
            uid: -1

    Good:
      passwd:
        users:
          - name: app
            uid: 0
    """
    name = "uid" if isinstance(owner, User) else "gid" if isinstance(owner, Group) else "id"
    value = getattr(owner, name)
    if value is not None and value < 0:
        yield Finding(name, f"the id {value} is negative", "write a number from 0 on, or leave it out")
