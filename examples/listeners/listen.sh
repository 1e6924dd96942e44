#!/bin/sh
# Prints every event as a line of JSON, and keeps its place in a file, so that it goes on where it was: after a lost
# connection, at another agent, and after a restart of its own. What is printed last before a crash may be printed again.
#
#     listen.sh STATE_FILE AGENT_URL...
[ $# -ge 2 ] || { echo "usage: $0 STATE_FILE AGENT_URL..." >&2; exit 2; }
state=$1
shift

# The file is replaced as a whole, so that a crash leaves the old place or the new one. Offsets count within one log.
keep_place() {
  log=$(sed -n 's/^[Xx]-[Rr]ollcall-[Ll]og: *\([^[:space:]]*\).*/\1/p' "$state.head")
  echo "$1 $log" >"$state.new" && mv "$state.new" "$state"
}

while :; do
  for agent in "$@"; do
    after=0
    log=
    [ ! -f "$state" ] || read -r after log <"$state"
    : >"$state.head"
    # A quiet stream says something every 15 s; three times as long without a word is a lost connection.
    curl --no-buffer --silent --show-error --fail --speed-limit 1 --speed-time 45 --dump-header "$state.head" \
      --header 'Accept: application/x-ndjson' "$agent/v1/events/stream?after=$after${log:+&log=$log}" |
      while IFS= read -r line; do
        case $line in
          '{"Schema":1,"Offset":'*'}')
            printf '%s\n' "$line"
            place=${line#'{"Schema":1,"Offset":'}
            keep_place "${place%%,*}"
            ;;
          '{"Position":'*'}')
            place=${line#'{"Position":'}
            keep_place "${place%\}}"
            ;;
          '{"Gap":'*'}')
            printf 'no longer kept, read /v1/events/snapshot: %s\n' "$line" >&2
            place=${line#*'"To":'}
            keep_place "${place%%,*}"
            ;;
          *) printf '%s: %s\n' "$agent" "$line" >&2 ;;
        esac
      done
    if grep -q '^HTTP[^ ]* 4' "$state.head"; then
      echo "$agent refuses the request: is the place in $state that of another cluster?" >&2
      exit 1
    fi
  done
  sleep 1
done
