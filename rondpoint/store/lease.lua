-- Renew leases, or take those that no agent holds, in this order, up to the first that another agent holds.
-- KEYS: leases, then the token counter. ARGV: the caller's name, the duration in milliseconds, then for each
-- lease the one that the caller holds ('' for none).
-- Returns for each lease that was tried {the caller's lease now or '', another holder's lease or '', milliseconds
-- until the latter ends}.
-- A lease with the caller's name is the caller's, also if it does not know it: a store that was slow gives it
-- after the caller has stopped waiting for the reply.
local FENCE = KEYS[#KEYS]

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

local function hold(key, known)
  local held = text(key)
  local is_own = held ~= '' and (held == known or string.match(held, '^%d+ (.*)$') == ARGV[1])
  if held ~= '' and not is_own then
    local left = redis.call('PTTL', key)
    if left >= 0 then
      return {'', held, left}
    end
    -- A lease without an expiry was not written by an agent.
  end
  if not is_own then
    local last = text(FENCE)
    if #last > 15 or not string.match(last, '^%d*$') then
      redis.call('DEL', FENCE)
    end
    held = redis.call('INCR', FENCE) .. ' ' .. ARGV[1]
  end
  redis.call('SET', key, held, 'PX', ARGV[2])
  return {held, '', 0}
end

local results = {}
for index = 1, #KEYS - 1 do
  results[index] = hold(KEYS[index], ARGV[index + 2])
  if results[index][1] == '' then
    break
  end
end
return results
