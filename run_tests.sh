#!/usr/bin/env bash
# All checks and tests, on servers of their own: ./run_tests.sh
# Some of them:                                  ./run_tests.sh [pytest arguments], e.g. -k resume -n 0 -x
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$root/scripts/environment.sh"
need_environment test
cd "$root"
if [ $# -gt 0 ]; then
    exec "$venv/bin/python" -m pytest "$@"
fi
failed=()
"$venv/bin/ruff" check . || failed+=(ruff)
"$venv/bin/mypy" || failed+=(mypy)
"$venv/bin/python" -m pytest -q -n "${S3COPY_TEST_PROCESSES:-4}" --dist=worksteal -m "not flink" || failed+=(pytest)
"$venv/bin/python" -m pytest -q -m flink || failed+=(flink) # one cluster, and the machine for itself
if [ ${#failed[@]} -gt 0 ]; then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
