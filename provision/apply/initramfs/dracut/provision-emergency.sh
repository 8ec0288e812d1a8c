#!/bin/sh
# dracut's hooks `emergency` and `shutdown-emergency`, sourced by dracut-emergency: what failed stands last before the
# prompt, on every console, or before the machine halts where there is no shell (rd.shell=0).
# shellcheck disable=SC2034,SC2154
if [ -e /run/provision/first-boot ] || [ -e /run/ignition/failure.json ]; then
    for provision_unit in begin fetch-offline network fetch disks mount files; do
        if systemctl --quiet is-failed "provision-$provision_unit.service"; then
            provision_stage=$provision_unit
            [ "$provision_unit" != disks ] || provision_stage=kargs,disks
            [ "$provision_unit" != files ] || provision_stage=files,end
            # dracut prints this file after its own words.
            FSTXT=/run/provision/failure-block
            [ "$hook" = emergency ] && provision_quiet=-quiet
            # shellcheck disable=SC2086
            /usr/bin/provision-agent first-boot failure $provision_quiet -stage "$provision_stage"
        fi
    done
fi
