# SPDX-License-Identifier: MIT
"""wide.py: wide.csv, of 200 columns."""
names = ["id", "orders"] + [f"c{i}" for i in range(198)]
with open("wide.csv", "w", encoding="utf-8") as file:
    file.write(",".join(names) + "\n")
    for row in range(1, 4):
        file.write(",".join([str(row), "its own"] + [f"{row}-{i}" for i in range(198)]) + "\n")
