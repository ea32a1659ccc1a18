import json
import sys

report = json.loads(sys.stdin.read())
print(report["digest"], report["rendered"], report["failed"])
