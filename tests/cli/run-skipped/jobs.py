# SPDX-License-Identifier: MIT
import json, sys
report = json.loads(sys.stdin.read().splitlines()[-1])
for job in report["jobs"]:
    print(job["name"], job["state"], job.get("because", "-"))
print("done %(jobs_done)d, failed %(jobs_failed)d, skipped %(jobs_skipped)d, outputs failed %(failed)d" % report)
