--[[ The journal's script: whatever changes the journal in Redis is done by it, in one step.

  EVALSHA sha 1 KEY append EPOCH SENDER COUNT name value … COUNT name value …

appends one event for each COUNT (of the words behind it that are the event's), all or none, and
answers three words for each: its id, its position, and 1 if it is a repeat, else 0.

  topic     what it is published to; may come several times, the first is the canonical one
  data      the text;  type, id, retry (ms), key: as in the protocol;  private  1
  ttl       ms, after which it is not replayed
  once      two events with the same one, within a window of time, are one

EPOCH  empty, or the one that the caller goes by: an append to another history is refused.
SENDER empty, or NAME:NUMBER. What was done under that name and number is not done again: the answer
       of that time is given. NUMBER rises; what is 256 behind the newest is refused.

  EVALSHA sha 1 KEY open MAX_EVENTS MAX_BYTES MAX_AGE WINDOW KEYS MAX_EVENT   keeps these bounds, where Redis takes them
                                       (0: none); MAX_EVENT: bytes of one event
  EVALSHA sha 1 KEY tidy               holds to the bounds
  EVALSHA sha 1 KEY renew EPOCH        begins another epoch, unless there is another one already
  EVALSHA sha 1 KEY mend POSITION      takes out what others wrote behind that position

These answer: epoch, position and mark of the newest event, the first position held, bytes held.

Keys: KEY is the stream, its ids are POSITION-0. In the same slot of a cluster: {KEY}:state, a hash
(epoch, seq, mark, bytes, and the bounds); {KEY}:once and {KEY}:once:at, what was seen lately;
{KEY}:ids and {KEY}:ids:at, where events with ids of their publishers stand; {KEY}:sent:NAME, the
last answers. Each entry has one field, `event`: lines, an empty one, and the data. The first line is
  MARK PREV AT
    MARK  when it was appended, in µs; rises with every event
    PREV  the mark of the one before it: who has seen that one sees whether this one follows it
    AT    bytes of all events before it
and the others are what was given, each a name and its value; `expires` (ms since 1970) stands for
ttl. An entry with `epoch` is no event: another epoch begins behind it. It is one field, for each of
them is some 2 µs of Redis for every event, and half of one for every instance that follows.
Nothing is written before all is known to be good; the first write is one that Redis refuses where
it refuses any (OOM, MISCONF, READONLY). Events and the state are written first: where something else
fails behind them (a key that others made anew as another type, a right that is missing), the events
are there, and it is an error of the script, of which nobody says that nothing was kept. In a cluster a
slot moves key by key: while it is on its way every call is answered TRYAGAIN.

What others do to these keys, by hand or by mistake, stops nobody for good:
  XADD         an entry that does not look like one of the script's is no event: nobody is shown it,
               and it is taken out, by the first instance that sees it or the first append that it is
               in the way of. (One that does look so is believed: who may write here is trusted.) Where Redis does not let the end of a stream go back (since 7.2) the newest
               10000 events are copied for it, and older ones are gone.
  XDEL, XTRIM  of what was shown: readers of history are told that it is missing. Of what was not
               shown yet: as with FLUSHALL, for the instances that had not seen it.
  DEL KEY      history is empty, and goes on behind its end.
  DEL {KEY}:state, FLUSHALL   another history begins, with another epoch. Instances begin anew, and
               clients that come back are told of the gap.
  DEL of the other keys       what was seen lately is forgotten: a repeat of it is a new event.
So it is with what Redis evicts: maxmemory-policy has to be noeviction. Of the volatile-* ones only
{KEY}:sent:NAME is in danger, and with it that an append which lost its answer is done once. ]]
local stream = KEYS[1]
local base = string.find(stream, '{', 1, true) and stream or '{' .. stream .. '}'
local state_key = base .. ':state'
if redis.replicate_commands then redis.replicate_commands() end

local call, pcall = redis.call, redis.pcall
local format, find, match = string.format, string.find, string.match
-- A third of the time; where long has 32 bits it counts wrong.
local whole = format('%d', 2^53) == '9007199254740992' and '%d' or '%.0f'
local marks = whole .. ' ' .. whole .. ' ' .. whole
local function text(number) return format(whole, number) end
local clock = call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

local function place_of(entry) return tonumber(match(entry[1], '^%d+')) end
-- Its mark, and the bytes before it; nil: the script did not write it. As read_entry() of the instances
-- has it.
local function marks_of(entry)
  if #entry[2] ~= 2 or entry[2][1] ~= 'event' or not match(entry[1], '^%d+%-0$') then return nil end
  local mark, at = match(entry[2][2], '^(%d+) %d+ (%d+)\n')
  mark = tonumber(mark or 0)
  if mark > 0 and mark <= 2^52 then return mark, tonumber(at) end
end
local function first_entry() return call('XRANGE', stream, '-', '+', 'COUNT', 1)[1] end

-- The state, as it will be.
local fields = {'epoch', 'seq', 'mark', 'bytes', 'max_events', 'max_bytes', 'max_age', 'window', 'keys',
                'max_event'}
-- What is on its way to another node cannot be reached by a script.
local function try(...)
  local answer = pcall(...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if not string.find(answer.err, 'non local key', 1, true) then return nil, answer end
  return nil, redis.error_reply('TRYAGAIN the slot of ' .. stream .. ' is on its way to another node')
end
local values, unreachable = try('HMGET', state_key, unpack(fields))
if not values then return unreachable end
local function number_at(i, otherwise) return tonumber(values[i] or otherwise) or otherwise end
local state = {epoch = values[1], seq = number_at(2, 0), mark = number_at(3, 0), bytes = number_at(4, 0),
               max_events = number_at(5, 0), max_bytes = number_at(6, 0), max_age = number_at(7, 0),
               window = number_at(8, 600000), keys = number_at(9, 100000), max_event = number_at(10, 16777216)}
local had_epoch = state.epoch

-- Eight characters of [0-9a-z], by the time: no two within a month are alike.
local function new_epoch()
  local digits, epoch, rest = '0123456789abcdefghijklmnopqrstuvwxyz', '', now
  for _ = 1, 8 do
    local digit = rest % 36
    epoch = string.sub(digits, digit + 1, digit + 1) .. epoch
    rest = (rest - digit) / 36
  end
  return epoch
end
if not state.epoch then
  -- What is left of a history whose state is gone goes on behind its end, by another name.
  for _, last in ipairs(call('XREVRANGE', stream, '+', '-', 'COUNT', 100)) do
    local mark, at = marks_of(last)
    if mark then
      state.seq, state.mark, state.bytes = place_of(last), mark, at
      break
    end
  end
  state.epoch = new_epoch()
end

local function save()
  call('HSET', state_key, 'epoch', state.epoch, 'seq', text(state.seq), 'mark', text(state.mark),
             'bytes', text(state.bytes))
end

local function summary()
  local first = first_entry()
  local held = 0
  if first then
    local mark, at = marks_of(first)
    held = mark and state.bytes - at or 0
  end
  return {state.epoch, text(state.seq), text(state.mark),
          first and text(place_of(first)) or text(state.seq + 1), text(held)}
end

-- Where the first event stands that is to be kept, by all bounds. Whole nodes of the stream are
-- removed, so a little more than the bounds is held. What was appended just now (behind `seen`) is
-- kept for now: nobody who follows could have seen it.
local function trim(seen)
  local first = first_entry()
  if not first then return end
  local place = place_of(first)
  local cut = place
  if state.max_events > 0 then cut = math.max(cut, state.seq - state.max_events + 1) end
  if state.max_bytes > 0 then
    local mark, at = marks_of(first)
    local held = mark and state.bytes - at or 0
    local each = held / (state.seq - place + 1)
    if held > state.max_bytes then
      cut = math.max(cut, place + math.ceil((held - state.max_bytes) / each))
    end
  end
  if state.max_age > 0 then
    local limit, at, step = now - state.max_age * 1000, first, 1
    while at and step <= 65536 and (marks_of(at) or 0) < limit do
      cut = math.max(cut, place_of(at) + 1)
      at = call('XRANGE', stream, text(place + step) .. '-0', '+', 'COUNT', 1)[1]
      step = step * 2
    end
  end
  cut = math.min(cut, seen + 1)
  if cut > place then call('XTRIM', stream, 'MINID', '~', text(cut) .. '-0') end
end

local once_key, once_at = base .. ':once', base .. ':once:at'
local function repeated(once)
  local at = call('ZSCORE', once_at, once)
  if not at or tonumber(at) <= math.max(now, state.mark) - state.window * 1000 then return nil end
  local found = call('HGET', once_key, once)
  if not found then return nil end
  local place, id = string.match(found, '^(%d+) (.*)$')
  return {id, place}
end
local function forget(members)
  if #members == 0 then return end
  call('ZREM', once_at, unpack(members))
  call('HDEL', once_key, unpack(members))
end
local function remember(once, id, place)
  call('HSET', once_key, once, place .. ' ' .. id)
  call('ZADD', once_at, text(state.mark), once)
  forget(call('ZRANGEBYSCORE', once_at, '-inf', text(state.mark - state.window * 1000), 'LIMIT', 0, 4))
  local over = call('ZCARD', once_at) - state.keys
  if over > 0 then forget(call('ZRANGE', once_at, 0, math.min(over, 4) - 1)) end
end

-- Of each id the last eight places.
local ids_key, ids_at = base .. ':ids', base .. ':ids:at'
local function note_id(id, place)
  local places = {place}
  for other in string.gmatch(call('HGET', ids_key, id) or '', '%d+') do places[#places + 1] = other end
  call('HSET', ids_key, id, table.concat(places, ' ', 1, math.min(#places, 8)))
  call('ZADD', ids_at, place, id)
  local first = first_entry()
  local gone = call('ZRANGEBYSCORE', ids_at, '-inf', '(' .. text(place_of(first)), 'LIMIT', 0, 4)
  if #gone > 0 then
    call('ZREM', ids_at, unpack(gone))
    call('HDEL', ids_key, unpack(gone))
  end
end

-- What an event may have beside its data; true: it is kept with it.
local names = {topic = true, type = true, id = true, retry = true, key = true, private = true,
               ttl = false, once = false}
local numbers = {retry = true, ttl = true}
local function fault_of(name, value)
  if names[name] == nil then return 'no event has a field ' .. name end
  if numbers[name] and (#value > 15 or not find(value, '^%d+$')) then return name .. ' is no number of milliseconds' end
  if find(value, '%c') then return name .. ' holds a control character' end
  if name == 'topic' and (value == '' or value == '*') then return 'a topic is empty, or *' end
  if name == 'id' and (value == 'earliest' or find(value, '^#') or
                       find(value, '^' .. state.epoch .. '%-%d+$')) then
    return 'an id must not be one that the gateway gives, nor "earliest", nor begin with #'
  end
end

-- Tables are dear here: there is one for all events, and none for each.
local drafts = {count = 0, tail = {}, size = {}, id = {}, once = {}, before = {}}
local lines = {'', '', '', '', '', ''}

-- tail: of its entry, all behind the first line. Returns what is wrong.
local function read_draft(at, from, to)
  local data, n, size, topics, ttl = '', 1, 64, 0, nil
  for i = from, to, 2 do
    local name, value = ARGV[i], ARGV[i + 1]
    size = size + #value
    if name == 'data' then
      data = value
    else
      local fault = fault_of(name, value)
      if fault then return fault end
      if value ~= '' and names[name] then
        n = n + 1
        lines[n] = name .. ' ' .. value
      end
      if name == 'topic' then topics = topics + 1
      elseif value == '' then  -- As if it were not there.
      elseif name == 'ttl' then ttl = value
      elseif name == 'id' then drafts.id[at] = value
      elseif name == 'once' then drafts.once[at] = value
      end
    end
  end
  if topics == 0 or topics > 1000 then return 'an event needs a topic, and has 1000 at most' end
  if ttl then
    n = n + 1
    lines[n] = 'expires ' .. text(math.floor(now / 1000) + tonumber(ttl))
  end
  lines[n + 1], lines[n + 2] = '', data
  local tail = table.concat(lines, '\n', 1, n + 2)
  if #tail + 64 > state.max_event then
    return 'an event has more than ' .. text(state.max_event) .. ' bytes, a quarter of history.answer_bytes'
  end
  drafts.tail[at], drafts.size[at] = tail, size
  drafts.before[at] = state.keys > 0 and drafts.once[at] and repeated(drafts.once[at])
end

local function read_drafts(from)
  local i, n, last = from, 0, #ARGV
  while i <= last do
    local count = tonumber(ARGV[i])
    if not count or count < 2 or count % 2 ~= 0 or i + count > last then
      return 'an event begins with the number of its words: name value name value …'
    end
    n = n + 1
    local fault = read_draft(n, i + 1, i + count)
    if fault then return fault end
    i = i + count + 1
  end
  drafts.count = n
end

-- The stream as far as it is ours, made anew: its end cannot go back otherwise.
local function copy()
  local made, from = base .. ':copy', math.max(state.seq - 9999, 1)
  call('DEL', made)
  while from <= state.seq do
    local some = call('XRANGE', stream, text(from) .. '-0', text(state.seq) .. '-0', 'COUNT', 100)
    if #some == 0 then break end
    for _, entry in ipairs(some) do
      if marks_of(entry) then call('XADD', made, entry[1], unpack(entry[2])) end
    end
    from = place_of(some[#some]) + 1
  end
  call('DEL', stream)
  if call('EXISTS', made) == 1 then call('RENAME', made, stream) end
end

-- What others put behind our end is in the way of what comes there.
local function free_end()
  local function beyond() return call('XRANGE', stream, '(' .. text(state.seq) .. '-0', '+', 'COUNT', 100) end
  local some = beyond()
  while #some > 0 do
    for _, entry in ipairs(some) do call('XDEL', stream, entry[1]) end
    some = beyond()
  end
  local reset = pcall('XSETID', stream, text(state.seq) .. '-0')
  if reset.err and call('EXISTS', stream) == 1 then copy() end
end

local function mend(from)
  local is_mended = false
  for _, entry in ipairs(call('XRANGE', stream, '(' .. text(from) .. '-0', '+', 'COUNT', 512)) do
    if not marks_of(entry) then
      call('XDEL', stream, entry[1])
      is_mended = true
    end
  end
  -- Where the end cannot go back that is a copy of all, which an append may have made already.
  if is_mended then free_end() end
end

-- Where the clock is behind the marks (it was set back), they must not be those of another history that
-- goes on from the same event: what a fail-over loses is seen by them.
local step = 1 + tonumber(clock[2]) % 251
local function add(tail)
  local mark = math.max(now, state.mark + step)
  step = 1
  local place, entry = text(state.seq + 1), format(marks, mark, state.mark, state.bytes) .. tail
  local added = pcall('XADD', stream, place, 'event', entry)
  if added.err then
    local is_in_the_way = find(added.err, 'smaller', 1, true) or find(added.err, 'exhausted', 1, true)
    if is_in_the_way then free_end() end
    call('XADD', stream, place, 'event', entry)
  end
  state.seq, state.mark = state.seq + 1, mark
  return place
end

-- Its id and its place; true: it is a repeat.
local function put(i, fresh)
  local once = state.keys > 0 and drafts.once[i]
  local before = once and (fresh[once] or drafts.before[i])
  if before then
    drafts.id[i], drafts.once[i] = nil, nil
    return before[1], before[2], true
  end
  local place = add(drafts.tail[i])
  state.bytes = state.bytes + drafts.size[i]
  local id = drafts.id[i] or state.epoch .. '-' .. place
  if once then fresh[once] = {id, place} end
  return id, place, false
end

-- What goes with the events that were put.
local function note(answers)
  for i = 1, drafts.count do
    local id, place = answers[3 * i - 2], answers[3 * i - 1]
    if drafts.id[i] then note_id(id, place) end
    if state.keys > 0 and drafts.once[i] then remember(drafts.once[i], id, place) end
  end
end

-- Nodes of the stream hold many events, so it is enough to look now and then. Age is seen to by `tidy`.
local function trim_after(seq, bytes)
  local events, size = math.min(state.max_events / 8, 64), state.max_bytes / 64
  local is_time = math.floor(seq / events) ~= math.floor(state.seq / events) or
                  math.floor(bytes / size) ~= math.floor(state.bytes / size)
  if is_time then trim(seq) end
end

-- Of the last 256 appends of a sender. It has to live for longer than anybody would ask again.
local kSent, kLives = 256, 900000
local function keep_answer(run, key, number, answers)
  run('HSET', key, number % kSent, text(number) .. '\n' .. table.concat(answers, '\n'))
  if call('PTTL', key) < kLives / 2 then run('PEXPIRE', key, kLives) end
end
-- true: it was overtaken by so many that nobody knows.
local function kept_answer(key, number)
  local of, rest = match(call('HGET', key, number % kSent) or '', '^(%d+)\n(.*)$')
  of = tonumber(of or 0)
  if of ~= number then return nil, of > number end
  call('PEXPIRE', key, kLives)  -- A write, for a WAIT behind it to wait for.
  local answers = {}
  for word in string.gmatch(rest, '[^\n]+') do answers[#answers + 1] = word end
  return answers
end

local function append()
  local epoch, sender = ARGV[2], ARGV[3]
  if not sender then return redis.error_reply('ERR append needs an epoch and a sender, each may be empty') end
  if epoch ~= '' and epoch ~= had_epoch then
    return redis.error_reply('EPOCH this history is ' .. (had_epoch or 'empty') .. ', not ' .. epoch)
  end
  local name, number = match(sender, '^([^:]+):(%d+)$')
  local sent_key = name and base .. ':sent:' .. name
  number = tonumber(number or '')
  local here, elsewhere = try('EXISTS', stream, state_key, once_key, once_at, ids_key, ids_at, sent_key or stream)
  if not here then return elsewhere end
  -- Of two copies on different connections the first may come last.
  if sent_key then
    local before, is_late = kept_answer(sent_key, number)
    if before then return before end
    if is_late then return redis.error_reply('ERR this call was overtaken by 256 others of its sender') end
  end
  local fault = read_drafts(4)
  if fault then return redis.error_reply('ERR ' .. fault) end
  local answers, fresh, seq, bytes = {}, {}, state.seq, state.bytes
  for i = 1, drafts.count do
    local id, place, is_repeat = put(i, fresh)
    answers[3 * i - 2], answers[3 * i - 1], answers[3 * i] = id, place, is_repeat and '1' or '0'
  end
  if state.seq > seq then
    save()
    note(answers)
  end
  -- Of repeats alone: what they repeat is kept, though Redis may take no more now.
  if sent_key then keep_answer(state.seq > seq and call or pcall, sent_key, number, answers) end
  if state.seq > seq then trim_after(seq, bytes) end
  return answers
end

if ARGV[1] == 'append' then return append() end
if ARGV[1] == 'open' then
  local opened = pcall('HSET', state_key, 'max_events', ARGV[2], 'max_bytes', ARGV[3], 'max_age', ARGV[4],
                       'window', ARGV[5], 'keys', ARGV[6], 'max_event', ARGV[7])
  -- Redis may be full, or lack replicas. A history that is there can be read all the same.
  local is_refused = type(opened) == 'table' and opened.err
  if is_refused and not had_epoch then return opened end
  if not is_refused then save() end
  return summary()
end
if ARGV[1] == 'tidy' then
  if had_epoch then trim(state.seq) end
  return summary()
end
if ARGV[1] == 'renew' then
  if had_epoch == ARGV[2] then
    state.epoch = new_epoch()
    add('\nepoch ' .. state.epoch .. '\n\n')
    save()
  end
  return summary()
end
if ARGV[1] == 'mend' then
  if had_epoch then mend(tonumber(ARGV[2])) end
  return summary()
end
return redis.error_reply('ERR the script knows append, open, tidy, renew and mend')
