#!/bin/sh
# Writes nginx.conf from the environment and becomes nginx. Beside it runs what compiles geo data that are replaced.
set -eu

export EDGE_REDIS="${EDGE_REDIS:-redis:6379/$(cat /secrets/redis-password)}"

# Files of the operator's own, in MaxMind's format, take the place of what the image was built with.
if [ -n "${GEOIP_COUNTRY_DB:-}" ] || [ -n "${GEOIP_ASN_DB:-}" ]; then
  export EDGE_GEO_DIR="$EDGE_STATE_DIR/geo"
  FREE=node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb
  set -- --out "$EDGE_GEO_DIR" --country "${GEOIP_COUNTRY_DB:-$FREE}" --asn "${GEOIP_ASN_DB:-}"
  node edge/geo/main.ts compile "$@"
  # It ends with the container: nginx is its first process. Killed by whatever, it begins again.
  (while :; do node edge/geo/main.ts follow "$@" || sleep 1; done) &
fi
node edge/conf.ts --out /run/sluice/conf
exec nginx -p /run/sluice -c /run/sluice/conf/nginx.conf -e stderr
