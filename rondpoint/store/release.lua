-- Release a lease if the caller still holds it, and wake up the waiting agents.
-- KEYS: lease. ARGV: the caller's lease, channel.
if ARGV[1] ~= '' and redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
redis.call('PUBLISH', ARGV[2], KEYS[1])
