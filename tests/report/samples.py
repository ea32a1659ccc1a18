# SPDX-License-Identifier: MIT
"""Documents of reports for tests of their pages: one of each kind, in which all blocks are, and hostile ones."""

import json
import math
import random

HOSTILE = ['1. one `|` two', '- `code | pipe`', '=', '12) `a` `b`', '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '{{ 7*7 }}{% raw %}', "'; drop --",
           'a|b\\|c', '`code` ``x', '# heading\n- list\n| a | b |', '[x](javascript:alert(1)) ![y](http://e.example/z)',
           '\u202egnp.exe', 'nul\u0000 bell\u0007 esc\u001b[31m c1\u009b', '&amp; &#60; </style></svg></title>',
           'https://e.example/?a=1&b=2', '*bold* _em_ ~~gone~~ <!-- -->', 'W' * 600, 'много 文字 ' * 40, '']


def axis(label, low, high, n=5, unit='', text=lambda v: f'{v:g}'):
    ticks = [{'at': low + (high - low) * i / n, 'text': text(low + (high - low) * i / n)} for i in range(n + 1)]
    return {'label': label, 'unit': unit, 'min': low, 'max': high, 'ticks': ticks}


def seconds(v):
    return '0' if abs(v) < 1e-12 else f'{v:.3g} s' if v >= 1 else f'{v * 1000:.3g} ms'


def table(caption, columns, rows, more=0):
    heads = [{'label': label, 'align': 'right' if kind in 'nb' else 'left', 'bar': kind == 'b'}
             for label, kind in columns]
    return {'type': 'table', 'caption': caption, 'columns': heads, 'rows': rows, 'more': more}


def row(*cells, state='neutral'):
    out = []
    for c in cells:
        text, share, mood = (list(c) + ['neutral'])[:3] if isinstance(c, tuple) else (c, None, 'neutral')
        cell = {'text': text, 'state': mood}
        if share is not None:
            cell.update(share=share, value=share * 10)
        out.append(cell)
    return {'cells': out, 'state': state}


def timeline(rng, workers=2, buckets=100):
    kinds = ['load', 'compile', 'render', 'emit', 'idle']
    lanes = []
    for w in range(workers):
        spans = []
        for i in range(buckets):
            at, to = 12.4 * i / buckets, 12.4 * (i + 1) / buckets
            weights = [0.9, 0.1, 0.1, 0, 0] if i < 5 else [0.15, 0, 0.55 + 0.1 * math.sin(i / 9 + w), 0.2, 0]
            base = 0
            for kind, weight in enumerate(weights):
                share = max(0, weight * (0.85 + 0.15 * rng.random()))
                share = min(share, 1 - base)
                if share > 0.01:
                    spans.append({'from': at, 'to': to, 'kind': kind, 'base': round(base, 4), 'share': round(share, 4)})
                    base += share
        lanes.append({'name': f'worker {w + 1}', 'spans': spans})
    return {'type': 'chart', 'form': 'lanes', 'caption': 'What the workers did', 'kinds': kinds,
            'text': f'{workers} workers over 12.4 seconds: mostly rendering, about 20 % writing outputs.',
            'x': axis('time', 0, 12.5, 5, 's', seconds), 'lanes': lanes,
            'marks': [{'at': 0.6, 'text': 'first output'}, {'at': 7.9, 'text': 'strategy: parallel'}]}


