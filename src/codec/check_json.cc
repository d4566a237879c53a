#include "codec/check_json.h"

#include <optional>
#include <string>
#include <vector>

#include "codec/json.h"
#include "codec/wasm_description.h"

namespace sandpit {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

template <class T>
value or_null(const std::optional<T>& number) {
  return number ? value(*number) : value(nullptr);
}
value or_null(const std::string& text) {
  return text.empty() ? value(nullptr) : value(codec::text(text));
}
value or_null(unsigned number) { return number != 0 ? value(number) : value(nullptr); }

array imports_json(const std::vector<WasmDescription::Import>& imports) {
  array list;
  for (const WasmDescription::Import& item : imports) {
    list.push_back(object{{"module", codec::text(item.module)},
                          {"name", codec::text(item.name)},
                          {"type", codec::text(item.type)},
                          {"capability", or_null(item.capability)},
                          {"granted", item.granted}});
  }
  return list;
}

array exports_json(const std::vector<WasmDescription::Export>& exports) {
  array list;
  for (const WasmDescription::Export& item : exports) {
    list.push_back(object{{"name", codec::text(item.name)}, {"type", codec::text(item.type)}});
  }
  return list;
}

array memories_json(const std::vector<WasmDescription::Memory>& memories) {
  array list;
  for (const WasmDescription::Memory& item : memories) {
    list.push_back(object{{"min_pages", item.min_pages},
                          {"max_pages", or_null(item.max_pages)},
                          {"shared", item.shared},
                          {"memory64", item.memory64}});
  }
  return list;
}

array tables_json(const std::vector<WasmDescription::Table>& tables) {
  array list;
  for (const WasmDescription::Table& item : tables) {
    list.push_back(
        object{{"min", item.min}, {"max", or_null(item.max)}, {"type", codec::text(item.type)}});
  }
  return list;
}

object description_json(const WasmDescription& description) {
  object json;
  json["kind"] = codec::text(description.kind);
  json["imports"] = imports_json(description.imports);
  json["exports"] = exports_json(description.exports);
  json["memories"] = memories_json(description.memories);
  json["tables"] = tables_json(description.tables);
  json["features"] = codec::text_array(description.features);
  json["entry"] = description.entry ? value(codec::text(*description.entry)) : value(nullptr);
  return json;
}

array problems_json(const std::vector<CheckProblem>& problems) {
  array list;
  for (const CheckProblem& problem : problems) {
    list.push_back(object{{"severity", codec::text(problem.severity)},
                          {"message", codec::text(problem.message)},
                          {"rule", or_null(problem.rule)},
                          {"line", or_null(problem.line)},
                          {"column", or_null(problem.column)},
                          {"end_line", or_null(problem.end_line)},
                          {"end_column", or_null(problem.end_column)}});
  }
  return list;
}

}  // namespace

std::string check_to_json(const FileCheck& check) {
  object json;
  json["schema_version"] = 1;
  codec::put_bytes(json, "file", check.file);
  json["ok"] = check.ok;
  json["description"] =
      check.description ? value(description_json(*check.description)) : value(nullptr);
  json["problems"] = problems_json(check.problems);
  return codec::render(json, codec::Layout::kCompact);
}

}  // namespace sandpit
