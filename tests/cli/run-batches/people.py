# SPDX-License-Identifier: MIT
for i in range(1200):
    print('{"id": %d, "city": "c%d", "name": "%s"}' % (i, i * i % 37, "n" * (i % 50)) if i % 300 != 299 else "{ bad %d" % i)
