#!/usr/bin/env bash
# A real Apache Kafka (KRaft) on 127.0.0.1 for tests, from Maven artifacts. Needs Java 17 or newer and Maven.
#
#   kafka.sh start [--nodes N | --secured] DIR [PORT]
#                                           start it with its data in DIR, wait until it serves, print its bootstrap servers
#   kafka.sh stop DIR                       stop it cleanly; DIR keeps the data
#   kafka.sh crash DIR                      SIGKILL, as a power cut would
#   kafka.sh pause DIR / resume DIR         it keeps its connections but does not answer until it is resumed
#   kafka.sh allow DIR USER ACL…            permit a user of a secured one what AclCommand's options say, such as
#                                           --operation Read --topic raw
#   kafka.sh jars                           fetch the jars if needed, print the class path for the command line tools
#
# DIR can be started again after `stop` or `crash`: same data, same port. Without PORT a new DIR takes a free one.
# With `--nodes 3` it is a cluster of three (topics get three replicas), with one node in each of DIR/1, DIR/2, DIR/3:
# the commands above take the whole DIR or one node's.
# With `--secured` it is one node with SASL/PLAIN logins, which permits only what ACLs allow. Its users are `admin`, with all
# permissions, and `reader` and `stranger`, with none at first; each password is NAME-secret. On the port in DIR/misled.port it also
# serves clients without a login, and advertises the address nowhere.invalid.
#
# Environment, read when DIR is created:
#   KAFKA_PROPERTIES   more lines for server.properties, the last one wins
# and at each start:
#   KAFKA_JVM_OPTS     replaces the flags below, which favour a quick start (for throughput leave out TieredStopAtLevel)
#   KAFKA_LOG_LEVEL    of DIR/log (default: WARN)
#   KAFKA_CACHE        where the jars live (default: ${XDG_CACHE_HOME:-~/.cache}/flight-monitor/kafka)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/services/lib.sh
. "$here/lib.sh"
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/kafka/pom.xml")
jars=${KAFKA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/flight-monitor/kafka}/$version
ready_seconds=120
plain_login='org.apache.kafka.common.security.plain.PlainLoginModule required'

fetch_jars() {
  [ ! -d "$jars" ] || return 0
  mkdir -p "$(dirname "$jars")"
  (
    flock 9
    [ ! -d "$jars" ] || exit 0
    echo "kafka.sh: fetching Kafka $version by Maven, once (45 MiB)" >&2
    for attempt in 1 2 3; do
      rm -rf "$jars.part"
      if mvn -q -B -f "$here/kafka/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$jars.part" </dev/null >"$jars.log" 2>&1; then
        mv "$jars.part" "$jars" # an interrupted download leaves no incomplete folder behind
        exit 0
      fi
      tail -20 "$jars.log" >&2
      [ $attempt = 3 ] || sleep $((attempt * 5)) # the network may be unavailable for a moment
    done
    die "could not fetch Kafka $version from the Maven repository"
  ) 9>"$jars.lock"
}

java_flags() {
  echo "${KAFKA_JVM_OPTS:--Xms128m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1}" \
    "-Dlog.level=${KAFKA_LOG_LEVEL:-WARN} -Dlog4j2.configurationFile=$here/kafka/log4j2.properties"
}

# 16 random bytes, in Kafka's notation of an id
random_id() { head -c 16 /dev/urandom | basenc --base64url | tr -d = | tr - _; }

configure() { # DIR NODE PORT CONTROLLER VOTERS REPLICAS
  cat >"$1/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$2
listeners=PLAINTEXT://127.0.0.1:$3,CONTROLLER://127.0.0.1:$4
advertised.listeners=PLAINTEXT://127.0.0.1:$3
controller.listener.names=CONTROLLER
controller.quorum.voters=$5
log.dirs=$1/data
# A test should notice a topic that was never created.
auto.create.topics.enable=false
default.replication.factor=$6
offsets.topic.num.partitions=1
offsets.topic.replication.factor=$6
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=$6
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=$6
share.coordinator.state.topic.min.isr=1
# A group's first member starts immediately.
group.initial.rebalance.delay.ms=0
${KAFKA_PROPERTIES:-}
PROPERTIES
}

# Adds the properties of `--secured` to a node.
secure() { # DIR PORT CONTROLLER MISLED
  cat >>"$1/server.properties" <<PROPERTIES
listeners=SASL_PLAINTEXT://127.0.0.1:$2,MISLED://127.0.0.1:$4,CONTROLLER://127.0.0.1:$3
advertised.listeners=SASL_PLAINTEXT://127.0.0.1:$2,MISLED://nowhere.invalid:$4
listener.security.protocol.map=SASL_PLAINTEXT:SASL_PLAINTEXT,MISLED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_PLAINTEXT
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=$plain_login username="admin" password="admin-secret" \
  user_admin="admin-secret" user_reader="reader-secret" user_stranger="stranger-secret";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
PROPERTIES
  echo "$4" >"$1/misled.port"
  cat >"$1/admin.properties" <<PROPERTIES
security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=$plain_login username="admin" password="admin-secret";
PROPERTIES
}

