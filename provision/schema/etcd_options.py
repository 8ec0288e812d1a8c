"""The options of etcd, from 0.4 to 3.7: what each is called, holds and means, and in which versions it exists.

The sections of cloud-config and Container Linux Config, and the rules about etcd's settings, take theirs from here.
Sources: the flags in etcd's `etcdmain/config.go` at each release branch, its manuals; coreos-cloudinit,
`config/etcd.go` and `config/etcd2.go`; ct 0.9, `config/types/etcd.go`.
"""

from typing import Literal, NamedTuple

Version = tuple[int, int]
OptionKind = Literal["str", "int", "bool", "float"]

ALWAYS: Version = (0, 0)
NEVER: Version = (999, 0)


class Option(NamedTuple):
    """One option: a key in snake case, from which its flag and its variable follow.

    `since` and `until` (exclusive) are the versions that know it, from `ignored` on it has no effect, from `deprecated`
    on `successor` is to be used instead.
    """

    key: str
    kind: OptionKind
    doc: str
    since: Version = (2, 0)
    until: Version = NEVER
    ignored: Version = NEVER
    deprecated: Version = NEVER
    successor: str = ""
    default: str = ""
    named: str = ""

    @property
    def flag(self) -> str:
        """The option on the command line, without its dashes in front: `listen-peer-urls`."""
        return self.key.replace("_", "-")

    @property
    def variable(self) -> str:
        """The variable that sets it: `ETCD_LISTEN_PEER_URLS`."""
        return self.named or f"ETCD_{self.key.upper()}"

    def known_in(self, version: Version) -> bool:
        """Whether a version takes the option, be it only to ignore it."""
        return self.since <= version < self.until


