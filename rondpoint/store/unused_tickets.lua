-- Remove the ticket counts of removed services; only the leader may do so.
-- KEYS: the installation's lease, its services, those of TCP and of UDP, the tickets. ARGV: the caller's lease,
-- fields of the tickets.
-- Keeps the count of a service that exists again. Returns 1, or 0 if the caller does not lead.
local SLICE = 4000 -- the Lua stack limits unpack() to about 8000 values
local PROTOCOLS = { ['tcp:'] = KEYS[3], ['udp:'] = KEYS[4] }

local function exists(field)
  if redis.call('HEXISTS', KEYS[2], field) == 1 then
    return true
  end
  local services = PROTOCOLS[string.sub(field, 1, 4)]
  return services ~= nil and redis.call('HEXISTS', services, string.sub(field, 5)) == 1
end

if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
local removed = {}
for index = 2, #ARGV do
  if not exists(ARGV[index]) then
    removed[#removed + 1] = ARGV[index]
  end
end
for at = 1, #removed, SLICE do
  redis.call('HDEL', KEYS[5], unpack(removed, at, math.min(at + SLICE - 1, #removed)))
end
return 1