# format DIR CLUSTER_ID creates the data folder. A JVM that could not start, on a machine short of memory, gets two more attempts.
format() {
  local attempt code
  local -a flags
  read -ra flags <<<"$(java_flags)"
  for attempt in 1 2 3; do
    code=0
    java "${flags[@]}" -cp "$jars/*" kafka.tools.StorageTool format --ignore-formatted --config "$1/server.properties" \
      --cluster-id "$2" >"$1/format.log" 2>&1 || code=$?
    [ $code != 0 ] || return 0
    echo "kafka.sh: format failed with exit code $code (attempt $attempt of 3):" >&2
    tail -20 "$1/format.log" >&2
    sleep "$attempt"
  done
  die "could not format $1"
}

run_node() { # DIR [CLUSTER_ID, where it is new]
  local -a flags
  read -ra flags <<<"$(java_flags)"
  [ -f "$1/data/meta.properties" ] || format "$1" "$2"
  launch "$1" $ready_seconds "Kafka Server started" \
    java "${flags[@]}" -cp "$jars/*" kafka.Kafka "$1/server.properties"
}

# The folders of the nodes of a cluster in DIR, or DIR itself.
nodes_in() {
  if [ -d "$1/1" ]; then printf '%s\n' "$1"/[1-9]; else echo "$1"; fi
}

# each_node DIR COMMAND [ARGUMENT…] calls COMMAND with each node's folder, concurrently.
each_node() {
  local node job failed=0
  local -a jobs
  while read -r node; do
    "$2" "$node" "${@:3}" &
    jobs+=($!)
  done < <(nodes_in "$1")
  for job in "${jobs[@]}"; do wait "$job" || failed=1; done
  return $failed
}

make_single() { # DIR PORT
  local controller
  controller=$(free_port)
  configure "$1" 1 "$2" "$controller" "1@127.0.0.1:$controller" 1
  run_node "$1" "$(random_id)"
}

make_secured() { # DIR PORT
  local controller
  controller=$(free_port)
  configure "$1" 1 "$2" "$controller" "1@127.0.0.1:$controller" 1
  secure "$1" "$2" "$controller" "$(free_port)"
  run_node "$1" "$(random_id)"
}

make_cluster() { # DIR NODES
  local dir=$1 nodes=$2 node voters=''
  local -a ports controllers
  for ((node = 1; node <= nodes; node++)); do
    ports[node]=$(free_port)
    controllers[node]=$(free_port)
    voters+=${voters:+,}$node@127.0.0.1:${controllers[node]}
  done
  for ((node = 1; node <= nodes; node++)); do
    mkdir -p "$dir/$node"
    configure "$dir/$node" "$node" "${ports[node]}" "${controllers[node]}" "$voters" "$nodes"
    echo "${ports[node]}" >"$dir/$node/port"
  done
  each_node "$dir" run_node "$(random_id)"
}

start_again() { # NODE'S DIR
  pid_in "$1/pid" >/dev/null || run_node "$1"
}

start() {
  local nodes=1 make=make_single dir port
  case "${1:-}" in
    --nodes) nodes=$2; shift 2 ;;
    --secured) make=make_secured; shift ;;
  esac
  [ $# = 1 ] || [ $# = 2 ] || usage
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
  port=${2:-}
  [[ $nodes =~ ^[1-9]$ ]] || die "--nodes takes 1 to 9"
  [ "$nodes" = 1 ] || [ -z "$port" ] || die "the nodes of a cluster take free ports"
  command -v java >/dev/null || die "java is missing, see scripts/check-prerequisites.sh test"
  fetch_jars

  if [ -d "$dir/1" ] || [ -f "$dir/port" ]; then
    [ -z "$port" ] || [ "$port" = "$(cat "$dir/port")" ] || die "$dir was created for another port than $port"
    each_node "$dir" start_again
  elif [ "$nodes" = 1 ]; then
    on_port "$dir" "$port" "$make" "$dir"
  else
    make_cluster "$dir" "$nodes"
  fi
  nodes_in "$dir" | while read -r node; do echo "127.0.0.1:$(<"$node/port")"; done | paste -sd,
}

allow() { # DIR USER ACL…
  local -a flags
  [ -f "$1/admin.properties" ] || die "$1 is not secured"
  read -ra flags <<<"$(java_flags)"
  java "${flags[@]}" -cp "$jars/*" org.apache.kafka.tools.AclCommand --bootstrap-server "127.0.0.1:$(<"$1/port")" \
    --command-config "$1/admin.properties" --add --allow-principal "User:$2" "${@:3}" >"$1/acl.log" 2>&1 ||
    die "no ACL was added: $(tail -5 "$1/acl.log")"
}

usage() {
  die "usage: kafka.sh start [--nodes N | --secured] DIR [PORT] | stop DIR | crash DIR | pause DIR | resume DIR | allow DIR USER ACL… | jars"
}

command=${1:-}
[ $# -gt 0 ] && shift
[[ $command =~ ^(start|allow|jars)$ ]] || [ $# = 1 ] || usage
case "$command" in
  start) start "$@" ;;
  stop) each_node "$1" stop TERM ;;
  crash) each_node "$1" crash ;;
  pause) each_node "$1" signal_all STOP ;;
  resume) each_node "$1" signal_all CONT ;;
  allow) [ $# -gt 2 ] || usage; allow "$@" ;;
  jars) fetch_jars && echo "$jars/*" ;;
  *) usage ;;
esac
