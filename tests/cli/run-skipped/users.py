# SPDX-License-Identifier: MIT
"""A compressed source that ends in the middle."""
import subprocess
text = "".join('{"id": %d}\n' % i for i in range(3000)).encode()
open("users.jsonl.zst", "wb").write(subprocess.run(["zstd", "-q", "-c"], input=text, stdout=subprocess.PIPE).stdout[:2000])
