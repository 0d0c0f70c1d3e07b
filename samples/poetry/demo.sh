#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh BUILD_DIR: the poetry programs over real TCP, with a word on what is seen. Status 0 only if
# all went as described.
set -eu
poems=$(dirname "$0")/poems
programs=${1:?usage: demo.sh BUILD_DIR}/samples/poetry
logs=$(mktemp -d)
servers=

stop_servers() {
  for server in $servers; do kill "$server" 2>/dev/null || :; done
  for server in $servers; do wait "$server" 2>/dev/null || :; done
  servers=
}
trap 'stop_servers; rm -rf "$logs"' EXIT
trap 'exit 1' INT TERM

bold='' plain=''
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

failures=0
expect() { # expect WHAT COMMAND...
  what=$1
  shift
  if "$@"; then
    echo "  as expected: $what"
  else
    echo "  NOT AS EXPECTED: $what"
    failures=$((failures + 1))
  fi
}

# start NAME PROGRAM ARG...: a server on a free port. Sets pid, and port as the server prints it.
start() {
  name=$1
  shift
  mkfifo "$logs/$name.port"
  "$@" >"$logs/$name.port" 2>"$logs/$name.err" &
  pid=$!
  servers="$servers $pid"
  read -r line <"$logs/$name.port" || line=
  port=${line##*:}
  if [ -z "$port" ]; then
    cat "$logs/$name.err" >&2
    exit 1
  fi
  echo "  $line"
}

# run_client NAME ARG...: keeps its output and status, and shows them.
run_client() {
  echo "\$ $*"
  client=$1
  shift
  status=0
  "$programs/$client" "$@" >"$logs/out" 2>"$logs/err" || status=$?
  sed 's/^/    /' "$logs/out" "$logs/err"
  echo "  (status $status)"
}
lower() { tr '[:upper:]' '[:lower:]' <"$1" && echo; }
printed() { # printed FILE...: exactly these poems in this order
  : >"$logs/expected"
  for poem; do cat "$poem" >>"$logs/expected"; done
  cmp -s "$logs/out" "$logs/expected"
}
complains() { grep -q "$1" "$logs/err"; }

for poem in fascination science road; do lower "$poems/$poem.txt" >"$logs/$poem.lower"; done
(cat "$poems/fascination.txt" && echo) >"$logs/fascination.as_is"

say 'Servers: a transform server and three poetry servers, one of them slow, each on a free port.'
start transform "$programs/transform_server"
transform=$port transform_pid=$pid
start slow "$programs/poetry_server" --num-bytes 20 --delay-ms 50 "$poems/road.txt"
slow=$port
start fast "$programs/poetry_server" --delay-ms 0 "$poems/fascination.txt"
fast=$port
start medium "$programs/poetry_server" --num-bytes 40 --delay-ms 15 "$poems/science.txt"
medium=$port
start nobody "$programs/poetry_server" "$poems/road.txt"
nobody=$port
kill "$pid" && wait "$pid" || :
echo "  and nobody on 127.0.0.1:$nobody: that server was stopped again"

say 'get_poetry: three poems at once, the slowest server named first, and a port where nobody listens.'
run_client get_poetry "$transform" "$slow" "$medium" "localhost:$fast" "$nobody"
expect 'each poem is printed as it comes, the slow server last, and without capitals' \
  printed "$logs/fascination.lower" "$logs/science.lower" "$logs/road.lower"
expect 'the missing server is reported' \
  complains "The poem download failed: connect to 127.0.0.1:$nobody: Connection refused"
expect 'status 1, for one download failed' [ "$status" -eq 1 ]

say 'get_poetry_chain, with callbacks instead of a coroutine, asked for the same (not shown again).'
run_client get_poetry_chain "$transform" "$slow" "$medium" "localhost:$fast" "$nobody" >/dev/null
expect 'it prints the same poems' \
  printed "$logs/fascination.lower" "$logs/science.lower" "$logs/road.lower"
expect 'it reports the missing server' complains "connect to 127.0.0.1:$nobody: Connection refused"
expect 'status 1, for one download failed' [ "$status" -eq 1 ]

say 'get_poetry with less patience: the slow server takes longer than --timeout-ms.'
run_client get_poetry "$transform" "$fast" "$slow" --timeout-ms 700
expect 'the fast poem is printed all the same' printed "$logs/fascination.lower"
expect 'the slow server is reported' \
  complains "The poem download failed: 127.0.0.1:$slow took longer than 700 ms"
expect 'status 1, for one download failed' [ "$status" -eq 1 ]

say 'get_poetry after the transform server was stopped.'
kill "$transform_pid" && wait "$transform_pid" || :
run_client get_poetry "$transform" "$fast"
expect 'the transformation is reported' complains 'Cummingsify failed: connect to'
expect 'the poem is printed as it was' printed "$logs/fascination.as_is"
expect 'status 0, for all downloads worked' [ "$status" -eq 0 ]

say 'get_poetry with a port that is none.'
run_client get_poetry "$transform" poetry
expect 'a usage error says why' complains "'poetry' is not a port: ports are integers"
expect 'status 2' [ "$status" -eq 2 ]

stop_servers
if [ "$failures" -ne 0 ]; then
  say "$failures things did not go as described."
  exit 1
fi
say 'All went as described; all servers are stopped.'
