# What a load says that does not depend on the machine, from --json.
import json
import sys

load = json.load(sys.stdin)
latency = load["latency_seconds"]
for want in sys.argv[1:]:
    print(f"{want}: {eval(want, {'load': load, 'latency': latency, 'mix': {m['name']: m for m in load['mix']}})}")
