"""What single keys come to, where it depends on something."""

import base64
import gzip

import pytest
from cloud_init_contents import codes_of, compiled, content_of, decoded, files_of, script_of, text_of, units_of

from provision.diagnostics import span_of
from provision.ignition import User
from provision.passwords import password_hash
from provision.schema.cloud_init.keys import CANONICAL_KEYS
from provision.transpile.compile import Compiled, compile_document

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJX7vRPTxSDfyqXy1ZG5RS+hFgnCVPHN6S+5qLnwVwJp"
HASH = "$6$saltsalt$8RWsOfwR6M6PpnoeQiEiWzNTPo1f0HjVYjDnLZhGx16aBFRkeqiHAzfXP/LgrOWMBMXqiU2pLrXsSOHNUyUm91"
UTC = "#cloud-config\ntimezone: UTC\n"


def users_of(result: Compiled) -> dict[str, User]:
    assert result.config is not None
    assert not result.failed, result.diagnostics
    return {user.name: user for user in result.config.passwd.users}


# ---- accounts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("users", "default"),
    [
        ("", "core"),
        ("users: [default]\n", "core"),
        ("users: default\n", "core"),
        ("users: [default, ada]\n", "core"),
        ("users: 'ada,default'\n", "core"),
        ("user: ada\n", "ada"),
        ("user: {name: ada, gecos: Ada}\nusers: [bob]\n", "ada"),
        ("users: [ada]\n", None),
    ],
)
def test_keys_at_the_top_are_the_default_users(users: str, default: str | None) -> None:
    found = users_of(compiled(f"{UTC}{users}ssh_authorized_keys: ['{KEY}']\n"))
    assert [name for name, user in found.items() if user.ssh_authorized_keys] == ([default] if default else [])


def test_the_first_entry_of_a_user_counts() -> None:
    found = users_of(
        compiled(f"{UTC}users:\n  - {{name: ada, shell: /bin/a}}\n  - {{name: ada, shell: /bin/b, gecos: Ada}}\n")
    )
    assert (found["ada"].shell, found["ada"].gecos) == ("/bin/a", "Ada")


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (f"passwd: {HASH}, lock_passwd: false", HASH),
        (f"passwd: {HASH}", None),
        (f"passwd: {HASH}, lock_passwd: true", None),
        ("plain_text_passwd: secret, lock_passwd: false", password_hash("secret", "ada")),
        (f"hashed_passwd: {HASH}, plain_text_passwd: x, lock_passwd: false", HASH),
        ("lock_passwd: false", None),
    ],
)
def test_a_password_counts_where_the_account_is_not_locked(fields: str, wanted: str | None) -> None:
    found = users_of(compiled(f"{UTC}users:\n  - {{name: ada, {fields}}}\n"))
    assert found["ada"].password_hash == wanted


def test_a_password_that_is_set_later_unlocks_the_account() -> None:
    text = f"{UTC}users: [{{name: ada}}]\nchpasswd:\n  expire: false\n  users: [{{name: ada, password: {HASH}}}]\n"
    result = compiled(text)
    assert users_of(result)["ada"].password_hash == HASH
    assert not units_of(result)


def test_passwords_expire_unless_told_otherwise() -> None:
    result = compiled(f"{UTC}chpasswd:\n  users: [{{name: core, password: {HASH}}}]\n")
    assert script_of(result, "passwords") == "#!/bin/sh\nchage -d 0 core\n"
    assert "Before=systemd-user-sessions.service" in (units_of(result)["cloud-init-passwords.service"].contents or "")


@pytest.mark.parametrize("lines", ["[core:secret]", "|\n    core:secret\n"])
def test_the_old_list_of_passwords_is_read(lines: str) -> None:
    result = compiled(f"{UTC}chpasswd:\n  expire: false\n  list: {lines}\n")
    assert users_of(result)["core"].password_hash == password_hash("secret", "core")


