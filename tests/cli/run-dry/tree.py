# SPDX-License-Identifier: MIT
"""tree.py: a digest of all names, bytes, modes, inodes and times below this directory."""
import hashlib
import os

sum = hashlib.sha256()
for folder, folders, files in os.walk("."):
    folders.sort()
    for name in sorted(folders + files):
        path = os.path.join(folder, name)
        st = os.lstat(path)
        sum.update(repr((path, st.st_mode, st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns)).encode())
        if name in files:
            with open(path, "rb") as file:
                sum.update(file.read())
print(sum.hexdigest())
