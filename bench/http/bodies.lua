-- Sends the lines of a file in turn, each as the body of a POST. wrk ... -s bodies.lua URL -- FILE
local requests, next_one = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, line)
  end
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

-- One line that a program reads: requests, seconds, failures, and the 99th percentile in microseconds.
function done(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %d %.6f %d %d", summary.requests, summary.duration / 1e6,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(99)))
end
