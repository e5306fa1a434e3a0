#!/usr/bin/env bash
# Runs two conformance suites for HTTP/2 against flynn-router: h2spec, without TLS (prior knowledge) and over TLS, and
# httpwg. Prints what failed and the counts; fails if a case failed that is not excused in excused.txt.
source "$(dirname "${BASH_SOURCE[0]}")/../tools/lib.sh"
needs python3 "install Python 3"
needs openssl "install OpenSSL"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
router=${1:-$here/../../target/debug/flynn-router}
[ -x "$router" ] || die "$router is missing: cargo build -p router"
h2spec=$("$here/../tools/h2spec")
httpwg=$("$here/../tools/httpwg")

work=$(mktemp -d)
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

# line FILE PATTERN: waits until FILE has what PATTERN matches, and prints its first group.
line() {
    local found
    for _ in $(seq 100); do
        found=$(sed -nE "s/.*$2.*/\1/p" "$1" | head -n 1)
        [ -z "$found" ] || { echo "$found"; return; }
        sleep 0.1
    done
    die "nothing like '$2' came in ten seconds: $(cat "$1")"
}

# The endpoint answers every request with a body that is longer than the smallest window. What it says of requests that
# the suite breaks off is of no interest.
python3 -u - >"$work/endpoint" 2>/dev/null <<'PYTHON' &
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b"an answer that is long enough\n" * 32
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self):
        if self.headers.get("Transfer-Encoding"):
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            while self.rfile.readline().strip():
                pass
        self.do_GET()

    do_HEAD = do_PUT = do_OPTIONS = do_GET

    def log_message(self, *arguments):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
print("port", server.server_port)
server.serve_forever()
PYTHON
started+=($!)
endpoint=$(line "$work/endpoint" "port ([0-9]+)")

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
    -keyout "$work/key.pem" -out "$work/chain.pem" 2>/dev/null
python3 - "$work" "$endpoint" <<'PYTHON'
import json, pathlib, sys
work, endpoint = pathlib.Path(sys.argv[1]), sys.argv[2]
pair = {"chain": (work / "chain.pem").read_text(), "key": (work / "key.pem").read_text()}
config = {
    "listen": {"http": "127.0.0.1:0", "https": "127.0.0.1:0"},
    "defaultCertificate": "own",
    "certificates": {"own": pair},
    "services": {"endpoint": {"endpoints": [f"127.0.0.1:{endpoint}"]}},
    "hosts": {"*": {"paths": {"/": {"forward": {"service": "endpoint"}}}}},
}
(work / "config.json").write_text(json.dumps(config))
PYTHON
NO_COLOR=1 "$router" --config "$work/config.json" --workers 1 2>"$work/router" &
started+=($!)
http=$(line "$work/router" 'http=[^ ]*:([0-9]+)')
https=$(line "$work/router" 'https=[^ ]*:([0-9]+)')

failed=0

# judge NAME: takes the names of failed cases on standard input, and says which of them are excused.
judge() {
    local case
    while read -r case; do
        if grep -qxF -- "$1: $case" "$here/excused.txt"; then
            echo "excused: $case"
        else
            echo "FAILED: $case"
            failed=1
        fi
    done
}

# spec NAME PORT OPTION...
spec() {
    local name=$1 port=$2
    shift 2
    echo "== h2spec, $name"
    "$h2spec" --strict --timeout 2 --host 127.0.0.1 --port "$port" --junit-report "$work/result.xml" "$@" \
        >"$work/result" || true
    judge "h2spec $name" < <(python3 - "$work/result.xml" <<'PYTHON'
import sys
from xml.etree import ElementTree
for suite in ElementTree.parse(sys.argv[1]).iter("testcase"):
    if suite.find("failure") is not None or suite.find("error") is not None:
        print(suite.get("package"), suite.get("classname"))
PYTHON
    )
    grep -E '^[0-9]+ tests' "$work/result" || { cat "$work/result"; failed=1; }
}

spec "without TLS" "$http"
spec "over TLS" "$https" --tls --insecure

echo "== httpwg"
"$httpwg" --address "127.0.0.1:$http" --frame-timeout 2000 2>&1 | sed 's/\x1b\[[0-9;]*m//g' >"$work/result" || true
judge httpwg < <(sed -nE 's/^.*Test failed: RFC 9113 :: //p' "$work/result" | sort)
grep -oE 'Passed [0-9]+/[0-9]+ tests' "$work/result" || { cat "$work/result"; failed=1; }
exit "$failed"
