#!/bin/sh
# Makes .venv ready. `prepare.sh run` installs what a hall needs, `prepare.sh test` what its tests need too.
# What only the system's package manager can give is installed when we may, else named in one line.
set -eu
cd "$(dirname "$0")/.."
stage=$1

say() { printf 'servicehall: %s\n' "$*" >&2; }

may_install() { command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; }

apt_install() { # PACKAGE...; false when we may not
    may_install || return 1
    say "installing $*"
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

find_python() {
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    say "needs Python 3.11 or newer: sudo apt install python3 python3-venv"
    exit 1
}

make_venv() {
    [ -x .venv/bin/pip ] && return
    python=$(find_python)
    "$python" -m venv .venv >/dev/null 2>&1 && return
    rm -rf .venv
    apt_install python3-venv || {
        say "cannot make a virtual environment: sudo apt install python3-venv"
        exit 1
    }
    "$python" -m venv .venv
}

# Packages for browser tests and the second broker: PROGRAM:PACKAGE pairs.
system_tools() {
    missing=""
    for pair in chromium:chromium mosquitto:mosquitto; do
        PATH="$PATH:/usr/sbin" command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
    done
    fc-list ':lang=zh' 2>/dev/null | grep -q . || missing="$missing fontconfig fonts-noto-cjk"
    [ -z "$missing" ] && return
    # shellcheck disable=SC2086
    apt_install $missing || say "tests that need them are skipped until: sudo apt install$missing"
}

make_venv
say "installing locked dependencies ($stage)"
.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r "deploy/locks/$stage.txt"
if [ ! -d web/static/vendor ] && ! command -v npm >/dev/null; then
    .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/locks/javascript.txt
fi
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
[ "$stage" != test ] || system_tools
touch ".venv/ready-$stage"
