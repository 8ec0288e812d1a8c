#!/bin/sh
# dracut's hook `emergency`, sourced by dracut-emergency: what failed stands last before the prompt, on every console.
# shellcheck disable=SC2034
if [ -e /run/provision/first-boot ] || [ -e /run/ignition/failure.json ]; then
    for provision_unit in begin fetch-offline network fetch disks mount files; do
        if systemctl --quiet is-failed "provision-$provision_unit.service"; then
            provision_stage=$provision_unit
            [ "$provision_unit" != disks ] || provision_stage=kargs,disks
            [ "$provision_unit" != files ] || provision_stage=files,end
            /usr/bin/provision-agent first-boot failure -quiet -stage "$provision_stage"
            # dracut prints this file after its own words.
            FSTXT=/run/provision/failure-block
        fi
    done
fi
