#!/bin/sh
echo call >>calls
tr a-z A-Z
