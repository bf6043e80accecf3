#!/bin/sh
# install-quietly.sh PACKAGE...   (as root)
#
# Installs packages without letting their services start, now or at the next boot: a developer's machine must
# not suddenly listen on 80, 3306, 5672 and 6379. Services of packages that were there before keep running as
# they do. Package scripts ask policy-rc.d before they start anything (invoke-rc.d(8)); what stood in its place
# is put back at the end, and by the next run if this one is killed.
set -eu

policy=/usr/sbin/policy-rc.d
kept=$policy.kept-by-sluice
mark='# sluice: no service starts while packages are installed'

restore() {
  if [ -e "$kept" ] || [ -L "$kept" ]; then
    mv -f "$kept" "$policy"
  elif grep -qF "$mark" "$policy" 2>/dev/null; then
    rm -f "$policy"
  fi
}

installed_packages() {
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u
}

# Enabled and running are two things: policy-rc.d prevents only the start.
switch_off() {
  package=$1
  unit=$2
  if command -v systemctl >/dev/null; then
    systemctl disable --quiet "$unit" || true
    [ -d /run/systemd/system ] && systemctl stop "$unit" || true
  else
    DPKG_MAINTSCRIPT_PACKAGE=$package deb-systemd-helper disable "$unit" || true
  fi
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

restore
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
before=$(mktemp)
after=$(mktemp)
installed_packages >"$before"

if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$kept"; fi
printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
chmod 755 "$policy"

# Lists are fetched only when those at hand know too little or point to what is no longer there.
if ! apt_install "$@"; then
  apt-get update -o DPkg::Lock::Timeout=300
  apt_install "$@"
fi

installed_packages >"$after"
for package in $(comm -13 "$before" "$after"); do
  for file in $(dpkg -L "$package"); do
    case $file in
      */systemd/system/*@.*) ;;
      */systemd/system/*.service | */systemd/system/*.socket) switch_off "$package" "${file##*/}" ;;
      /etc/init.d/*) [ -f "$file" ] && update-rc.d "${file##*/}" disable || true ;;
    esac
  done
done
rm -f "$before" "$after"
