#!/usr/bin/env bash
# Lets libFuzzer look for inputs that break a decoder: `fuzz.sh SECS [TARGET]...`, SECS for each target, all if none is
# named. Needs a C++ compiler and the stable toolchain. What it finds of new code goes into the corpus if KEEP=1; an input
# that breaks something is left in fuzz/artifacts, and said.
set -euo pipefail
cd "$(dirname "$0")/.."

# A corpus is for the tests to replay: small, and easy to look through.
CORPUS_BYTES_MAX=12000

secs=$1
shift
host=$(rustc -vV | sed -n 's/^host: //p')
# The instrumentation that libFuzzer follows. With --target, what runs in the build itself goes without it.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
cargo build --manifest-path fuzz/Cargo.toml --target "$host"
program=fuzz/target/$host/debug/fuzz

targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(basename -s .hex fuzz/corpus/*.hex)
mkdir -p fuzz/artifacts
for target in "${targets[@]}"; do
    printf '\n=== %s\n' "$target"
    kept=fuzz/corpus/$target.hex found=fuzz/target/corpus/$target small=fuzz/target/corpus/$target.small
    rm -rf "$found" "$small"
    mkdir -p "$found" "$small"
    number=0
    while read -r line; do
        number=$((number + 1))
        basenc --base16 -d <<<"$line" >"$found/kept-$number"
    done <"$kept"
    limits=(-rss_limit_mb=1024 -timeout=10 -max_len=4096)
    FUZZ_TARGET=$target "$program" "${limits[@]}" -max_total_time="$secs" -print_final_stats=1 \
        -artifact_prefix="fuzz/artifacts/$target-" "$found"
    if [ "${KEEP:-}" = 1 ]; then
        FUZZ_TARGET=$target "$program" "${limits[@]}" -merge=1 "$small" "$found"
        # What is kept stays; of what is new the shortest, until the file has its size.
        {
            cat "$kept"
            for input in "$small"/*; do basenc --base16 -w0 "$input" && echo; done |
                awk '{ print length, $0 }' | sort -n | cut -d' ' -f2
        } | awk -v bytes_max=$CORPUS_BYTES_MAX -v kept="$(wc -l <"$kept")" \
            '!seen[$0]++ { bytes += length + 1; if (NR <= kept || bytes <= bytes_max) print }' >"$small.hex"
        mv "$small.hex" "$kept"
    fi
done
