# Sourced by the suites of this folder: what they are run against, and how they say what came of it.
# A suite gets its tools first, then calls `isolate`; from there on it has a network of its own and whatever it starts ends with it.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"

suites=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$suites/../tools
router=${FLYNN_ROUTER:-$suites/../../target/debug/flynn-router}
failed=0

# isolate SECONDS VARIABLE...: starts the script again in e2e/netns, bounded in time, with these variables.
isolate() {
    local seconds=$1 variable
    shift
    if [ -n "${SUITE_WORK:-}" ]; then
        work=$SUITE_WORK
        return
    fi
    [ -x "$router" ] || die "$router is missing: cargo build -p router"
    for variable in "$@"; do
        export "${variable?}"
    done
    SUITE_WORK=$(mktemp -d)
    export SUITE_WORK
    trap 'rm -rf "$SUITE_WORK"' EXIT
    timeout --foreground --kill-after 10 "$seconds" "$suites/../netns" "$0" && exit 0 || status=$?
    [ "$status" != 124 ] || echo "${0##*/}: did not end in $seconds seconds" >&2
    exit "$status"
}

# line FILE PATTERN: waits until FILE has what PATTERN matches, and prints its first group.
line() {
    local found
    for _ in $(seq 100); do
        found=$(sed -nE "s/.*$2.*/\1/p" "$1" 2>/dev/null | head -n 1)
        [ -z "$found" ] || { echo "$found"; return; }
        sleep 0.1
    done
    die "nothing like '$2' came in ten seconds: $(cat "$1")"
}

# certificate KEY...: makes $work/chain.pem and $work/key.pem for `localhost`; KEY is how openssl is told to make the key.
certificate() {
    openssl req -x509 -newkey "$@" -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout "$work/key.pem" -out "$work/chain.pem" 2>/dev/null
}

# serve ENDPOINT [FORWARD]: starts the router before that address, for every host; FORWARD is JSON with further rules of the route.
# Its addresses come in $http and, with a certificate, $https; its process in $router_process.
serve() {
    python3 - "$work" "$1" "${2:-{\}}" <<'PYTHON'
import json, pathlib, sys
work, endpoint, forward = pathlib.Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
config = {
    "listen": {"http": "127.0.0.1:0"},
    "services": {"endpoint": {"endpoints": [endpoint]}},
    "hosts": {"*": {"paths": {"/": {"forward": {"service": "endpoint", **forward}}}}},
}
if (work / "chain.pem").exists():
    pair = {name: (work / f"{name}.pem").read_text() for name in ("chain", "key")}
    config["listen"]["https"] = "127.0.0.1:0"
    config |= {"defaultCertificate": "own", "certificates": {"own": pair}}
(work / "config.json").write_text(json.dumps(config))
PYTHON
    NO_COLOR=1 "$router" --config "$work/config.json" --workers 1 2>"$work/router.log" &
    router_process=$!
    http=$(line "$work/router.log" 'http=([0-9.]+:[0-9]+)')
    https=
    [ ! -e "$work/chain.pem" ] || https=$(line "$work/router.log" 'https=([0-9.]+:[0-9]+)')
}

# expect WHAT FOUND EXPECTED: a row of the table; it fails the suite if the two differ.
expect() {
    local verdict=ok
    [ "$2" = "$3" ] || { verdict="WRONG, expected: $3"; failed=1; }
    row "$1" "$2" "$verdict"
}

# row CELL...: one row of a table in Markdown.
row() {
    local cell
    for cell in "$@"; do
        printf '| %s ' "$cell"
    done
    echo '|'
}
