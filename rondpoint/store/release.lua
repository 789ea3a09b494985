-- Give a lease back, if it is still held, and tell those who wait for it.
-- KEYS: lease. ARGV: the lease as held, channel.
if ARGV[1] ~= '' and redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
redis.call('PUBLISH', ARGV[2], KEYS[1])
