#!/usr/bin/env bash
# The stage `api`: lints docs/api, then starts the program and holds it against them, and runs the example that was written
# from them. Everything it needs, scripts/setup.sh has installed under target/api.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD

FUZZ_SECONDS=${FUZZ_SECONDS:-40}
target=${CARGO_TARGET_DIR:-target}
tools=target/api
work=$(mktemp -d)
server=

stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT

for document in openapi asyncapi; do
    "$tools/lint/node_modules/.bin/spectral" lint --fail-severity warn \
        --ruleset "scripts/api/$document.spectral.yaml" "docs/api/$document.json"
done

# Passwords are cheap to hash, and one address may try often: it is all of us.
"$target/debug/connect-chat" serve --data "$work/data" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
    --addresses-file "$work/addresses" --set accounts.password_memory_kib=64 --set accounts.password_passes=1 \
    --set accounts.tries_by_address=100000 >"$work/log" 2>&1 &
server=$!
for _ in $(seq 300); do
    [ ! -s "$work/addresses" ] || break
    sleep 0.1
done
url=http://$("$tools/python/bin/python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["listen"])' "$work/addresses") ||
    { cat "$work/log"; exit 1; }

"$tools/python/bin/python" docs/api/examples/chat.py "$url"
# It leaves notes where it runs.
(cd "$work" && "$root/$tools/python/bin/python" "$root/scripts/api/conformance.py" "$url" "$FUZZ_SECONDS")
