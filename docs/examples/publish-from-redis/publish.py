"""Appends events to the history that Sluice's instances share, with redis-py alone.

  apt-get install python3-redis             # or: pip install redis
  sluice reference script > journal.lua     # of the version that your instances run
  export REDIS=redis://127.0.0.1:6379
  python3 publish.py news 'Goal!' match-7-goal-1 [TOPIC DATA ONCE]...

Prints the id of each event, its position, and 1 if it had been published before, else 0.
"""

import os
import sys

import redis

client = redis.Redis.from_url(os.environ["REDIS"], decode_responses=True)
key = os.environ.get("KEY", "sluice")
with open("journal.lua", encoding="utf-8") as file:
    journal = client.register_script(file.read())  # EVALSHA, and loads it where Redis has it not.


def words(event):
    """As the script wants it: how many words, and the words. A list is the same name again."""
    pairs = []
    for name, value in event.items():
        for one in value if isinstance(value, list) else [value]:
            pairs += [name, one]
    return [len(pairs), *pairs]


def publish(*events):
    """All of them or none, one behind the other. It raises when none is published, and when the
    connection broke and nobody knows: the same call again, with the same `once`, is harmless."""
    arguments = [word for event in events for word in words(event)]
    answer = journal(keys=[key], args=["append", "", "", *arguments])
    return [(answer[n], int(answer[n + 1]), answer[n + 2] == "1") for n in range(0, len(answer), 3)]


given = sys.argv[1:]
events = [dict(zip(("topic", "data", "once"), given[n:n + 3])) for n in range(0, len(given), 3)]
for event_id, position, is_repeat in publish(*events):
    print(event_id, position, int(is_repeat))