# In the order in which ct 0.9 writes the options of etcd 3.3.
OPTIONS: dict[str, Option] = {option.key: option for option in (
    Option("name", "str", "Name of this member.", (0, 4), default="default"),
    Option("data_dir", "str", "Directory of the data.", (0, 4), default="<name>.etcd"),
    Option("wal_dir", "str", "Directory of the write-ahead log, where it is not in the data directory.", (2, 2)),
    Option("snapshot_count", "int", "Transactions until a snapshot is written.", default="10000"),
    Option("heartbeat_interval", "int", "Milliseconds between heartbeats.", default="100"),
    Option("election_timeout", "int", "Milliseconds until an election.", default="1000"),
    Option("enable_pprof", "bool", "Serve profiles below /debug/pprof.", (2, 3)),
    Option("enable_v2", "bool", "Serve the v2 API; off by default from 3.4 on.", (3, 2), (3, 6)),
    Option("listen_peer_urls", "str", "URLs on which to listen for other members.", default="http://localhost:2380"),
    Option("listen_client_urls", "str", "URLs on which to listen for clients.", default="http://localhost:2379"),
    Option("max_snapshots", "int", "Snapshot files to keep; 0 keeps all.", until=(3, 7), default="5"),
    Option("max_wals", "int", "Write-ahead files to keep; 0 keeps all.", default="5"),
    Option("cors", "str", "Origins that browsers may ask from, with commas.", (0, 4)),
    Option("quota_backend_bytes", "int", "Size of the backend above which writes are refused.", (3, 0)),
    Option("max_txn_ops", "int", "Operations in one transaction, at most.", (3, 3), default="128"),
    Option("max_request_bytes", "int", "Bytes of one request, at most.", (3, 2), default="1572864"),
    Option("grpc_keepalive_min_time", "str", "Least time between two pings of a client.", (3, 2), default="5s"),
    Option("grpc_keepalive_interval", "str", "Time between pings to a client.", (3, 2), default="2h"),
    Option("grpc_keepalive_timeout", "str", "How long to wait for a ping's answer.", (3, 2), default="20s"),
    Option("initial_advertise_peer_urls", "str", "URLs of this member for the other members.", default="http://localhost:2380"),
    Option("initial_cluster", "str", "All first members, as name=URL with commas.", default="default=http://localhost:2380"),
    Option("initial_cluster_state", "str", "`new`, or `existing` to join a cluster.", default="new"),
    Option("initial_cluster_token", "str", "A name that keeps clusters apart.", default="etcd-cluster"),
    Option("advertise_client_urls", "str", "URLs of this member for clients.", default="http://localhost:2379"),
    Option("discovery", "str", "URL at a discovery service, with the cluster's token.", (0, 4), (3, 7), deprecated=(3, 6), successor="discovery_token"),
    Option("discovery_srv", "str", "Domain with the SRV records of the cluster."),
    Option("discovery_fallback", "str", "`proxy` or `exit`: what to do where the cluster is full.", default="proxy"),
    Option("discovery_proxy", "str", "HTTP proxy on the way to the discovery service.", until=(3, 7)),
    Option("strict_reconfig_check", "bool", "Refuse changes of members that would lose the majority.", (2, 3)),
    Option("auto_compaction_retention", "str", "Hours of history to keep; 0 keeps all.", (3, 0)),
    Option("auto_compaction_mode", "str", "`periodic` or `revision`.", (3, 3), default="periodic"),
    Option("proxy", "str", "`off`, `on`, or `readonly`: pass requests on instead of being a member.", until=(3, 6), default="off"),
    Option("proxy_failure_wait", "int", "Milliseconds until a failed endpoint is tried again.", (2, 1), (3, 6), default="5000"),
    Option("proxy_refresh_interval", "int", "Milliseconds between looks at the list of members.", (2, 1), (3, 6), default="30000"),
    Option("proxy_dial_timeout", "int", "Milliseconds to wait for a connection.", (2, 1), (3, 6), default="1000"),
    Option("proxy_write_timeout", "int", "Milliseconds to wait for a write.", (2, 1), (3, 6), default="5000"),
    Option("proxy_read_timeout", "int", "Milliseconds to wait for a read; 0 waits forever.", (2, 1), (3, 6), default="0"),
    Option("ca_file", "str", "CA that signs the clients' certificates.", (0, 4), (3, 4), deprecated=(2, 1), successor="trusted_ca_file and client_cert_auth"),
    Option("cert_file", "str", "Certificate for clients to see.", (0, 4)),
    Option("key_file", "str", "Key of that certificate.", (0, 4)),
    Option("client_cert_auth", "bool", "Ask clients for a certificate.", (2, 1)),
    Option("client_crl_file", "str", "Revoked certificates of clients.", (3, 3)),
    Option("trusted_ca_file", "str", "CA that signs the clients' certificates.", (2, 1)),
    Option("auto_tls", "bool", "Make certificates for clients by itself.", (3, 0)),
    Option("peer_ca_file", "str", "CA that signs the members' certificates.", (0, 4), (3, 4), deprecated=(2, 1), successor="peer_trusted_ca_file and peer_client_cert_auth"),
    Option("peer_cert_file", "str", "Certificate for the other members.", (0, 4)),
    Option("peer_key_file", "str", "Key of that certificate.", (0, 4)),
    Option("peer_client_cert_auth", "bool", "Ask the other members for a certificate.", (2, 1)),
    Option("peer_crl_file", "str", "Revoked certificates of members.", (3, 3)),
    Option("peer_trusted_ca_file", "str", "CA that signs the members' certificates.", (2, 1)),
    Option("peer_auto_tls", "bool", "Make certificates for the other members by itself.", (3, 0)),
    Option("peer_cert_allowed_cn", "str", "Common name that a member's certificate must have.", (3, 3)),
    Option("auth_token", "str", "Kind of tokens, `simple` or `jwt,…`.", (3, 2), default="simple"),
    Option("debug", "bool", "Log more.", (2, 1), (3, 5), deprecated=(3, 4), successor="log_level"),
    Option("log_package_levels", "str", "Levels by package, as etcdserver=WARNING with commas.", (2, 1), (3, 5), deprecated=(3, 4), successor="log_level"),
    Option("force_new_cluster", "bool", "Start a new cluster of one from old data."),
    Option("metrics", "str", "`basic` or `extensive`.", (3, 1), default="basic"),
    Option("log_output", "str", "Where logs go.", (3, 1), (3, 5), deprecated=(3, 4), successor="log_outputs"),
    Option("listen_metrics_urls", "str", "More URLs that serve metrics.", (3, 3)),
    Option("experimental_initial_corrupt_check", "bool", "Compare data before serving.", (3, 3), (3, 7)),
    Option("experimental_corrupt_check_time", "str", "Time between comparisons of data.", (3, 3), (3, 7), deprecated=(3, 6), successor="corrupt_check_time"),
    Option("experimental_enable_v2v3", "str", "Serve v2 from the v3 store below a prefix.", (3, 3), (3, 6)),
)}  # fmt: skip