def session(rng):
    return {
        'report': 1, 'kind': 'session', 'title': 'nightly', 'subtitle': 'run of 2026-11-21 10:15 UTC on 2 workers, strategy balanced',
        'made': '2026-11-21T10:15:14Z', 'program': 'pressrun 0.1.0',
        'verdict': {'state': 'warning', 'word': '20 failed', 'text': '99,980 of 100,000 outputs are up to date; 20 records could not be rendered. `pressrun run --only-failed` tries them again.'},
        'figures': [
            {'id': 'run.seconds', 'label': 'time', 'value': 12.4, 'unit': 's', 'text': '12.4 s', 'state': 'neutral', 'note': '−3 % to the last five'},
            {'id': 'rate', 'label': 'throughput', 'value': 8064, 'unit': '1/s', 'text': '8,064/s', 'state': 'neutral', 'note': 'records'},
            {'id': 'rendered', 'label': 'rendered', 'value': 41210, 'unit': '', 'text': '41,210', 'state': 'neutral'},
            {'id': 'cached', 'label': 'from the cache', 'value': 58770, 'unit': '', 'text': '58,770', 'state': 'good', 'note': 'hit rate 59 %'},
            {'id': 'failed', 'label': 'failed', 'value': 20, 'unit': '', 'text': '20', 'state': 'bad', 'note': '0.02 % of all'},
            {'id': 'p99', 'label': 'render p99', 'value': 0.0021, 'unit': 's', 'text': '2.10 ms', 'state': 'neutral'},
            {'id': 'rss', 'label': 'peak memory', 'value': 9.1e7, 'unit': 'B', 'text': '91.2 MB', 'state': 'neutral'},
            {'id': 'written', 'label': 'written', 'value': 2.1e8, 'unit': 'B', 'text': '210.4 MB', 'state': 'neutral'}],
        'sections': [
            {'id': 'failures', 'title': 'Failures', 'text': 'Twenty records failed in three ways; each is shown once.', 'folded': False, 'blocks': [
                {'type': 'faults', 'items': [
                    {'message': "'dict object' has no attribute 'emial'", 'hint': 'did you mean "email"?', 'place': 'templates/card.j2:3:18',
                     'excerpt': '<p>{{ name }} &lt;{{ user.emial }}&gt;</p>', 'caret': 25, 'caret_n': 5,
                     'record': 'data/users.jsonl:1204, key 1204', 'job': 'cards', 'count': 17},
                    {'message': 'division by zero', 'place': 'templates/macros/a-rather-deep/directory/price.j2:41:9', 'caret': 3, 'caret_n': 13,
                     'excerpt': '{{ total / count }}', 'record': 'data/orders.jsonl:88, key A-88', 'job': 'orders', 'count': 2},
                    {'message': 'output is larger than 64 MiB', 'record': 'data/users.jsonl:9, key 9', 'job': 'cards', 'count': 1}], 'more': 0}]},
            {'id': 'timeline', 'title': 'Where time went', 'text': 'Both workers rendered most of the time; writing took a fifth of it.', 'blocks': [
                timeline(rng),
                table('Stages', [('stage', 't'), ('time', 'b'), ('items', 'n'), ('p50', 'n'), ('p95', 'n'), ('p99', 'n'), ('max', 'n')], [
                    row('load users', ('1.90 s', .12), '100,000', '11 us', '25 us', '41 us', '1.2 ms'),
                    row('compile card.j2', ('4.1 ms', .001), '3', '1.1 ms', '2.0 ms', '2.0 ms', '2.0 ms'),
                    row('render cards', ('15.4 s', .71), '41,230', '310 us', '880 us', '2.10 ms', '31 ms'),
                    row('emit cards', ('3.80 s', .19), '41,210', '71 us', '150 us', '410 us', '19 ms')])]},
            {'id': 'cache', 'title': 'Cache', 'blocks': [
                table('Tiers', [('tier', 't'), ('hits', 'n'), ('misses', 'n'), ('hit rate', 'b'), ('size', 'n')], [
                    row('memory', '50,120', '49,880', ('50 %', .5), '64.0 MB'),
                    row('file', '8,650', '41,230', ('17 %', .17, 'warning'), '1.2 GB'),
                    row('redis', '0', '41,230', ('0 %', 0, 'bad'), '-', state='warning')])]},
            {'id': 'slowest', 'title': 'Slowest', 'text': 'One template takes two thirds of the time.', 'blocks': [
                {'type': 'chart', 'form': 'bars', 'caption': 'Time by template', 'text': 'card.j2 takes 10.2 s, index.html.j2 4.4 s, all others less than a second.',
                 'x': axis('', 0, 12, 4, 's', seconds),
                 'rows': [{'name': 'card.j2', 'value': 10.2, 'text': '10.2 s', 'state': 'neutral'}, {'name': 'index.html.j2', 'value': 4.4, 'text': '4.40 s', 'state': 'warning'},
                          {'name': 'a/rather/long/path/to/some/template/that/nobody/renamed.md.j2', 'value': .81, 'text': '810 ms', 'state': 'neutral'}]},
                table('Slowest records', [('record', 't'), ('template', 't'), ('time', 'b')], [
                    row(f'data/users.jsonl:{rng.randrange(99999)}, key {i}', 'card.j2', (f'{31 - 2 * i} ms', (31 - 2 * i) / 31)) for i in range(10)], more=41200)]},
            {'id': 'trend', 'title': 'Trend', 'text': 'The last 30 runs; the change of 14 November made it 18 % faster.', 'blocks': [trend(rng, 30)]},
            {'id': 'machine', 'title': 'Machine', 'folded': True, 'blocks': [
                table('What it ran on', [('what', 't'), ('value', 't')], [
                    row('processor', 'AMD EPYC 7B13, 2 of 64 CPUs (affinity)'), row('memory', '8.3 GB, limit 4.0 GB'),
                    row('kernel', 'Linux 6.1.0-27-amd64'), row('digest', '9f4c7be21f3a90d1a6c4be0f51c4f0a2')])]}]}


