-- Take tokens from buckets; each key holds the theoretical arrival time of one (see gcra.py).
-- KEYS: the buckets. ARGV, for each: its interval, burst and longest delay, the number of waiting requests,
-- the further tokens wanted, and those given back (negative: taken without asking). Times are microseconds, of Unix time if absolute.
-- Returns, for each: the tokens granted, the delay of one further token taken before its time or -1, and the
-- time until the arrival time.
local PORTION_DIVISOR = 8

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local reply = {}
for index, key in ipairs(KEYS) do
  local at = (index - 1) * 6
  local interval, burst, max_delay = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local waiting, portion, returned = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])

  -- A key of another type is overwritten.
  local stored = redis.pcall('GET', key)
  local tat = type(stored) == 'string' and tonumber(stored) or now
  if tat ~= tat then
    tat = now
  end
  tat = math.max(tat, now)
  local before = tat
  tat = math.min(math.max(tat - returned * interval, now), now + (burst + 1) * interval)
  local available = math.max(0, math.floor((now + burst * interval - tat) / interval + 1e-6))
  local granted = math.min(available, waiting)
  granted = granted + math.min(portion, math.floor((available - granted) / PORTION_DIVISOR))
  tat = tat + granted * interval
  local wait = math.max(0, tat + interval - burst * interval - now)
  local early = -1
  if waiting > granted and wait <= max_delay then
    early = wait
    tat = tat + interval
  end
  if tat ~= before then
    -- A bucket without a key is full.
    redis.call('SET', key, string.format('%.2f', tat), 'PX', math.ceil((tat - now) / 1000) + 1)
  end
  reply[#reply + 1] = granted
  reply[#reply + 1] = math.ceil(early)
  reply[#reply + 1] = math.ceil(tat - now)
end
return reply
