#!/bin/sh
# flaky.sh N: fails the first N times that it is given a text of an even number; 3 always fails at N 9.
read -r id
case $id in 1 | 3 | 5) printf 'done %s' "$id"; exit 0 ;; esac
n=$(cat "tries/$id" 2>/dev/null || echo 0)
echo $((n + 1)) >"tries/$id"
if [ "$n" -lt "$1" ]; then
    echo "not now" >&2
    printf half
    exit 7
fi
printf 'done %s' "$id"
