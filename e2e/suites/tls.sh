#!/usr/bin/env bash
# Scans flynn-router's TLS with sslyze, and looks with openssl and curl at what sslyze does not: ALPN, tickets, strangers.
# Every line of the table has to be as in tls.expected.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
needs openssl "install OpenSSL"
isolate 200 SSLYZE="${SSLYZE:-$("$tools/sslyze")}"

certificate ec -pkeyopt ec_paramgen_curve:P-256
serve 127.0.0.1:9
"$SSLYZE" --sslv2 --sslv3 --tlsv1 --tlsv1_1 --tlsv1_2 --tlsv1_3 --compression --reneg --fallback --heartbleed \
    --openssl_ccs --robot --early_data --ems --elliptic_curves --certinfo --json_out "$work/scan.json" \
    "localhost:${https#*:}{127.0.0.1}" >"$work/scan.log" 2>&1 || true
[ -s "$work/scan.json" ] || { tail -20 "$work/scan.log" >&2; exit 1; }

# negotiated PROTOCOL OPTION...: what openssl says about a handshake.
negotiated() {
    openssl s_client -connect "$https" -servername localhost "$@" </dev/null 2>&1 || true
}
{
    for offer in h2,http/1.1 http/1.1 acme/1; do
        printf 'ALPN %s\t%s\n' "$offer" "$(negotiated -alpn "$offer" | sed -nE 's/^ALPN protocol: //p; s/^No ALPN.*/none/p; s/.*alert (no application protocol).*/\1/p' | head -n 1)"
    done
    for version in 1.2 1.3; do
        # The ticket of TLS 1.3 comes after the handshake.
        (sleep 1) | openssl s_client -connect "$https" -servername localhost "-tls${version/./_}" -sess_out "$work/session" >"$work/first" 2>&1 || true
        resumed=$(negotiated "-tls${version/./_}" -sess_in "$work/session" | sed -n 's/^Reused, .*/yes/p')
        ! grep -q 'TLS session ticket:' "$work/first" || ticket=yes
        printf 'TLS %s is resumed with a ticket\t%s\n' "$version" "${ticket:+${resumed:-no}}"
    done
    printf 'plain HTTP to the TLS port\t%s\n' "$(curl --silent --output /dev/null --write-out '%{http_code}' "http://$https/" || true)"
} >"$work/handshakes"
"$suites/tls.py" "$work/scan.json" "$work/handshakes" "$suites/tls.expected"
