#!/usr/bin/env bash
# The story of the router: what a person declares with kubectl, and what comes of it on the wire.
# Everything is done with what a person has: kubectl, curl, openssl, bash and kill. Run `make build` first.
source "$(dirname "${BASH_SOURCE[0]}")/machine.bash"
domain=router.localhost

# An app of a few lines: it tells its port, waits where it is asked to, and echoes what comes after an upgrade.
cat >"$folder/manifests/app.py" <<'PYTHON'
import base64, hashlib, http.server, os, time
PORT = int(os.environ["PORT"])

class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            return self.upgrade()
        if self.path.startswith("/sleep/"):
            time.sleep(float(self.path.rsplit("/", 1)[1]))
        self.answer(f"port={PORT} path={self.path} client={self.headers.get('X-Forwarded-For')}\n")

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self.answer(f"port={PORT} took {len(self.rfile.read(length))} bytes\n")

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def upgrade(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.write(b"\x81\x05hello")
        self.close_connection = True

http.server.ThreadingHTTPServer(("127.0.0.1", PORT), App).serve_forever()
PYTHON
cat >"$folder/manifests/echo.py" <<'PYTHON'
import os, socketserver

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(b"echo " + line)

socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", int(os.environ["PORT"])), Echo).serve_forever()
PYTHON
cat >"$folder/manifests/site.yaml" <<YAML
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: flynn.io/v1alpha1
kind: Cluster
metadata: {name: site}
spec:
  domains: [{name: $domain, default: true, certificate: {namespace: shop, name: wildcard}}]
  router: {unavailablePage: "<p>back soon</p>"}
---
apiVersion: flynn.io/v1alpha1
kind: Certificate
metadata: {namespace: shop, name: wildcard}
spec: {selfSigned: {dnsNames: [$domain, "*.$domain"]}}
---
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {namespace: shop, name: www}
spec: {processes: {web: {command: [python3, app.py], replicas: 2, healthCheck: {path: /}}}}
---
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {namespace: shop, name: echo}
spec: {routes: None, processes: {web: {command: [python3, echo.py], port: 7000}}}
YAML

start() {
    start_machine --additional-http-ports "$additional"
    kubectl config set-context --current --namespace shop >/dev/null
}

# route NAME SPEC: declares a Route and waits until it is served.
route() {
    kubectl apply -f - >/dev/null <<YAML
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: $1}
spec: $2
YAML
    check "the Route $1 gets ready" kubectl wait --for=condition=Ready "route/$1" --timeout=30s
}

# status HOST PATH [CURL ARGUMENTS...]: the status code of the answer.
status() { https "$1" "$2" -o /dev/null -w '%{http_code}' "${@:3}"; }
answers() { [ "$(status "$@")" = "$want" ]; }
port_of() { sed -nE 's/^port=([0-9]+).*/\1/p'; }

# Ten answers; how many replicas gave them.
replicas_met() { # HOST [CURL ARGUMENTS...]
    for _ in 1 2 3 4 5 6 7 8 9 10; do https "$1" / "${@:2}" | port_of; done | sort -u | wc -l
}

additional=$((20000 + RANDOM % 10000))

chapter "One command, and the fields that kubectl explains"
start
says "explain tells what leader means" "answered. Default: false" kubectl explain route.spec.http.leader
says "a bad network says how to write it" "such as 10.0.0.0/8" kubectl apply -f - <<'YAML'
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: bad}
spec: {app: www, http: {host: bad.site.com, clients: [office]}}
YAML

chapter "Sticky sessions"
route sticky "{app: www, http: {host: sticky.$domain, sticky: true}}"
cookies=$folder/cookies
https "sticky.$domain" / -c "$cookies" >/dev/null
check "the first answer sets Flynn's cookie" grep -q _backend "$cookies"
same "ten requests with it meet one replica" 1 replicas_met "sticky.$domain" -b "$cookies"
check "the key that routers share is in a Secret" kubectl -n flynn-system get secret flynn-operator-router

chapter "Leader"
route leader "{app: www, http: {host: leader.$domain, leader: true}}"
same "without a Lease ten requests meet the oldest Pod" 1 replicas_met "leader.$domain"
pods=$(kubectl get pods -l flynn.io/app=www -o 'jsonpath={.items[*].metadata.name}')
lead() { # POD
    kubectl apply -f - >/dev/null <<YAML
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: www-web}
spec: {holderIdentity: $1}
YAML
}
led=
for pod in $pods $pods; do
    lead "$pod"
    another() { [ "$(https "leader.$domain" / | port_of)" != "$led" ]; }
    check "$pod gets the requests while it holds the Lease" until_true 10 another
    led=$(https "leader.$domain" / | port_of)
done
lead nobody
want=503
check "a holder that is not there is nobody's stand-in" until_true 10 answers "leader.$domain" /
says "and the Route says why" "is held by nobody" bash -c "kubectl() { '${KUBECTL:-$("$root/e2e/tools/kubectl")}' \"\$@\"; }; kubectl describe route leader"
says "the page of a 503 is the Cluster's" "back soon" https "leader.$domain" /
kubectl delete lease www-web >/dev/null
want=200
check "without the Lease it is age again" until_true 10 answers "leader.$domain" /