def test_secrets_are_in_no_message() -> None:
    text = f"{UTC}users: [{{name: ada, plain_text_passwd: hunter2, passwd: hunter3}}]\npassword: hunter4\n"
    text += "chpasswd: {list: ['ada:hunter5'], users: [{name: ada, password: hunter6}]}\nwrite_files: [{path: /a, content: hunter7, encoding: b64}]\n"
    said = " ".join(f"{found.message} {found.hint}" for found in compiled(text).diagnostics)
    assert "hunter" not in said


def test_a_password_that_is_too_long_for_crypt_is_refused() -> None:
    result = compiled(f"{UTC}password: {'x' * 5000}\n")
    assert "PV728" in [code for _, code in codes_of(result)]


def test_members_of_groups_are_accounts() -> None:
    text = (
        f"{UTC}users: [default, {{name: ada, groups: [one]}}]\ngroups:\n  - one\n  - two: [ada, core]\n  - three: ada\n"
    )
    result = compiled(text)
    found = users_of(result)
    assert found["ada"].groups == ("one", "two", "three")
    assert found["core"].groups == ("two",)
    assert result.config is not None
    assert [group.name for group in result.config.passwd.groups] == ["one", "two", "three"]


def test_groups_of_the_system_are_not_made_again_and_none_are_without_create_groups() -> None:
    result = compiled(
        f"{UTC}users:\n  - {{name: ada, groups: 'wheel, sudo'}}\n  - {{name: bob, groups: own, create_groups: false}}\n"
    )
    assert result.config is not None
    assert result.config.passwd.groups == ()


@pytest.mark.parametrize(
    "rule",
    [
        "ALL=(ALL) NOPASSWD:ALL", "ALL=(ALL:ALL) ALL", "ALL = NOPASSWD: /usr/bin/systemctl restart web, /usr/bin/true",
        "host1,host2=(root) NOPASSWD: SETENV: /bin/ls", "ALL=!/bin/su", "ALL=(ALL) ROLE=unconfined_r TYPE=unconfined_t ALL", "ALL=sudoedit /etc/hosts",
    ],
)  # fmt: skip
def test_rules_of_sudoers_are_taken(rule: str) -> None:
    result = compiled(f"{UTC}users:\n  - name: ada\n    sudo: '{rule}'\n")
    assert not result.diagnostics
    file = files_of(result)["/etc/sudoers.d/90-cloud-init-users"]
    assert text_of(result, file.path).endswith(f"\n# User rules for ada\nada {rule}\n")
    assert file.mode == 0o440


@pytest.mark.parametrize(
    "rule", ["ALL", "NOPASSWD:ALL", "=ALL", "ALL=(ALL NOPASSWD:ALL", "ALL=(ALL) nopasswd", "ALL=", "true"]
)
def test_what_would_break_sudo_is_refused(rule: str) -> None:
    assert codes_of(compiled(f"{UTC}users:\n  - name: ada\n    sudo: '{rule}'\n")) == [(5, "PV735")]


@pytest.mark.parametrize("value", ["false", "null", "[]", "[null]"])
def test_no_rule_for_sudo_makes_no_file(value: str) -> None:
    assert not files_of(compiled(f"{UTC}users:\n  - name: ada\n    sudo: {value}\n"))


def test_the_default_user_of_a_cloud_image_gets_its_groups_and_sudo() -> None:
    result = compiled(f"{UTC}ssh_authorized_keys: ['{KEY}']\n", "ubuntu")
    assert users_of(result)["ubuntu"].groups == ("adm", "cdrom", "dip", "lxd", "sudo")
    assert "ubuntu ALL=(ALL) NOPASSWD:ALL" in text_of(result, "/etc/sudoers.d/90-cloud-init-users")


# ---- ssh ----------------------------------------------------------------------------------------------------------


