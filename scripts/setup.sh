#!/usr/bin/env bash
# Installs what building and testing need and is missing here, and says what it does. Meant for Debian; as root, or with
# sudo. Where nothing is missing it changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_DENY_VERSION=0.20.2
# The newest that the Rust we ask for builds.
CARGO_SHEAR_VERSION=1.13.4

say() { printf 'setup: %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        say "needs root for: $*"
        return 1
    fi
}

# For each command the Debian package that brings it.
packages=()
for pair in git:git cc:build-essential c++:build-essential curl:curl node:nodejs npm:npm python3:python3; do
    have "${pair%%:*}" || packages+=("${pair##*:}")
done
python3 -c "import ensurepip" >/dev/null 2>&1 || packages+=(python3-venv)
if [ "${#packages[@]}" -gt 0 ]; then
    say "installs by apt: ${packages[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
if ! have cargo; then
    say "Rust is missing; install it from https://rustup.rs and come back"
    exit 1
fi
for part in fmt clippy; do
    if ! cargo "$part" --version >/dev/null 2>&1; then
        say "installs by rustup: $part"
        rustup component add "${part/fmt/rustfmt}"
    fi
done

if [ "$(cargo deny --version 2>/dev/null || true)" != "cargo-deny $CARGO_DENY_VERSION" ]; then
    say "installs by cargo: cargo-deny $CARGO_DENY_VERSION (some minutes)"
    # In a folder of its own, so that building it does not fill ours.
    cargo install --quiet --locked --version "$CARGO_DENY_VERSION" --force cargo-deny
fi
if [ "$(cargo shear --version 2>/dev/null | grep -o '[0-9.]*$' || true)" != "$CARGO_SHEAR_VERSION" ]; then
    say "installs by cargo: cargo-shear $CARGO_SHEAR_VERSION (some minutes)"
    cargo install --quiet --locked --version "$CARGO_SHEAR_VERSION" --force cargo-shear
fi
# What reads docs/api, in folders of their own: installed anew when what is pinned is not what was installed.
lint=target/api/lint python=target/api/python
if ! cmp -s scripts/api/package-lock.json "$lint/installed"; then
    say "installs by npm: spectral, into $lint"
    mkdir -p "$lint"
    cp scripts/api/package.json scripts/api/package-lock.json scripts/api/.npmrc "$lint"
    (cd "$lint" && npm ci --silent && cp package-lock.json installed)
fi
if ! cmp -s scripts/api/requirements.txt "$python/installed"; then
    say "installs by pip: schemathesis and websockets, into $python"
    python3 -m venv --clear "$python"
    "$python/bin/pip" install --quiet --disable-pip-version-check --no-deps -r scripts/api/requirements.txt
    cp scripts/api/requirements.txt "$python/installed"
fi
say "everything is there"