chapter "TCP"
route tcp "{app: echo, tcp: {}}"
tcp_port=$(kubectl get route tcp -o 'jsonpath={.status.tcp.port}')
ask_tcp() { exec 3<>"/dev/tcp/127.0.0.1/$tcp_port" && echo "$1" >&3 && head -1 <&3; }
export -f ask_tcp && export tcp_port
same "its status tells a port, and the app answers there" "echo hi" bash -c 'ask_tcp hi'
says "a port that the nodes need is refused" "choose another, or leave it out" kubectl apply -f - <<'YAML'
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: reserved}
spec: {app: echo, tcp: {port: 443}}
YAML
kubectl apply -f - >/dev/null <<YAML
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: late}
spec: {app: echo, tcp: {port: $tcp_port}}
YAML
check "a port belongs to the Route that had it first" until_true 10 is route/late Accepted False PortClaimed
kubectl delete route late >/dev/null

chapter "HSTS and redirects"
route hsts "{app: www, http: {host: hsts.$domain, hsts: {maxAgeSeconds: 31536000, includeSubdomains: true}}}"
says "HTTPS tells browsers" "strict-transport-security: max-age=31536000; includeSubDomains" \
    bash -c "curl -sS --noproxy '*' --cacert '$CACERT' -D - -o /dev/null 'https://hsts.$domain:$HTTPS_PORT/' | tr A-Z a-z | sed 's/includesubdomains/includeSubDomains/'"
same "plain HTTP is redirected" "308 https://hsts.$domain:$HTTPS_PORT/a?b=c" location "http://hsts.$domain:$HTTP_PORT/a?b=c"
route apex "{redirect: {host: www.$domain, code: 301}, http: {host: $domain}}"
same "a redirect names another host" "301 https://www.$domain:$HTTPS_PORT/x" location "https://$domain:$HTTPS_PORT/x"

chapter "Limits"
route limits "{app: www, http: {host: limits.$domain, clients: [192.0.2.0/24]}}"
same "a client of a foreign network" 403 status "limits.$domain" /
route limits "{app: www, http: {host: limits.$domain, clients: [127.0.0.0/8], maxBodyBytes: 1000, timeouts: {responseSeconds: 1}}}"
want=200
check "a client of an allowed one" until_true 10 answers "limits.$domain" /
head -c 1000 /dev/zero >"$folder/fits" && head -c 1001 /dev/zero >"$folder/big"
same "a body that fits" 200 status "limits.$domain" / --data-binary "@$folder/fits"
same "a body that does not" 413 status "limits.$domain" / --data-binary "@$folder/big"
same "an app that takes too long" 503 status "limits.$domain" /sleep/3

chapter "WebSocket"
says "the upgrade reaches the app" "101 Switching Protocols" bash -c "curl -sS --max-time 5 --http1.1 --noproxy '*' \
    --cacert '$CACERT' -i -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
    -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' 'https://www.$domain:$HTTPS_PORT/' --output - | tr -d '\0'"

chapter "Ports"
route additional "{app: www, http: {host: extra.$domain, port: $additional}}"
same "a Route with a port answers there" 200 \
    curl -sS --noproxy '*' -o /dev/null -w '%{http_code}' "http://extra.$domain:$additional/"
same "and nowhere else" 404 curl -sS --noproxy '*' -o /dev/null -w '%{http_code}' "http://extra.$domain:$HTTP_PORT/"
kubectl apply -f - >/dev/null <<YAML
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: unheard}
spec: {app: www, http: {host: unheard.$domain, port: 9}}
YAML
check "a port that nobody listens on is told" until_true 15 is route/unheard Programmed False NodeFault
kubectl delete route unheard >/dev/null

chapter "How the routers are"
says "status.<domain> tells, over HTTPS" "healthy" https "status.$domain" /
says "and over plain HTTP" "healthy" curl -sS --noproxy '*' "http://status.$domain:$HTTP_PORT/"

chapter "What is served, and why"
says "routes lists the table" "sticky.$domain" flynn-operator routes
says "trace tells which Route answers" "sticky" flynn-operator trace "https://sticky.$domain/"
says "and who refuses" "the TLS handshake fails" flynn-operator trace "https://nobody.example/"

chapter "kill -9: the sessions and the ports are the same"
before=$(https "sticky.$domain" / -b "$cookies" | port_of)
kill -9 "$machine" && wait "$machine" 2>/dev/null || true
start
same "the TCP port is the same" "$tcp_port" kubectl get route tcp -o 'jsonpath={.status.tcp.port}'
check "the app answers there" until_true 20 bash -c 'ask_tcp hi'
[ -n "$before" ] && same "the cookie is still understood: it is set again only if its replica is gone" 1 replicas_met "sticky.$domain" -b "$cookies" -c "$cookies"

chapter "The end"
stop_machine
