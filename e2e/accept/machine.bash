# Sourced by the stories of a machine without Kubernetes: `flynn-operator up` on a folder of manifests, which is started, killed and
# started again, with the same ports and the same data.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/story.bash"

machine=
ending=stop_machine
rm -rf "$folder" && mkdir -p "$folder/manifests"

# field EVENT NAME: what the last line of JSON about that event has under the name.
field() {
    grep "\"event\":\"$1\"" "$folder/up.json" | tail -1 | sed -nE "s/.*\"$2\":\"([^\"]*)\".*/\1/p"
}
told() { grep -q "\"event\":\"$1\"" "$folder/up.json"; }

# launch_machine ARGUMENTS...: starts it, and waits for nothing.
launch_machine() {
    : >"$folder/up.json"
    "$root/target/debug/flynn-operator" up "$folder/manifests" --data-dir "$folder/data" --output json \
        --api-port "${api_port:-0}" --http-port "${HTTP_PORT:-0}" --https-port "${HTTPS_PORT:-0}" "$@" \
        >"$folder/up.json" 2>>"$folder/up.log" &
    machine=$!
    trap finish EXIT
}

# start_machine ARGUMENTS...: KUBECONFIG, CACERT, HTTP_PORT and HTTPS_PORT are set when everything is ready.
start_machine() {
    launch_machine "$@"
    check "flynn-operator up gets everything ready" until_true 60 told ready
    KUBECONFIG=$(field listening kubeconfig) && export KUBECONFIG
    api_port=$(field listening server | sed 's/.*://')
    HTTP_PORT=$(field listening http | sed 's/.*://')
    HTTPS_PORT=$(field listening https | sed 's/.*://')
    CACERT=$folder/data/ca.crt
}

# Ends it with all its processes, once.
stop_machine() {
    local status=0 processes
    [ -n "$machine" ] || return 0
    processes=$(descendants "$machine")
    kill -INT "$machine" 2>/dev/null || true
    wait "$machine" || status=$?
    machine=
    same "Ctrl-C ends it with exit code 0" 0 echo "$status"
    nobody_left "$processes"
}