def trend(rng, n):
    points = [[i, 12.6 + rng.random() if i < 18 else 10.2 + rng.random()] for i in range(n)]
    return {'type': 'chart', 'form': 'line', 'caption': 'Time of the last runs', 'text': 'About 13 s until run 18, about 10.7 s since.',
            'x': axis('run', 0, n - 1, 5, '', lambda v: f'{v:.0f}'), 'y': axis('', 0, 15, 3, 's', seconds),
            'series': [{'name': 'time', 'kind': 0, 'points': points}], 'marks': [{'at': 18, 'text': '−18 % here'}]}


def strategy(rng):
    names = ['minimal', 'sequential', 'parallel', 'cache_heavy', 'balanced', 'auto']
    rows = [{'name': n, 'low': 10 - i - .6, 'value': 10 - i, 'high': 10 - i + .5 + rng.random(), 'text': f'{10 - i:.2f} s ± 0.5',
             'state': 'good' if n == 'auto' else 'neutral'} for i, n in enumerate(names)]
    return {'report': 1, 'kind': 'strategy', 'title': 'nightly', 'subtitle': 'six strategies, 12 rounds each', 'made': '2026-11-21T10:15:14Z',
            'program': 'pressrun 0.1.0', 'verdict': {'state': 'good', 'word': 'parallel', 'text': 'Use `strategy: parallel`: 2.1 times as fast as minimal; all made the same bytes.'},
            'figures': [{'id': 'a', 'label': 'best', 'text': 'parallel', 'unit': '', 'state': 'good'}, {'id': 'b', 'label': 'to minimal', 'value': 2.1, 'unit': 'x', 'text': '2.10x'},
                        {'id': 'c', 'label': 'regret of auto', 'value': .01, 'unit': 'share', 'text': '1.0 %', 'note': 'within 3 %'}],
            'sections': [{'id': 'times', 'title': 'Times', 'text': 'Dots are estimates, bars 95 % intervals.', 'blocks': [
                {'type': 'chart', 'form': 'intervals', 'caption': 'Time of a run', 'text': 'From 10 s (minimal) to 5 s (auto).', 'x': axis('seconds', 3, 12, 3, 's', seconds),
                 'rows': rows, 'marks': [{'at': 10, 'text': 'minimal'}]}]},
                {'id': 'share', 'title': 'Throughput', 'blocks': [
                    {'type': 'chart', 'form': 'area', 'caption': 'Records a second', 'text': 'Two strategies over time.', 'x': axis('time', 0, 10, 5, 's', seconds),
                     'y': axis('records/s', 0, 1000000, 4, '', lambda v: f'{v:,.0f}'),
                     'series': [{'name': n, 'kind': k, 'points': [[i / 30, 5e5 + 3e5 * math.sin(i / 40 + k) + 4e4 * rng.random() - 2e5 * k] for i in range(300)]}
                                for k, n in enumerate(['parallel', 'balanced'])]}]}]}


def gate(rng):
    words = [('PASS', 'neutral'), ('FAIL', 'bad'), ('INCONCLUSIVE', 'warning'), ('PASS', 'neutral'), ('IMPROVED', 'good')]
    rows = [row(f'bench/{n}', (w, None, s), f'{c:+.1f} %', f'{c - 1:+.1f} % to {c + 1:+.1f} %', str(rng.randrange(8, 96)), state=s if s != 'good' else 'neutral')
            for (n, c), (w, s) in zip([('small', .2), ('medium', 6.1), ('noop', 2.9), ('prompts', -.1), ('page', -8.2)], words)]
    return {'report': 1, 'kind': 'gate', 'title': 'release suite', 'subtitle': 'main 4ca13e1 against v0.9', 'made': '2026-11-21T10:15:14Z', 'program': 'pressrun 0.1.0',
            'verdict': {'state': 'bad', 'word': 'FAIL', 'text': 'medium is 6.1 % slower (5.1 % to 7.1 %), confirmed in a second session.'},
            'figures': [{'id': 'n', 'label': 'benchmarks', 'value': 40, 'unit': '', 'text': '40'}, {'id': 'f', 'label': 'failed', 'value': 1, 'unit': '', 'text': '1', 'state': 'bad'},
                        {'id': 'i', 'label': 'inconclusive', 'value': 1, 'unit': '', 'text': '1', 'state': 'warning'}, {'id': 't', 'label': 'took', 'value': 610, 'unit': 's', 'text': '10 min 10 s'}],
            'sections': [{'id': 'changed', 'title': 'What changed', 'blocks': [table('Benchmarks that moved', [('benchmark', 't'), ('verdict', 't'), ('change', 'n'), ('interval', 'n'), ('pairs', 'n')], rows, more=35),
                {'type': 'chart', 'form': 'intervals', 'caption': 'Change of CPU time', 'text': 'medium lies wholly above 3 %.', 'x': axis('change', -10, 10, 4, '', lambda v: f'{v:+g} %'),
                 'rows': [{'name': 'small', 'low': -.8, 'value': .2, 'high': 1.2, 'text': '+0.2 %', 'state': 'neutral'}, {'name': 'medium', 'low': 5.1, 'value': 6.1, 'high': 7.1, 'text': '+6.1 %', 'state': 'bad'},
                          {'name': 'noop', 'value': 2.9, 'high': 9.5, 'text': '+2.9 %', 'state': 'warning'}, {'name': 'page', 'low': -9.2, 'value': -8.2, 'high': -7.2, 'text': '−8.2 %', 'state': 'good'}],
                 'marks': [{'at': 0, 'text': 'no change'}, {'at': 3, 'text': '+3 %'}, {'at': 5, 'text': '+5 %'}]}]}]}


