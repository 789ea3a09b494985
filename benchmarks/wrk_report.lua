-- Posts a body of RONDPOINT_BENCH_UPLOAD bytes, if any, and writes the figures of wrk as one JSON object: its own report rounds them.
-- Times are in microseconds.
local upload = tonumber(os.getenv("RONDPOINT_BENCH_UPLOAD") or "0")
if upload > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("u", upload)
end

-- With RONDPOINT_BENCH_VARIED, requests are as long as a browser's, and each has its own target and cookie.
if (os.getenv("RONDPOINT_BENCH_VARIED") or "") ~= "" then
    local number = 0
    local form
    -- RONDPOINT_BENCH_HOSTS is a number of hosts; requests go to all of them in a scattered order.
    local hosts = tonumber(os.getenv("RONDPOINT_BENCH_HOSTS") or "0")
    function request()
        if not form then
            form = "GET /?page=%d HTTP/1.1\r\nHost: %s\r\n"
                .. "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
                .. "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
                .. "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
                .. "Connection: keep-alive\r\nCookie: session=%032d\r\n"
                .. "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n\r\n"
        end
        number = number + 1
        local host = hosts > 0 and ("h%d.test"):format(number * 7919 % hosts) or wrk.headers["Host"]
        return form:format(number, host, number)
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    local file = assert(io.open(os.getenv("RONDPOINT_BENCH_REPORT"), "w"))
    file:write(string.format(
        '{"requests": %d, "duration": %d, "bytes": %d, "p50": %d, "p90": %d, "p99": %d, '
            .. '"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}\n',
        summary.requests, summary.duration, summary.bytes,
        latency:percentile(50), latency:percentile(90), latency:percentile(99),
        errors.connect, errors.read, errors.write, errors.timeout, errors.status))
    file:close()
end
