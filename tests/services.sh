#!/usr/bin/env bash
# Installs what the tests talk to and this machine lacks: PostgreSQL, Redis, Chromium (Debian's packages, as root).
set -euo pipefail
missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || missing+=(chromium)
fc-list 2>/dev/null | grep -qi 'noto.*cjk' || missing+=(fonts-noto-cjk fontconfig)
[ ${#missing[@]} -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null; then
  echo "make test needs ${missing[*]}, and this machine has no apt-get: install them with its own package manager" >&2; exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "make test needs ${missing[*]}: run 'apt-get install ${missing[*]}' as root, then again" >&2; exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# The tests start their own servers on free ports: the packages' own services stay off.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
trap 'rm -f /usr/sbin/policy-rc.d' EXIT
apt-get install -y -qq --no-install-recommends "${missing[@]}"
