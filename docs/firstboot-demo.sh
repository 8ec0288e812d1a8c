#!/bin/sh
# `make firstboot-demo`: a machine that provisions itself, from nothing to its login prompt, in an emulator. Writes below
# build/ only; needs no root where user namespaces are allowed. Ends with 0 if the machine became what the config says.
set -eu
provision=${1:-provision}
image=build/firstboot-demo.img
begun=$(date +%s)
mkdir -p build

step() { printf '\n== %s\n\n' "$*"; }

is_current() {
  [ -e "$image" ] || return 1
  [ -z "$(find samples/make-image provision -type f ! -path '*/__pycache__/*' -newer "$image")" ]
}

step "1. What the machine shall become: samples/first-boot.bu"
sed -n '/^variant/,$p' samples/first-boot.bu

step "2. A disk with Debian 12, which has no user and no config, and the applier in its initramfs: samples/make-image $image"
if is_current; then
  echo "$image is there from the last time."
else
  samples/make-image "$image" --anew --provision "$provision"
fi

step "3. Its first boot, with that config and a blank data disk"
echo "The processor is emulated, which takes a minute or two. What the machine says stands behind a bar."
echo
samples/make-image "$image" samples/first-boot.bu --boot --data-disk 256M --provision "$provision" \
  --expect 'This machine has provisioned itself.'

step "4. Be there yourself, and log in as alice with the password change-me-now"
echo "samples/make-image $image samples/first-boot.bu --boot --data-disk 256M"
echo
echo "All of this took $(($(date +%s) - begun)) s. docs/first-boot.md says how it works, and how to do it with your own system."
