#!/usr/bin/env bash
# Short tests on every Python from 3.10 to 3.13 that is here: with the newest versions of the dependencies, and on the
# oldest Python with the lowest that pyproject.toml allows. Environments are kept in the user's cache and made again
# when pyproject.toml changes. `scripts/lanes.sh 3.12` runs one lane, `scripts/lanes.sh 3.10-lowest` another.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/s3copy_beam/lanes
lanes=("$@")
[ ${#lanes[@]} -gt 0 ] || lanes=(3.10-lowest 3.10 3.11 3.12 3.13)

python_of() { # VERSION: its program, on the PATH or pyenv's
    local version=$1 found
    for found in "$(command -v "python$version" || true)" "$HOME/.pyenv/versions/$version".*/bin/python; do
        if [ -x "$found" ] && "$found" -c 'import venv, ensurepip' 2>/dev/null; then
            echo "$found"
            return
        fi
    done
    return 1
}

run_lane() { # LANE: VERSION or VERSION-lowest
    local lane=$1 version=${1%-lowest} place python
    local constraints=()
    [ "$lane" = "$version" ] || constraints=(-c "$root/constraints/lowest.txt")
    if ! python=$(python_of "$version"); then
        echo "lane $lane: no Python $version here, skipped"
        return
    fi
    place=$cache/$lane
    if ! cat "$root/pyproject.toml" "$root/constraints/lowest.txt" | cmp -s - "$place/.made-for"; then
        rm -rf "$place"
        mkdir -p "$cache"
        "$python" -m venv "$place"
        "$place/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "${constraints[@]}" \
            -e "$root[demo]" pytest pytest-timeout pytest-xdist hypothesis >"$cache/$lane.log" 2>&1 || {
            echo "lane $lane: its packages could not be installed: $cache/$lane.log" >&2
            return 1
        }
        cat "$root/pyproject.toml" "$root/constraints/lowest.txt" >"$place/.made-for"
    fi
    (cd "$root" && timeout 600 "$place/bin/python" -m pytest -q -n 2 -p no:cacheprovider \
        tests/unit/test_{paths,compare,text,layout,keyspace,lists,mark,judge,verdict,command_parser}.py \
        tests/unit/test_s3_{sign,answers,page,budget}.py tests/e2e/test_sync.py tests/e2e/test_multipart.py \
        -k "not seaweed and not minio and not prism" >"$cache/$lane.log" 2>&1) || {
        tail -40 "$cache/$lane.log" >&2
        echo "lane $lane: failed" >&2
        return 1
    }
    echo "lane $lane ($("$python" --version 2>&1)): $(tail -1 "$cache/$lane.log")"
}

failed=()
for lane in "${lanes[@]}"; do
    run_lane "$lane" || failed+=("$lane")
done
[ ${#failed[@]} -eq 0 ] || { echo "lanes that failed: ${failed[*]}" >&2; exit 1; }
