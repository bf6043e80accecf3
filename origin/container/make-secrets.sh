#!/bin/sh
# Makes every secret of a composed system on its first start and keeps it from then on. Each process gets a
# volume with what it needs: the edge can verify tokens and never mint them, a store knows its own password only.
set -eu
umask 077

# 192 bits, in characters that need no quoting anywhere.
make() { [ -s "$1" ] || head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$1"; }

# The user `node` of the origin's image, which the edge's image has as well; and the user under which the
# official images of MariaDB, Redis and RabbitMQ run.
OURS=1000:1000
STORE=999:999

cd /volumes
for name in mysql-password redis-password rabbitmq-password payments-secret ops-token demo-password; do
  make "origin/$name"
done
make mysql/root-password
node /sluice/origin/src/main.ts keys --dir /volumes/signing --public /volumes/token-keys/token-keys.json

cp origin/redis-password edge/redis-password

# Read at every start of the server, one statement on each line: accounts are brought into their state again.
password=$(cat origin/mysql-password)
cat >mysql/init.sql <<SQL
SET sql_log_bin = 0;
CREATE DATABASE IF NOT EXISTS sluice CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'sluice'@'%' IDENTIFIED BY '$password';
ALTER USER 'sluice'@'%' IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON sluice.* TO 'sluice'@'%';
GRANT REPLICATION SLAVE, BINLOG MONITOR, REPLICATION SLAVE ADMIN ON *.* TO 'sluice'@'%';
SQL

# What is in Redis can be rebuilt from MySQL; a lost second costs a rebuild at most. Nothing may be evicted.
cat >redis/redis.conf <<REDIS
requirepass $(cat origin/redis-password)
dir /data
save ""
appendonly yes
appendfsync everysec
maxmemory-policy noeviction
REDIS

cat >rabbitmq/rabbitmq.conf <<RABBITMQ
default_user = sluice
default_pass = $(cat origin/rabbitmq-password)
RABBITMQ

# Broker and health check would each make one at the same moment, and the loser could never speak to the other.
make broker/.erlang.cookie
chmod 400 broker/.erlang.cookie

chown -R $OURS origin signing token-keys edge
chown -R $STORE mysql redis rabbitmq broker/.erlang.cookie
echo "secrets are in place"
