"""cloud-init's keys for accounts, passwords and ssh. Source: cloud-init 25, modules users_groups, set_passwords, ssh."""

from provision.record import Record, field


class UserEntry(Record):
    """One account: an element of `users`, or `user`. A plain string is its name; `default` is the system's own user."""

    name: str = field(shorthand=True, doc="Login name; `default` stands for the default user of the system.")
    gecos: str | None = field(default=None, doc="Comment: full name and the like.")
    homedir: str | None = field(default=None, doc="Home directory; /home/<name> by default.")
    primary_group: str | None = field(
        default=None, doc="Name of the primary group; a new one with the user's name by default."
    )
    groups: tuple[str, ...] = field(default=(), alone=True, doc="More groups: a list, or one string with commas.")
    create_groups: bool | None = field(default=None, doc="Make the groups that do not exist; true by default.")
    uid: str | None = field(default=None, doc="Numeric id.")
    shell: str | None = field(default=None, doc="Login shell.")
    system: bool | None = field(default=None, doc="Take the id from the system range; no home directory is made.")
    no_create_home: bool | None = field(default=None, doc="Do not make the home directory.")
    no_user_group: bool | None = field(default=None, doc="Do not make a group with the user's name.")
    no_log_init: bool | None = field(default=None, doc="Leave the user out of lastlog and faillog.")
    passwd: str | None = field(
        default=None, secret=True, doc="Hash of the password, for a user that does not exist yet."
    )
    hashed_passwd: str | None = field(
        default=None, secret=True, doc="Hash of the password, also for a user that exists."
    )
    plain_text_passwd: str | None = field(
        default=None, secret=True, doc="The password itself; it is hashed when this is compiled."
    )
    lock_passwd: bool | None = field(default=None, doc="Refuse logins by password, whatever the hash; true by default.")
    ssh_authorized_keys: tuple[str, ...] = field(default=(), doc="Public keys that may log in.")
    ssh_import_id: tuple[str, ...] = field(default=(), doc="Whose keys to fetch, as `gh:name` or `lp:name`.")
    ssh_redirect_user: bool | None = field(
        default=None, doc="Answer the default user's keys with a hint to log in as that user."
    )
    sudo: tuple[str, ...] = field(default=(), alone=True, doc="Rules for sudoers, without the user's name.")
    doas: tuple[str, ...] = field(default=(), alone=True, doc="Rules for /etc/doas.conf.")
    expiredate: str | None = field(default=None, doc="Day on which the account expires, YYYY-MM-DD.")
    inactive: str | None = field(default=None, doc="Days after the password's expiry until the account is locked.")
    selinux_user: str | None = field(default=None, doc="SELinux user that the login is mapped to.")
    snapuser: str | None = field(default=None, doc="Address of a snap user.")
    old_create_groups: bool | None = field("create-groups", default=None, doc="Old spelling of `create_groups`.")
    old_hashed_passwd: str | None = field(
        "hashed-passwd", default=None, secret=True, doc="Old spelling of `hashed_passwd`."
    )
    old_lock_passwd: bool | None = field("lock-passwd", default=None, doc="Old spelling of `lock_passwd`.")
    old_no_create_home: bool | None = field("no-create-home", default=None, doc="Old spelling of `no_create_home`.")
    old_no_log_init: bool | None = field("no-log-init", default=None, doc="Old spelling of `no_log_init`.")
    old_no_user_group: bool | None = field("no-user-group", default=None, doc="Old spelling of `no_user_group`.")
    old_plain_text_passwd: str | None = field(
        "plain-text-passwd", default=None, secret=True, doc="Old spelling of `plain_text_passwd`."
    )
    old_primary_group: str | None = field("primary-group", default=None, doc="Old spelling of `primary_group`.")
    old_selinux_user: str | None = field("selinux-user", default=None, doc="Old spelling of `selinux_user`.")
    old_ssh_authorized_keys: tuple[str, ...] = field(
        "ssh-authorized-keys", default=(), doc="Old spelling of `ssh_authorized_keys`."
    )
    old_ssh_import_id: tuple[str, ...] = field("ssh-import-id", default=(), doc="Old spelling of `ssh_import_id`.")
    old_ssh_redirect_user: bool | None = field(
        "ssh-redirect-user", default=None, doc="Old spelling of `ssh_redirect_user`."
    )


class PasswordEntry(Record):
    """One password to set: `chpasswd.users[]`."""

    name: str = field(required="1.0", doc="Whose password it is.")
    password: str | None = field(default=None, secret=True, doc="The password or its hash.")
    type: str | None = field(default=None, doc="`hash` (the default), `text`, or `RANDOM` for one that is made up.")


class Chpasswd(Record):
    """Passwords to set: `chpasswd`."""

    expire: bool | None = field(default=None, doc="Whether each must be changed at the first login; true by default.")
    users: tuple[PasswordEntry, ...] = field(default=(), doc="The passwords.")
    list: tuple[str, ...] = field(default=(), alone=True, secret=True, doc="Old form: lines of `name:password`.")


class Ssh(Record):
    """What is printed about ssh: `ssh`."""

    emit_keys_to_console: bool | None = field(
        default=None, doc="Print the host keys and their fingerprints on the console."
    )


class PublishHostkeys(Record):
    """Whether host keys are told to the platform: `ssh_publish_hostkeys`."""

    enabled: bool | None = field(default=None, doc="Tell them; true by default.")
    blacklist: tuple[str, ...] = field(default=(), doc="Types of keys that are not told.")
