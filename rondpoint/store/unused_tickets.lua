-- Remove the counts of services that are gone, on behalf of the agent that leads.
-- KEYS: the installation's lease, its services, the tickets. ARGV: the lease of who asks, services' names.
-- Returns 1 when it is done, also where a service was back; 0 when it is not for the asker to do.
local SLICE = 4000 -- unpack() is limited by the Lua stack, of some 8000

if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local gone = {}
for index = 2, #ARGV do
  if redis.call('HEXISTS', KEYS[2], ARGV[index]) == 0 then
    gone[#gone + 1] = ARGV[index]
  end
end
for at = 1, #gone, SLICE do
  redis.call('HDEL', KEYS[3], unpack(gone, at, math.min(at + SLICE - 1, #gone)))
end
return 1
