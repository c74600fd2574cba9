// Every awkward form that a stream of Server-Sent Events may take, and what a client makes of it
// by the rules of the HTML standard (§9.2.6).

const LONG = 'x'.repeat(100_000);

const message = (data, lastEventId = '', type = 'message') => ({ type, data, lastEventId });

/** `text`: the bytes as they are sent. `events`: what a client dispatches. `lastEventId`, `retry`: what
 * it is left with. `long`: is cut in some places only. */
export const FORMS = {
  'lf': { text: 'data: a\n\ndata: b\n\n', events: [message('a'), message('b')] },
  'crlf': { text: 'data: a\r\n\r\ndata: b\r\n\r\n', events: [message('a'), message('b')] },
  'cr': { text: 'data: a\r\rdata: b\r\r', events: [message('a'), message('b')] },
  'mixed-ends': {
    text: 'data: a\r\n\ndata: b\r\r\ndata: c\n\rdata: d\r\n\rdata: e\n\n',
    events: [message('a'), message('b'), message('c'), message('d'), message('e')],
  },
  'mixed-lines': { text: 'id: 1\rdata: a\r\ndata: b\ndata: c\n\n', events: [message('a\nb\nc', '1')], lastEventId: '1' },
  'bom': { text: '\ufeffdata: a\n\n', events: [message('a')] },
  'bom-and-comment': { text: '\ufeff: hello\n\ndata: a\n\n', events: [message('a')] },
  'bom-twice': { text: '\ufeff\ufeffdata: lost\ndata: a\n\n', events: [message('a')] },
  'bom-inside': { text: 'data: a\n\n\ufeffdata: lost\ndata: \ufeffb\n\n', events: [message('a'), message('\ufeffb')] },
  'comments': {
    text: ': one\n:\n:two\ndata: a\n: inside\ndata: b\n:\n\n: after\n\n:\n\n',
    events: [message('a\nb')],
  },
  'ids': {
    text: 'id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\nid\ndata: d\n\n',
    events: [message('a', '1'), message('b', '1'), message('c', '2'), message('d')],
  },
  'id-alone': {
    text: 'id: 7\n\ndata: a\n\nid: 8\nevent: nothing\n\ndata: b\n\n',
    events: [message('a', '7'), message('b', '8')],
    lastEventId: '8',
  },
  'id-with-nul': {
    text: 'id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n',
    events: [message('a', '1'), message('b', '1')],
    lastEventId: '1',
  },
  'id-of-an-event-without-end': {
    text: 'id: 1\ndata: a\n\nid: 2\ndata: b\n',
    events: [message('a', '1')],
    lastEventId: '1',
  },
  'types': {
    text: 'event: add\ndata: a\n\ndata: b\n\nevent: add\n\ndata: c\n\nevent:\ndata: d\n\nevent: x\nevent: y\ndata: e\n\n',
    events: [message('a', '', 'add'), message('b'), message('c'), message('d'), message('e', '', 'y')],
  },
  'empty-data': {
    text: 'data\n\ndata:\n\ndata: \n\ndata\ndata\n\nevent: none\n\n',
    events: [message(''), message(''), message(''), message('\n')],
  },
  'spaces': {
    text: 'data:a\n\ndata:  b \n\ndata:\tc\n\n data: lost\n\ndata : lost\n\n',
    events: [message('a'), message(' b '), message('\tc')],
  },
  'colons': { text: 'data: a: b:c\n\ndata::\n\nid::1\ndata\n\n', events: [message('a: b:c'), message(':'), message('', ':1')], lastEventId: ':1' },
  'fields-without-colon': { text: 'data\nevent\nid\nretry\n\n', events: [message('')] },
  'unknown-fields': { text: 'foo: bar\nDATA: lost\nData: lost\ndata: a\nfoo\n\n', events: [message('a')] },
  'retry': { text: 'retry: 2500\n\ndata: a\n\nretry: soon\nretry: -1\nretry: 1e3\nretry\ndata: b\n\n', events: [message('a'), message('b')], retry: 2500 },
  'retry-last': { text: 'data: a\n\nretry: 4000\nretry: 3000\n', events: [message('a')], retry: 3000 },
  'blank-lines': { text: '\n\n\r\n\rdata: a\n\n\n\n\r\n\r\n\ndata: b\n\n', events: [message('a'), message('b')] },
  'several-bytes': {
    text: 'event: é\nid: ✓\ndata: häß 😀 \u2028\u2029\u0085 \ufeff\n\n',
    events: [message('häß 😀 \u2028\u2029\u0085 \ufeff', '✓', 'é')],
    lastEventId: '✓',
  },
  'control-characters': { text: 'data: \t\x01\x0b\x0c\x1b\x7f\n\n', events: [message('\t\x01\x0b\x0c\x1b\x7f')] },
  'unterminated': { text: 'data: a\n\ndata: lost', events: [message('a')] },
  'unterminated-block': { text: 'data: a\n\ndata: lost\n', events: [message('a')] },
  'unterminated-block-cr': { text: 'data: a\r\rdata: lost\r', events: [message('a')] },
  'ends-with-cr': { text: 'data: a\n\ndata: b\n\r', events: [message('a'), message('b')] },
  'nothing': { text: '', events: [] },
  'one-blank-line': { text: '\n', events: [] },
  'like-html': { text: '<!doctype html>\n\ndata: <b>a</b>\n\n', events: [message('<b>a</b>')] },
  'long-line': { text: `data: ${LONG}\n\ndata: b\n\n`, events: [message(LONG), message('b')], long: true },
  'long-field': { text: `${LONG}: lost\ndata: a\n\n`, events: [message('a')], long: true },
  'long-comment': { text: `: ${LONG}\ndata: a\n\n`, events: [message('a')], long: true },
  'many-lines': { text: `${'data: y\n'.repeat(5000)}\n`, events: [message('y\n'.repeat(5000).slice(0, -1))], long: true },
};

/** Where a form can be cut in two. */
export function cutsOf({ text, long }) {
  const { length } = Buffer.from(text);
  const all = Array.from({ length: Math.max(0, length - 1) }, (_, n) => n + 1);
  return long ? all.filter((n) => n < 4 || n > length - 4 || n % 16384 === 0) : all;
}
