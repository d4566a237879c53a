#include "codec/batch_json.h"

#include <fmt/format.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/utf8.h"
#include "codec/json_scan.h"
#include "codec/limit_json.h"
#include "codec/outcome_json.h"
#include "config/limit_values.h"
#include "config/suggest.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"

namespace sandpit {
namespace {

using boost::json::object;
using boost::json::value;
using codec::type_name;

constexpr std::array<std::string_view, 9> kMembers = {
    "id", "runtime", "source", "file", "files", "args", "stdin", "limits", "expected_stdout"};

constexpr std::size_t kLongestId = 1024;

// Reads the members of one task and collects what is wrong with them.
class TaskReader {
 public:
  explicit TaskReader(const object& json) : json_(json) {}

  Result<BatchTask> read(const std::string& directory) {
    check_names();
    BatchTask task;
    read_id(task);
    task.request.runtime = word("runtime").value_or("");
    read_source(task.request, directory);
    read_files(task.request);
    read_args(task.request);
    task.request.input = StdinEmpty{};
    if (auto text = this->text("stdin")) task.request.input = StdinBytes{.bytes = std::move(*text)};
    read_limits(task.request.limits);
    task.expected_stdout = text("expected_stdout");
    if (problem_) return fail(std::move(*problem_));
    return task;
  }

 private:
  void bad(std::string where, std::string message, std::string hint = {}) {
    bad(Error{.code = ErrorCode::kUsage,
              .message = std::move(message),
              .where = std::move(where),
              .hint = std::move(hint)});
  }
  void bad(Error error) {
    if (problem_) {
      problem_->others.push_back(std::move(error));
    } else {
      problem_ = std::move(error);
    }
  }
  void bad_type(std::string where, const char* expected, const value& found) {
    std::string hint;
    const bool scalar = found.is_number() || found.is_bool();
    if (scalar && std::string_view(expected) == "a text") hint = "put it in quotes";
    bad(std::move(where), fmt::format("expected {}, found {}", expected, type_name(found)),
        std::move(hint));
  }

  void check_names() {
    for (const auto& member : json_) {
      const std::string_view name(member.key().data(), member.key().size());
      bool known = false;
      for (const std::string_view one : kMembers) known = known || one == name;
      if (!known) bad(printable(name), "no such member", suggestion(name, kMembers));
    }
  }

  // Null is "not given", as what writes a table with empty cells has it.
  const value* find(std::string_view name) const {
    const value* const found = json_.if_contains(name);
    return found == nullptr || found->is_null() ? nullptr : found;
  }

  std::optional<std::string> text(const std::string& name) {
    const value* const found = find(name);
    if (found == nullptr) return std::nullopt;
    if (found->is_string()) return std::string(found->get_string());
    bad_type(name, "a text", *found);
    return std::nullopt;
  }

  // A text that goes to the kernel or is looked up: not empty, without NUL.
  std::optional<std::string> word(const std::string& name) {
    auto found = text(name);
    if (!found) return std::nullopt;
    if (found->empty()) {
      bad(name, "is empty", "leave the member out");
      return std::nullopt;
    }
    if (found->find('\0') == std::string::npos) return found;
    bad(name, "holds a NUL character");
    return std::nullopt;
  }

  void read_id(BatchTask& task) {
    const value* const found = find("id");
    if (found == nullptr) return bad("id", "is missing", "a text or a whole number");
    if (!found->is_string() && !found->is_int64() && !found->is_uint64()) {
      return bad("id", fmt::format("must be a text or a whole number below 2^64, found {}",
                                   type_name(*found)));
    }
    task.id = boost::json::serialize(*found);
    if (task.id.size() > kLongestId) {
      bad("id", fmt::format("is longer than {} bytes", kLongestId));
    }
  }

