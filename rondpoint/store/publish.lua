-- Write a difference, the revision it leads to, and its message, in one step.
-- KEYS: revision, then the hashes. ARGV: the revision it was computed against ('' for none), the new
-- revision ('' to keep it), '1' to clear the hashes first, channel, message; then for each hash the
-- number of fields to set, the number to remove, the fields and values, the removed fields.
-- Returns {1, ''} when written, {0, the stored revision} when it was computed against another one.
local SLICE = 4000 -- unpack() is limited by the Lua stack, of some 8000

local function kind(key)
  return redis.call('TYPE', key).ok
end

local stored = ''
if kind(KEYS[1]) == 'string' then
  stored = string.match(redis.call('GET', KEYS[1]), '^[1-9]%d*$') or ''
end
if stored ~= ARGV[1] then
  return {0, stored}
end

local at = 6
local function each_slice(command, key, length)
  local last = at + length - 1
  while at <= last do
    local upto = math.min(at + SLICE - 1, last)
    redis.call(command, key, unpack(ARGV, at, upto))
    at = upto + 1
  end
end

for index = 2, #KEYS do
  local key = KEYS[index]
  local present = kind(key)
  if present ~= 'none' and (present ~= 'hash' or ARGV[3] == '1') then
    redis.call('DEL', key)
  end
  local set, removed = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  at = at + 2
  each_slice('HSET', key, 2 * set)
  each_slice('HDEL', key, removed)
end

if ARGV[2] ~= '' then
  redis.call('SET', KEYS[1], ARGV[2])
  redis.call('PUBLISH', ARGV[4], ARGV[5])
end
return {1, ''}