def test_root_gets_the_keys_with_or_without_a_hint() -> None:
    keys = f"{UTC}ssh_authorized_keys: ['{KEY}']\n"
    assert "root" not in users_of(compiled(keys))
    assert users_of(compiled(f"{keys}disable_root: false\n"))["root"].ssh_authorized_keys == (KEY,)
    (hinted,) = users_of(compiled(f'{keys}disable_root_opts: command="echo $USER $DISABLE_USER"\n'))[
        "root"
    ].ssh_authorized_keys
    assert hinted == f'command="echo core root" {KEY}'


def test_a_redirected_user_gets_the_keys_with_a_hint() -> None:
    text = f"{UTC}users: [default, {{name: old, ssh_redirect_user: true}}]\nssh_authorized_keys: ['{KEY}']\n"
    (hinted,) = users_of(compiled(text))["old"].ssh_authorized_keys
    assert 'rather than the user \\"old\\"' in hinted
    assert hinted.endswith(KEY)


def test_host_keys_are_files_and_missing_public_keys_are_made() -> None:
    text = f"{UTC}ssh_keys:\n  rsa_private: secret\n  ed25519_private: secret\n  ed25519_public: public\n  ed25519_certificate: cert\n"
    result = compiled(text)
    modes = {path: file.mode for path, file in files_of(result).items()}
    assert modes["/etc/ssh/ssh_host_ed25519_key"] == 0o600
    assert modes["/etc/ssh/ssh_host_ed25519_key.pub"] == 0o644
    assert (
        text_of(result, "/etc/ssh/sshd_config.d/20-cloud-init.conf")
        == "HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub\n"
    )
    assert "ssh_host_rsa_key.pub" in script_of(result, "ssh-keys")
    assert "ed25519" not in script_of(result, "ssh-keys")


@pytest.mark.parametrize(("value", "word"), [("true", "yes"), ("no", "no"), ("'yes'", "yes"), ("unchanged", None)])
def test_sshd_is_told_about_passwords(value: str, word: str | None) -> None:
    files = files_of(compiled(f"{UTC}ssh_pwauth: {value}\n"))
    path = "/etc/ssh/sshd_config.d/20-cloud-init.conf"
    assert (path in files) is (word is not None)
    if word:
        assert text_of(compiled(f"{UTC}ssh_pwauth: {value}\n"), path) == f"PasswordAuthentication {word}\n"


# ---- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "mode"),
    [
        ("'0600'", 0o600),
        ("0600", 0o600),
        ("0o600", 0o600),
        ("'0o600'", 0o600),
        ("'600'", 0o600),
        ("384", 0o600),
        ("0x180", 0o600),
    ],
)
def test_permissions_are_read_as_cloud_init_reads_them(written: str, mode: int) -> None:
    result = compiled(f"{UTC}write_files: [{{path: /etc/a, permissions: {written}}}]\n")
    assert files_of(result)["/etc/a"].mode == mode


@pytest.mark.parametrize(
    ("owner", "user", "group"),
    [
        ("root:root", (None, None), (None, None)),
        ("ada", (None, "ada"), (None, None)),
        ("1000:users", (1000, None), (None, "users")),
    ],
)
def test_an_owner_is_a_name_or_a_number(owner: str, user: tuple[object, ...], group: tuple[object, ...]) -> None:
    file = files_of(compiled(f"{UTC}write_files: [{{path: /etc/a, owner: '{owner}'}}]\n"))["/etc/a"]
    assert ((file.user.id, file.user.name), (file.group.id, file.group.name)) == (user, group)


def test_what_goes_below_run_is_made_in_every_boot() -> None:
    result = compiled(
        f"{UTC}write_files: [{{path: /var/run/web/a, permissions: '0640', owner: 'ada:users', content: x}}]\n"
    )
    assert text_of(result, "/etc/provision/run/web/a") == "x"
    assert (
        text_of(result, "/etc/tmpfiles.d/provision.conf") == "C /run/web/a 0640 ada users - /etc/provision/run/web/a\n"
    )


