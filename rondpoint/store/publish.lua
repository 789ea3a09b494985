-- Write a difference and the revision that it leads to, and publish its message, in one step.
-- KEYS: lease, revision, then the hashes. ARGV: the writer's lease ('' for none), the revision that the
-- difference is based on ('' for none), the new revision ('' to keep it), '1' to clear the hashes first,
-- channel, message; then for each hash the number of fields to set, the number to remove, the fields and
-- values, the removed fields.
-- Returns {1, ''} if written, {0, the stored revision} if the difference is based on another revision,
-- {-1, the lease} if another writer holds the lease.
local SLICE = 4000 -- the Lua stack limits unpack() to about 8000 values

local function kind(key)
  return redis.call('TYPE', key).ok
end

local function text(key)
  return kind(key) == 'string' and redis.call('GET', key) or ''
end

local lease = text(KEYS[1])
if lease ~= ARGV[1] then
  return {-1, lease}
end
local stored = string.match(text(KEYS[2]), '^[1-9]%d*$') or ''
if #stored > 15 then
  stored = ''
end
if stored ~= ARGV[2] then
  return {0, stored}
end

local at = 7
local function each_slice(command, key, length)
  local last = at + length - 1
  while at <= last do
    local upto = math.min(at + SLICE - 1, last)
    redis.call(command, key, unpack(ARGV, at, upto))
    at = upto + 1
  end
end

for index = 3, #KEYS do
  local key = KEYS[index]
  local present = kind(key)
  if present ~= 'none' and (present ~= 'hash' or ARGV[4] == '1') then
    redis.call('DEL', key)
  end
  local set, removed = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  at = at + 2
  each_slice('HSET', key, 2 * set)
  each_slice('HDEL', key, removed)
end

if ARGV[3] ~= '' then
  redis.call('SET', KEYS[2], ARGV[3])
  redis.call('PUBLISH', ARGV[5], ARGV[6])
end
return {1, ''}