  void read_source(Request& request, const std::string& directory) {
    auto source = text("source");
    auto file = word("file");
    const bool has_source = find("source") != nullptr;
    const bool has_file = find("file") != nullptr;
    if (has_source && has_file) {
      return bad("source", "source and file are both there", "the program's text, or where it is");
    }
    if (!has_source && !has_file) {
      return bad("source", "neither source nor file is there",
                 R"("source": the program's text, or "file": its path)");
    }
    if (source) request.source = SourceText{.text = std::move(*source), .name = {}};
    if (!file) return;
    const bool relative = file->front() != '/' && !directory.empty();
    request.source = SourceFile{.path = relative ? directory + *file : *file};
  }

  void read_files(Request& request) {
    const value* const found = find("files");
    if (found == nullptr) return;
    if (!found->is_object()) {
      return bad_type("files", "an object of names and texts", *found);
    }
    for (const auto& member : found->get_object()) {
      std::string name(member.key().data(), member.key().size());
      if (!member.value().is_string()) {
        bad_type(fmt::format("files.{}", printable(name)), "a text", member.value());
        continue;
      }
      request.files.push_back(
          {.name = std::move(name),
           .content = SourceText{.text = std::string(member.value().get_string()), .name = {}}});
    }
  }

  void read_args(Request& request) {
    const value* const found = find("args");
    if (found == nullptr) return;
    if (!found->is_array()) return bad_type("args", "a list of texts", *found);
    for (std::size_t i = 0; i < found->get_array().size(); ++i) {
      const value& one = found->get_array()[i];
      if (!one.is_string()) {
        bad_type(fmt::format("args[{}]", i), "a text", one);
      } else if (one.get_string().find('\0') != boost::json::string::npos) {
        bad(fmt::format("args[{}]", i), "holds a NUL character");
      } else {
        request.args.emplace_back(one.get_string());
      }
    }
  }

  void read_limits(LimitOverrides& limits) {
    const value* const found = find("limits");
    if (found == nullptr) return;
    if (!found->is_object()) {
      return bad_type("limits", "an object with the keys of [resource_limits]", *found);
    }
    for (const auto& member : found->get_object()) {
      const std::string_view name(member.key().data(), member.key().size());
      if (auto set = set_limit(limits, name, codec::limit_value(member.value())); !set)
        bad(std::move(set).error());
    }
  }

  const object& json_;
  std::optional<Error> problem_;
};

}  // namespace

Result<BatchTask> parse_batch_task(std::string_view line, const std::string& directory) {
  SP_TRY(const codec::JsonScan scan, codec::scan_json(line));
  if (!scan.is_object) {
    return fail({.code = ErrorCode::kUsage,
                 .message = "a task is a JSON object",
                 .where = {},
                 .hint = R"json({"id": 1, "runtime": "python", "source": "print(1)"})json"});
  }
  if (!scan.duplicate.empty()) {
    return fail({.code = ErrorCode::kUsage,
                 .message = "is there twice",
                 .where = printable(scan.duplicate),
                 .hint = {}});
  }
  std::error_code error;
  const value root = boost::json::parse(line, error);
  if (error) return fail({.code = ErrorCode::kUsage, .message = error.message()});
  return TaskReader(root.get_object()).read(directory);
}

std::string batch_result_to_json(std::string_view id, const std::optional<std::string>& verdict,
                                 const Outcome& outcome) {
  std::string line = fmt::format("{{\"id\":{},", id);
  if (verdict) line += fmt::format(R"("verdict":"{}",)", *verdict);
  // The Outcome's own text without its opening brace.
  return line.append(outcome_to_json(outcome), 1);
}

Result<std::string> batch_result_id(std::string_view line) {
  SP_TRY(codec::JsonScan scan, codec::scan_json(line));
  if (!scan.is_object || scan.id.empty()) {
    return fail({.code = ErrorCode::kUsage, .message = "not a result: it has no id"});
  }
  // As a task, in which the id is the same.
  if (!scan.has_status) {
    return fail({.code = ErrorCode::kUsage, .message = "not a result: it has no status"});
  }
  return std::move(scan.id);
}

}  // namespace sandpit
