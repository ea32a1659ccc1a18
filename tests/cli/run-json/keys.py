import json
import re
import sys

DOCUMENTED = """session strategy workers loaded up_to_date rendered cached written unchanged failed pruned seconds
records_per_second bytes_written peak_rss_bytes digest""".split()
report = json.loads(sys.stdin.read())
for key in DOCUMENTED:
    assert key in report, key
assert re.fullmatch("[0-9a-f]{32}", report["digest"]), report["digest"]
assert report["seconds"] > 0 and report["records_per_second"] >= 0 and report["peak_rss_bytes"] > 100000
print({key: report[key] for key in ("workers", "loaded", "up_to_date", "rendered", "written", "unchanged", "failed")})
