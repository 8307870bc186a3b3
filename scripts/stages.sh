#!/usr/bin/env bash
# Runs stages one after the other, each a name and a command: `stages.sh NAME COMMAND [NAME COMMAND]...`
# Says how long each took, stops at the first that fails, and closes with a table of all that ran, and of what WITHOUT left
# out.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

table=""
closing() {
    printf '\n%-10s %8s  %s\n%s' stage seconds result "$table"
    [ -z "${WITHOUT:-}" ] || printf 'NOT TESTED, left out by name: %s\n' "$WITHOUT"
}
trap 'exit 130' INT TERM

began=$SECONDS
while [ $# -ge 2 ]; do
    name=$1 command=$2
    shift 2
    printf '\n=== %s: %s\n' "$name" "$command"
    started=$SECONDS
    bash -euo pipefail -c "$command"
    status=$?
    took=$((SECONDS - started))
    result=ok
    [ "$status" -eq 0 ] || result="failed ($status)"
    printf '=== %s: %s, %s s\n' "$name" "$result" "$took"
    table+=$(printf '%-10s %8s  %s' "$name" "$took" "$result")$'\n'
    if [ "$status" -ne 0 ]; then
        while [ $# -ge 2 ]; do
            table+=$(printf '%-10s %8s  %s' "$1" - "not run")$'\n'
            shift 2
        done
        closing
        exit 1
    fi
done
table+=$(printf '%-10s %8s' all "$((SECONDS - began))")$'\n'
closing
