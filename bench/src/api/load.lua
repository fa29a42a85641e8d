-- What wrk (https://github.com/wg/wrk, SCRIPTING) runs: asks for the paths of a file one after the other,
-- and tells what came of it as one line of JSON. The token comes by the environment: command lines are public.
local paths = {}
for path in io.lines(os.getenv("CAIRN_LOAD_PATHS")) do
  paths[#paths + 1] = path
end
local headers = { ["x-auth-token"] = os.getenv("CAIRN_LOAD_TOKEN") }
local turn = 0

function request()
  turn = turn % #paths + 1
  return wrk.format("GET", paths[turn], headers)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"count":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
