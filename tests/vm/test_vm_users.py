"""Users, groups, and the nodes that they own, in the root of a real Debian with its own programs."""

from vm_guest import Guest
from vm_scenarios import FILES, ROOT, Json, Scenario, apply, check, play, prepare_root, rows

HASH = "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g."

# What looks into the root: row FILE NAME, user NAME.
LOOK = f"""
row() {{ grep "^$2:" {ROOT}/etc/$1 || fail "$1 has no $2"; }}
equal_row() {{ equal "$2 in $1" "$(row $1 $2)" "$3"; }}
password() {{ equal "password of $1" "$(row shadow $1 | cut -d: -f2)" "$2"; }}
groups_of() {{ equal "groups of $1" "$(chroot {ROOT} id -Gn $1)" "$2"; }}
"""


def passwd(users: list[Json] | None = None, groups: list[Json] | None = None, **more: object) -> Json:
    """A config with users and groups."""
    return {"passwd": {"users": users or [], "groups": groups or []}, **more}


SCENARIOS = (
    Scenario(
        "a user with nothing but a name",
        passwd([{"name": "anna"}]),
        after=f"""
            row passwd anna | grep -q ':/home/anna:'
            password anna '*'
            groups_of anna anna
            [ "$(stat -c %U {ROOT}/home/anna)" = UNKNOWN ]
            [ "$(chroot {ROOT} stat -c %U:%G /home/anna)" = anna:anna ]
        """,
    ),
    Scenario(
        "a user with everything",
        passwd(
            [
                {
                    "name": "anna",
                    "uid": 1500,
                    "gecos": "Anna A",
                    "homeDir": "/var/anna",
                    "shell": "/bin/bash",
                    "primaryGroup": "users",
                    "groups": ["adm", "disk"],
                    "passwordHash": HASH,
                }
            ]
        ),
        after=f"""
            equal_row passwd anna 'anna:x:1500:100:Anna A:/var/anna:/bin/bash'
            password anna '{HASH}'
            groups_of anna 'users adm disk'
            test -d {ROOT}/var/anna
        """,
    ),
    Scenario(
        "a system user without home, group and login record",
        passwd([{"name": "svc", "system": True, "noCreateHome": True, "noUserGroup": True, "noLogInit": True}]),
        after=f"""
            [ "$(row passwd svc | cut -d: -f3)" -lt 1000 ]
            ! grep -q ^svc: {ROOT}/etc/group
            absent {ROOT}/home/svc
        """,
    ),
    Scenario(
        "groups new, with their ids",
        passwd(groups=[{"name": "team", "gid": 1600}, {"name": "plain"}, {"name": "sys-team", "system": True}]),
        after="""
            equal_row group team 'team:x:1600:'
            [ "$(row group plain | cut -d: -f3)" -ge 1000 ]
            [ "$(row group sys-team | cut -d: -f3)" -lt 1000 ]
        """,
    ),
    Scenario(
        "a group that is there gets another id",
        passwd(groups=[{"name": "games", "gid": 1601}]),
        after="equal_row group games 'games:x:1601:'",
    ),
    Scenario(
        "a user in a group of the same config",
        passwd(
            [{"name": "anna", "groups": ["team"]}, {"name": "ben", "primaryGroup": "team"}],
            [{"name": "team", "gid": 1602}],
        ),
        after="groups_of anna 'anna team'; groups_of ben team",
    ),
    Scenario(
        "a user that is there is changed where the config says so",
        passwd([{"name": "games", "shell": "/bin/bash", "gecos": "Gamer", "groups": ["adm"]}]),
        after="equal_row passwd games 'games:x:5:60:Gamer:/usr/games:/bin/bash'; groups_of games 'games adm'; password games '*'",
    ),
    Scenario(
        "the password of a user that is there",
        passwd([{"name": "root", "passwordHash": HASH}]),
        after=f"password root '{HASH}'",
    ),
    Scenario(
        "an empty hash locks the password",
        passwd([{"name": "root", "passwordHash": ""}]),
        before=f"sed -i 's/^root:[^:]*:/root:xyz:/' {ROOT}/etc/shadow",
        after="password root '*'",
    ),
    Scenario(
        "a user and a group that should not be there go, and the home with them",
        passwd([{"name": "anna", "shouldExist": False}], [{"name": "tape", "shouldExist": False}]),
        before=f"useradd --root {ROOT} --create-home anna",
        after=f"! grep -q ^anna: {ROOT}/etc/passwd; ! grep -q ^tape: {ROOT}/etc/group; absent {ROOT}/home/anna",
    ),
    Scenario(
        "a user and a group that should not be there and are not",
        passwd([{"name": "nobody-here", "shouldExist": False}], [{"name": "no-group", "shouldExist": False}]),
        after=f"cmp {ROOT}/etc/passwd /vm/lower/etc/passwd; cmp {ROOT}/etc/group /vm/lower/etc/group",
    ),
    Scenario(
        "keys go to a fragment that belongs to the user",
        passwd([{"name": "anna", "uid": 1500, "sshAuthorizedKeys": ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"]}]),
        after=f"""
            content {ROOT}/home/anna/.ssh/authorized_keys.d/ignition "$(printf 'ssh-ed25519 AAAA one\\nssh-ed25519 BBBB two')"
            node {ROOT}/home/anna/.ssh/authorized_keys.d/ignition file 600 1500:1500
            node {ROOT}/home/anna/.ssh directory 700 1500:1500
            node {ROOT}/home/anna/.ssh/authorized_keys.d directory 700 1500:1500
        """,
    ),
    Scenario(
        "keys go to the one file where the distribution says so",
        passwd([{"name": "root", "sshAuthorizedKeys": ["ssh-ed25519 AAAA one"]}]),
        environ={"IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT": "false"},
        after=f"content {ROOT}/root/.ssh/authorized_keys 'ssh-ed25519 AAAA one'; absent {ROOT}/root/.ssh/authorized_keys.d",
    ),
    Scenario(
        "nodes belong to users and groups of the same config by their names",
        passwd(
            [{"name": "anna", "uid": 1500}],
            [{"name": "team", "gid": 1600}],
            storage={
                "directories": [
                    {"path": "/srv/x", "user": {"name": "anna"}, "group": {"name": "team"}, "mode": 0o2775}
                ],
                "files": [
                    {
                        "path": "/srv/x/f",
                        "user": {"name": "anna"},
                        "group": {"id": 7},
                        "mode": 0o4711,
                        "contents": {"source": "data:,f"},
                    }
                ],
                "links": [{"path": "/srv/x/l", "target": "f", "user": {"name": "anna"}, "group": {"name": "team"}}],
            },
        ),
        after=f"""
            node {ROOT}/srv/x directory 2775 1500:1600
            node {ROOT}/srv/x/f file 4711 1500:7
            equal 'the link' "$(stat -c '%u:%g %N' {ROOT}/srv/x/l)" "1500:1600 '{ROOT}/srv/x/l' -> 'f'"
            node {ROOT}/srv directory 755 0:0
        """,
    ),
)

REFUSED = (
    Scenario(
        "an id that another user has",
        passwd([{"name": "anna", "uid": 5}]),
        after=f"! grep -q ^anna: {ROOT}/etc/passwd",
        fails="anna.*(5|unique)|useradd.*(5|unique)",
    ),
    Scenario(
        "a group that is not there",
        passwd([{"name": "anna", "groups": ["no-such-group"]}]),
        after=f"! grep -q ^anna: {ROOT}/etc/passwd",
        fails="no-such-group",
    ),
    Scenario(
        "an owner that is not there",
        {"storage": {"files": [{"path": "/srv/f", "user": {"name": "no-such-user"}}]}},
        after=f"absent {ROOT}/srv/f",
        fails="no-such-user",
    ),
    Scenario(
        "a name that useradd does not take",
        passwd([{"name": "-Anna:x"}]),
        fails="Anna",
    ),
    Scenario(
        "a group that is a user's own",
        passwd(groups=[{"name": "games", "shouldExist": False}]),
        after="row group games",
        fails="groupdel|games",
    ),
)


@rows(*(scenario._replace(root="debian", stages=FILES) for scenario in SCENARIOS))
def test_accounts(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario._replace(after=LOOK + scenario.after))


@rows(*(scenario._replace(root="debian", stages=FILES) for scenario in REFUSED))
def test_accounts_are_refused_for(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario._replace(after=LOOK + scenario.after))


def test_a_second_run_changes_nothing(guest: Guest) -> None:
    config = passwd([{"name": "anna", "uid": 1500, "passwordHash": HASH, "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}])
    prepare_root(guest, "debian")
    accounts = f"cat {ROOT}/etc/passwd {ROOT}/etc/group; cut -d: -f1,2 {ROOT}/etc/shadow; cat {ROOT}/home/anna/.ssh/authorized_keys.d/*"
    first = apply(guest, config, FILES, root="debian")
    assert not first.failed, first.output
    before = check(guest, accounts)
    second = apply(guest, config, ("files",), root="debian")
    assert not second.failed, second.output
    assert check(guest, accounts) == before
    assert HASH not in first.output + second.output
