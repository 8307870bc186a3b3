#!/usr/bin/env bash
# Looks for what an ordinary run is too short for: `soak.sh HOURS` runs the simulation on fresh seeds, a story of crashes
# with another seed, and what loads a server end to end, in turn until the time is up. Stops at the first that fails: the
# run says its seed, and the last line is the command that repeats it.
set -euo pipefail
cd "$(dirname "$0")/.."

# Of one turn: about a minute each.
SEEDS=10000
LOAD=(under_load flood slow_reader storm grows_large)

hours=$1
end=$(awk -v hours="$hours" 'BEGIN { print int(hours * 3600) }')
test=(cargo test --workspace)

runs() {
    printf '\n=== %s s of %s: %s\n' "$SECONDS" "$end" "$*"
    env "$@" || {
        printf '\n%s turns were good, this was not. To repeat it:\n%s\n' "$turns" "$*"
        exit 1
    }
}

cargo build --workspace --all-targets
# No other run had these seeds, nor will have.
turns=0 seed=$(date +%s)000000
while [ "$SECONDS" -lt "$end" ]; do
    runs SEED="$seed" SEEDS=$SEEDS "${test[@]}" --test simulation -- no_seed_breaks_a_law --nocapture
    runs SEED="$seed" "${test[@]}" --test crash -- a_kill_at_any_instant
    runs "${test[@]}" --test end_to_end -- "${LOAD[@]}"
    turns=$((turns + 1)) seed=$((seed + SEEDS))
done
printf '\n%s turns in %s s: nothing was found\n' "$turns" "$SECONDS"
