import json
import sys

for i in range(int(sys.argv[1])):
    print(json.dumps({"id": i, "n": i % 97, "country": "cc%d" % (i % 7), "text": "x" * (i % 300)}) if i % 251 else "{bad")
