#!/bin/sh
# Starts one role of the origin in its container. Addresses that carry a password are put together here, from
# the volume of secrets, unless they are given: so a managed MySQL takes one variable and no change of files.
set -eu

secret() { cat "/secrets/$1"; }

export MYSQL_URL="${MYSQL_URL:-mysql://sluice:$(secret mysql-password)@mysql:3306/sluice}"
export REDIS_URL="${REDIS_URL:-redis://:$(secret redis-password)@redis:6379}"
export RABBITMQ_URL="${RABBITMQ_URL:-amqp://sluice:$(secret rabbitmq-password)@rabbitmq:5672}"

cd /sluice
case "$1" in
  payments) exec node origin/sandbox/payments.ts ;;
  init)
    # Before any role: all of them expect the schema. The seed adds what is missing and nothing else.
    node origin/src/main.ts migrate
    exec node origin/src/main.ts seed
    ;;
  # Small heaps keep garbage from piling up beside what is held (see RELAY_NODE_FLAGS).
  relay) exec node --max-old-space-size=128 --max-semi-space-size=8 origin/src/main.ts relay ;;
  *) exec node origin/src/main.ts "$@" ;;
esac
