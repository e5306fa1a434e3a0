#!/usr/bin/env bash
# The fourth story: the addresses of a site and the records of its name. Three nodes come up, one is replaced, one is cordoned, all of
# them look dead, and the operator is killed in between; after each step stands what dig says, and what AWS was asked.
# It is done with what a person has: kubectl, dig, curl and kill, on doubles of AWS (docs/doubles.md). Run `make build` first. It takes
# four minutes, because nodes may be silent for one before they leave, and addresses are kept for one after their records.
source "$(dirname "${BASH_SOURCE[0]}")/amazon.bash"
cp "$root"/manifests/examples/quickstart/*.yaml "$folder/manifests/"
dig=$("$root/e2e/tools/dig")

# free_port: a port that nobody listens on.
free_port() {
    local port
    for ((port = 18000 + RANDOM % 1000; ; port++)); do
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port" && return; }
    done
}

# node NAME ZONE INSTANCE: a Node as a kubelet would register it.
node() {
    cat >"$folder/manifests/node-$1.yaml" <<YAML
apiVersion: v1
kind: Node
metadata: {name: $1, labels: {flynn.io/router: "", topology.kubernetes.io/zone: $2}}
spec: {providerID: "aws:///$2/$3"}
status: {conditions: [{type: Ready, status: "True", reason: Played, message: no kubelet runs here}]}
YAML
}

# names [NAME]: what DNS answers, sorted.
names() { "$dig" "@${DNS%:*}" -p "${DNS#*:}" "${1:-$domain}" A +short | sort; }
count() { names | wc -l; }

# address_of NODE, and dns_of NODE: what the Cluster's status says.
address_of() { kubectl get cluster site -o "jsonpath={.status.addresses[?(@.node=='$1')].address}"; }
dns_of() { kubectl get cluster site -o "jsonpath={.status.addresses[?(@.node=='$1')].dns}"; }
is_dns() { [ "$(dns_of "$1")" = "$2" ]; }
has_name() { names | grep -qx "$1"; }
has_no_name() { ! has_name "$1"; }

# Tells how it is now: what DNS says, what the Cluster says, and the calls since the last time.
tell() {
    printf '\n$ dig @%s -p %s %s A +short\n' "${DNS%:*}" "${DNS#*:}" "$domain"
    names
    printf '\n$ kubectl get clusters -o wide\n'
    kubectl get clusters -o wide
    kubectl get cluster site -o 'jsonpath={range .status.addresses[*]}{.node}{"  "}{.address}{"  "}{.dns}{"  "}{.health}{"\n"}{end}'
    printf '\nAWS calls of this step:\n'
    ask calls
    echo
}

# Asks DNS on and on in the background; never_empty counts.
watch_names() {
    while :; do count && sleep 0.05; done >"$folder/counts" 2>&1 &
    watching=$!
}
never_empty() {
    kill "$watching" && wait "$watching" 2>/dev/null || true
    watching=
    echo "$(wc -l <"$folder/counts") questions, the fewest addresses in an answer: $(sort -n "$folder/counts" | head -1)"
    same "DNS answered each time, with at least $1" "" awk -v least="$1" '$0 !~ /^[0-9]+$/ || $0 < least' "$folder/counts"
}

# kill_operator: kill -9. Its processes end by themselves, a moment later.
kill_operator() {
    local processes
    processes=$(descendants "$machine")
    kill -9 "$machine" && wait "$machine" 2>/dev/null || true
    machine=
    check "no process is left" until_true 10 eval "! kill -0 $(xargs <<<"$processes") 2>/dev/null"
}

HTTP_PORT=$(free_port)
HTTPS_PORT=$(free_port)
[ "$HTTP_PORT" != "$HTTPS_PORT" ] || HTTPS_PORT=$((HTTP_PORT + 1))
start_amazon --zone "$domain" \
    --forward "$HTTP_PORT=127.0.0.1:$HTTP_PORT" --forward "$HTTPS_PORT=127.0.0.1:$HTTPS_PORT"
cat >"$folder/declared" <<YAML
  nodes: {selector: {matchLabels: {flynn.io/router: ""}}}
  aws:
    region: $AWS_REGION
    elasticIPs: {}
    dns: {ttlSeconds: 5, healthCheck: {port: $HTTP_PORT}}
YAML
sed -i "/certificate: {namespace/r $folder/declared" "$folder/manifests/1-site.yaml"

chapter "Three nodes up, and the operator is killed as soon as it has an address"
for zone in a b c; do
    instance=$(ask run "$AWS_REGION$zone")
    node "node-$zone" "$AWS_REGION$zone" "$instance"
    declare "instance_$zone=$instance"
done
has_address() { ask addresses | grep -q .; }
launch_machine
check "it allocates an address" until_true 60 has_address
kill_operator
start_machine
kubectl config set-context --current --namespace quickstart >/dev/null
same "there are three Elastic IPs, none of them twice" 3 bash -c "wc -l <<<'$(ask addresses)'"
same "the apex has all of them" "$(ask addresses | cut -d' ' -f1 | sort)" names
same "so has whatever is below it" "$(printf '%s\n' "$domain." $(names) | sort)" names "www.$domain"
through() { # ADDRESS: a request to it
    curl -sS --max-time 10 --noproxy '*' --cacert "$CACERT" --resolve "www.$domain:$HTTPS_PORT:$1" "https://www.$domain:$HTTPS_PORT/"
}
for address in $(names); do says "$address serves the apps" "app www" through "$address"; done
tell

chapter "In sync: nothing is written"
kubectl annotate --overwrite cluster site flynn.io/resync="$(date +%N)" >/dev/null
asked() { # whether everything was read
    local action
    ask calls >>"$folder/resync"
    for action in DescribeAddresses DescribeInstances ListHealthChecks ListHostedZones ListResourceRecordSets; do
        grep -q "$action" "$folder/resync" || return 1
    done
}
check "an annotation has AWS looked at" until_true 30 asked
same "not one call wrote" "" grep -E 'Allocate|Associate|Release|Change|Create|Update|Delete' "$folder/resync"
cat "$folder/resync"

chapter "One is replaced, and the operator is killed in the middle"
watch_names
moving=$(address_of node-b)
ask terminate "$instance_b"
rm "$folder/manifests/node-node-b.yaml"
instance_d=$(ask run "${AWS_REGION}b")
node node-d "${AWS_REGION}b" "$instance_d"
taken() { ask addresses | grep -q "$instance_d"; }
check "the new node has an address" until_true 60 taken
kill_operator
start_machine
check "its address is in DNS" until_true 90 is_dns node-d Published
same "it is the one that the lost node had" "$moving" address_of node-d
same "there are still three Elastic IPs" 3 bash -c "wc -l <<<'$(ask addresses)'"
never_empty 2
tell

chapter "One is cordoned"
watch_names
leaving=$(address_of node-a)
check "kubectl cordon" kubectl cordon node-a
check "its address leaves DNS" until_true 60 has_no_name "$leaving"
says "while it serves" "app www" through "$leaving"
check "the Cluster is ready without it" until_true 30 is cluster/site Ready True Ready
same "and it keeps its Elastic IP" "$leaving $instance_a" bash -c "grep -F '$leaving' <<<'$(ask addresses)'"
tell
check "kubectl uncordon" kubectl uncordon node-a
check "it comes back" until_true 120 has_name "$leaving"
never_empty 2
check "everything is ready" until_true 30 is cluster/site Ready True Ready
tell

chapter "All of them look dead, and the operator is killed"
watch_names
ask sicken all
too_few() { kubectl get events -A | grep -q TooFewHealthy || condition cluster/site RecordsPublished | grep -q TooFewHealthy; }
check "the Cluster says that too few are healthy" until_true 120 too_few
kubectl get cluster site -o "jsonpath={.status.conditions[?(@.type=='RecordsPublished')].message}{'\n'}"
same "DNS has all of them all the same" 3 count
tell
kill_operator
rm "$folder/resync" && ask calls >/dev/null
launch_machine
check "it begins again without a memory" until_true 60 asked
same "and DNS has all of them" 3 count
never_empty 3
ask revive all
well() { # whether all of them are in DNS, and healthy in the eyes of Route 53
    local states='{range .status.addresses[*]}{.dns} {.health},{end}'
    [ "$(kubectl get cluster site -o "jsonpath=$states")" = "Published Healthy,Published Healthy,Published Healthy," ]
}
check "they come back" until_true 120 well
tell

chapter "The Cluster is deleted"
check "kubectl delete" kubectl delete cluster site --timeout=240s
same "its name is gone" "" names
same "so are its addresses" "" ask addresses
ask calls

chapter "The end"
stop_machine
