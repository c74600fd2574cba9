--[[ What instances tell each other, beside events; journal.lua has those.

  EVALSHA sha 1 KEY beat NAME TTL AFTER
      NAME is here, for TTL ms. Answers whether it still was (1 or 0), how many instances there are,
      entries of one that is no longer here (name, value, …; they are removed), and revocations
      behind AFTER: "TIME SUBJECT", place, …, 1000 at most.
  EVALSHA sha 1 KEY revoke TIME SUBJECT MOST REMEMBER
      Tokens of SUBJECT from before TIME (ms since 1970) count no more. The newest MOST are kept, for
      REMEMBER ms.
  EVALSHA sha 1 KEY lacks MEMBER …
      Revocations, each "TIME SUBJECT". Answers 1 for each that is not there, 0 for others.
  EVALSHA sha 1 KEY clear NAME
      Its entries are removed, as it is about to write all of them. They stay where it could not.
  EVALSHA sha 1 KEY leave NAME
      It is gone: what it leaves is given to another one, at its next beat.

Keys, in the slot of the stream: {KEY}:instances, when each is to be taken for gone (ms); a hash
{KEY}:present:NAME, its entries; {KEY}:revoked, by place, which rises. ]]
local stream = KEYS[1]
local base = string.find(stream, '{', 1, true) and stream or '{' .. stream .. '}'
local instances, revoked = base .. ':instances', base .. ':revoked'
if redis.replicate_commands then redis.replicate_commands() end

local function text(number) return string.format('%.0f', number) end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

local kPiece = 1048576

-- A piece of what an instance left, of some bytes; when that was the last, the instance is forgotten.
-- Until then its time is 0, so that it learns of it, should it come back.
local function orphans()
  local gone = redis.call('ZRANGEBYSCORE', instances, '-inf', '(' .. text(now / 1000), 'LIMIT', 0, 1)[1]
  if not gone then return {} end
  local entries = base .. ':present:' .. gone
  local some, piece, bytes = redis.call('HRANDFIELD', entries, 256, 'WITHVALUES'), {}, 0
  for i = 1, #some, 2 do
    if bytes > kPiece then break end
    bytes = bytes + #some[i] + #some[i + 1]
    piece[i], piece[i + 1] = some[i], some[i + 1]
    redis.call('HDEL', entries, some[i])
  end
  if redis.call('EXISTS', entries) == 0 then
    redis.call('ZREM', instances, gone)
  else
    redis.call('ZADD', instances, 0, gone)
  end
  return piece
end

if ARGV[1] == 'beat' then
  local name, ttl, after = ARGV[2], tonumber(ARGV[3]), ARGV[4]
  local was = tonumber(redis.call('ZSCORE', instances, name) or 0) > 0 and 1 or 0
  -- What others revoked is read even where nothing can be written.
  local refusal, left = redis.pcall('ZADD', instances, text(now / 1000 + ttl), name), {}
  if type(refusal) ~= 'table' then
    left = orphans()
  elseif not string.find(refusal.err, '^%-?OOM') and not string.find(refusal.err, '^%-?MISCONF') and
         not string.find(refusal.err, '^%-?NOREPLICAS') then
    return refusal
  end
  return {was, redis.call('ZCARD', instances), left,
          redis.call('ZRANGEBYSCORE', revoked, '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1000)}
end
if ARGV[1] == 'clear' then
  local entries = base .. ':present:' .. ARGV[2]
  redis.call('HSET', entries, '', '')
  return redis.call('PEXPIRE', entries, 0)
end
if ARGV[1] == 'lacks' then
  local lacks = {}
  for i = 2, #ARGV do lacks[i - 1] = redis.call('ZSCORE', revoked, ARGV[i]) and 0 or 1 end
  return lacks
end
if ARGV[1] == 'leave' then
  redis.call('ZADD', instances, 0, ARGV[2])
  return 1
end
if ARGV[1] == 'revoke' then
  local newest = redis.call('ZRANGE', revoked, -1, -1, 'WITHSCORES')[2]
  local place = math.max(now, (tonumber(newest) or 0) + 1)
  redis.call('ZADD', revoked, text(place), ARGV[2] .. ' ' .. ARGV[3])
  redis.call('ZREMRANGEBYRANK', revoked, 0, -1 - tonumber(ARGV[4]))
  redis.call('ZREMRANGEBYSCORE', revoked, '-inf', text(now - tonumber(ARGV[5]) * 1000))
  return 1
end
return redis.error_reply('ERR the script knows beat, clear, lacks, leave and revoke')
