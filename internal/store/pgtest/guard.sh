# Starts a PostgreSQL server from the programs in $1 and prints "ready FOLDER". When its
# standard input closes, as it does when the tests end in whatever way, it stops the
# server and removes the folder. The path is short because a socket's must be.
set -eu
bin=$1
umask 077
dir=$(mktemp -d /tmp/postern-pg.XXXXXX)
quit() {
	"$bin/pg_ctl" stop --pgdata="$dir/data" --mode=immediate >>"$dir/log" 2>&1 || :
	rm -rf "$dir"
}
trap quit EXIT

# Most servers sort as people do. Here too, so that a query that counts on the order of
# bytes, as SQLite has it, shows.
"$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust --no-sync \
	--encoding=UTF8 --locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US \
	>"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
cat >>"$dir/data/postgresql.conf" <<-CONF
	listen_addresses = ''
	unix_socket_directories = '$dir'
	max_connections = 300
	fsync = off
	full_page_writes = off
CONF
"$bin/pg_ctl" start --pgdata="$dir/data" --log="$dir/log" --wait >/dev/null 2>&1 || { cat "$dir/log"; exit 1; }
echo "ready $dir"
read -r _ || :
