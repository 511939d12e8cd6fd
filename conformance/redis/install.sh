#!/bin/sh
# Installs redis-server of Debian, of which tests start servers of their own, on free ports. The
# service of the package is not started. Does nothing when redis-server is there.
set -eu

fail() {
	echo "redis: $1" >&2
	exit 1
}

command -v redis-server >/dev/null && exit 0
command -v apt-get >/dev/null || fail "redis-server is missing and there is no apt-get; install Redis 7 or newer"
root=
[ "$(id -u)" = 0 ] || root=sudo

# What a package of Debian may start, it asks of this file.
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
made=
cleanup() {
	rm -f "$log"
	[ -z "$made" ] || $root rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
	made=yes
	printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
	$root chmod 755 "$policy"
fi
{ $root apt-get update && $root apt-get install -y --no-install-recommends redis-server; } >"$log" 2>&1 ||
	fail "apt-get cannot install redis-server: $(tail -n 1 "$log")"
