-- Renew a lease, or take it if no agent holds it.
-- KEYS: lease, token counter. ARGV: the caller's name, the lease that the caller holds ('' for none), the
-- duration in milliseconds.
-- Returns {the caller's lease now or '', another holder's lease or '', milliseconds until the latter ends}.
-- A lease with the caller's name is the caller's, also if it does not know it: a store that was slow gives it
-- after the caller has stopped waiting for the reply.
local function text(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'string' then
    return redis.call('GET', key)
  end
  if kind ~= 'none' then
    redis.call('DEL', key)
  end
  return ''
end

local held = text(KEYS[1])
local is_own = held ~= '' and (held == ARGV[2] or string.match(held, '^%d+ (.*)$') == ARGV[1])
if held ~= '' and not is_own then
  local left = redis.call('PTTL', KEYS[1])
  if left >= 0 then
    return {'', held, left}
  end
  -- A lease without an expiry was not written by an agent.
end
if not is_own then
  local last = text(KEYS[2])
  if #last > 15 or not string.match(last, '^%d*$') then
    redis.call('DEL', KEYS[2])
  end
  held = redis.call('INCR', KEYS[2]) .. ' ' .. ARGV[1]
end
redis.call('SET', KEYS[1], held, 'PX', ARGV[3])
return {held, '', 0}
