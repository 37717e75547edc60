#!/usr/bin/env bash
# The five quick looks of an engineer who is called: three health addresses, one count, one signed delivery.
# Quiet: the exit code says whether all is well.
set -euo pipefail

for address in /live /ready ""; do
    status=$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' "$BENCH_URL/actuator/health$address")
    [ "$status" = 200 ]
done

rows=$(psql --no-psqlrc --tuples-only --no-align --dbname "$BENCH_DSN" --command 'SELECT count(*) FROM cs_tickets')
[ "$rows" -ge 0 ]

now=$(date +%s)
body='{"synthetic": "runbook-checks"}'
signature=$(printf '%s.%s' "$now" "$body" | openssl dgst -sha256 -hmac "$BENCH_SECRET")
status=$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' \
    --header 'Content-Type: application/json' --header "X-CS-Timestamp: $now" \
    --header "X-CS-Signature: ${signature##* }" --data "$body" "$BENCH_URL/api/v1/customer-service/webhook")
[ "$status" = 400 ]  # past the signature, and refused as no message
