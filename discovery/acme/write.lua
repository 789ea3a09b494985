-- Change what is stored about ACME; only the leader may do so.
-- KEYS: the installation's lease, the hashes, then the challenges. ARGV: the caller's lease, the number of
-- hashes; for each hash the number of fields to set, the number to remove, the fields and values, the removed
-- fields; for each challenge its text ('' to remove it) and the milliseconds after which it expires.
-- Returns {1, ''} if written, {0, the lease} if another agent leads.
local SLICE = 4000 -- the Lua stack limits unpack() to about 8000 values

local function kind(key)
  return redis.call('TYPE', key).ok
end

local lease = kind(KEYS[1]) == 'string' and redis.call('GET', KEYS[1]) or ''
if ARGV[1] == '' or lease ~= ARGV[1] then
  return {0, lease}
end

local at = 3
local function each_slice(command, key, length)
  local last = at + length - 1
  while at <= last do
    local upto = math.min(at + SLICE - 1, last)
    redis.call(command, key, unpack(ARGV, at, upto))
    at = upto + 1
  end
end

local hashes = tonumber(ARGV[2])
for index = 2, hashes + 1 do
  local key = KEYS[index]
  local present = kind(key)
  local set, removed = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  if present ~= 'none' and present ~= 'hash' then
    redis.call('DEL', key)
  end
  at = at + 2
  each_slice('HSET', key, 2 * set)
  each_slice('HDEL', key, removed)
end

for index = hashes + 2, #KEYS do
  if ARGV[at] == '' then
    redis.call('DEL', KEYS[index])
  else
    redis.call('SET', KEYS[index], ARGV[at], 'PX', ARGV[at + 1])
  end
  at = at + 2
end
return {1, ''}
