#!/bin/sh
# `make demo`: validate, transpile and apply the samples. Writes below build/ only; needs no root.
set -eu
provision=${1:-provision}
root=build/demo-root
rm -rf build/demo build/demo-root
mkdir -p build/demo "$root"

step() { printf '\n== %s\n\n' "$*"; }

step "1. Validate the samples: $provision validate -d samples/files samples/*.bu"
"$provision" validate -d samples/files samples/*.bu

step "2. What a mistake looks like: $provision validate samples/broken/everything.bu"
"$provision" validate --format full samples/broken/everything.bu || echo "(exit $?: there are errors)"

step "3. Transpile the samples to build/demo/"
for sample in samples/*.bu; do
  name=$(basename "$sample" .bu)
  "$provision" transpile -p -d samples/files "$sample" -o "build/demo/$name.ign"
done
ls build/demo | wc -l | xargs printf '%s configs; the shortest one:\n\n'
cat build/demo/kernel-arguments.ign

step "4. The plan for samples/container-host.bu: $provision apply --dry-run --root $root …"
"$provision" apply --dry-run --skip passwd --root "$root" samples/container-host.bu

step "5. Apply it"
"$provision" apply --skip passwd --root "$root" samples/container-host.bu

step "6. The resulting tree below $root"
(cd "$root" && find . -mindepth 1 | LC_ALL=C sort)
printf '\n'
cat "$root/etc/containers/systemd/web.container"

step "7. An old cloud-config, as Butane: $provision convert samples/cloud-config/core-01-full.yaml"
"$provision" convert samples/cloud-config/core-01-full.yaml

step "Next: provision --help, samples/README.md, provision rules, provision explain PV310"
