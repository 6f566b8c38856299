#!/bin/sh
# permits_check.sh SKALD SOURCE_DIR: the read models of examples/permits against counts by an
# independent script, as they are created, after more events, after a rebuild that is promoted, and
# that the comparison can fail. Events are those in the file $SKALD_PERMITS when it is set, and
# otherwise made up.
set -eu

skald=$1
permits=$2/examples/permits
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
data=$work/data
events=${SKALD_PERMITS:-}

if [ -z "$events" ]; then
    events=$work/permits.ndjson
    python3 - > "$events" << 'MADE'
import json, random
random.seed(7)
for case in range(300):
    day, hour = random.randint(1, 30), random.randint(0, 9)
    start = f"2010-10-{day:02} 0{hour}:00:00.020000+02:00"
    fields = {"department": random.choice(["General", "Experts", "Customer contact"]),
              "channel": random.choice(["Internet", "Desk", "Post", "Bürgeramt"]),
              "responsible": "Resource01", "startdate": start, "deadline": start}
    if random.random() < 0.9:
        fraction = random.randint(0, 999)
        fields["enddate"] = f"2010-11-{day:02} 01:02:03.{fraction:03}+01:00"
    further = random.sample(["T02", "T04", "T05", "T06"], random.randint(0, 4))
    for step in ["Confirmation_of_receipt"] + further:
        who = f"Resource{random.randint(1, 20):02}"
        print(json.dumps({"stream": f"permit-{case}", "type": step, "time": "2010-12-01T00:00:00Z",
                          "data": dict(fields, org_resource=who, concept_name=step)}))
MADE
fi
case $events in
    *.gz) gzip -dc "$events" > "$work/all" ;;
    *) cp "$events" "$work/all" ;;
esac
lines=$(wc -l < "$work/all")
head -n "$((lines / 2))" "$work/all" > "$work/first"
tail -n "+$((lines / 2 + 1))" "$work/all" > "$work/second"

"$skald" import -q "$work/first" --data "$data"
for file in "$permits"/*.toml; do
    "$skald" projection create "$file" --data "$data" > "$work/created"
    grep -q "v1  active  running  lag 0" "$work/created"
done
echo "== half of the events"
"$permits/check.py" "$work/first" "$skald" "$data"
if "$permits/check.py" "$work/all" "$skald" "$data" > "$work/differs"; then
    echo "half of the events pass for all of them" >&2
    exit 1
fi

"$skald" import -q "$work/second" --data "$data"
echo "== all events"
"$permits/check.py" "$work/all" "$skald" "$data"

for name in open_cases throughput work activities cases; do
    "$skald" projection rebuild "$name" --data "$data" > /dev/null
    "$skald" projection promote "$name" --data "$data" > "$work/promoted"
    grep -q "$name: version 2 is active" "$work/promoted"
done
echo "== rebuilt and promoted"
"$permits/check.py" "$work/all" "$skald" "$data"

status=0
"$skald" query nothing --data "$data" 2> "$work/err" || status=$?
[ "$status" = 3 ]
grep -q 'there is no read model .nothing.; there are activities, cases' "$work/err"
status=0
"$skald" query work --where name=x --data "$data" 2> "$work/err" || status=$?
[ "$status" = 2 ]
grep -q 'no field name; there are resource, events, last, case' "$work/err"
status=0
"$skald" query work --order last --data "$data" 2> "$work/err" || status=$?
[ "$status" = 2 ]
grep -q 'no index for ordered by last; there are resource (the key); events' "$work/err"
status=0
"$skald" query work Nobody --data "$data" 2> "$work/err" || status=$?
[ "$status" = 3 ]
[ "$("$skald" query work --order events --desc --limit 2 --data "$data" -q | wc -l)" = 2 ]
