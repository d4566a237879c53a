#include "codec/conformance_json.h"

#include <string>
#include <utility>

#include "codec/json.h"
#include "codec/runtimes_json.h"
#include "sandpit/runtime.h"

namespace sandpit {

std::string tested_to_json(const TestedRuntime& tested) {
  boost::json::object json;
  json["name"] = codec::text(tested.info.name);
  json["display_name"] = codec::text(tested.info.display_name);
  json["version"] = codec::text(tested.info.version);
  json["state"] = to_word(tested.info.state);
  json["tier"] = tested.info.tier;
  json["install_hint"] = codec::text(tested.info.install_hint);
  boost::json::array cases;
  for (const TestedCase& one : tested.cases) {
    boost::json::object item;
    item["name"] = codec::text(one.name);
    item["verdict"] = codec::text(one.verdict);
    if (!one.why.empty()) item["why"] = codec::text(one.why);
    item["run_time_ms"] = codec::milliseconds(one.run_time);
    item["compile_time_ms"] = codec::milliseconds(one.compile_time);
    item["peak_memory_kb"] = (one.peak_memory.count() + 1023) / 1024;
    cases.emplace_back(std::move(item));
  }
  json["cases"] = std::move(cases);
  return codec::render(json, codec::Layout::kCompact);
}

}  // namespace sandpit
