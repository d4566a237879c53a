#include "codec/outcome_json.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "codec/json.h"
#include "sandpit/outcome.h"

namespace sandpit {
namespace {

using boost::json::object;
using boost::json::value;

void put_stream(object& json, std::string_view name, std::string_view bytes) {
  const bool readable = is_valid_utf8(bytes);
  json[name] = readable ? boost::json::string(bytes) : boost::json::string(codec::base64(bytes));
  json[fmt::format("{}_encoding", name)] = readable ? "utf-8" : "base64";
}

boost::json::array denials_json(const std::vector<Denial>& denials) {
  boost::json::array array;
  for (const Denial& denial : denials) {
    array.push_back(object{{"what", codec::text(denial.what)},
                           {"call", codec::text(denial.call)},
                           {"detail", codec::text(denial.detail)},
                           {"errno", codec::text(denial.error)},
                           {"hint", codec::text(denial.hint)},
                           {"count", denial.count}});
  }
  return array;
}

boost::json::array limits_json(const std::vector<LimitReached>& limits) {
  boost::json::array array;
  for (const LimitReached& reached : limits) {
    array.push_back(object{{"limit", codec::text(reached.limit)},
                           {"detail", codec::text(reached.detail)},
                           {"hint", codec::text(reached.hint)},
                           {"count", reached.count}});
  }
  return array;
}

object network_json(const NetworkUse& use) {
  object json;
  json["connections"] = use.connections;
  json["denied"] = use.denied;
  json["bytes_sent"] = use.sent.count();
  json["bytes_received"] = use.received.count();
  return json;
}

object files_json(const FileTrace& trace) {
  boost::json::array failed;
  for (const FileAccess& access : trace.failed) {
    object row;
    codec::put_bytes(row, "path", access.path);
    row["access"] = codec::text(access.access);
    row["errno"] = codec::text(access.error);
    row["hint"] = codec::text(access.hint);
    if (access.grant) codec::put_bytes(row, "host", access.grant->host);
    row["count"] = access.count;
    failed.push_back(std::move(row));
  }
  object json{
      {"failed", std::move(failed)}, {"unlisted", trace.unlisted}, {"absent", trace.absent}};
  if (!trace.missing.empty()) json["missing"] = codec::text(trace.missing);
  return json;
}

object wasm_json(const WasmOutcome& wasm) {
  object json;
  json["fuel_used"] = wasm.fuel_used ? value(*wasm.fuel_used) : value(nullptr);
  json["memory_high_water_kb"] = (wasm.memory_high_water.count() + 1023) / 1024;
  json["compile_time_ms"] = codec::milliseconds(wasm.compile_time);
  json["cache_hit"] = wasm.cache_hit;
  json["warm"] = wasm.warm;
  json["compiler"] = codec::text(wasm.compiler);
  json["trap"] = wasm.trap.empty() ? value(nullptr) : value(codec::text(wasm.trap));
  json["backtrace"] = codec::text_array(wasm.backtrace);
  return json;
}

object outcome_object(const Outcome& outcome) {
  object json;
  json["schema_version"] = 1;
  json["status"] = to_string(outcome.status);
  // null unless the program ended by itself: a made-up 0 would read as success.
  json["exit_code"] = outcome.status == Status::kExited ? value(outcome.exit_code) : value(nullptr);
  json["signal"] = outcome.signal != 0 ? value(signal_name(outcome.signal)) : value(nullptr);
  put_stream(json, "stdout", outcome.stdout_text);
  put_stream(json, "stderr", outcome.stderr_text);
  json["stdout_bytes"] = outcome.stdout_bytes;
  json["stderr_bytes"] = outcome.stderr_bytes;
  json["stdout_truncated"] = outcome.stdout_truncated;
  json["stderr_truncated"] = outcome.stderr_truncated;
  json["wall_time_ms"] = codec::milliseconds(outcome.wall_time);
  json["cpu_time_ms"] = codec::milliseconds(outcome.cpu_time);
  json["user_time_ms"] = codec::milliseconds(outcome.user_time);
  json["system_time_ms"] = codec::milliseconds(outcome.system_time);
  json["peak_memory_kb"] = (outcome.peak_memory.count() + 1023) / 1024;
  json["runtime"] = codec::text(outcome.runtime);
  json["runtime_version"] = codec::text(outcome.runtime_version);
  json["engine"] = codec::text(outcome.engine);
  json["compile"] = outcome.compile ? value(outcome_object(*outcome.compile)) : value(nullptr);
  json["denials"] = denials_json(outcome.denials);
  if (outcome.denials_unlisted != 0) json["denials_unlisted"] = outcome.denials_unlisted;
  if (!outcome.denials_missing.empty()) {
    json["denials_missing"] = codec::text(outcome.denials_missing);
  }
  json["limits_reached"] = limits_json(outcome.limits_reached);
  object enforcement;
  for (const auto& [limit, mechanism] : outcome.enforcement)
    enforcement[limit] = codec::text(mechanism);
  json["enforcement"] = std::move(enforcement);
  json["message"] = codec::text(outcome.message);
  json["warnings"] = codec::text_array(outcome.warnings);
  json["start"] = codec::text(outcome.start);
  if (!outcome.start_reason.empty()) json["start_reason"] = codec::text(outcome.start_reason);
  if (outcome.cached) json["cached"] = true;
  if (outcome.network) json["network"] = network_json(*outcome.network);
  if (outcome.files_traced) json["files_traced"] = files_json(*outcome.files_traced);
  if (outcome.wasm) json["wasm"] = wasm_json(*outcome.wasm);
  return json;
}

}  // namespace

std::string outcome_to_json(const Outcome& outcome) {
  return codec::render(outcome_object(outcome), codec::Layout::kCompact);
}

}  // namespace sandpit
