-- Write a change of what the API defines, with its entry of history, and tell of it, in one step.
-- KEYS: the hash, the list of history. ARGV: the version it was made against ('' for none), the new version,
-- the channel, the entry ('' for none), how many entries are kept, the number of fields to set, the number
-- to remove, the fields and values, the removed fields.
-- Returns 1 when written, 0 when it was made against another version.
local SLICE = 4000 -- unpack() is limited by the Lua stack, of some 8000

local version = string.match(redis.call('HGET', KEYS[1], 'version') or '', '^[1-9]%d*$') or ''
if #version > 15 then
  version = ''
end
if version ~= ARGV[1] then
  return 0
end

local at = 8
local function each_slice(command, length)
  local last = at + length - 1
  while at <= last do
    local upto = math.min(at + SLICE - 1, last)
    redis.call(command, KEYS[1], unpack(ARGV, at, upto))
    at = upto + 1
  end
end

each_slice('HSET', 2 * tonumber(ARGV[6]))
each_slice('HDEL', tonumber(ARGV[7]))
redis.call('HSET', KEYS[1], 'version', ARGV[2])
if ARGV[4] ~= '' then
  redis.call('LPUSH', KEYS[2], ARGV[4])
  redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[5]) - 1)
end
redis.call('PUBLISH', ARGV[3], ARGV[2])
return 1
