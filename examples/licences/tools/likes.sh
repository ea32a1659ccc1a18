#!/bin/sh
# SPDX-License-Identifier: MIT
# likes.sh N FILE: the N words of standard input that are most frequent, and are not in FILE, a word a line.
LC_ALL=C
export LC_ALL
tr -cs '[:alpha:]' '\n' | tr '[:upper:]' '[:lower:]' | grep -E '^.{4,}$' | grep -vxF -f "$2" |
    sort | uniq -c | sort -k1,1nr -k2,2 | head -n "$1"
