# Run by mmdebstrap with the new root as $1 and the kind of initramfs as $2: makes it a guest that boots without delay, and
# brings along what a distribution would have. Nothing of provision is in here.
set -eu
root=$1 kind=$2
units=/etc/systemd/system

echo guest > "$root/etc/hostname"
printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
printf 'LABEL=root / ext4 defaults 0 0\n' > "$root/etc/fstab"
rm -f "$root/etc/resolv.conf"
mkdir -p "$root$units/multi-user.target.wants" "$root/etc/systemd/network" "$root/etc/systemd/journald.conf.d"

# What takes time under emulation and serves nobody here.
for unit in \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
  getty@tty1.service getty-static.service mdcheck_start.timer mdcheck_continue.timer mdmonitor-oneshot.timer mdmonitor.service \
  dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
  modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service modprobe@drm.service \
  proc-sys-fs-binfmt_misc.automount systemd-binfmt.service systemd-journal-flush.service systemd-logind.service \
  systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-timesyncd.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-networkd-wait-online.service selinux-autorelabel-mark.service
do
  ln -sf /dev/null "$root$units/$unit"
done
printf '[Journal]\nStorage=volatile\n' > "$root/etc/systemd/journald.conf.d/guest.conf"

# Addresses by DHCP on a card of QEMU's user-mode network (the first three bytes of its addresses).
cat > "$root/etc/systemd/network/80-user-network.network" <<'UNIT'
[Match]
PermanentMACAddress=52:54:00:12:34:56
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
UNIT

# The unit that configs of CoreOS add drop-ins to, with Debian's etcd behind it. Source: coreos-overlay, dev-db/etcd2.
if [ "$kind" = initramfs-tools ]; then
  rm -f "$root$units/multi-user.target.wants/etcd.service" "$root$units/etcd2.service"
  ln -s etcd "$root/usr/bin/etcd2"
  cat > "$root/usr/lib/systemd/system/etcd2.service" <<'UNIT'
[Unit]
Description=etcd2
Conflicts=etcd.service

[Service]
User=etcd
Type=notify
Environment=ETCD_DATA_DIR=/var/lib/etcd2
Environment=ETCD_NAME=%m
ExecStart=/usr/bin/etcd2
Restart=always
RestartSec=10s
LimitNOFILE=40000
TimeoutStartSec=0

[Install]
WantedBy=multi-user.target
UNIT
  printf 'd /var/lib/etcd2 0700 etcd etcd -\n' > "$root/usr/lib/tmpfiles.d/etcd2.conf"
  ln -sf /usr/lib/systemd/system/systemd-networkd.service "$root$units/multi-user.target.wants/systemd-networkd.service"
fi

# The peer, which one test puts into an initramfs of its own.
mkdir "$root/peer"
if [ "$kind" = dracut ]; then
  # It comes with setfiles; a plain Debian has none.
  rm "$root/etc/selinux/config"
  export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
  (cd "$root/peer" && apt-get download -qq -o APT::Sandbox::User=root ignition)
  mkdir -p "$root/etc/dracut.conf.d"
  printf 'compress="zstd -3"\n' > "$root/etc/dracut.conf.d/guest.conf"
fi
