-- Write a change of the API's document with its history entry, and publish a message about it, in one step.
-- KEYS: the document's hash, the history's list. ARGV: the version that the change was made against ('' for none),
-- the new version, the channel, the history entry ('' for none), the most entries of the history, the number of
-- fields to set, the number of fields to remove, the fields and values to set, the fields to remove.
-- Returns 1 if written, 0 if the stored version is another one.
local SLICE = 4000 -- the Lua stack limits unpack() to about 8000 values

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
