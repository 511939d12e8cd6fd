#!/bin/sh
# Installs what the browser tests need: Chromium of Debian and the clients of package-lock.json.
# Does nothing when all is there.
set -eu
cd "$(dirname "$0")"

fail() {
	echo "clients: $1" >&2
	exit 1
}

if [ ! -x /usr/bin/chromium ]; then
	command -v apt-get >/dev/null || fail "/usr/bin/chromium is missing and there is no apt-get; install Chromium"
	root=
	[ "$(id -u)" = 0 ] || root=sudo
	log=$(mktemp)
	{ $root apt-get update && $root apt-get install -y --no-install-recommends chromium; } >"$log" 2>&1 ||
		fail "apt-get cannot install chromium: $(tail -n 1 "$log")"
	rm -f "$log"
fi

command -v npm >/dev/null || fail "npm is missing; install Node.js 20 or newer"
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
	log=$(mktemp)
	npm ci --no-audit --no-fund >"$log" 2>&1 || fail "npm ci: $(tail -n 1 "$log")"
	touch node_modules/.package-lock.json
	rm -f "$log"
fi
