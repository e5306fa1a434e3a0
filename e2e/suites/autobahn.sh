#!/usr/bin/env bash
# Runs Autobahn's fuzzing client, the conformance suite for WebSockets, against an echo server: directly, and through
# flynn-router without and with TLS. The router does not read frames, so no case may come out worse through it than directly.
# Cases 12 and 13 are left out: compression is agreed on by the two ends, and the echo server offers none.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
wstest=${WSTEST:-$("$tools/autobahn")} || {
    [ $? = 77 ] || exit 1
    echo "autobahn: skipped: needs Python 2.7"
    exit 0
}
isolate 400 WSTEST="$wstest"

certificate rsa:2048
cd "$work"
# Not `wstest --mode echoserver`: it refuses a Host header with a port that is not its own.
"$(dirname "$wstest")/python" -u - >echo.log 2>&1 <<'PYTHON' &
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor

class Echo(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        self.sendMessage(payload, isBinary)

factory = WebSocketServerFactory()
factory.protocol = Echo
print("port %d" % reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port)
reactor.run()
PYTHON
echo_server=127.0.0.1:$(line echo.log 'port ([0-9]+)')
serve "$echo_server"

cat >spec.json <<SPEC
{
    "outdir": "out",
    "servers": [
        { "agent": "directly", "url": "ws://$echo_server" },
        { "agent": "through the router", "url": "ws://$http" },
        { "agent": "through the router, over TLS", "url": "wss://$https" }
    ],
    "cases": ["*"],
    "exclude-cases": ["12.*", "13.*"],
    "exclude-agent-cases": {}
}
SPEC
"$wstest" --mode fuzzingclient --spec spec.json >fuzz.log 2>&1 || { tail -20 fuzz.log >&2; exit 1; }

"$suites/autobahn.py" out/index.json "$suites/autobahn.expected"