# What only etcd 0.4 acts on.
OPTIONS_0_4: dict[str, Option] = {option.key: option for option in (
    Option("addr", "str", "Host and port for clients.", (0, 4), (3, 0), deprecated=(2, 0), successor="advertise_client_urls"),
    Option("bind_addr", "str", "Address on which to listen for clients.", (0, 4), (3, 0), deprecated=(2, 0), successor="listen_client_urls"),
    Option("cluster_active_size", "int", "Members that are no standbys.", (0, 4), ignored=(2, 0), default="9"),
    Option("cluster_remove_delay", "float", "Seconds until a lost member is removed.", (0, 4), ignored=(2, 0), default="1800"),
    Option("cluster_sync_interval", "float", "Seconds between a standby's looks at the cluster.", (0, 4), ignored=(2, 0), default="5"),
    Option("graphite_host", "str", "Where to send metrics.", (0, 4), (2, 0)),
    Option("http_read_timeout", "float", "Seconds to wait for a read.", (0, 4), (2, 0)),
    Option("http_write_timeout", "float", "Seconds to wait for a write.", (0, 4), (2, 0)),
    Option("max_result_buffer", "int", "Results to keep.", (0, 4), ignored=(2, 0)),
    Option("max_retry_attempts", "int", "Attempts to join.", (0, 4), ignored=(2, 0)),
    Option("peer_addr", "str", "Host and port for the other members.", (0, 4), (3, 0), deprecated=(2, 0), successor="initial_advertise_peer_urls"),
    Option("peer_bind_addr", "str", "Address on which to listen for other members.", (0, 4), (3, 0), deprecated=(2, 0), successor="listen_peer_urls"),
    Option("peer_election_timeout", "int", "Milliseconds until an election.", (0, 4), ignored=(2, 0), successor="election_timeout"),
    Option("peer_heartbeat_interval", "int", "Milliseconds between heartbeats.", (0, 4), ignored=(2, 0), successor="heartbeat_interval"),
    Option("peers", "str", "Members to join, host and port with commas.", (0, 4), (2, 0), successor="initial_cluster"),
    Option("peers_file", "str", "File with members to join.", (0, 4), (2, 0), successor="initial_cluster"),
    Option("retry_interval", "float", "Seconds between attempts to join.", (0, 4), ignored=(2, 0)),
    Option("snapshot", "bool", "Write snapshots.", (0, 4), ignored=(2, 0)),
    Option("snapshot_count", "int", "Transactions until a snapshot is written.", (0, 4), (2, 0), successor="snapshot_count", named="ETCD_SNAPSHOTCOUNT"),
    Option("trace", "str", "Where to send traces.", (0, 4), (2, 0)),
    Option("verbose", "bool", "Log more.", (0, 4), (2, 0), successor="debug"),
    Option("very_verbose", "bool", "Log still more.", (0, 4), (2, 0), successor="debug"),
    Option("very_very_verbose", "bool", "Log all.", (0, 4), (2, 0), successor="debug"),
)}  # fmt: skip

# Options that no section has, by the version that brought them.
LATER: dict[Version, str] = {
    (3, 0): "config-file",
    (3, 1): "initial-election-tick-advance",
    (3, 2): "cipher-suites experimental-peer-skip-client-san-verification",
    (3, 3): "auth-token-ttl",
    (3, 4): "backend-batch-interval backend-batch-limit bcrypt-cost client-cert-allowed-hostname discovery-srv-name "
    "enable-grpc-gateway experimental-backend-bbolt-freelist-type experimental-compaction-batch-limit "
    "experimental-enable-lease-checkpoint experimental-enable-lease-checkpoint-persist "
    "experimental-warning-apply-duration experimental-watch-progress-notify-interval host-whitelist log-level "
    "log-outputs logger max-concurrent-streams next-cluster-version-compatible peer-cert-allowed-hostname pre-vote "
    "tls-max-version tls-min-version unsafe-no-fsync",
    (3, 5): "backend-bbolt-freelist-type client-cert-file client-key-file enable-log-rotation "
    "experimental-bootstrap-defrag-threshold-megabytes experimental-compact-hash-check-enabled "
    "experimental-compact-hash-check-time experimental-compaction-sleep-interval "
    "experimental-distributed-tracing-address experimental-distributed-tracing-instance-id "
    "experimental-distributed-tracing-sampling-rate experimental-distributed-tracing-service-name "
    "experimental-downgrade-check-time experimental-enable-distributed-tracing experimental-memory-mlock "
    "experimental-snapshot-catchup-entries experimental-stop-grpc-service-on-defrag "
    "experimental-txn-mode-write-with-shared-buffer log-rotation-config-json peer-client-cert-file "
    "peer-client-key-file raft-read-timeout raft-write-timeout self-signed-cert-validity socket-reuse-address "
    "socket-reuse-port v2-deprecation",
    (3, 6): "bootstrap-defrag-threshold-megabytes compact-hash-check-time compaction-batch-limit "
    "compaction-sleep-interval corrupt-check-time discovery-cacert discovery-cert discovery-dial-timeout "
    "discovery-endpoints discovery-insecure-skip-tls-verify discovery-insecure-transport discovery-keepalive-time "
    "discovery-keepalive-timeout discovery-key discovery-password discovery-request-timeout discovery-token "
    "discovery-user distributed-tracing-address distributed-tracing-instance-id distributed-tracing-sampling-rate "
    "distributed-tracing-service-name downgrade-check-time enable-distributed-tracing experimental-warning-unary-request-duration "
    "feature-gates log-format max-learners memory-mlock peer-skip-client-san-verification snapshot-catchup-entries "
    "warning-apply-duration warning-unary-request-duration watch-progress-notify-interval",
}  # fmt: skip
# Of these, what was taken away again; all that is experimental went with 3.7.
REMOVED: dict[str, Version] = {
    "experimental-backend-bbolt-freelist-type": (3, 5), "next-cluster-version-compatible": (3, 5), "v2-deprecation": (3, 7),
}  # fmt: skip

