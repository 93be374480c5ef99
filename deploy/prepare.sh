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
    $as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null; }

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

venv_works() { .venv/bin/pip --version >/dev/null 2>&1; } # also false when the folder or Python has moved

# Debian's packages for this stage that are not there: python3-venv, and what tests of browsers and of the
# second broker need. Playwright's driver is linked against libatomic.
missing_packages() {
    venv_works || "$python" -c 'import ensurepip' 2>/dev/null || echo python3-venv
    [ "$stage" = test ] || return 0
    has chromium || echo chromium
    has mosquitto || echo mosquitto
    PATH="$PATH:/usr/sbin:/sbin" ldconfig -p 2>/dev/null | grep -q 'libatomic\.so\.1' || echo libatomic1
    fc-list ':lang=zh' 2>/dev/null | grep -q . || echo fontconfig fonts-noto-cjk
}

install_packages() {
    missing=$(missing_packages | tr '\n' ' ')
    missing=${missing% }
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    apt_install $missing && return
    case $missing in
    *python3-venv*) say "cannot go on until an administrator runs: sudo apt install $missing" && exit 1 ;;
    *) say "tests that need them are skipped until an administrator runs: sudo apt install $missing" ;;
    esac
}

make_venv() {
    venv_works && return
    rm -rf .venv
    "$python" -m venv .venv
}

python=$(find_python)
install_packages
make_venv
say "installing locked dependencies ($stage)"
.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r "deploy/locks/$stage.txt"
if [ ! -d web/static/vendor ] && ! command -v npm >/dev/null; then
    .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/locks/javascript.txt
fi
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
touch ".venv/ready-$stage"
