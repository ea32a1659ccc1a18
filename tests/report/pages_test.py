#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pages of reports: whether they are HTML and Markdown as they should be, say what the documents say and nothing else.

usage: pages_test.py PAGE_RUN PAGE_CSS PRESSRUN SOURCES
"""

import html
import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import samples  # noqa: E402

VOID = {'meta', 'link', 'br', 'hr', 'img', 'input', 'col', 'base', 'source', 'wbr'}
SVG = {'svg', 'g', 'rect', 'line', 'circle', 'path', 'text', 'title', 'desc'}
ALLOWED = SVG | {
    'html', 'head', 'meta', 'title', 'link', 'style', 'body', 'header', 'main', 'footer', 'nav', 'section', 'details', 'summary',
    'h1', 'h2', 'p', 'ul', 'li', 'a', 'span', 'strong', 'code', 'pre', 'mark', 'div', 'table', 'caption', 'thead', 'tbody', 'tr', 'th',
    'td', 'figure', 'figcaption', 'time', 'bdi', 'wbr'}
MOST = 2_000_000
faults = []


def check(ok, *what):
    if not ok:
        faults.append(' '.join(str(w) for w in what))
    return ok


def page(program, form, document):
    return subprocess.run([program, form], input=document, capture_output=True, text=True, check=False)


class Page(html.parser.HTMLParser):
    """Elements must nest; ids must be there once; references must lead somewhere in the page."""

    def __init__(self, name):
        super().__init__(convert_charrefs=True)
        self.name, self.open, self.ids, self.wanted, self.text, self.style = name, [], set(), [], [], []

    def handle_starttag(self, tag, attrs):
        at = f'{self.name}:{self.getpos()[0]}'
        values = dict(attrs)
        check(tag in ALLOWED, at, 'element', tag)
        check(len(values) == len(attrs), at, 'an attribute twice')
        for key, value in attrs:
            check(not key.startswith('on') and key not in ('style', 'src', 'srcset', 'xlink:href', 'action'), at, 'attribute', key)
            if key == 'href':
                check(value.startswith(('#', 'data:image/svg+xml,')), at, 'leads out', value)
                self.wanted += [value[1:]] if value.startswith('#') else []
            if key in ('aria-labelledby', 'aria-describedby'):
                self.wanted += value.split()
            if key == 'id':
                check(value not in self.ids and re.fullmatch(r'[a-z0-9._-]+', value), at, 'id', value)
                self.ids.add(value)
            if key in ('x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'width', 'height', 'd'):
                check(not re.search(r'nan|inf|None|e[+-]|^$', value), at, key, value)
        if tag == 'svg':
            check(values.get('role') == 'img' and values.get('aria-labelledby') or values.get('aria-hidden') == 'true' or 'svg' in self.open,
                  at, 'a picture without a name')
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        check(tag in SVG or tag in VOID, f'{self.name}:{self.getpos()[0]}', 'closed at once', tag)
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f'{self.name}:{self.getpos()[0]}', 'closes', tag, 'in', self.open[-3:])
        if self.open:
            self.open.pop()

    def handle_data(self, data):
        (self.style if self.open[-1:] == ['style'] else self.text).append(data)

    def handle_comment(self, data):
        check(False, self.name, 'comment', data)

    def finish(self):
        self.close()
        check(not self.open, self.name, 'not closed', self.open)
        check(set(self.wanted) <= self.ids, self.name, 'leads nowhere', set(self.wanted) - self.ids)
        check(not re.search(r'url\(|@import|expression', ''.join(self.style)), self.name, 'the style sheet leads out')
        return flat(''.join(self.text))


def flat(text):
    return ' '.join(text.split())


def readable(text):
    return re.sub(r'[\x00-\x08\x0b-\x1f\x7f-\x9f]', '\ufffd', re.sub(r'[\n\r\t]', ' ', text))


def texts(value, key=None):
    """Of a document, those that a page must have word by word."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield from texts(v, k)
    elif isinstance(value, list):
        for v in value:
            yield from texts(v, key)
    elif isinstance(value, str) and key in ('text', 'label', 'title', 'message', 'word', 'record', 'place', 'note', 'hint', 'caption', 'subtitle'):
        yield value


def check_html(name, document, out):
    check('\ufffe' not in out and not re.search(r'[\x00-\x08\x0b-\x1f\x7f-\x9f]', out), name, 'has control characters')
    check(len(out.encode()) < MOST, name, 'is larger than 2 MB:', len(out.encode()))
    check(not re.search(r'\n\s*\n\s*\n', out), name, 'has more than one empty line')
    if name.startswith('largest'):
        return
    p = Page(name)
    p.feed(out)
    seen = p.finish()
    for text in texts(json.loads(document)):
        words = flat(readable(text.replace('`', '')))[:40].strip()
        check(words in seen.replace('`', ''), name, 'does not say', repr(words))
    if shutil.which('tidy'):
        ran = subprocess.run(['tidy', '-q', '-e', '-utf8'], input=out, capture_output=True, text=True, check=False)
        # It knows no SVG.
        told = [line for line in ran.stderr.splitlines() if not re.search(r'<svg> proprietary|<title> proprietary attribute "id"', line)]
        check(not told, name, 'tidy:', *told[:5])


