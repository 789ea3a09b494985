-- Remove the ticket counts of removed services; only the leader may do so.
-- KEYS: the installation's lease, its services, the tickets. ARGV: the caller's lease, names of services.
-- Keeps the count of a service that exists again. Returns 1, or 0 if the caller does not lead.
local SLICE = 4000 -- the Lua stack limits unpack() to about 8000 values

if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local removed = {}
for index = 2, #ARGV do
  if redis.call('HEXISTS', KEYS[2], ARGV[index]) == 0 then
    removed[#removed + 1] = ARGV[index]
  end
end
for at = 1, #removed, SLICE do
  redis.call('HDEL', KEYS[3], unpack(removed, at, math.min(at + SLICE - 1, #removed)))
end
return 1
