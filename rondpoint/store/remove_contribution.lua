-- Remove the contribution of an agent that has ended; only the leader may do so.
-- KEYS: the installation's lease, the contribution's lease, the set of contributions, then the contribution's keys.
-- ARGV: the caller's lease, the agent's name.
-- Returns 1 if removed, 0 if the caller does not lead or an agent holds the contribution's lease.
local function text(key)
  return redis.call('TYPE', key).ok == 'string' and redis.call('GET', key) or ''
end

if text(KEYS[1]) ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 1 then
  return 0
end
for index = 4, #KEYS do
  redis.call('DEL', KEYS[index])
end
if redis.call('TYPE', KEYS[3]).ok == 'set' then
  redis.call('SREM', KEYS[3], ARGV[2])
end
return 1
