# Sourced by the stories of a machine with AWS: doubles of it (docs/doubles.md), which are given orders, and end with the machine.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/machine.bash"

# start_amazon ARGUMENTS...: starts the doubles; the environment leads the operator to them.
start_amazon() {
    coproc AMAZON { MOTO=$("$root/e2e/tools/moto") exec "$root/target/debug/amazon" --machines 0 "$@"; }
    amazon=$AMAZON_PID
    exec {orders}>&"${AMAZON[1]}" {answers}<&"${AMAZON[0]}"
    trap finish EXIT
    local line
    while IFS= read -r line <&"$answers" && [ -n "$line" ]; do export "${line?}"; done
}

# ask ORDER: what the doubles answer.
ask() {
    local line
    echo "$*" >&"$orders"
    while IFS= read -r line <&"$answers" && [ -n "$line" ]; do echo "$line"; done
}

# Ends the machine, and then the doubles, once.
stop_amazon() {
    stop_machine
    [ -n "${amazon:-}" ] || return 0
    local processes status=0
    processes=$(descendants "$amazon")
    kill -TERM "$amazon" 2>/dev/null || true
    wait "$amazon" || status=$?
    amazon=
    same "the doubles end with exit code 0" 0 echo "$status"
    nobody_left "$processes"
}
ending=stop_amazon
