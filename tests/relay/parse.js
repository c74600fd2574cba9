// The event stream parser of the HTML standard (§9.2.6), as it is written there.

const dispatch = (state) => {
  const { data, type } = state;
  state.data = '';
  state.type = '';
  state.lastEventId = state.idBuffer;
  if (data === '') return;
  state.events.push({ type: type || 'message', data: data.slice(0, -1), lastEventId: state.lastEventId });
};

const FIELDS = {
  event: (state, value) => { state.type = value; },
  data: (state, value) => { state.data += `${value}\n`; },
  id: (state, value) => { if (!value.includes('\0')) state.idBuffer = value; },
  retry: (state, value) => { if (/^[0-9]+$/.test(value)) state.retry = Number(value); },
};

/** What a client makes of a whole stream: `events`, and the `lastEventId` and `retry` it is left with. */
export function parse(bytes) {
  const state = { events: [], data: '', type: '', idBuffer: '', lastEventId: '', retry: undefined };
  const lines = new TextDecoder('utf-8').decode(bytes).split(/\r\n|\n|\r/);
  lines.pop();  // what follows the last line end is no line
  for (const line of lines) {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
    if (line === '') dispatch(state);
    else FIELDS[name]?.(state, value);
  }
  return { events: state.events, lastEventId: state.lastEventId, retry: state.retry };
}
