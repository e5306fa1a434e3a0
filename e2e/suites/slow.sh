#!/usr/bin/env bash
# Runs slowhttptest's attacks against flynn-router, while another client goes on asking. That one has to be served, and the router
# has to end every connection of the attack, before the attacker does. The table says when it had.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
isolate 400 SLOWHTTPTEST="${SLOWHTTPTEST:-$("$tools/slowhttptest")}" NGINX="${NGINX:-$("$tools/nginx")}"

connections=1000
# The rule of the route; the time for a head is the router's own, a minute.
idle_seconds=5
endpoint=127.0.0.1:9001

# nginx waits for the whole body before it sends a request on to itself.
head -c 1048576 /dev/zero | tr '\0' x >"$work/large"
cat >"$work/nginx.conf" <<CONF
daemon off; worker_processes 1; user root; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 8192; }
http {
    access_log off;
    client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
    server {
        listen $endpoint backlog=4096;
        location = / { return 200 ok; }
        location = /large { root $work; }
        location = /upload { proxy_pass http://$endpoint/; }
    }
}
CONF
"$NGINX" -c "$work/nginx.conf" 2>"$work/nginx.err" &
certificate ec -pkeyopt ec_paramgen_curve:P-256
serve "$endpoint" "{\"idleSeconds\": $idle_seconds}"

# How many sockets the router has open.
sockets() {
    find "/proc/$router_process/fd" -lname 'socket:*' 2>/dev/null | wc -l
}

# until_sockets SECONDS -ge|-le COUNT: waits until the router has so many.
until_sockets() {
    local deadline=$((SECONDS + $1))
    until [ "$(sockets)" "$2" "$3" ]; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

# attack NAME PATIENCE OPTION...: the connections of a slow attack are held at once; those of a fast one (-R) end by themselves.
attack() {
    local name=$1 patience=$2 kind=$3 before ended="by the router" begin attacker visitor served missed median p99 longest
    shift 2
    before=$(sockets)
    mkfifo "$work/stop"
    "$suites/visitor.py" "http://$http/" <"$work/stop" >"$work/visitor" 2>"$work/visitor.err" &
    visitor=$!
    exec 3>"$work/stop"
    "$SLOWHTTPTEST" -c "$connections" -r "$connections" -l "$((patience + 60))" -p 5 -v 1 "$@" >"$work/attack" 2>&1 3>&- &
    attacker=$!
    begin=$SECONDS
    if [ "$kind" = -R ]; then
        ended="by themselves"
        wait "$attacker" || true
        grep -q "No open connections left" "$work/attack" || ended="in $((patience + 60)) s: not all"
    else
        until_sockets 30 -ge $((before + connections * 95 / 100)) || ended="before they were $connections"
        # Ten are left to the visitor, and to the kept connections to the endpoint.
        until_sockets "$patience" -le $((before + 10)) || ended="$(sockets) sockets are left"
        local seconds=$((SECONDS - begin))
        kill "$attacker" 2>/dev/null || true
        wait "$attacker" 2>/dev/null || true
    fi
    exec 3>&-
    wait "$visitor"
    rm "$work/stop"
    read -r served missed median p99 longest <"$work/visitor"
    [[ $ended = by\ * ]] && [ "$missed" = 0 ] && [ "$served" -gt 0 ] || failed=1
    row "$name" "$connections" "$ended" "${seconds:-$((SECONDS - begin))} s" "$served" "$missed" "$median ms" "$p99 ms" "$longest ms"
    [ "$missed" = 0 ] || sort "$work/visitor.err" | uniq -c | sort -rn | head -n 5 >&2
}

row attack connections ended after "others: served" "not served" median p99 longest
row --- ---: --- ---: ---: ---: ---: ---: ---:
attack "slow headers (-H)" 90 -H -i 5 -u "http://$http/"
attack "slow headers over TLS (-H)" 90 -H -i 5 -u "https://$https/"
attack "slow body (-B)" 60 -B -i 20 -s 8192 -u "http://$http/upload"
attack "slow read (-X)" 60 -X -n 1 -z 5 -w 1 -y 512 -u "http://$http/large"
attack "many ranges (-R)" 90 -R -a 5 -b 2000 -u "http://$http/large"
exit "$failed"
