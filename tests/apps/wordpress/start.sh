#!/usr/bin/env bash
# WordPress as Debian packages it (6.1 in Debian 12), on PHP's own server and a MariaDB of its own, reached by a socket.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.sh"
port=$1
"$here/stop.sh"
debian php-cli php-xml php-mbstring php-intl php-mysql php-gd php-curl mariadb-server-core mariadb-client-core

site=$code/usr/share/wordpress
if [ ! -f "$code/installed" ]; then
  tell "unpacking"
  rm -rf "$code" && mkdir -p "$code"
  unpack "$code" wordpress wordpress-theme-twentytwentythree libjs-cropper libjs-underscore php-getid3
  rm -f "$site/wp-config.php" "$site/.htaccess"
  touch "$code/installed"
fi

rm -rf "$data" && mkdir -p "$data"
tell "making the database"
mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$data/mariadb" --auth-root-authentication-method=normal --skip-test-db >"$data/seed.log" 2>&1
serve database mariadbd --no-defaults --user="$(id -un)" --datadir="$data/mariadb" --socket="$data/socket" --skip-networking --innodb-buffer-pool-size=64M
for _ in $(seq 120); do
  [ ! -S "$data/socket" ] || break
  sleep 0.5
done
mariadb --no-defaults --user=root --socket="$data/socket" --execute="create database wordpress character set utf8mb4"
sed -e "s#@SOCKET@#$data/socket#" -e "s#@ADDRESS@#http://127.0.0.1:$port#" "$here/wp-config.php" >"$site/wp-config.php"
# Mail goes nowhere.
php=(php -d display_errors=0 -d log_errors=0 -d sendmail_path=/bin/true)
(cd "$site" && "${php[@]}" "$here/seed.php") >>"$data/seed.log" 2>&1 || { tail -5 "$data/seed.log" >&2; exit 1; }
export PHP_CLI_SERVER_WORKERS=4
serve web "${php[@]}" -S "127.0.0.1:$port" -t "$site"
answers "http://127.0.0.1:$port/wp-login.php"
echo "http://127.0.0.1:$port"
