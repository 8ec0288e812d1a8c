#!/bin/bash
# A script in place of a config: it becomes a file and a unit that runs it once.
set -eu
mkdir -p /var/lib/app
date --iso-8601=seconds > /var/lib/app/provisioned-at
