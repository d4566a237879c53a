#include "codec/runtimes_json.h"

#include <span>
#include <string>

#include "codec/json.h"
#include "sandpit/runtime.h"

namespace sandpit {
namespace {

boost::json::object runtime_object(const RuntimeInfo& runtime) {
  boost::json::object json;
  json["name"] = codec::text(runtime.name);
  json["display_name"] = codec::text(runtime.display_name);
  json["version"] = codec::text(runtime.version);
  json["tier"] = runtime.tier;
  json["aliases"] = codec::text_array(runtime.aliases);
  json["versions"] = codec::text_array(runtime.versions);
  json["extensions"] = codec::text_array(runtime.extensions);
  json["engine"] = codec::text(runtime.engine);
  json["state"] = to_word(runtime.state);
  codec::put_bytes(json, "interpreter", runtime.interpreter);
  codec::put_bytes(json, "compiler", runtime.compiler);
  json["syscall_profile"] = codec::text(runtime.syscall_profile);
  json["compile_profile"] = codec::text(runtime.compile_profile);
  json["install_hint"] = codec::text(runtime.install_hint);
  codec::put_bytes(json, "origin", runtime.origin);
  return json;
}

}  // namespace

const char* to_word(RuntimeState state) {
  switch (state) {
    case RuntimeState::kReady:
      return "ready";
    case RuntimeState::kNotInstalled:
      return "not_installed";
    case RuntimeState::kNotBuilt:
      return "not_built";
  }
  return "not_installed";
}

const char* to_text(RuntimeState state) {
  switch (state) {
    case RuntimeState::kReady:
      return "ready";
    case RuntimeState::kNotInstalled:
      return "not installed";
    case RuntimeState::kNotBuilt:
      return "not built";
  }
  return "not installed";
}

std::string runtimes_to_json(std::span<const RuntimeInfo> runtimes) {
  boost::json::array array;
  for (const RuntimeInfo& runtime : runtimes) array.emplace_back(runtime_object(runtime));
  return codec::render(array, codec::Layout::kIndented);
}

std::string runtime_to_json(const RuntimeInfo& runtime) {
  return codec::render(runtime_object(runtime), codec::Layout::kIndented);
}

}  // namespace sandpit
