#!/bin/bash
# The steps of the setup runbook as a DBA types them on one machine, without waiting for anything between them:
# the yardstick for the runbook's time. Usage: setup-by-hand.sh BIN_DIRECTORY WORK_DIRECTORY PORT [ROWS]
# ROWS of 1 kB are loaded before the standbys are built. Run as a user that PostgreSQL accepts (not root).
set -euo pipefail

bin=$1 work=$2 port=$3 rows=${4:-0}
password=by-hand-only
nodes=(primary standby1 standby2)

sql() { "$bin/psql" -XqAt -w -v ON_ERROR_STOP=1 -h "$work/$1" -p "$2" -d postgres -c "$3"; }

port_of() {
  local index
  for index in "${!nodes[@]}"; do
    if [[ ${nodes[index]} == "$1" ]]; then echo $((port + index)); fi
  done
}

start() { "$bin/pg_ctl" -D "$work/$1/data" -w -l "$work/$1/log" -o "-p $(port_of "$1") -k $work/$1" start >/dev/null; }

make_primary() {
  "$bin/initdb" -D "$work/primary/data" --auth-local=peer --auth-host=scram-sha-256 --data-checksums -E UTF8 --locale=C.UTF-8 >/dev/null
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=primary \
    -keyout "$work/primary/data/server.key" -out "$work/primary/data/server.crt" 2>/dev/null
  chmod 600 "$work/primary/data/server.key"
  cat >>"$work/primary/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
ssl = on
max_wal_senders = 5
wal_log_hints = on
wal_sender_timeout = 8s
wal_keep_size = 8GB
CONF
  echo "hostssl replication replica 127.0.0.1/32 scram-sha-256" >>"$work/primary/data/pg_hba.conf"
  start primary
  sql primary "$port" "create role replica replication login password '$password'"
  sql primary "$port" "select pg_create_physical_replication_slot('standby1', true), pg_create_physical_replication_slot('standby2', true)" >/dev/null
  if ((rows > 0)); then
    sql primary "$port" "create table bulk as select g as id, repeat(md5(g::text), 31) as text from generate_series(1, $rows) g"
  fi
}

make_standby() {
  local name=$1
  PGPASSWORD=$password "$bin/pg_basebackup" -D "$work/$name/data" -Fp -Xs -R -w --checkpoint=fast -S "$name" \
    -d "host=127.0.0.1 port=$port user=replica sslmode=require application_name=clone_$name"
  "$bin/pg_verifybackup" "$work/$name/data" >/dev/null
  echo "primary_conninfo = 'host=127.0.0.1 port=$port user=replica password=$password sslmode=require application_name=$name'" \
    >>"$work/$name/data/postgresql.auto.conf"
  start "$name"
}

wait_until() {
  until [[ $(sql primary "$port" "$1") == t ]]; do sleep 0.05; done
}

main() {
  local name standbys=()
  for name in "${nodes[@]}"; do mkdir -p "$work/$name"; done
  make_primary
  local started
  started=$(date +%s.%N)
  for name in standby1 standby2; do
    make_standby "$name" &
    standbys+=($!)
  done
  for name in "${standbys[@]}"; do wait "$name"; done
  wait_until "select count(*) = 2 from pg_stat_replication where state = 'streaming'"
  sql primary "$port" "alter system set synchronous_standby_names = 'FIRST 1 (standby1, standby2)'"
  sql primary "$port" "select pg_reload_conf()" >/dev/null
  wait_until "select count(*) = 1 from pg_stat_replication where sync_state = 'sync' and flush_lsn >= pg_current_wal_lsn()"
  sql primary "$port" "select pg_logical_emit_message(true, 'by-hand', 'durable')" >/dev/null
  sql primary "$port" "select usename, application_name, client_addr, sync_state from pg_stat_replication"
  echo "standbys: $(awk "BEGIN { print $(date +%s.%N) - $started }") s"
}

stop_all() {
  local name
  for name in "${nodes[@]}"; do
    if [[ -f $work/$name/data/postmaster.pid ]]; then "$bin/pg_ctl" -D "$work/$name/data" -m immediate stop >/dev/null || true; fi
  done
}

trap stop_all EXIT
main
