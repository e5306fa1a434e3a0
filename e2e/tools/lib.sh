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

# debian PROGRAM PACKAGE...: prints the path of PROGRAM: the system's, else the one of the first package, which is unpacked with
# the others (its libraries) and not installed, so that nothing is started and nobody has to be root.
debian() {
    local program=$1
    shift
    packages=("$@")
    command -v "$program" || { once "$cache/debian-$program" unpack_debian && echo "$cache/debian-$program/run"; }
}

unpack_debian() {
    local program=${0##*/} package
    needs apt-get "install $program"
    cd "$1"
    # A new machine has no lists of packages yet.
    apt-get download -qq "${packages[@]}" 2>/dev/null || { apt-get update -qq && apt-get download -qq "${packages[@]}"; } ||
        die "apt-get has no ${packages[0]}: install $program"
    for package in *.deb; do
        dpkg-deb --extract "$package" .
    done
    rm ./*.deb
    # The program keeps its process id, so that it can be measured and stopped by whoever starts it.
    cat >run <<'RUN'
#!/bin/sh
here=$(dirname "$0")
export LD_LIBRARY_PATH="$here/usr/lib/$(uname -m)-linux-gnu:$here/usr/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
RUN
    echo "exec \"\$here/$(find usr -name "$program" -type f -perm -u+x | head -1)\" \"\$@\"" >>run
    chmod 755 run
    ! LD_LIBRARY_PATH="usr/lib/$(uname -m)-linux-gnu" ldd "$(find usr -name "$program" -type f | head -1)" | grep "not found" ||
        die "$program needs these libraries: install $program itself"
}
