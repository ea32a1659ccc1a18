"""A run that is interrupted has a whole trace; one that is killed leaves all but the closing bracket."""
import json
import signal
import subprocess
import time


def trace_after(number):
    run = subprocess.Popen(["pressrun", "run", "-q", "-j", "2", "-f", "endless.yaml", "--trace", "t.json"],
                           stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    start = time.monotonic()
    size = 0
    while size < 200000 and time.monotonic() - start < 50:  # several buffers full are in the file
        for _ in range(50):
            run.stdin.write(b'{"id": 1, "name": "%s", "city": "c"}\n' % (b"n" * 100000))
        with open("t.json", encoding="utf-8") as file:
            size = len(file.read())
    run.send_signal(number)
    try:
        while number == signal.SIGINT and time.monotonic() - start < 50:
            run.stdin.write(b"{}\n" * 10000)
    except BrokenPipeError:
        pass
    try:
        run.stdin.close()
    except BrokenPipeError:
        pass
    code = run.wait(timeout=50)
    with open("t.json", encoding="utf-8") as file:
        return code, file.read()


code, text = trace_after(signal.SIGINT)
events = json.loads(text)
depth = [e["args"]["value"] for e in sorted((e for e in events if e["ph"] == "C"), key=lambda e: e["ts"])]
print("interrupted: exit", code, "and in the end", depth[-1], "batches in flight")
code, text = trace_after(signal.SIGKILL)
print("killed: exit", code, "and", "an end" if text.endswith("]\n") else "no end",
      "but whole events" if len(json.loads(text + "]")) > 1000 else "nor events")
