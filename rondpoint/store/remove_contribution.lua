-- Remove the part of an agent that is gone, on behalf of the one that leads.
-- KEYS: the installation's lease, the part's, the list of parts, then all that is stored of it.
-- ARGV: the lease of who asks, the agent's name. Returns 1 when it is done, 0 when it is not for the asker to do.
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
