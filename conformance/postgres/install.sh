#!/bin/sh
# Installs PostgreSQL of Debian, of which tests make clusters of their own in temporary folders. The cluster
# of the package is not made, its service not started. Does nothing when PostgreSQL is there.
set -eu

fail() {
	echo "postgres: $1" >&2
	exit 1
}

command -v initdb >/dev/null && exit 0
for found in /usr/lib/postgresql/*/bin/initdb; do
	[ ! -x "$found" ] || exit 0
done
command -v apt-get >/dev/null || fail "PostgreSQL is missing and there is no apt-get; install PostgreSQL 15 or newer"
root=
[ "$(id -u)" = 0 ] || root=sudo

# What a package of Debian may start, it asks of this file; whether to make a cluster, of the other.
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.conf
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
if [ ! -e "$clusters" ]; then
	$root mkdir -p "${clusters%/*}"
	echo 'create_main_cluster = false' | $root tee "$clusters" >/dev/null
fi
{ $root apt-get update && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold postgresql; } >"$log" 2>&1 ||
	fail "apt-get cannot install postgresql: $(tail -n 1 "$log")"
