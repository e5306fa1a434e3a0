#!/usr/bin/env python3
"""tls.py SCAN HANDSHAKES EXPECTED: prints what sslyze (SCAN) and openssl (HANDSHAKES) found, as a table, beside EXPECTED.

Fails if anything differs, or if one of the three has a line that the others lack.
"""
import json
import sys


def scanned(path):
    """What sslyze found, by the name of the check."""
    server = json.load(open(path))["server_scan_results"][0]
    scans = server["scan_result"]
    if server["scan_status"] != "COMPLETED":
        return {"the scan": server["scan_status"]}

    def found(scan, field):
        result = scans[scan]["result"]
        return "not scanned" if result is None else result[field]

    def suites(version):
        names = [accepted["cipher_suite"]["name"] for accepted in found(f"{version}_cipher_suites", "accepted_cipher_suites")]
        return ", ".join(sorted(names)) or "refused"

    def yes(value):
        return {True: "yes", False: "no"}.get(value, value)

    versions = {"SSL 2": "ssl_2_0", "SSL 3": "ssl_3_0", "TLS 1.0": "tls_1_0", "TLS 1.1": "tls_1_1", "TLS 1.2": "tls_1_2", "TLS 1.3": "tls_1_3"}
    curves = ", ".join(sorted(curve["name"] for curve in found("elliptic_curves", "supported_curves")))
    return {
        **{name: suites(version) for name, version in versions.items()},
        "groups": curves,
        "compression": yes(found("tls_compression", "supports_compression")),
        "secure renegotiation is declared": yes(found("session_renegotiation", "supports_secure_renegotiation")),
        "renegotiations that a client got": str(found("session_renegotiation", "client_renegotiations_success_count")),
        "extended master secret": yes(found("tls_extended_master_secret", "supports_ems_extension")),
        "early data": yes(found("tls_1_3_early_data", "supports_early_data")),
        "downgrade is noticed (fallback SCSV)": yes(found("tls_fallback_scsv", "supports_fallback_scsv")),
        "Heartbleed": yes(found("heartbleed", "is_vulnerable_to_heartbleed")),
        "early ChangeCipherSpec": yes(found("openssl_ccs_injection", "is_vulnerable_to_ccs_injection")),
        "ROBOT": found("robot", "robot_result"),
    }


def lines(path):
    """`NAME<tab>VALUE` on each line, as a dictionary."""
    text = (line.rstrip("\n") for line in open(path))
    return dict(line.split("\t", 1) for line in text if line and not line.startswith("#"))


def main(scan, handshakes, expected):
    found, expected = scanned(scan) | lines(handshakes), lines(expected)
    wrong = 0
    print("| check | found | |")
    print("| --- | --- | --- |")
    for name in [*found, *(set(expected) - set(found))]:
        is_expected = found.get(name) == expected.get(name)
        wrong += not is_expected
        verdict = "ok" if is_expected else f"WRONG, expected: {expected.get(name)}"
        print(f"| {name} | {found.get(name)} | {verdict} |")
    sys.exit(bool(wrong))


main(*sys.argv[1:])
