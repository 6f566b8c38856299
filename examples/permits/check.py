#!/usr/bin/env python3
"""Counts from a file of permit events what the read models hold, and compares every row.

    check.py EVENTS.ndjson[.gz] SKALD DATA_DIR
"""
import collections
import datetime
import gzip
import json
import subprocess
import sys

events_file, skald, data = sys.argv[1:]
counted = collections.defaultdict(dict)
second = datetime.timedelta(seconds=1)


def add(model, key, by):
    counted[model][key] = tuple(a + b for a, b in zip(counted[model].get(key, (0,) * len(by)), by))


for line in (gzip.open if events_file.endswith(".gz") else open)(events_file, "rt"):
    event = json.loads(line)
    case, kind, values = event["stream"].split("-", 1)[1], event["type"], event["data"]
    add("work", (values["org_resource"],), (1,))
    add("activities", (kind,), (1,))
    counted["cases"][(case,)] = (kind,)
    if "enddate" not in values:
        add("open_cases", (case,), (1,))
    else:
        counted["open_cases"].pop((case,), None)
    if "enddate" in values and kind == "Confirmation_of_receipt":
        start, end = (datetime.datetime.fromisoformat(values[k]) for k in ("startdate", "enddate"))
        add("throughput", (values["department"], values["channel"]), (1, (end - start) // second))

columns = {"work": ("resource", "events"), "activities": ("activity", "events"),
           "cases": ("case", "activity"), "open_cases": ("case", "events"),
           "throughput": ("department", "channel", "cases", "seconds")}
wrong = 0
for model, names in columns.items():
    out = subprocess.run([skald, "query", model, "--limit", "10000", "--json", "--data", data],
                         capture_output=True, text=True, check=True).stdout
    rows = {tuple(json.loads(row)[name] for name in names) for row in out.splitlines()}
    expected = {key + value for key, value in counted[model].items()}
    wrong += rows != expected
    print(f"{model}: {len(rows)} rows, {'as counted' if rows == expected else 'NOT AS COUNTED'}")
    for row in sorted(rows ^ expected)[:10]:
        print("   ", "too much:" if row in rows else "missing: ", row)
sys.exit(1 if wrong else 0)
