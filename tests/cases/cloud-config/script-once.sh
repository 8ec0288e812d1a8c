#!/bin/bash
# Prepares the disk for containers.
set -euo pipefail

device=/dev/vdb
if ! blkid "$device"; then
    mkfs.ext4 -L containers "$device"
fi
mkdir -p /var/lib/containers
mount "$device" /var/lib/containers
echo "mounted on $(uname -n)" | systemd-cat
