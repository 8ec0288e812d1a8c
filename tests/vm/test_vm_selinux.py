"""SELinux labels: the real setfiles, with a policy of four rows; the labels are read back as what they are, attributes."""

from vm_guest import Guest
from vm_scenarios import FILES, ROOT, Json, Scenario, play, rows

# setfiles takes the files of an overlay for those of another file system, and passes them by.
SMALL = f"mount -t tmpfs root {ROOT}; cp -a /vm/lower/etc {ROOT}/; mkdir {ROOT}/srv {ROOT}/home {ROOT}/usr {ROOT}/var; "
CONTEXTS = f"{ROOT}/etc/selinux/tiny/contexts/files"
CONFIGURED = f"mkdir -p {ROOT}/etc/selinux; echo SELINUXTYPE=tiny > {ROOT}/etc/selinux/config"
POLICY = f"""
{CONFIGURED}; mkdir -p {CONTEXTS}
cat > {CONTEXTS}/file_contexts <<'END'
/.*	system_u:object_r:default_t:s0
/etc(/.*)?	system_u:object_r:etc_t:s0
/etc/systemd/system(/.*)?	system_u:object_r:unit_t:s0
/home/[^/]+(/.*)?	system_u:object_r:home_t:s0
END
"""
LOOK = """
label() { equal "label of $1" "$(python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "security.selinux", follow_symlinks=False).strip(b"\\0").decode())' "$1" 2>/dev/null)" "$2"; }
"""
CONFIG: Json = {
    "passwd": {"users": [{"name": "anna", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}]},
    "storage": {
        "files": [{"path": "/srv/deep/file", "contents": {"source": "data:,x"}}],
        "directories": [{"path": "/etc/new"}],
        "links": [{"path": "/srv/link", "target": "nowhere"}],
    },
    "systemd": {
        "units": [
            {
                "name": "a.service",
                "enabled": True,
                "contents": "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=a.target\n",
            }
        ]
    },
}

SCENARIOS = (
    Scenario(
        "all that was made is labelled, and nothing else",
        CONFIG,
        before=POLICY,
        after=f"""
            for path in /srv/deep /srv/deep/file /srv/link; do label {ROOT}$path system_u:object_r:default_t:s0; done
            for path in /etc/new /etc/passwd /etc/shadow /etc/group /etc/.ignition-result.json; do label {ROOT}$path system_u:object_r:etc_t:s0; done
            label {ROOT}/etc/systemd/system/a.service system_u:object_r:unit_t:s0
            label {ROOT}/home/anna/.ssh/authorized_keys.d/ignition system_u:object_r:home_t:s0
            for path in /etc/fstab /usr /var; do label {ROOT}$path ''; done
        """,
    ),
    Scenario(
        "nothing is labelled where that is switched off",
        CONFIG,
        before=POLICY,
        environ={"PROVISION_SELINUX_RELABEL": "false"},
        after=f"label {ROOT}/srv/deep/file ''; label {ROOT}/etc/passwd ''",
    ),
    Scenario(
        "an SELinux configuration without its policy",
        CONFIG,
        before=CONFIGURED,
        after=f"label {ROOT}/srv/deep/file ''",
    ),
    Scenario(
        "labels that are demanded of a root without SELinux",
        CONFIG,
        environ={"PROVISION_SELINUX_RELABEL": "true"},
        fails="PROVISION_SELINUX_RELABEL.*/etc/selinux/config",
    ),
)


@rows(
    *(
        scenario._replace(before=SMALL + scenario.before, stages=FILES, after=LOOK + scenario.after)
        for scenario in SCENARIOS
    )
)
def test_labels(guest: Guest, scenario: Scenario) -> None:
    play(guest, scenario)
