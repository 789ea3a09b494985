-- Posts a body of RONDPOINT_BENCH_UPLOAD bytes, if any, and writes what wrk counted as one JSON object, since its own report rounds and is meant for eyes.
-- Times are in microseconds.
local upload = tonumber(os.getenv("RONDPOINT_BENCH_UPLOAD") or "0")
if upload > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("u", upload)
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
