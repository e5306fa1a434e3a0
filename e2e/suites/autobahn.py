#!/usr/bin/env python3
"""autobahn.py INDEX EXPECTED: prints Autobahn's results as a table, a line per way to the echo server, the direct one first.

Fails if a case came out worse on another way than directly, or if not all cases were run.
"""
import collections
import json
import sys

# All three keep to the standard. Which one it is may hang on how bytes fall into packets.
GOOD = ["OK", "NON-STRICT", "INFORMATIONAL"]
SHOWN = 10


def faults(result):
    """How many of the two, the echo and the close, went wrong."""
    return (result["behavior"] not in GOOD) + (result["behaviorClose"] not in GOOD)


def expectations(path):
    """The first word of each line, and what follows it."""
    lines = [line.split(None, 1) for line in open(path) if line.strip() and not line.startswith("#")]
    return {name: text.strip() for name, text in lines}


def problems(way, cases, directly, expected):
    if len(cases) != int(expected["cases"]):
        yield f"{way}: {len(cases)} cases were run, and not {expected['cases']}"
    for name, result in cases.items():
        if name not in expected and faults(directly[name]) < faults(result):
            yield f"{way}: case {name} is {result['behavior']}, its close {result['behaviorClose']}"


def main(index, expected):
    expected = expectations(expected)
    ways = json.load(open(index))
    found = []
    print("| the echo server | cases | ok | not strict | informational | failed |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for way, cases in sorted(ways.items()):
        counts = collections.Counter(result["behavior"] for result in cases.values())
        failed = sum(faults(result) > 0 for result in cases.values())
        print("|", " | ".join([way, *map(str, [len(cases), *map(counts.get, GOOD, [0] * 3), failed])]), "|")
        found += problems(way, cases, ways["directly"], expected)
    if found:
        print(f"{len(found)} wrong:", *found[:SHOWN], sep="\n")
    sys.exit(bool(found))


main(*sys.argv[1:])