def history(rng):
    return {'report': 1, 'kind': 'history', 'title': 'nightly', 'subtitle': '300 sessions', 'made': '2026-11-21T10:15:14Z', 'program': 'pressrun 0.1.0',
            'verdict': {'state': 'neutral', 'word': 'steady', 'text': 'No change point in the last 50 sessions.'}, 'figures': [],
            'sections': [{'id': 'time', 'title': 'Time', 'blocks': [trend(rng, 300)]}]}


def merged(rng):
    return {'report': 1, 'kind': 'merged', 'title': 'nightly, 64 shards', 'subtitle': '', 'made': '2026-11-21T10:15:14Z', 'program': 'pressrun 0.1.0',
            'verdict': {'state': 'good', 'word': 'complete', 'text': 'Every shard is there, every record once.'}, 'figures': [],
            'sections': [{'id': 'x', 'title': 'Workers', 'blocks': [timeline(rng, 24, 20)]}]}


def benchmark(rng):
    return {'report': 1, 'kind': 'benchmark', 'title': 'medium', 'made': '2026-11-21T10:15:14Z', 'program': 'pressrun 0.1.0',
            'verdict': {'state': 'good', 'word': 'done', 'text': '1.2 million records a second.'},
            'figures': [{'id': 'a', 'label': 'throughput', 'value': 1.2e6, 'unit': '1/s', 'text': '1,200,000/s', 'note': '`where` left out 3'}],
            'sections': [{'id': 'empty', 'title': 'Nothing in these', 'blocks': [
                table('no rows', [('a', 't'), ('b', 'n')], []), {'type': 'faults', 'items': []}, {'type': 'chart', 'form': 'line', 'x': axis('', 0, 0, 1), 'y': axis('', 0, 0, 1), 'series': []},
                {'type': 'chart', 'form': 'lanes', 'caption': 'none'}, {'type': 'chart', 'form': 'bars', 'caption': 'none'}, {'type': 'chart', 'form': 'intervals', 'rows': [{'name': 'x'}]},
                {'type': 'text', 'text': 'What `nobody` knows.\n\nA second paragraph.'}, {'type': 'of a later version', 'x': 1}]}]}


def comparison(rng):
    return {'report': 1, 'kind': 'comparison', 'title': 'A and B', 'made': '2026-11-21T10:15:14Z', 'program': 'pressrun 0.1.0'}


def hostile(rng):
    """Every text of a session is one that means harm."""
    n = iter(range(10 ** 9))

    def spoil(value, key=None):
        if isinstance(value, dict):
            return {k: spoil(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [spoil(v, key) for v in value]
        if isinstance(value, str) and key not in ('kind', 'type', 'form', 'align', 'state', 'made'):
            return HOSTILE[next(n) % len(HOSTILE)]
        return value
    return spoil(session(rng))


def largest(rng):
    """As large as the model lets one be, for all of 12 sections."""
    long = 'ö' * 1000
    big = table(long, [(f'column {i}', 'b') for i in range(12)], [row(*[(long, .5)] * 12) for _ in range(50)], more=10 ** 7)
    lines = trend(rng, 300)
    lines['series'] = [dict(lines['series'][0], name=str(k), kind=k) for k in range(8)]
    lanes = timeline(rng, 4, 500)
    for lane in lanes['lanes']:
        lane['spans'] = lane['spans'][:500]
    doc = session(rng)
    for section in doc['sections'][:4]:
        section['blocks'] = [lines, lanes]
    doc['sections'][4]['blocks'] = [big, big]
    return doc


SAMPLES = [session, strategy, benchmark, comparison, gate, history, merged, hostile, largest]


def sample(make):
    return json.dumps(make(random.Random(8)))