@pytest.mark.parametrize(("system", "codes"), [("fcos", ["PV705"]), ("fedora", []), ("opensuse-microos", ["PV705"])])
def test_only_an_image_keeps_usr_to_itself(system: str, codes: list[str]) -> None:
    result = compiled(f"{UTC}write_files: [{{path: /usr/bin/tool, content: x}}]\n", system)
    assert [code for _, code in codes_of(result)] == codes


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("", "hello"), ("text/plain", "hello"), ("b64", "aGVsbG8="), ("base64", "aGVs bG8="), ("gz+b64", "H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="),
        ("gzip+base64", "H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="), ("gzip", "!!binary H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="),
    ],
)  # fmt: skip
def test_content_is_decoded(encoding: str, content: str) -> None:
    result = compiled(f"{UTC}write_files:\n  - path: /etc/a\n    encoding: '{encoding}'\n    content: {content}\n")
    assert text_of(result, "/etc/a") == "hello"


def test_gzip_may_have_several_members() -> None:
    content = base64.b64encode(gzip.compress(b"one\n") + gzip.compress(b"two\n")).decode()
    result = compiled(f"{UTC}write_files: [{{path: /etc/a, encoding: gz+b64, content: {content}}}]\n")
    assert text_of(result, "/etc/a") == "one\ntwo\n"


def test_a_deferred_file_wins_over_what_other_keys_write() -> None:
    files = "write_files: [{path: /etc/chrony.conf, content: mine, defer: %s}]\nntp: {servers: [a.example]}\n"
    assert text_of(compiled(UTC + files % "true"), "/etc/chrony.conf") == "mine"
    assert text_of(compiled(UTC + files % "false"), "/etc/chrony.conf").startswith("server a.example")


@pytest.mark.parametrize(
    ("path", "key", "wanted"),
    [
        ("/etc/hosts", "hostname: web\nmanage_etc_hosts: localhost", "127.0.1.1 web\n"),
        ("/etc/zypp/zypp.conf", "zypper: {config: {a: b}}", "# Added from cloud-init user-data\na=b\n"),
    ],
)
def test_what_a_key_adds_to_a_file_stands_behind_what_the_author_wrote(path: str, key: str, wanted: str) -> None:
    file = files_of(compiled(f"{UTC}write_files: [{{path: {path}, content: mine}}]\n{key}\n"))[path]
    assert [content_of(file), *map(decoded, file.append)] == ["mine", wanted]


# ---- keys of ssh --------------------------------------------------------------------------------------------------


def test_keys_that_are_printed_are_hidden_by_name() -> None:
    result = compiled(f"{UTC}ssh: {{emit_keys_to_console: true}}\nssh_key_console_blacklist: [ssh-rsa, $(id)]\n")
    assert "hidden=' ssh-rsa $(id) '\n" in script_of(result, "fingerprints")
    assert not codes_of(result)


def test_every_key_has_the_place_where_it_stands() -> None:
    user = f"user: {{name: core, ssh_authorized_keys: ['{KEY}']}}\n"
    result = compiled(f"{UTC}{user}ssh_authorized_keys:\n  - {KEY}\n  - {KEY[:-1]}q\n")
    places = users_of(result)["core"].spot("ssh_authorized_keys")
    assert isinstance(places, tuple)
    assert [span_of(place).line for place in places] == [3, 6]


@pytest.mark.parametrize("rest", ["name: default", "name: ada, ssh-authorized-keys: [a]"])
def test_who_cannot_send_people_to_the_default_user_is_told(rest: str) -> None:
    result = compiled(f"{UTC}users:\n  - default\n  - {{ssh_redirect_user: true, {rest}}}\n")
    assert [code for _, code in codes_of(result) if code != "PV727"] == ["PV728"]


