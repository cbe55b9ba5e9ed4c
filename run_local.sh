#!/usr/bin/env bash
# Copies buckets with nothing but Python 3.10+ on the machine.
#   ./run_local.sh                                   a demonstration with an S3 server of its own, on 127.0.0.1
#   ./run_local.sh [options] s3://SOURCE s3://DEST   s3copy, with these arguments
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$root/scripts/environment.sh"
need_environment demo
if [ $# -gt 0 ]; then
    exec "$venv/bin/s3copy" "$@"
fi
exec "$venv/bin/python" "$root/scripts/demo.py"
