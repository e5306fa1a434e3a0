# Sourced by the scripts of this folder: each gets one tool once per machine, and prints the path of its binary.
# The tools live outside of the checkout, so that a clean build does not get them again.
# shellcheck shell=bash
set -euo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/flynn-operator"

# Says in one sentence what is wrong and what to do, and ends the script.
die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# needs COMMAND HINT
needs() {
    command -v "$1" >/dev/null || die "$1 is missing: $2"
}

# once FOLDER FUNCTION: FUNCTION fills a new folder, which becomes FOLDER whole or not at all.
# Of several callers at a time one does the work, the others wait for it.
once() {
    local folder=$1 fill=$2 lock
    [ -d "$folder" ] && return
    needs flock "install util-linux"
    mkdir -p "$(dirname "$folder")"
    exec {lock}>"$folder.lock"
    flock "$lock"
    if [ ! -d "$folder" ]; then
        unfinished=$(mktemp -d "$folder.XXXXXX")
        trap 'rm -rf "$unfinished"' EXIT
        "$fill" "$unfinished" >&2
        chmod 755 "$unfinished"
        mv -T "$unfinished" "$folder"
        trap - EXIT
    fi
    exec {lock}>&-
}

# wheel PACKAGE==VERSION SHA256 FOLDER: downloads that wheel, and no other, into FOLDER and unpacks it there.
wheel() {
    local package=$1 sha256=$2 folder=$3
    needs python3 "install Python 3 with pip"
    echo "$package --hash=sha256:$sha256" >"$folder/requirements.txt"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --requirement "$folder/requirements.txt" --dest "$folder" ||
        die "pip cannot download $package with the expected hash: check the connection to the Python package index"
    python3 -m zipfile -e "$folder"/*.whl "$folder"
}
