#!/bin/sh
# Appends events to the history that Sluice's instances share, by redis-cli (7 or newer) alone.
#
#   sluice reference script > journal.lua     # of the version that your instances run
#   export REDIS=redis://127.0.0.1:6379
#   ./publish.sh news 'Goal!' match-7-goal-1 [TOPIC DATA ONCE]...
#
# Prints the id of each event, its position, and 1 if it had been published before, else 0.
set -eu

# The script is there from now on, until Redis starts anew.
sha=$(redis-cli -e -u "$REDIS" -x SCRIPT LOAD < journal.lua)

# Each event as the script wants it: how many words, and the words.
rest=$#
while [ "$rest" -gt 0 ]; do
  set -- "$@" 6 topic "$1" data "$2" once "$3"
  shift 3
  rest=$((rest - 3))
done

answer=$(redis-cli -e -u "$REDIS" EVALSHA "$sha" 1 "${KEY:-sluice}" append '' '' "$@")
printf '%s\n' "$answer" | paste -d ' ' - - -
