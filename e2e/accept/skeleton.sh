#!/usr/bin/env bash
# The first story: a person applies YAML with kubectl to a real Kubernetes, and it is on the Internet with TLS.
# Everything is done with what a person has: kubectl, curl, openssl and kill. Run `make build control-plane` first.
source "$(dirname "${BASH_SOURCE[0]}")/story.bash"

start_playground

# Whether the App NAME answers at HOST PATH.
answers() { https "$2" "$3" | grep -q "^pod=$1-web-"; }

# The TLSPin of a certificate on standard input, as Flynn's manual computes it.
pin_by_openssl() { openssl x509 -outform DER | openssl dgst -sha256 -binary | base64; }

# What the router presents for a host.
presented() { openssl s_client -connect "127.0.0.1:$HTTPS_PORT" -servername "$1" </dev/null 2>/dev/null; }

chapter "Six lines are a whole app"
kubectl apply -f - <<'YAML'
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: hello}
spec:
  image: registry.example/hello:1.0.0
YAML
check "the App is Ready" kubectl wait --for=condition=Ready app/hello --timeout=60s
check "https://hello.$domain is answered by its Pod" answers hello "hello.$domain" /
same "plain HTTP is sent to HTTPS, on the right port, with path and query" \
    "308 https://hello.$domain:$HTTPS_PORT/a/b?c=d" location "http://hello.$domain:$HTTP_PORT/a/b?c=d"
says "the App says where it is" "https://hello.$domain" kubectl get app hello -o yaml

chapter "Routes: another host, a path below a host, a redirect"
kubectl apply -f - <<YAML
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: greetings}
spec:
  http: {host: greetings.$domain}
  app: hello
---
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: greetings-shop}
spec:
  http: {host: greetings.$domain, path: /shop/}
  app: shop
---
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: old}
spec:
  http: {host: old.$domain}
  redirect: {host: greetings.$domain, code: 301}
YAML
check "the Routes are Ready" kubectl wait --for=condition=Ready route/greetings route/greetings-shop route/old --timeout=60s
check "the host is answered by hello" answers hello "greetings.$domain" /
check "the path below it is answered by shop" answers shop "greetings.$domain" /shop/cart
check "a path is whole segments: /shopping is not below /shop/" answers hello "greetings.$domain" /shopping
same "the redirect keeps path and query" \
    "301 https://greetings.$domain:$HTTPS_PORT/a?b=c" location "https://old.$domain:$HTTPS_PORT/a?b=c"
same "a host that nobody declared is not found" "404 " location "http://nobody.$domain:$HTTP_PORT/"

chapter "The certificate"
pin=$(kubectl get certificate wildcard -o 'jsonpath={.status.tlsPin}')
same "status.tlsPin is what openssl makes of the file" "$pin" pin_by_openssl <"$folder/wildcard.crt"
same "and of what the router presents" "$pin" pin_by_openssl < <(presented "hello.$domain")
same "and what flynn-operator pin prints" "$pin" flynn-operator pin "$folder/wildcard.crt"

chapter "kubectl scale"
three_pods() {
    local pods
    pods=$(for _ in {1..60}; do https "hello.$domain" / | sed -n 's/^pod=//p'; done | sort -u | wc -l)
    [ "$pods" -eq 3 ]
}
kubectl scale app/hello --replicas=3
check "the Deployment follows" kubectl rollout status deployment/hello-web --timeout=60s
check "the App is Available again" until_true 30 is app/hello Ready True Ready
check "three Pods take turns in answering" until_true 30 three_pods

chapter "What kubectl get prints"
kubectl get clusters,apps,routes,certificates,routernodes | tee "$folder/table"
not_ready() { ! grep -qwE 'False|Unknown' "$folder/table"; }
check "everything is Ready" not_ready

