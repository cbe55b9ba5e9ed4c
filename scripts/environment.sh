# Makes the virtual environment .venv of this checkout: sourced by run_local.sh, run_tests.sh and .ci/run.
#
#     . scripts/environment.sh; need_environment demo|test    (an extra of pyproject.toml)
#
# Where constraints/ has a file for this version of Python, the versions in it are installed: those that were tested.
# It is made once and again only when pyproject.toml, constraints/ or the checkout's path changed. One that was interrupted while it
# was made is made anew. PYTHON=... names the interpreter to use. Speaks on stderr only.

venv="$root/.venv"

fits() { # PROGRAM: is it a Python that this project runs on, with what makes environments?
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1
}

find_python() {
    local name
    for name in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.10 python; do
        if fits "$name"; then
            echo "$name"
            return
        fi
    done
    echo "s3copy_beam needs Python 3.10 or newer with its venv module, and found none" \
        "(tried:${PYTHON:+ $PYTHON} python3 python3.13 python3.12 python3.11 python3.10 python)." \
        "On Debian: apt-get install python3 python3-venv. Or name one: PYTHON=/path/to/python $0" >&2
    return 1
}

wanted() { # what the environment depends on
    echo "$root"
    cat "$root/pyproject.toml" "$root"/constraints/3.*.txt
}

has() { # EXTRA
    wanted | cmp -s - "$venv/.has-$1" && ! [ -e "$venv/.incomplete" ] && "$venv/bin/python" -c '' 2>/dev/null
}

make_environment() { # EXTRA
    local extra=$1 python tested pins=()
    if has "$extra"; then # made by another script, while this one waited
        return
    fi
    if [ -e "$venv/.incomplete" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        rm -rf "$venv"
    fi
    if ! [ -d "$venv" ]; then
        python=$(find_python) || return 1
        mkdir "$venv" && touch "$venv/.incomplete" || return 1
        echo "making .venv with $("$python" --version 2>&1)" >&2
        "$python" -m venv "$venv" || return 1
    fi
    touch "$venv/.incomplete" || return 1
    echo "installing packages into .venv (extra: $extra; some minutes the first time)" >&2
    tested=$root/constraints/$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])').txt
    if [ -e "$tested" ]; then
        pins=(-c "$tested")
    fi
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        -e "$root[$extra]" ${pins[@]+"${pins[@]}"} >"$venv/install.log" 2>&1; then
        cat "$venv/install.log" >&2
        echo "the packages could not be installed" >&2
        return 1
    fi
    wanted >"$venv/.has-$extra" && rm -f "$venv/.incomplete"
}

need_environment() { # EXTRA
    if has "$1"; then
        return
    fi
    ( # one at a time, where flock is there
        if command -v flock >/dev/null; then flock 9; fi
        make_environment "$1"
    ) 9>"$root/.venv.lock"
}
