#!/bin/sh
# Writes nginx.conf from the environment and becomes nginx.
set -eu

export EDGE_REDIS="${EDGE_REDIS:-redis:6379/$(cat /secrets/redis-password)}"

# A country file of the operator's own, in MaxMind's format, replaces the one that the image was built with.
if [ -n "${GEOIP_COUNTRY_DB:-}" ]; then
  export EDGE_GEO_FILE=/run/sluice/geo.bin
  node edge/geo/compile-ranges.ts "$GEOIP_COUNTRY_DB" "$EDGE_GEO_FILE"
fi
node edge/conf.ts --out /run/sluice/conf
exec nginx -p /run/sluice -c /run/sluice/conf/nginx.conf -e stderr
