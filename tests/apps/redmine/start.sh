#!/usr/bin/env bash
# Redmine as Debian packages it (5.0 in Debian 12), on puma and SQLite. TOTP is on for the service account.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib.sh"
port=$1
"$here/stop.sh"
# What the package depends on, without its web server, mail server and database.
debian ruby ruby-bundler ruby-rails ruby-sqlite3 puma libjs-chart.js libjs-jquery libjs-jquery-ui libjs-raphael \
  ruby-actionpack-action-caching ruby-actionpack-xml-parser ruby-addressable ruby-coderay ruby-commonmarker ruby-csv \
  ruby-html-pipeline ruby-i18n ruby-jquery-rails ruby-mail ruby-marcel ruby-mini-magick ruby-mini-mime ruby-mocha \
  ruby-net-ldap ruby-nokogiri ruby-rails-observers ruby-rbpdf ruby-redcarpet ruby-request-store ruby-roadie \
  ruby-roadie-rails ruby-rotp ruby-rouge ruby-rqrcode ruby-sanitize ruby-task-list ruby-zip

share=$code/usr/share/redmine
if [ ! -f "$code/installed" ]; then
  tell "unpacking"
  rm -rf "$code" && mkdir -p "$code"
  unpack "$code" redmine
  # The package serves several sites from the system's folders; here one is served from its own.
  sed -i "s#/usr/share/redmine/{config#$share/{config#" "$share/Gemfile"
  echo "gem 'puma'" >"$share/Gemfile.local"
  cat >"$share/config/multitenancy_environment.rb" <<'RUBY'
require 'redmine/multi_tenancy'
def Redmine.root = Rails.root
RUBY
  # Scripts of other packages, where those have them.
  find "$share/public/javascripts" -type l | while read -r link; do
    ln -sfn "$(readlink "$link" | sed 's#^\(\.\./\)*#/usr/share/#')" "$link"
  done
  rm -rf "$share/Gemfile.lock" "$share/config/database.yml" "$share/instances" "$share/log" "$share/tmp" "$share/files"
  mkdir -p "$share/plugins"
  ln -s "$data/log" "$share/log"
  ln -s "$data/tmp" "$share/tmp"
  ln -s "$data/files" "$share/files"
  touch "$code/installed"
fi

rm -rf "$data" && mkdir -p "$data/log" "$data/files" "$data/tmp/pids"
cat >"$share/config/database.yml" <<YAML
production: { adapter: sqlite3, database: $data/redmine.sqlite, timeout: 10000 }
YAML
echo "Rails.application.config.secret_key_base = '$(head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \n')'" >"$share/config/initializers/secret_token.rb"
export RAILS_ENV=production REDMINE_LANG=en SCHEMA=$data/schema.rb HOME=$data BUNDLE_APP_CONFIG=$data/bundle
cd "$share"
tell "making the database"
# Each in a process of its own: a model keeps the columns that it saw first.
{ bundle install --local && bundle exec rake db:migrate && bundle exec rake redmine:load_default_data \
  && bundle exec rails runner "$here/seed.rb"; } >"$data/seed.log" 2>&1 || { grep --max-count=3 --ignore-case error "$data/seed.log" >&2; exit 1; }
serve web bundle exec puma --environment production --bind "tcp://127.0.0.1:$port" --threads 1:4
answers "http://127.0.0.1:$port/login"
echo "http://127.0.0.1:$port"