# ---- disks and mounts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name", "wanted"),
    [
        ("[vdb, /data]", "data.mount", ["What=/dev/vdb\n", "Options=nofail\n", "WantedBy=local-fs.target\n"]),
        ("[/dev/vdb, /data, xfs, 'defaults,noatime']", "data.mount", ["Type=xfs\n", "Options=noatime\n", "RequiredBy=local-fs.target\n"]),
        ("['LABEL=my data', /a b, ext4]", "a\\x20b.mount", ["What=/dev/disk/by-label/my\\x20data\n", "Where=/a b\n"]),
        ("['LABEL=data.1', /data]", "data.mount", ["What=/dev/disk/by-label/data.1\n"]),
        ("['host:/x', /n, nfs4, 'rw']", "n.mount", ["What=host:/x\n", "RequiredBy=remote-fs.target\n"]),
        ("[tmpfs, /t, tmpfs, 'size=1G']", "t.mount", ["What=tmpfs\n", "Options=size=1G\n"]),
        ("[/dev/nvme0n1.2, /data]", "data.mount", ["What=/dev/nvme0n1p2\n"]),
        ("[/srv, /data, none, bind]", "data.mount", ["What=/srv\n", "Options=bind\n"]),
        ("[/dev/vdb, /data, xfs, 'x-systemd.requires=a.service,x-systemd.device-timeout=5']", "data.mount", ["Requires=a.service\n", "TimeoutSec=5\n"]),
    ],
)  # fmt: skip
def test_a_line_of_fstab_becomes_a_mount_unit(line: str, name: str, wanted: list[str]) -> None:
    unit = units_of(compiled(f"#cloud-config\nmounts:\n  - {line}\n"))[name]
    assert all(piece in (unit.contents or "") for piece in wanted), unit.contents


def test_swap_with_noauto_is_not_turned_on() -> None:
    unit = units_of(compiled("#cloud-config\nmounts:\n  - [/dev/vdd, none, swap, 'sw,noauto']\n"))["dev-vdd.swap"]
    assert (unit.enabled, unit.contents) == (None, "[Swap]\nWhat=/dev/vdd\n")


@pytest.mark.parametrize("size", ["2G", "2GB", "2048M", "2048MB", "2147483648", "2147483648B"])
def test_a_size_may_end_in_b(size: str) -> None:
    assert "size=2147483648\n" in script_of(compiled(f"#cloud-config\nswap: {{size: {size}}}\n"), "swap")


def test_the_type_of_a_partition_may_be_a_guid() -> None:
    guid = "E6D6D379-F507-44C2-A23C-238F2A3DF928"
    result = compiled(f"#cloud-config\ndisk_setup:\n  /dev/vdb: {{table_type: gpt, layout: [[100, {guid}]]}}\n")
    assert result.config is not None
    assert [part.type_guid for part in result.config.storage.disks[0].partitions] == [guid]


def test_default_fields_fill_a_line() -> None:
    text = "#cloud-config\nmounts: [[vdb, /data], [vdc, /own, null, ro]]\nmount_default_fields: [null, null, xfs, noatime, '0', '0']\n"
    units = units_of(compiled(text))
    assert "Type=xfs\nOptions=noatime\n" in (units["data.mount"].contents or "")
    assert "Type=xfs\nOptions=ro\n" in (units["own.mount"].contents or "")


def test_a_swap_file_does_not_wait_for_the_target_that_its_own_unit_is_part_of() -> None:
    units = units_of(compiled("#cloud-config\nswap: {filename: /var/swap, size: 1G}\n"))
    assert "DefaultDependencies=no\n" in (units["var-swap.swap"].contents or "")
    assert "sysinit.target" not in (units["cloud-init-swap.service"].contents or "")


@pytest.mark.parametrize(("system", "name"), [("fcos", "var-swap.img.swap"), ("fedora", "swap.img.swap")])
def test_a_swap_file_lies_where_the_system_takes_files(system: str, name: str) -> None:
    assert name in units_of(compiled("#cloud-config\nswap: {size: 1G}\n", system))


