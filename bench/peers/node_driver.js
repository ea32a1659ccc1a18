// SPDX-License-Identifier: MIT
// node_driver.js ENGINE MODE TEMPLATE_DIR TEMPLATE RECORDS OUT
//   ENGINE  nunjucks hfjinja minijinja-js mustache handlebars wontache
//   MODE    render (records parsed first, rendering timed), jsonl (the whole job, to one file), files (one file each)
// The engines are found through NODE_PATH.
'use strict';
const fs = require('fs'), path = require('path');

function makeRender(engine, directory, name) {
  const read = n => fs.readFileSync(path.join(directory, n), 'utf8');
  if (engine === 'nunjucks') {
    const nunjucks = require('nunjucks');
    const env = new nunjucks.Environment(new nunjucks.FileSystemLoader(directory, { watch: false, noCache: false }),
      { autoescape: name.endsWith('.html'), trimBlocks: true, lstripBlocks: true });
    env.addFilter('tojson', v => JSON.stringify(v)); // nunjucks calls it dump
    const template = env.getTemplate(name, true);
    return r => template.render(r);
  }
  if (engine === 'hfjinja') { // it has no include: the text is put in place
    const { Template } = require('@huggingface/jinja');
    const template = new Template(read(name).replace(/\{% include "([^"]+)" %\}\n/g, (_, n) => read(n)) + '\n');
    return r => template.render(r);
  }
  if (engine === 'minijinja-js') {
    const { Environment } = require('minijinja-js');
    const env = new Environment();
    env.trimBlocks = true; env.lstripBlocks = true; env.keepTrailingNewline = true;
    for (const f of fs.readdirSync(directory)) if (/\.(j2|html)$/.test(f)) env.addTemplate(f, read(f));
    return r => env.renderTemplate(name, r);
  }
  const extension = path.extname(name), partials = {};
  for (const f of fs.readdirSync(directory))
    if (f.endsWith(extension)) partials[f.slice(0, -extension.length)] = read(f);
  if (engine === 'mustache') {
    const mustache = require('mustache');
    const source = read(name);
    mustache.parse(source);
    return r => mustache.render(source, r, partials); // its own cache keeps what is parsed
  }
  if (engine === 'handlebars') {
    const handlebars = require('handlebars').create();
    for (const p of Object.keys(partials)) handlebars.registerPartial(p, handlebars.compile(partials[p]));
    return handlebars.compile(read(name));
  }
  if (engine === 'wontache') {
    const wontache = require('wontache');
    const compiled = {};
    for (const p of Object.keys(partials)) compiled[p] = wontache(partials[p]);
    const template = wontache(read(name)), options = { partials: compiled };
    return r => template(r, options);
  }
  throw new Error('no engine ' + engine);
}

function* blocks(file, size = 1 << 20) { // Buffers of whole lines
  const fd = fs.openSync(file, 'r'), chunk = Buffer.allocUnsafe(size);
  let rest = Buffer.alloc(0);
  for (let n; (n = fs.readSync(fd, chunk, 0, size, null)) > 0;) {
    const b = rest.length ? Buffer.concat([rest, chunk.subarray(0, n)]) : chunk.subarray(0, n);
    const end = b.lastIndexOf(10);
    if (end >= 0) yield b.subarray(0, end + 1);
    rest = Buffer.from(b.subarray(end + 1));
  }
  if (rest.length) yield rest;
  fs.closeSync(fd);
}

function eachRecord(file, use) {
  for (const b of blocks(file)) {
    let start = 0, end;
    while ((end = b.indexOf(10, start)) >= 0) {
      if (end > start) use(JSON.parse(b.utf8Slice(start, end)));
      start = end + 1;
    }
    if (start < b.length) use(JSON.parse(b.utf8Slice(start, b.length)));
  }
}

function writer(fd) { // gathers 4 MB
  const buffer = Buffer.allocUnsafe(4 << 20);
  let n = 0;
  const all = (b, size) => { for (let o = 0; o < size;) o += fs.writeSync(fd, b, o, size - o); };
  const flush = () => { all(buffer, n); n = 0; };
  return {
    flush,
    put(text) {
      if (n + text.length * 3 > buffer.length) flush();
      if (text.length * 3 > buffer.length) { const b = Buffer.from(text, 'utf8'); all(b, b.length); return; }
      n += buffer.utf8Write(text, n);
    },
  };
}

const [engine, mode, directory, name, records, out] = process.argv.slice(2);
const render = makeRender(engine, directory, name);
if (mode === 'render') {
  const all = [], buffer = Buffer.allocUnsafe(64 << 20);
  eachRecord(records, r => all.push(r));
  let bytes = 0;
  const started = process.hrtime.bigint();
  for (const r of all) bytes += buffer.utf8Write(render(r), 0);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  console.log(`render: ${all.length} records ${seconds.toFixed(6)} s (${bytes} bytes)`);
} else if (mode === 'jsonl') {
  const fd = fs.openSync(out, 'w'), to = writer(fd);
  eachRecord(records, r => to.put(render(r)));
  to.flush();
  fs.closeSync(fd);
} else {
  const pad = (x, width) => String(x).padStart(width, '0');
  for (let d = 0; d < 100; d++) fs.mkdirSync(`${out}/${pad(d, 2)}`, { recursive: true });
  let i = 1;
  eachRecord(records, r => { fs.writeFileSync(`${out}/${pad(i % 100, 2)}/${pad(i, 6)}.txt`, render(r)); i++; });
}
