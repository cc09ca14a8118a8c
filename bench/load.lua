-- wrk's script: sends each request of a file once, in their order, and writes down every answer.
-- Its arguments: the file of requests, and the file for answers. bench/load.py writes the one and reads the other.

local ffi = require("ffi")
ffi.cdef([[
    typedef struct { long seconds; long nanoseconds; } timespec;
    int clock_gettime(int clock, timespec *now);
    int getpid(void);
    int kill(int process, int signal);
]])
local MONOTONIC, SIGINT = 1, 2

local requests, due, sent, answered, is_tried = {}, 0, 0, 0, false
local answers, began, ended

local function now()
    local time = ffi.new("timespec")
    ffi.C.clock_gettime(MONOTONIC, time)
    return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

function setup(thread)
    the_thread = thread
end

function init(args)
    local file = assert(io.open(args[1], "rb"))
    for length in file:lines() do
        requests[#requests + 1] = file:read(tonumber(length))
    end
    file:close()
    answers = assert(io.open(args[2], "wb"))
end

-- Asked before each request. Once they are used up, a connection that would send another one waits for the end.
function delay()
    due = due + 1
    return due <= #requests and 0 or 3600 * 1000
end

function request()
    if not is_tried then -- wrk asks for one beforehand, to see whether it is well formed, and does not send it
        is_tried = true
        return requests[1]
    end
    began = began or now()
    sent = sent + 1
    return requests[sent]
end

function response(status, headers, body)
    local lines = { "HTTP/1.1 " .. status }
    for name, value in pairs(headers) do
        lines[#lines + 1] = name .. ": " .. value
    end
    local raw = table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
    answers:write(#raw, "\n", raw)
    answers:flush() -- nothing is told when the time is up
    answered, ended = answered + 1, now()
    seconds = ended - began
    if answered == #requests then
        ffi.C.kill(ffi.C.getpid(), SIGINT) -- as Ctrl-C does: wrk ends, and says what it counted
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write("seconds ", the_thread:get("seconds") or 0, "\n")
    io.write("faults ", errors.connect + errors.read + errors.write + errors.timeout, "\n")
    for place = 1, #latency do
        local microseconds, count = latency(place)
        io.write("latency ", tostring(microseconds), " ", tostring(count), "\n")
    end
end
