# SPDX-License-Identifier: MIT
"""The manifest run once more, by Python's Jinja2: what every output must be, byte for byte.

An independent, slow and small reading of the manifest (records from JSON arrays and JSON lines; `to`, `where`,
`group_by`, `collect`; files and streams). Run as a program it writes the outputs: reference.py MANIFEST DIR
"""
import json
import os
import sys

import jinja2
import yaml


def records_of(source, directory):
    with open(os.path.join(directory, source["path"]), encoding="utf-8") as f:
        if source["path"].endswith(".jsonl"):
            return [json.loads(line) for line in f if line.strip()]
        document = json.load(f)
    for part in source.get("pointer", "").split("/")[1:]:
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def contexts_of(job, records, env):
    """What each output of a job sees."""
    if job.get("where"):
        keep = env.compile_expression(job["where"])
        records = [r for r in records if keep(**r)]
    if job.get("collect"):
        return [{"records": records}]
    if job.get("group_by"):
        group_of = env.compile_expression(job["group_by"])
        groups = {}
        for r in records:
            groups.setdefault(group_of(**r), []).append(r)
        return [{"group": group, "records": members} for group, members in groups.items()]
    return records


def extension(path):
    return os.path.splitext(path[:-4] if path.endswith(".zst") else path)[1][1:].lower()


def outputs(manifest_path):
    """{path: uncompressed bytes} of a whole run."""
    directory = os.path.dirname(os.path.abspath(manifest_path))
    with open(manifest_path, encoding="utf-8") as f:
        manifest = yaml.safe_load(f)
    jinja = manifest.get("jinja", {})
    undefined = {"strict": jinja2.StrictUndefined, "default": jinja2.Undefined, "keep": jinja2.DebugUndefined}
    result = {}
    for job in manifest["jobs"].values():
        env = jinja2.Environment(
            loader=jinja2.FileSystemLoader([os.path.join(directory, d) for d in manifest["templates"]]),
            undefined=undefined[manifest.get("undefined", "strict")],
            autoescape=extension(job["to"]) in jinja.get("autoescape", ["html", "xml"]),
            trim_blocks=jinja.get("trim_blocks", False),
            lstrip_blocks=jinja.get("lstrip_blocks", False),
            keep_trailing_newline=jinja.get("keep_trailing_newline", False))
        env.globals = dict(env.globals, **manifest.get("globals", {}))
        template = env.get_template(job["template"])
        path_env = env.overlay(autoescape=False)
        path_of = path_env.from_string(job["to"])
        pieces = []
        for context in contexts_of(job, records_of(manifest["sources"][job["from"]], directory), path_env):
            text = template.render(context)
            if "{{" in job["to"] or job.get("collect"):
                path = path_of.render(context)
                assert path not in result, path
                result[path] = text.encode()
            else:
                pieces.append(text)
        if pieces:
            if extension(job["to"]) == "jsonl":
                lines = pieces if job.get("raw") else [json.dumps(p, ensure_ascii=False) for p in pieces]
                result[job["to"]] = "".join(line + "\n" for line in lines).encode()
            else:
                result[job["to"]] = job.get("separator", "").join(pieces).encode()
    return result


if __name__ == "__main__":
    for output, data in outputs(sys.argv[1]).items():
        output = os.path.join(sys.argv[2], output)
        os.makedirs(os.path.dirname(output), exist_ok=True)
        with open(output, "wb") as out:
            out.write(data)
