#!/usr/bin/env bash
# Prints what tests need and this machine does not permit, in the form of WITHOUT: names with commas between them.
#   mount   mounting a file system: the tests of a full disk and of a read-only one
set -uo pipefail
folder=$(mktemp -d)
trap 'rmdir "$folder"' EXIT
if mount -t tmpfs -o size=1m none "$folder" 2>/dev/null; then umount "$folder"; else echo mount; fi
