#!/usr/bin/env python3
"""Prints every event, and keeps its place in a file, so that it goes on where it was: after a lost connection, at
another agent, and after a restart of its own. What is printed last before a crash may be printed again.

    listen.py STATE_FILE AGENT_URL...
"""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# A quiet stream says something every 15 s; three times as long without a word is a lost connection.
IDLE_TIMEOUT_S = 45


def read_place(file):
    """Offsets count within one log. Without a file: from the first event that is kept."""
    try:
        with open(file, encoding="utf-8") as place:
            return json.load(place)
    except FileNotFoundError:
        return {"after": 0}


def keep_place(file, offset, log):
    """The file is replaced as a whole, so that a crash leaves the old place or the new one."""
    with open(file + ".new", "w", encoding="utf-8") as place:
        json.dump({"after": offset, "log": log}, place)
    os.replace(file + ".new", file)


def listen(agent, file):
    """Until the connection is lost."""
    query = urllib.parse.urlencode(read_place(file))
    request = urllib.request.Request(f"{agent}/v1/events/stream?{query}")
    request.add_header("Accept", "application/x-ndjson")
    with urllib.request.urlopen(request, timeout=IDLE_TIMEOUT_S) as answer:
        log = answer.headers["X-Rollcall-Log"]
        for line in answer:
            record = json.loads(line)
            if "Offset" in record:
                print(record["Offset"], record["Time"], record["Kind"], record["Node"], record["Check"],
                      f"{record['From']}>{record['To']}", flush=True)
                keep_place(file, record["Offset"], log)
            elif "Gap" in record:
                print(f"no longer kept, read /v1/events/snapshot: {record['Gap']}", file=sys.stderr)
                keep_place(file, record["Gap"]["To"], log)
            elif "Position" in record:
                keep_place(file, record["Position"], log)
            else:
                print(f"{agent}: {record['Error']['Message']}", file=sys.stderr)


def main():
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} STATE_FILE AGENT_URL...")
    file, *agents = sys.argv[1:]
    while True:
        for agent in agents:
            try:
                listen(agent, file)
            except urllib.error.HTTPError as error:
                reason = error.read().decode("utf-8", "replace")
                if error.code < 500:
                    sys.exit(f"{agent}: {reason}")
                print(f"{agent}: {reason}", file=sys.stderr)
            # A line that was cut off is no JSON.
            except (OSError, http.client.HTTPException, ValueError) as error:
                print(f"{agent}: {error}", file=sys.stderr)
        time.sleep(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
