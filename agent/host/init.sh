#!/bin/sh
# PID 1 of a container: starts the program it is given, passes signals on to it, reaps what others leave
# behind (the shell's `wait` does so; Node cannot wait for strangers' children), and ends with its exit code.
#
#   ENTRYPOINT ["/bin/sh", "/path/to/init.sh", "rollcall", "agent", "--config", "/etc/rollcall"]

if [ "$#" -eq 0 ]; then
  echo "init.sh: name the program to start: init.sh rollcall agent …" >&2
  exit 64
fi

# The traps stand before the program starts, and what comes while it starts is told to it afterwards.
child=''
early=''
for signal in HUP INT QUIT USR1 USR2 TERM; do
  # shellcheck disable=SC2064
  trap "early=$signal; [ -z \"\$child\" ] || kill -$signal \"\$child\" 2>/dev/null" "$signal"
done

"$@" &
child=$!
[ -z "$early" ] || kill "-$early" "$child" 2>/dev/null

# A signal ends `wait` early with a code above 128; it is over when the child is gone.
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || exit "$code"
done
