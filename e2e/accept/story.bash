# Sourced by the stories of this folder: a playground of their own, and a few words to tell them in. machine.bash has it too.
# Each check prints `ok - what` or `not ok - what`; the end prints how many of both, ends everything and sets the exit code.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
name=$(basename "$0" .sh)
folder=$root/target/accept-$name
domain=flynn.localhost
passed=0
failed=0
# What ends whatever the story has started.
ending=stop_playground

kubectl() { "${KUBECTL:-$("$root/e2e/tools/kubectl")}" "$@"; }
flynn-operator() { "$root/target/debug/flynn-operator" "$@"; }

chapter() { printf '\n# %s\n' "$*"; }
pass() { passed=$((passed + 1)) && echo "ok - $1"; }
fail() { failed=$((failed + 1)) && echo "not ok - $1${2:+: $2}"; }

# check WHAT COMMAND...: the command succeeds.
check() {
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then pass "$what"; else fail "$what" "$output"; fi
}

# same WHAT EXPECTED COMMAND...: the command prints exactly that.
same() {
    local what=$1 expected=$2 output
    shift 2
    output=$("$@" 2>&1) || true
    if [ "$output" = "$expected" ]; then pass "$what"; else fail "$what" "expected '$expected', got '$output'"; fi
}

# says WHAT WORDS COMMAND...: the command prints that among other things, however it ends.
says() {
    local what=$1 words=$2 output
    shift 2
    output=$("$@" 2>&1) || true
    if grep -qF -- "$words" <<<"$output"; then pass "$what"; else fail "$what" "expected '$words' in '$output'"; fi
}

# until_true SECONDS COMMAND...: repeats the command until it succeeds.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "waited in vain for: $*" >&2 && return 1; }
        sleep 0.02
    done
}

# https HOST PATH [CURL ARGUMENTS...]: what a person gets who trusts the playground's authority.
https() { curl -sS --max-time 10 --noproxy '*' --cacert "$CACERT" "https://$1:$HTTPS_PORT$2" "${@:3}"; }

# location URL: the status and the Location of the answer.
location() { curl -sS --max-time 10 --noproxy '*' --cacert "$CACERT" -o /dev/null -w '%{http_code} %{redirect_url}' "$1"; }

# condition OBJECT TYPE: its status and reason, such as `False HostClaimed`.
condition() {
    kubectl get "$1" -o "jsonpath={range .status.conditions[?(@.type=='$2')]}{.status} {.reason}{end}"
}

# is OBJECT TYPE STATUS REASON, for until_true
is() { [ "$(condition "$1" "$2")" = "$3 $4" ]; }

# descendants PID: every process below it.
descendants() {
    local child
    for child in $(pgrep -P "$1"); do
        echo "$child"
        descendants "$child"
    done
}

# process_of ROLE: the process id of `flynn-operator ROLE` of this playground.
process_of() {
    local pid
    for pid in $(descendants "$playground"); do
        if tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | sed -n 2p | grep -qx "$1"; then echo "$pid"; fi
    done
}

# nobody_left PIDS: none of them runs. What has ended and waits for its parent to ask is not left.
nobody_left() {
    local pid left=
    for pid in $1; do
        if grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$pid/status"; then left="$left $pid"; fi
    done
    same "no process is left" "" echo "$left"
}

# start_asking HOST: asks on and on in the background, and returns when the answers come in; stop_asking counts them.
start_asking() {
    while :; do https "$1" / -o /dev/null -w '%{http_code}\n' 2>/dev/null || echo "no answer"; done >"$folder/answers" &
    watching=$!
    until_true 30 answered 20
}

# answered COUNT: so many answers have come, for until_true.
answered() { [ "$(wc -l <"$folder/answers")" -ge "$1" ]; }

# stop_asking WHAT: every request since start_asking was answered with 200.
stop_asking() {
    local lost
    kill "$watching" && wait "$watching" 2>/dev/null || true
    watching=
    lost=$(grep -cvx 200 "$folder/answers" || true)
    echo "$(wc -l <"$folder/answers") requests, $lost of them not answered with 200"
    same "$1" 0 echo "$lost"
}

# Starts a playground in the background; KUBECONFIG, CACERT, HTTP_PORT and HTTPS_PORT are set when it is ready.
start_playground() {
    rm -f "$folder/env"
    "$root/target/debug/playground" --folder "$folder" "$@" &
    playground=$!
    trap finish EXIT
    until [ -f "$folder/env" ]; do
        kill -0 "$playground" 2>/dev/null || { fail "the playground gets ready" && exit 1; }
        sleep 0.1
    done
    # shellcheck source=/dev/null
    source "$folder/env"
}

# Ends the playground with all its processes, once.
stop_playground() {
    local processes status=0
    [ -n "${playground:-}" ] || return 0
    processes=$(descendants "$playground")
    kill -TERM "$playground" 2>/dev/null || true
    wait "$playground" || status=$?
    playground=
    same "the playground ends with exit code 0" 0 echo "$status"
    nobody_left "$processes"
}

finish() {
    local status=$?
    trap - EXIT
    [ -z "${watching:-}" ] || kill "$watching" 2>/dev/null || true
    [ "$status" -eq 0 ] || fail "the story comes to its end" "it broke off with exit code $status"
    "$ending"
    printf '\n%s: %s passed, %s failed\n' "$name" "$passed" "$failed"
    [ "$failed" -eq 0 ] && exit 0 || exit 1
}
