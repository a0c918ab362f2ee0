#!/bin/sh
# need.sh WHAT... makes sure that what is named is installed: go, postgresql, chromium,
# pdftotext, node.
# Debian's package is installed where that may be done without a question asked; otherwise
# one sentence says what to install, and the exit code is 1. Go is never installed.
set -eu

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# as_root runs a command as root: as it is for root, by a sudo that asks for no password.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
	command -v apt-get >/dev/null || return 1
	[ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# apt_get runs apt-get without questions; what it says is shown only when it fails.
apt_get() {
	log=$(mktemp)
	if as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null; then
		rm -f "$log"
		return 0
	fi
	tail -n 15 "$log" >&2
	rm -f "$log"
	return 1
}

install() {
	say "Installing Debian's $1 ..."
	[ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' 2>/dev/null | head -n 1)" ] || apt_get update || return 1
	apt_get install -y --no-install-recommends "$1" && return 0
	say "Once more, with fresh package lists ..."
	apt_get update && apt_get install -y --no-install-recommends "$1"
}

# how names what installs the package on this system.
how() {
	if command -v apt-get >/dev/null; then say "apt-get install $1"
	elif command -v dnf >/dev/null; then say "dnf install $2"
	elif command -v apk >/dev/null; then say "apk add $3"
	elif command -v brew >/dev/null; then say "brew install $4"
	else say "your system's package for it (Debian calls it $1)"
	fi
}

need_go() {
	command -v go >/dev/null || die "Go is not installed: Orrery is built with Go 1.26 or newer. See https://go.dev/doc/install."
	version=$(go env GOVERSION)
	case $version in
	go1.2[6-9]* | go1.[3-9][0-9]* | go[2-9]* | devel*) ;;
	*) die "Orrery is built with Go 1.26 or newer, and this is $version. See https://go.dev/doc/install." ;;
	esac
}

# has_postgres looks where the program looks (internal/postgres/binaries.go) for 15 or newer.
has_postgres() {
	for p in "${ORRERY_POSTGRES_BIN:-/nonexistent}/postgres" "$(command -v postgres || true)" /usr/lib/postgresql/*/bin/postgres \
		/usr/lib/postgresql*/bin/postgres /usr/pgsql-*/bin/postgres /usr/libexec/postgresql*/postgres \
		/opt/homebrew/opt/postgresql@*/bin/postgres /usr/local/opt/postgresql@*/bin/postgres \
		/Applications/Postgres.app/Contents/Versions/*/bin/postgres /opt/local/lib/postgresql*/bin/postgres /usr/local/pgsql/bin/postgres; do
		[ -x "$p" ] || continue
		major=$("$p" -V 2>/dev/null | sed -n 's/.*(PostgreSQL) \([0-9]*\).*/\1/p')
		[ "${major:-0}" -ge 15 ] && return 0
	done
	return 1
}

need_postgresql() {
	has_postgres && return 0
	if may_install; then
		# The package would make a cluster that listens and starts with the machine. Orrery
		# keeps its own, so for this one installation it is told not to.
		conf=/etc/postgresql-common/createcluster.d/orrery.conf
		as_root mkdir -p /etc/postgresql-common/createcluster.d
		say "create_main_cluster = false" | as_root tee "$conf" >/dev/null
		done=yes
		install postgresql || done=no
		as_root rm -f "$conf"
		[ "$done" = yes ] && has_postgres && return 0
		die "PostgreSQL 15 or newer could not be installed. Install it, or set DATABASE_URL to a server elsewhere."
	fi
	die "PostgreSQL 15 or newer is not installed. Install it with: $(how postgresql postgresql-server postgresql17 postgresql@17)"
}

has_chromium() {
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null ||
		[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]
}

need_chromium() {
	has_chromium && return 0
	if may_install; then
		install chromium && has_chromium && return 0
		die "Chromium could not be installed; the browser tests need it. Install it with: $(how chromium chromium chromium "--cask chromium")"
	fi
	die "Chromium is not installed; the browser tests need it. Install it with: $(how chromium chromium chromium "--cask chromium")"
}

need_pdftotext() {
	command -v pdftotext >/dev/null && return 0
	if may_install; then
		install poppler-utils && command -v pdftotext >/dev/null && return 0
	fi
	die "pdftotext is not installed; a test reads PDF files with it. Install it with: $(how poppler-utils poppler-utils poppler-utils poppler)"
}

has_node() {
	command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 18 || a == 18 && b >= 17 ? 0 : 1)' 2>/dev/null
}

need_node() {
	has_node && return 0
	if may_install; then
		install nodejs && install npm && has_node && return 0
	fi
	die "Node.js 18.17 or newer with npm is not installed; the description of the API is linted with it. Install it with: $(how "nodejs npm" "nodejs npm" "nodejs npm" node)"
}

for what; do
	"need_$what"
done
