--[[ The journal's script: whatever changes the journal in Redis is done by it, in one step.

  EVALSHA sha 1 KEY append EPOCH SENDER COUNT name value … COUNT name value …

appends one event for each COUNT (of the words behind it that are the event's), all or none, and
answers three words for each: its id, its position, and 1 if it is a repeat, else 0.

  topic     what it is published to; may come several times, the first is the canonical one
  data      the text;  type, id, retry (ms), key: as in the protocol;  private  1
  ttl       ms, after which it is not replayed
  once      two events with the same one, within a window of time, are one

EPOCH  empty, or the one that the caller goes by: an append to another history is refused.
SENDER empty, or NAME:NUMBER[:again]. `again`: it is not known whether this was done before; if it
       was, the answer of that time is given.

  EVALSHA sha 1 KEY open MAX_EVENTS MAX_BYTES MAX_AGE WINDOW KEYS MAX_EVENT   keeps these bounds
                                       (0: none); MAX_EVENT: bytes of one event
  EVALSHA sha 1 KEY tidy               holds to the bounds
  EVALSHA sha 1 KEY renew EPOCH        begins another epoch, unless there is another one already
  EVALSHA sha 1 KEY mend POSITION      takes out what others wrote behind that position

These answer: epoch, position and mark of the newest event, the first position held, bytes held.

Keys: KEY is the stream, its ids are POSITION-0. In the same slot of a cluster: {KEY}:state, a hash
(epoch, seq, mark, bytes, and the bounds); {KEY}:once and {KEY}:once:at, what was seen lately;
{KEY}:ids and {KEY}:ids:at, where events with ids of their publishers stand; {KEY}:sent:NAME, the
last answers. Each entry holds what was given, and
  time  when it was appended, in µs; rises with every event: the entry's mark
  prev  the mark of the one before it: who has seen that one sees whether this one follows it
  at    bytes of all events before it
An entry with `epoch` is no event: another epoch begins behind it.
Nothing is written before all is known to be good; the first write is one that Redis refuses where
it refuses any (OOM, MISCONF, READONLY), so that nothing is ever half done. In a cluster a slot moves
key by key: while it is on its way every call is answered TRYAGAIN.

What others do to these keys, by hand or by mistake, stops nobody for good:
  XADD         an entry that the script did not write is no event: nobody is shown it, and it is
               taken out, by the first instance that sees it or the first append that it is in the
               way of. Where Redis does not let the end of a stream go back (since 7.2) the newest
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

local function text(number) return string.format('%.0f', number) end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

local function field_of(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
end
local function number_of(entry, name) return tonumber(field_of(entry, name) or '') end
local function place_of(entry) return tonumber(string.match(entry[1], '^%d+')) end
-- As read_entry() of the instances has it.
local function is_written(entry)
  local mark = string.match(field_of(entry, 'time') or '', '^%d+$')
  return string.match(entry[1], '^%d+%-0$') and mark and tonumber(mark) > 0 and tonumber(mark) <= 2^52
end
local function first_entry() return redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1] end

-- The state, as it will be.
local fields = {'epoch', 'seq', 'mark', 'bytes', 'max_events', 'max_bytes', 'max_age', 'window', 'keys',
                'max_event'}
-- What is on its way to another node cannot be reached by a script.
local function try(...)
  local answer = redis.pcall(...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if not string.find(answer.err, 'non local key', 1, true) then return nil, answer end
  return nil, redis.error_reply('TRYAGAIN the slot of ' .. stream .. ' is on its way to another node')
end
local values, unreachable = try('HMGET', state_key, unpack(fields))
if not values then return unreachable end
local state = {epoch = values[1], seq = tonumber(values[2] or 0), mark = tonumber(values[3] or 0),
               bytes = tonumber(values[4] or 0), max_events = tonumber(values[5] or 0),
               max_bytes = tonumber(values[6] or 0), max_age = tonumber(values[7] or 0),
               window = tonumber(values[8] or 600000), keys = tonumber(values[9] or 100000),
               max_event = tonumber(values[10] or 16777216)}
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
  for _, last in ipairs(redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 100)) do
    if is_written(last) then
      state.seq, state.mark, state.bytes = place_of(last), number_of(last, 'time'), number_of(last, 'at') or 0
      break
    end
  end
  state.epoch = new_epoch()
end

local function save()
  redis.call('HSET', state_key, 'epoch', state.epoch, 'seq', text(state.seq), 'mark', text(state.mark),
             'bytes', text(state.bytes))
end

local function summary()
  local first = first_entry()
  local held = first and state.bytes - (number_of(first, 'at') or state.bytes) or 0
  return {state.epoch, text(state.seq), text(state.mark),
          first and text(place_of(first)) or text(state.seq + 1), text(held)}
end

-- Where the first event stands that is to be kept, by all bounds. Whole nodes of the stream are
-- removed, so a little more than the bounds is held.
local function trim()
  local first = first_entry()
  if not first then return end
  local place = place_of(first)
  local cut = place
  if state.max_events > 0 then cut = math.max(cut, state.seq - state.max_events + 1) end
  if state.max_bytes > 0 then
    local held = state.bytes - (number_of(first, 'at') or 0)
    local each = held / (state.seq - place + 1)
    if held > state.max_bytes then
      cut = math.max(cut, place + math.ceil((held - state.max_bytes) / each))
    end
  end
  if state.max_age > 0 then
    local limit, at, step = now - state.max_age * 1000, first, 1
    while at and step <= 65536 and (number_of(at, 'time') or 0) < limit do
      cut = math.max(cut, place_of(at) + 1)
      at = redis.call('XRANGE', stream, text(place + step) .. '-0', '+', 'COUNT', 1)[1]
      step = step * 2
    end
  end
  if cut > place then redis.call('XTRIM', stream, 'MINID', '~', text(cut) .. '-0') end
end

local once_key, once_at = base .. ':once', base .. ':once:at'
local function repeated(once)
  local at = redis.call('ZSCORE', once_at, once)
  if not at or tonumber(at) <= now - state.window * 1000 then return nil end
  local found = redis.call('HGET', once_key, once)
  if not found then return nil end
  local place, id = string.match(found, '^(%d+) (.*)$')
  return {id, place, '1'}
end
local function forget(members)
  if #members == 0 then return end
  redis.call('ZREM', once_at, unpack(members))
  redis.call('HDEL', once_key, unpack(members))
end
local function remember(once, answer)
  redis.call('HSET', once_key, once, answer[2] .. ' ' .. answer[1])
  redis.call('ZADD', once_at, text(now), once)
  forget(redis.call('ZRANGEBYSCORE', once_at, '-inf', text(now - state.window * 1000), 'LIMIT', 0, 4))
  local over = redis.call('ZCARD', once_at) - state.keys
  if over > 0 then forget(redis.call('ZRANGE', once_at, 0, math.min(over, 4) - 1)) end
end

-- Of each id the last eight places.
local ids_key, ids_at = base .. ':ids', base .. ':ids:at'
local function note_id(id, place)
  local places = {place}
  for other in string.gmatch(redis.call('HGET', ids_key, id) or '', '%d+') do places[#places + 1] = other end
  redis.call('HSET', ids_key, id, table.concat(places, ' ', 1, math.min(#places, 8)))
  redis.call('ZADD', ids_at, place, id)
  local first = first_entry()
  local gone = redis.call('ZRANGEBYSCORE', ids_at, '-inf', '(' .. text(place_of(first)), 'LIMIT', 0, 4)
  if #gone > 0 then
    redis.call('ZREM', ids_at, unpack(gone))
    redis.call('HDEL', ids_key, unpack(gone))
  end
end

local kept = {topic = true, data = true, type = true, id = true, retry = true, key = true, private = true}
local numbers = {retry = true, ttl = true}
local function fault_of(name, value)
  if not kept[name] and name ~= 'ttl' and name ~= 'once' then return 'no event has a field ' .. name end
  if numbers[name] and (#value > 15 or not string.match(value, '^%d+$')) then return name .. ' is no number of milliseconds' end
  if name ~= 'data' and string.find(value, '[%z\1-\31\127]') then return name .. ' holds a control character' end
  if name == 'topic' and value == '' then return 'a topic is empty' end
end

local function read_drafts(from)
  local drafts, i = {}, from
  while i <= #ARGV do
    local count = tonumber(ARGV[i])
    if not count or count < 2 or count % 2 ~= 0 or i + count > #ARGV then
      return nil, 'an event begins with the number of its words: name value name value …'
    end
    if count > 4000 then return nil, 'an event has more than 4000 words' end  -- Lua could not unpack them.
    local draft = {entry = {}, size = 64, has_topic = false}
    for j = i + 1, i + count, 2 do
      local name, value = ARGV[j], ARGV[j + 1]
      local fault = fault_of(name, value)
      if fault then return nil, fault end
      if name == 'topic' then draft.has_topic = true end
      if kept[name] and (value ~= '' or name == 'data') then
        draft.entry[#draft.entry + 1] = name
        draft.entry[#draft.entry + 1] = value
      end
      if value ~= '' then draft[name] = value end
      draft.size = draft.size + #value
    end
    if not draft.has_topic then return nil, 'an event needs a topic' end
    if draft.size > state.max_event then
      return nil, 'an event has more than ' .. text(state.max_event) .. ' bytes, a quarter of history.answer_bytes'
    end
    drafts[#drafts + 1] = draft
    i = i + count + 1
  end
  return drafts
end

-- The stream as far as it is ours, made anew: its end cannot go back otherwise.
local function copy()
  local made, from = base .. ':copy', math.max(state.seq - 9999, 1)
  redis.call('DEL', made)
  while from <= state.seq do
    local some = redis.call('XRANGE', stream, text(from) .. '-0', text(state.seq) .. '-0', 'COUNT', 100)
    if #some == 0 then break end
    for _, entry in ipairs(some) do
      if is_written(entry) then redis.call('XADD', made, entry[1], unpack(entry[2])) end
    end
    from = place_of(some[#some]) + 1
  end
  redis.call('DEL', stream)
  if redis.call('EXISTS', made) == 1 then redis.call('RENAME', made, stream) end
end

-- What others put behind our end is in the way of what comes there.
local function free_end()
  local function beyond() return redis.call('XRANGE', stream, '(' .. text(state.seq) .. '-0', '+', 'COUNT', 100) end
  local some = beyond()
  while #some > 0 do
    for _, entry in ipairs(some) do redis.call('XDEL', stream, entry[1]) end
    some = beyond()
  end
  local reset = redis.pcall('XSETID', stream, text(state.seq) .. '-0')
  if reset.err and redis.call('EXISTS', stream) == 1 then copy() end
end

local function mend(from)
  for _, entry in ipairs(redis.call('XRANGE', stream, '(' .. text(from) .. '-0', '+', 'COUNT', 512)) do
    if not is_written(entry) then redis.call('XDEL', stream, entry[1]) end
  end
  free_end()
end

local function add(entry)
  local mark = math.max(now, state.mark + 1)
  local n = #entry
  entry[n + 1], entry[n + 2] = 'time', text(mark)
  entry[n + 3], entry[n + 4] = 'prev', text(state.mark)
  entry[n + 5], entry[n + 6] = 'at', text(state.bytes)
  local id = text(state.seq + 1) .. '-0'
  local added = redis.pcall('XADD', stream, id, unpack(entry))
  if added.err then
    local is_in_the_way = string.find(added.err, 'smaller', 1, true) or string.find(added.err, 'exhausted', 1, true)
    if is_in_the_way then free_end() end
    redis.call('XADD', stream, id, unpack(entry))
  end
  state.seq = state.seq + 1
  state.mark = mark
end

local function put(draft, fresh)
  local before = draft.once and state.keys > 0 and (fresh[draft.once] or repeated(draft.once))
  if before then return before end
  if draft.ttl then
    draft.entry[#draft.entry + 1] = 'expires'
    draft.entry[#draft.entry + 1] = text(math.floor(now / 1000) + tonumber(draft.ttl))
  end
  add(draft.entry)
  state.bytes = state.bytes + draft.size
  local place = text(state.seq)
  local answer = {draft.id or (state.epoch .. '-' .. place), place, '0'}
  if draft.id then note_id(draft.id, place) end
  if draft.once and state.keys > 0 then
    remember(draft.once, answer)
    fresh[draft.once] = {answer[1], answer[2], '1'}
  end
  return answer
end

local function append()
  local epoch, sender = ARGV[2], ARGV[3]
  if not sender then return redis.error_reply('ERR append needs an epoch and a sender, each may be empty') end
  if epoch ~= '' and epoch ~= had_epoch then
    return redis.error_reply('EPOCH this history is ' .. (had_epoch or 'empty') .. ', not ' .. epoch)
  end
  local name, number, again = string.match(sender, '^([^:]+):(%d+)(.*)$')
  local sent_key = name and base .. ':sent:' .. name
  local here, elsewhere = try('EXISTS', stream, state_key, once_key, once_at, ids_key, ids_at, sent_key or stream)
  if not here then return elsewhere end
  local answers = {}
  if again == ':again' then
    local before = redis.call('HGET', sent_key, number)
    if before then
      for word in string.gmatch(before, '[^\n]+') do answers[#answers + 1] = word end
      redis.call('PEXPIRE', sent_key, 900000)  -- A write, for a WAIT behind it to wait for.
      return answers
    end
  end
  local drafts, fault = read_drafts(4)
  if not drafts then return redis.error_reply('ERR ' .. fault) end
  local fresh, is_new = {}, false
  for _, draft in ipairs(drafts) do
    for _, word in ipairs(put(draft, fresh)) do answers[#answers + 1] = word end
    is_new = is_new or answers[#answers] == '0'
  end
  if is_new then
    save()
    trim()
  end
  if sent_key then
    redis.call('HSET', sent_key, number, table.concat(answers, '\n'))
    redis.call('HDEL', sent_key, text(tonumber(number) - 256))
    redis.call('PEXPIRE', sent_key, 900000)
  end
  return answers
end

if ARGV[1] == 'append' then return append() end
if ARGV[1] == 'open' then
  redis.call('HSET', state_key, 'max_events', ARGV[2], 'max_bytes', ARGV[3], 'max_age', ARGV[4], 'window', ARGV[5],
             'keys', ARGV[6], 'max_event', ARGV[7])
  save()
  return summary()
end
if ARGV[1] == 'tidy' then
  if had_epoch then trim() end
  return summary()
end
if ARGV[1] == 'renew' then
  if had_epoch == ARGV[2] then
    state.epoch = new_epoch()
    add({'epoch', state.epoch})
    save()
  end
  return summary()
end
if ARGV[1] == 'mend' then
  if had_epoch then mend(tonumber(ARGV[2])) end
  return summary()
end
return redis.error_reply('ERR the script knows append, open, tidy, renew and mend')