chapter "Bad input says what to do, and harms nothing"
says "an unknown field is refused" 'unknown field "spec.imagge"' kubectl apply -f - <<'YAML'
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: typo}
spec: {imagge: registry.example/typo:1}
YAML
says "a host with a scheme is refused, with the right form" "without scheme" kubectl apply -f - <<'YAML'
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: scheme}
spec: {http: {host: "https://www.site.com"}, app: hello}
YAML
kubectl apply -f - <<YAML
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: thief}
spec: {http: {host: greetings.$domain}, app: shop}
YAML
check "a second Route for a host is told who has it" until_true 30 is route/thief Accepted False HostClaimed
says "by name" "greetings" kubectl get route thief -o "jsonpath={.status.conditions[?(@.type=='Accepted')].message}"
check "the first Route goes on" answers hello "greetings.$domain" /

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj "/CN=other" \
    -addext "subjectAltName=DNS:*.$domain" -keyout "$folder/other.key" -out "$folder/other.crt" 2>/dev/null
upload() { # CERTIFICATE KEY
    kubectl create secret generic wildcard-tls --type=kubernetes.io/tls --dry-run=client -o yaml \
        --from-file=tls.crt="$1" --from-file=tls.key="$2" | kubectl replace -f -
}
upload "$folder/wildcard.crt" "$folder/other.key"
check "a key of another certificate is found out" until_true 30 is certificate/wildcard Issued False KeyMismatch
same "and the last good certificate is served on" "$pin" pin_by_openssl < <(presented "hello.$domain")
upload "$folder/other.crt" "$folder/other.key"
check "the right pair mends it" until_true 30 is certificate/wildcard Ready True Ready
same "and is served" "$(pin_by_openssl <"$folder/other.crt")" pin_by_openssl < <(presented "hello.$domain")
upload "$folder/wildcard.crt" "$folder/wildcard.key"
pinned() { [ "$(kubectl get certificate wildcard -o 'jsonpath={.status.tlsPin}')" = "$pin" ] && is certificate/wildcard Ready True Ready; }
check "and back" until_true 30 pinned

chapter "flynn-operator plan, before a merge"
plan() { # prints the exit code
    local code=0
    flynn-operator plan --namespace quickstart "$@" >"$folder/plan" 2>&1 || code=$?
    echo "$code"
}
# The quickstart as it runs here: with the certificate that was brought, in place of the one that the operator signs.
cp -r "$root/manifests/examples/quickstart" "$folder/quickstart"
sed -i 's/^spec: {selfSigned.*/spec: {secret: wildcard-tls}/' "$folder/quickstart/1-site.yaml"
same "what is applied already makes no difference: 0" 0 plan -f "$folder/quickstart" --against cluster
cat >"$folder/new.yaml" <<YAML
apiVersion: flynn.io/v1alpha1
kind: Route
metadata: {name: new}
spec: {http: {host: new.$domain}, app: hello}
YAML
same "a new Route makes one: 2" 2 plan -f "$folder/new.yaml" --against cluster
cat "$folder/plan"
same "against an empty cluster everything is new: 2" 2 plan -f "$root/manifests/examples/quickstart"
echo "kind: [" >"$folder/broken.yaml"
same "a broken file is an error: 1" 1 plan -f "$folder/broken.yaml"

chapter "kill -9 the controller, while somebody watches"
start_asking "hello.$domain"
kill -9 "$(process_of controller)"
before=$(wc -l <"$folder/answers")
kubectl apply -f "$folder/new.yaml"
check "without a leader, a new Route is served: the nodes plan by themselves" until_true 10 answers hello "new.$domain" /
kubectl scale app/hello --replicas=1
check "a new leader takes over and finishes the rest" \
    until_true 60 kubectl wait --for=jsonpath='{.spec.replicas}'=1 deployment/hello-web --timeout=1s
check "the new Route is Ready" until_true 60 is route/new Ready True Ready
until_true 30 answered $((before + 50))
stop_asking "no request was lost"

chapter "The end"
stop_playground