# ---- names and networks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "system", "name"),
    [
        ("hostname: web", "fcos", "web"),
        ("hostname: web.example.com", "fedora", "web.example.com"),
        ("hostname: web.example.com", "ubuntu", "web"),
        ("hostname: web\nfqdn: web.example.com", "fedora", "web.example.com"),
        ("hostname: web\nfqdn: web.example.com", "debian", "web"),
        ("fqdn: web.example.com\nprefer_fqdn_over_hostname: false", "fedora", "web"),
        ("fqdn: web.example.com\nprefer_fqdn_over_hostname: true", "debian", "web.example.com"),
        ("hostname: web\npreserve_hostname: true", "fcos", None),
    ],
)
def test_the_host_name_is_the_full_or_the_short_one(keys: str, system: str, name: str | None) -> None:
    result = compiled(f"{UTC}{keys}\n", system)
    assert (text_of(result, "/etc/hostname") if "/etc/hostname" in files_of(result) else None) == (
        name + "\n" if name else None
    )


def test_a_name_without_a_file_is_set_in_every_boot() -> None:
    result = compiled(f"{UTC}hostname: web\ncreate_hostname_file: false\n", "debian")
    assert script_of(result, "hostname").endswith("hostnamectl set-hostname --transient web\n")
    assert "/etc/hostname" not in files_of(result)


def test_each_time_service_has_its_own_configuration() -> None:
    text = "#cloud-config\nntp: {servers: [a.example.com], pools: [b.example.com]}\n"
    assert text_of(compiled(text, "fedora"), "/etc/chrony.conf").startswith(
        "pool b.example.com iburst\nserver a.example.com iburst\n"
    )
    assert (
        text_of(compiled(text, "flatcar"), "/etc/systemd/timesyncd.conf.d/cloud-init.conf")
        == "[Time]\nNTP=a.example.com b.example.com\n"
    )
    chosen = compiled(text.replace("{servers", "{ntp_client: chrony, servers"), "debian")
    assert "/etc/chrony/chrony.conf" in files_of(chosen)
    assert units_of(chosen)["systemd-timesyncd.service"].mask


def test_a_template_of_ones_own_is_rendered_when_compiled() -> None:
    text = "#cloud-config\nntp:\n  servers: [a]\n  config:\n    confpath: /etc/own.conf\n    service_name: own\n    template: |\n      ## template: jinja\n      {% for s in servers %}\n      host {{ s }}\n      {% endfor %}\n"
    result = compiled(text)
    assert text_of(result, "/etc/own.conf") == "host a\n"
    assert "own.service" in units_of(result)
    assert codes_of(compiled(text.replace("in servers", "in sorvers"))) == [(7, "PV728")]


def test_name_servers_go_to_resolved_or_past_it() -> None:
    text = "#cloud-config\nmanage_resolv_conf: true\nresolv_conf:\n  nameservers: [10.0.0.1]\n  searchdomains: [example.com]\n"
    path = "/etc/systemd/resolved.conf.d/50-cloud-init.conf"
    assert text_of(compiled(text), path) == "[Resolve]\nLLMNR=false\nDNS=10.0.0.1\nDomains=example.com\n"
    own = text_of(compiled(text + "  options: {rotate: true, timeout: 1, debug: false}\n"), "/etc/resolv.conf")
    assert own == "nameserver 10.0.0.1\nsearch example.com\noptions rotate timeout:1\n"


@pytest.mark.parametrize(
    ("system", "path", "command"),
    [
        ("fcos", "/etc/pki/ca-trust/source/anchors/cloud-init-ca-cert-1.crt", "update-ca-trust"),
        ("flatcar", "/etc/ssl/certs/cloud-init-ca-cert-1.pem", "update-ca-certificates"),
        ("debian", "/usr/local/share/ca-certificates/cloud-init-ca-cert-1.crt", "update-ca-certificates"),
        ("opensuse", "/etc/pki/trust/anchors/cloud-init-ca-cert-1.crt", "update-ca-certificates"),
    ],
)
def test_certificates_go_where_the_system_looks(system: str, path: str, command: str) -> None:
    pem = "-----BEGIN CERTIFICATE-----\n      MII\n      -----END CERTIFICATE-----\n"
    result = compiled(f"#cloud-config\nca_certs:\n  trusted:\n    - |\n      {pem}", system)
    assert path in files_of(result)
    assert script_of(result, "ca-certs") == f"#!/bin/sh\n{command}\n"


