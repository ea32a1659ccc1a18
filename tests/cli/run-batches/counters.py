# SPDX-License-Identifier: MIT
"""counters.py OPTION...: what a run from scratch comes to; times and sizes of batches left out."""
import json, hashlib, shutil, subprocess, sys

WORK = """failed excluded templates loaded source_bytes fields_parsed fields_skipped rendered opcodes output_bytes allocations
allocated_bytes written digest""".split()
shutil.rmtree("out", ignore_errors=True)
run = subprocess.run(["pressrun", "run", "--json", *sys.argv[1:]], capture_output=True, text=True)
report = json.loads(run.stdout)
assert report["batches"] > 0 and report["batch_p50"] > 0
failures = [json.loads(line) for line in open("out/.pressrun/errors.jsonl")]
for job in None, "letters", "cards", "cities", "index":
    records = [f["record"] for f in failures if f.get("job") == job]
    assert records == sorted(records), (job, records)
failures = sorted(json.dumps(f, sort_keys=True) for f in failures)
for part in json.dumps({key: report[key] for key in WORK}), "\n".join(failures):
    print(hashlib.sha256(part.encode()).hexdigest()[:16])
