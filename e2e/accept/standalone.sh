#!/usr/bin/env bash
# The second story: a laptop without Kubernetes. One command, and then the kubectl that a person knows.
# Everything is done with what a person has: kubectl, curl and kill. Run `make build` first; it needs no control plane.
source "$(dirname "${BASH_SOURCE[0]}")/machine.bash"
cp "$root"/manifests/examples/quickstart/*.yaml "$folder/manifests/"

chapter "One command"
start_machine
kubectl config set-context --current --namespace quickstart >/dev/null
grep -v '"progress"' "$folder/up.json"
says "https://www.$domain is answered by its process, with the generated authority" "app www" https "www.$domain" /
says "a path of another app" "app www" https "shop.$domain" /blog/first
same "the apex is redirected, with the real port" \
    "308 https://www.$domain:$HTTPS_PORT/a?b=c" location "https://$domain:$HTTPS_PORT/a?b=c"
same "plain HTTP is redirected, with the real port" \
    "308 https://www.$domain:$HTTPS_PORT/" location "http://www.$domain:$HTTP_PORT/"
cmp -s <(flynn-operator ca) "$CACERT" && pass "flynn-operator ca prints the authority" || fail "flynn-operator ca"

chapter "The kubectl that you know"
kubectl get clusters,apps,routes,certificates,pods,deployments,services
check "apply" kubectl apply -f - <<'YAML'
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: hello}
spec:
  processes: {web: {command: [flynn-operator, hello, --text, first]}}
YAML
check "wait --for=condition=Ready" kubectl wait --for=condition=Ready app/hello --timeout=30s
says "it is served" "first" https "hello.$domain" /
check "scale" kubectl scale app/hello --replicas=3
check "rollout status" kubectl rollout status deployment/hello-web --timeout=30s
same "three Pods" 3 bash -c "$(declare -f kubectl); root=$root; kubectl get pods -l flynn.io/app=hello --no-headers | wc -l"
says "logs" "listening on port" kubectl logs deployment/hello-web
says "describe" "Normal" kubectl describe app hello
says "explain" "FIELD: command" kubectl explain app.spec.processes.command
says "auth whoami" "admin" kubectl auth whoami
says "events" "Started" kubectl events
says "diff" "replicas" kubectl diff -f - <<'YAML'
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: hello}
spec:
  processes: {web: {command: [flynn-operator, hello, --text, first], replicas: 5}}
YAML
says "api-resources" "frn" kubectl api-resources
check "create secret" kubectl create secret generic hello-env --from-literal=HELLO_TEXT=second
kubectl patch app hello --type=merge -p '{"spec": {"envFrom": [{"secret": "hello-env"}], "processes": {"web": {"command": ["flynn-operator", "hello"]}}}}'
check "a rollout" kubectl rollout status deployment/hello-web --timeout=30s
second() { https "hello.$domain" / | grep -q second; }
check "the environment from a Secret is there" until_true 10 second

chapter "Nothing is lost while Pods are replaced"
start_asking "hello.$domain"
check "rollout restart" kubectl rollout restart deployment/hello-web
check "it ends" kubectl rollout status deployment/hello-web --timeout=60s
one=$(kubectl get pods -l flynn.io/app=hello -o "jsonpath=pod/{.items[0].metadata.name}")
check "delete pod" kubectl delete "$one" --wait=true --timeout=60s
check "another takes its place" kubectl rollout status deployment/hello-web --timeout=60s
stop_asking "no request was lost to the restart"

chapter "Bad input says what to do, and harms nothing"
says "an unknown field" 'unknown field "spec.imagge"' kubectl apply -f - <<'YAML'
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: typo}
spec: {imagge: registry.example/typo:1}
YAML
bad_app() { # NAME COMMAND
    kubectl apply -f - <<YAML
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: $1}
spec: {processes: {web: {${2:+command: $2}}}}
YAML
}
bad_app nothing ""
check "an App without a command" until_true 20 is app/nothing Accepted False CommandRequired
bad_app absent "[no-such-program]"
waiting() { kubectl get pods -l "flynn.io/app=$1" -o jsonpath='{.items[*].status.containerStatuses[*].state.waiting.reason}' | grep -q "$2"; }
check "a command that is not there" until_true 20 waiting absent "RunContainerError\|CrashLoopBackOff"
bad_app ends "[sh, -c, 'echo no room left; exit 3']"
check "a process that ends at once" until_true 30 waiting ends CrashLoopBackOff
says "its last words" "no room left" kubectl logs deployment/ends-web --previous
bad_app deaf "[sleep, '1000']"
not_available() { kubectl get app deaf -o jsonpath='{.status.conditions[?(@.type=="Available")].status}' | grep -qx False; }
check "a process that never listens is not available" until_true 20 not_available
kubectl delete app nothing absent ends deaf --wait=true >/dev/null
says "everything else goes on" "app www" https "www.$domain" /

chapter "The folder is watched"
cat >"$folder/manifests/5-more.yaml" <<'YAML'
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {namespace: quickstart, name: more}
spec: {processes: {web: {command: [flynn-operator, hello, --text, more]}}}
YAML
more() { https "more.$domain" / | grep -q more; }
check "a new file is applied" until_true 20 more
echo "kind: [" >"$folder/manifests/6-broken.yaml"
failed_told() { grep '"event":"failed"' "$folder/up.json" | grep -q '6-broken.yaml'; }
check "a broken one is told" until_true 10 failed_told
check "and deletes nothing" more
rm "$folder/manifests/6-broken.yaml" "$folder/manifests/5-more.yaml"
gone() { ! kubectl get app more; }
check "what is taken out is deleted" until_true 20 gone

chapter "kill -9, and again"
before=$(flynn-operator ca)
kubectl create configmap kept --from-literal=a=b >/dev/null
processes=$(descendants "$machine")
kill -9 "$machine" && wait "$machine" 2>/dev/null || true
start_machine
nobody_left "$processes"
same "what was acknowledged is there" b kubectl get configmap kept -o 'jsonpath={.data.a}'
says "it serves again" "app www" https "www.$domain" /
same "the authority is the same" "$before" flynn-operator ca
says "a second run on the same data says who has it" "is in use by process $machine" \
    flynn-operator up --data-dir "$folder/data" --api-port 0 --http-port 0 --https-port 0
says "a port in use is told" "$HTTP_PORT" \
    flynn-operator up --data-dir "$folder/other" --api-port 0 --http-port "$HTTP_PORT" --https-port 0

chapter "Backup and restore"
check "a backup, while it runs" flynn-operator backup "$folder/backup" --data-dir "$folder/data"
kubectl delete configmap kept >/dev/null
stop_machine
mv "$folder/data" "$folder/data.old" && mkdir "$folder/data"
check "restore" flynn-operator restore "$folder/backup" --data-dir "$folder/data"
start_machine
kubectl config set-context --current --namespace quickstart >/dev/null
same "what was deleted after the backup is there" b kubectl get configmap kept -o 'jsonpath={.data.a}'

chapter "The end"
stop_machine