def test_packages_are_updated_and_upgraded_where_the_system_does_that() -> None:
    text = "#cloud-config\npackages: [vim, [git, '2.40'], {apt: [curl]}]\npackage_update: true\napt_upgrade: true\n"
    lines = script_of(compiled(text, "debian"), "packages").split("\n")
    assert lines[2] == "apt-get -q update"
    assert "dist-upgrade" in lines[3]
    assert lines[4].endswith("install vim git=2.40 curl")
    assert [code for _, code in codes_of(compiled("#cloud-config\npackage_upgrade: true\n", "fcos"))] == ["PV725"]


def test_a_subscription_is_registered_once_and_its_secret_is_warned_of() -> None:
    text = "#cloud-config\nrh_subscription: {activation-key: k, org: 1, add-pool: [p], enable_repo: [r], release_version: '9'}\n"
    result = compiled(text, "rhel")
    lines = script_of(result, "subscription").split("\n")[2:-1]
    assert lines == [
        "subscription-manager register --activationkey=k --org=1", "subscription-manager attach --pool=p",
        "subscription-manager repos --enable=r", "subscription-manager release --set=9",
    ]  # fmt: skip
    assert {code for _, code in codes_of(result)} == {"PV727", "PV731"}


def test_keys_that_only_cloud_init_has_tell_the_dialects_apart() -> None:
    assert {"runcmd", "bootcmd", "packages", "timezone", "ca_certs", "launch_index"} <= CANONICAL_KEYS
    assert not CANONICAL_KEYS & {
        "users",
        "write_files",
        "hostname",
        "ssh_authorized_keys",
        "manage_etc_hosts",
        "coreos",
    }


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("users:\n  - default\n  - name: a\n", "cloud-init"),
        ("users:\n  - name: a\n    hashed_passwd: $6$a$b\n", "cloud-init"),
        ("write_files:\n  - path: /etc/a\n    append: true\n", "cloud-init"),
        ("users:\n  - name: a\n    lock_passwd: true\n", "cloud-config"),  # CoreOS's documents name it
        ("users:\n  - default\ncoreos: {}\n", "cloud-config"),
    ],
)
def test_elements_of_shared_lists_tell_the_dialect_too(text: str, dialect: str) -> None:
    release = compile_document(f"#cloud-config\n{text}".encode(), "a.yaml").release
    assert release is not None
    assert release.dialect == dialect


def test_a_password_beside_those_of_chpasswd_is_passed_over_and_told() -> None:
    text = "password: a\nchpasswd:\n  users: [{name: core, password: b, type: text}]\n"
    found = compiled(f"#cloud-config\n{text}")
    assert [one.span.line for one in found.diagnostics if one.code == "PV734"] == [2]
    assert found.config is not None
    (user,) = found.config.passwd.users
    assert user.password_hash == password_hash("b", "core")


def test_a_remote_of_rsyslog_may_have_a_comment_and_stays_one_line() -> None:
    result = compiled(f'{UTC}rsyslog: {{remotes: {{"a\\nb": "*.* @@host:514 # there"}}}}\n')
    assert text_of(result, "/etc/rsyslog.d/20-cloud-config.conf") == "*.* @@host:514 # a b\n"


def test_a_template_without_end_is_an_error() -> None:
    template = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"
    result = compiled(f"{UTC}ntp:\n  config:\n    confpath: /etc/a\n    template: '{template}'\n")
    assert codes_of(result) == [(6, "PV728")]


def test_an_old_switch_that_is_no_boolean_is_an_error() -> None:
    assert (3, "PV102") in codes_of(compiled(f"{UTC}apt_update: [1]\n", "fedora"))
