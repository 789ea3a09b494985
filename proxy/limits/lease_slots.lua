-- Share the slots of in-flight limits among workers (see in_flight_limits.py).
-- KEYS: the hash of leases (worker -> end), then the hash of slots of each limit and source (worker -> slots and the time
-- until which requests of this worker count as waiting). ARGV: the worker, the length of its lease, the time for which its
-- requests count as waiting, the seconds until unused hashes expire; then for each hash the limit, the slots in use, the
-- number of waiting requests, and the spare slots wanted. Times are microseconds, of Unix time if absolute.
-- Returns whether the worker's lease was in force, then for each hash: the slots for waiting requests, the spare slots,
-- and the slots that remain free.
local PORTION_DIVISOR = 8

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local worker, term, wait_window, expiry = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local function read_hash(key)
  local found = redis.pcall('HGETALL', key)
  if found.err then
    redis.call('EXPIRE', key, 0)
    return {}
  end
  return found
end

local alive = {}
local leases = read_hash(KEYS[1])
for at = 1, #leases, 2 do
  if (tonumber(leases[at + 1]) or 0) > now then
    alive[leases[at]] = true
  elseif leases[at] ~= worker then
    redis.call('HDEL', KEYS[1], leases[at])
  end
end
local reply = { alive[worker] and 1 or 0 }
redis.call('HSET', KEYS[1], worker, string.format('%.0f', now + term))
redis.call('EXPIRE', KEYS[1], expiry)

for index = 2, #KEYS do
  local key, at = KEYS[index], (index - 2) * 4 + 4
  local limit, used = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local waiting, spare = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])

  local others, rivals, contended, before, stored = 0, 1, false, 0, false
  local fields = read_hash(key)
  for field = 1, #fields, 2 do
    local slots, until_time = string.match(fields[field + 1], '^(%d+) (%d+)$')
    if fields[field] == worker then
      before, stored = tonumber(slots) or 0, true
    elseif slots and alive[fields[field]] then
      local waits = tonumber(until_time) > now
      others = others + slots
      contended = contended or waits
      if waits or tonumber(slots) > 0 then
        rivals = rivals + 1
      end
    else
      redis.call('HDEL', key, fields[field])
    end
  end

  local free = math.max(0, limit - others - used)
  local granted = math.min(waiting, free)
  if contended then
    -- A worker that gives slots back takes them again only up to its share, so that the others get their turn.
    local share = limit / rivals
    share = used < before and math.floor(share) or math.ceil(share)
    granted = math.min(granted, math.max(0, share - used))
    spare = 0
  end
  spare = math.min(spare, math.floor((free - granted) / PORTION_DIVISOR))

  local slots = used + granted + spare
  if slots > 0 or waiting > granted then
    local until_time = waiting > granted and now + wait_window or 0
    redis.call('HSET', key, worker, string.format('%d %.0f', slots, until_time))
    redis.call('EXPIRE', key, expiry)
  elseif stored then
    redis.call('HDEL', key, worker)
  end
  reply[#reply + 1] = granted
  reply[#reply + 1] = spare
  reply[#reply + 1] = free - granted - spare
end
return reply