def check_markdown(name, document, out):
    check(not re.search(r'[\x00-\x08\x0b-\x1f\x7f-\x9f]', out), name, 'has control characters')
    check('\n\n\n' not in out and not out.startswith('\n') and out.endswith('\n'), name, 'has empty lines')
    if not shutil.which('cmark-gfm') or name.startswith('largest'):
        return
    made = subprocess.run(['cmark-gfm', '--extension', 'table', '--extension', 'strikethrough', '--unsafe'], input=out,
                          capture_output=True, text=True, check=True).stdout
    check(not re.search(r'<(?!/?(h[12]|p|ul|li|strong|pre|code|table|thead|tbody|tr|t[hd]|details|summary)\b)', made), name, 'has elements',
          re.findall(r'<(?!/?(?:h[12]|p|ul|li|strong|pre|code|table|thead|tbody|tr|t[hd]|details|summary)\b).{0,40}', made)[:3])
    said = flat(html.unescape(re.sub(r'<[^>]*>', '', made))).replace('`', '')
    for text in texts({k: v for k, v in json.loads(document).items() if k != 'sections'}):
        words = flat(readable(text.replace('`', '')))[:40].strip()
        check(words in said, name, 'does not say', repr(words))
    check(not re.search(r'^\|', said), name, 'has a table that is none')
    for rows in re.findall(r'(?:^\|.*\n)+', out, re.M):
        widths = {len(re.findall(r'(?<!\\)(?:\\\\)*\|', row)) for row in rows.splitlines()}
        check(len(widths) == 1, name, 'has a ragged table', rows[:200])


# ---- colours

def schemes(css):
    """Colours by name: of the light page, the dark one, and paper."""
    roots = re.findall(r':root \{(.*?)\}', css, re.S)
    tables = [dict(re.findall(r'--([a-z0-9-]+): (#[0-9a-f]{6})', r)) for r in roots]
    check(len(tables) == 3 and tables[0].keys() == tables[1].keys() == tables[2].keys(), 'schemes have different colours')
    return dict(zip(('light', 'dark', 'print'), tables))


def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    return sum(w * (c / 12.92 if c <= .04045 else ((c + .055) / 1.055) ** 2.4) for w, c in zip((.2126, .7152, .0722), parts))


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + .05) / (low + .05)


def check_colours(css):
    check(abs(contrast('#ffffff', '#000000') - 21) < .01 and abs(contrast('#777777', '#ffffff') - 4.48) < .01, 'contrast is computed wrongly')
    for name, c in schemes(css).items():
        for ground in ('paper', 'wash'):
            for ink in ('ink', 'soft', 'link', 'good', 'bad', 'warning'):
                check(contrast(c[ink], c[ground]) >= 4.5, name, ink, 'on', ground, round(contrast(c[ink], c[ground]), 2))
        for state in ('good', 'bad', 'warning', 'neutral'):
            for ink in ('ink', state):
                check(contrast(c[ink], c[state + '-wash']) >= 4.5, name, ink, 'on', state + '-wash')
        check(contrast(c['ink'], c['mark']) >= 4.5, name, 'ink on mark')
        for k in range(8):
            check(contrast(c[f'k{k}'], c['paper']) >= 3, name, f'k{k} on paper', round(contrast(c[f'k{k}'], c['paper']), 2))
    used = set(re.findall(r'var\(--([a-z0-9-]+)\)', css)) - {'hue'}
    check(used == set(schemes(css)['light']), 'colours that nobody uses, or nobody has:', used ^ set(schemes(css)['light']))


def check_refusals(program):
    for document, word in (('', 'this is no report'), ('{', 'this is no report'), ('[]', 'this is no report'), ('{"a": 1}', 'no version'),
                           ('{"report": 1, "sections": 5}', 'cannot be shown'),
                           ('{"report": 1, "sections": [{"blocks": [{"type": "chart", "form": "line"}]}]}', 'cannot be shown')):
        for form in ('html', 'markdown'):
            ran = page(program, form, document)
            check(ran.returncode == 1 and word in ran.stderr and not ran.stdout, 'taken:', form, document, ran.stderr)


def check_sources(pressrun, directory):
    """What commands print, through what makes reports of it."""
    sources = sorted(pathlib.Path(directory).glob('*.json'))
    check(len(sources) >= 7, 'sources are missing')
    for source in sources:
        made = {}
        for form in ('json', 'html', 'markdown'):
            ran = subprocess.run([pressrun, 'report', source, '--format', form], capture_output=True, text=True, check=False)
            check(ran.returncode == 0 and not ran.stderr, source.name, form, 'failed:', ran.stderr)
            made[form] = ran.stdout
        check_html(source.name + '.html', made['json'], made['html'])
        check_markdown(source.name + '.markdown', made['json'], made['markdown'])


def main():
    program, css, pressrun, sources = sys.argv[1:]
    for make in samples.SAMPLES:
        document = samples.sample(make)
        for form, look in (('html', check_html), ('markdown', check_markdown)):
            ran = page(program, form, document)
            if check(ran.returncode == 0 and not ran.stderr, make.__name__, form, 'failed:', ran.stderr):
                look(f'{make.__name__}.{form}', document, ran.stdout)
    check_refusals(program)
    check_sources(pressrun, sources)
    with open(css, encoding='utf-8') as file:
        check_colours(file.read())
    print(*faults[:40], sep='\n')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