ETCD2_KEYS = (
    "advertise_client_urls", "ca_file", "cert_file", "client_cert_auth", "cors", "data_dir", "debug", "discovery",
    "discovery_fallback", "discovery_srv", "discovery_proxy", "election_timeout", "enable_pprof", "force_new_cluster",
    "heartbeat_interval", "initial_advertise_peer_urls", "initial_cluster", "initial_cluster_state",
    "initial_cluster_token", "key_file", "listen_client_urls", "listen_peer_urls", "log_package_levels",
    "max_snapshots", "max_wals", "name", "peer_ca_file", "peer_cert_file", "peer_key_file", "peer_client_cert_auth",
    "peer_trusted_ca_file", "proxy", "proxy_dial_timeout", "proxy_failure_wait", "proxy_read_timeout",
    "proxy_refresh_interval", "proxy_write_timeout", "snapshot_count", "strict_reconfig_check", "trusted_ca_file",
    "wal_dir",
)  # fmt: skip
ETCD_KEYS = (
    "addr", "advertise_client_urls", "bind_addr", "ca_file", "cert_file", "cluster_active_size", "cluster_remove_delay",
    "cluster_sync_interval", "cors", "data_dir", "discovery", "discovery_fallback", "discovery_srv", "discovery_proxy",
    "election_timeout", "force_new_cluster", "graphite_host", "heartbeat_interval", "http_read_timeout",
    "http_write_timeout", "initial_advertise_peer_urls", "initial_cluster", "initial_cluster_state",
    "initial_cluster_token", "key_file", "listen_client_urls", "listen_peer_urls", "max_result_buffer",
    "max_retry_attempts", "max_snapshots", "max_wals", "name", "peer_addr", "peer_bind_addr", "peer_ca_file",
    "peer_cert_file", "peer_election_timeout", "peer_heartbeat_interval", "peer_key_file", "peers", "peers_file",
    "proxy", "retry_interval", "snapshot", "snapshot_count", "trace", "verbose", "very_verbose", "very_very_verbose",
)  # fmt: skip
# The sections of cloud-config, in the order in which coreos-cloudinit writes their variables.
ETCD_SECTION = tuple(OPTIONS_0_4.get(key) or OPTIONS[key] for key in ETCD_KEYS)
ETCD2_SECTION = tuple(OPTIONS[key] for key in ETCD2_KEYS)

CT_VERSIONS: tuple[Version, ...] = ((2, 3), (3, 0), (3, 1), (3, 2), (3, 3))
# Options that ct took up only with its table for 3.3, though older versions know them.
CT_LATE = frozenset((
    "quota_backend_bytes", "max_request_bytes", "grpc_keepalive_min_time", "grpc_keepalive_interval", "grpc_keepalive_timeout",
))  # fmt: skip


def ct_options(version: Version) -> tuple[Option, ...]:
    """What ct takes for a version, in the order in which it writes it; for one that it does not know, the newest of that major."""
    table = max((known for known in CT_VERSIONS if known <= version), default=CT_VERSIONS[0])
    if table == (2, 3):
        return ETCD2_SECTION
    return tuple(
        as_number(option) if option.key == "auto_compaction_retention" and table < (3, 3) else option
        for option in OPTIONS.values()
        if option.since <= table and (table == (3, 3) or option.key not in CT_LATE)
    )


def as_number(option: Option) -> Option:
    """An option whose value was an integer before it became a text."""
    return option._replace(kind="int")


def later_option(flag: str, since: Version) -> Option:
    """The row of an option that no section has."""
    until = REMOVED.get(flag, (3, 7) if flag.startswith("experimental-") else NEVER)
    return Option(flag.replace("-", "_"), "str", "", since, until)


# All options by their variables, which are the same in every version.
BY_VARIABLE: dict[str, Option] = {
    option.variable: option
    for option in (
        *(later_option(flag, since) for since, flags in LATER.items() for flag in flags.split()),
        *OPTIONS_0_4.values(),
        *OPTIONS.values(),
    )
}
