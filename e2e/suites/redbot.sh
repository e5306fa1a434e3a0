#!/usr/bin/env bash
# Runs REDbot, which checks how a resource is served (negotiation, validation, ranges, framing, syntax of headers), against
# nginx: directly, and through flynn-router. What it notes has to be the same both ways.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
isolate 200 REDBOT="${REDBOT:-$("$tools/redbot")}" NGINX="${NGINX:-$("$tools/nginx")}"

endpoint=127.0.0.1:9001
mkdir -p "$work/www/folder"
seq 20000 >"$work/www/numbers.txt"
echo '<!DOCTYPE html><title>A page</title>' >"$work/www/page.html"
: >"$work/www/empty.txt"
find "$work/www" -type f -exec touch --date 2026-01-01 {} +
cat >"$work/nginx.conf" <<CONF
daemon off; worker_processes 1; user root; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
    types { text/plain txt; text/html html; }
    gzip on; gzip_types text/plain; gzip_vary on; absolute_redirect off;
    server {
        listen $endpoint; root $work/www;
        location = /cached { add_header Cache-Control "max-age=60, public"; return 200 cached; }
        location = /nothing { return 204; }
        location = /moved { return 301 /page.html; }
    }
}
CONF
"$NGINX" -c "$work/nginx.conf" 2>"$work/nginx.err" &
serve "$endpoint"

# notes ADDRESS PATH: what REDbot notes; the order hangs on which of its requests ends first.
notes() {
    "$REDBOT" -o text "http://$1$2" 2>&1 | grep -E "^ *[*] " | sort || echo "* nothing was noted"
}

row resource notes "the same through the router"
row --- ---: ---
for path in /numbers.txt /page.html /empty.txt /cached /nothing /moved /missing; do
    notes "$endpoint" "$path" >"$work/directly"
    notes "$http" "$path" >"$work/through"
    same=yes
    diff "$work/directly" "$work/through" >"$work/difference" || { same=no; failed=1; }
    row "$path" "$(grep -c '^  ' "$work/directly" || true)" "$same"
    [ "$same" = yes ] || grep '^[<>]' "$work/difference"
done
exit "$failed"
