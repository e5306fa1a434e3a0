#!/usr/bin/env python3
"""visitor.py URL: asks for URL until its standard input ends, then prints what came of it: SERVED FAILED MEDIAN P99 MAX, in milliseconds.

Every other request is on a connection of its own. Whatever is not 200, or takes longer than five seconds, has failed.
"""
import http.client
import select
import sys
import time
import urllib.parse

PATIENCE = 5
PAUSE = 0.02


def visit(address, path, connection=None):
    """One request; the connection, if it may be used again."""
    connection = connection or http.client.HTTPConnection(address, timeout=PATIENCE)
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    if response.status != 200:
        raise http.client.HTTPException(response.status)
    return connection


def main(url):
    url = urllib.parse.urlsplit(url)
    times, failed, kept = [], 0, None
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        is_kept = (len(times) + failed) % 2
        begin = time.monotonic()
        try:
            used = visit(url.netloc, url.path, kept if is_kept else None)
            times.append(time.monotonic() - begin)
            kept = used if is_kept else kept
        except (OSError, http.client.HTTPException) as error:
            print(f"visitor: {type(error).__name__}: {error}", file=sys.stderr)
            failed, kept = failed + 1, None
    times.sort()
    at = lambda share: f"{times[min(int(len(times) * share), len(times) - 1)] * 1000:.1f}" if times else "-"
    print(len(times), failed, at(0.5), at(0.99), at(1))


main(sys.argv[1])
