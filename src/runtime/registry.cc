// RuntimeRegistry: which runtime a source is for.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/shebang.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/runtime.h"

namespace sandpit {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// Without the dot; empty for "name", ".name" and "name.".
std::string_view extension_of(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? std::string_view{} : file_name.substr(dot + 1);
}

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Of those for which `fits` holds the one that was added last; null where none is.
const Runtime* last_of(const std::vector<std::unique_ptr<Runtime>>& runtimes, const auto& fits) {
  for (const auto& runtime : std::views::reverse(runtimes)) {
    if (fits(*runtime)) return runtime.get();
  }
  return nullptr;
}

}  // namespace

void RuntimeRegistry::add(std::unique_ptr<Runtime> runtime) {
  const auto same = std::find_if(runtimes_.begin(), runtimes_.end(), [&](const auto& other) {
    return other->name() == runtime->name();
  });
  if (same != runtimes_.end()) runtimes_.erase(same);
  runtimes_.push_back(std::move(runtime));
}

const Runtime* RuntimeRegistry::find(std::string_view name) const {
  name = name.substr(0, name.find('@'));
  for (const auto& runtime : runtimes_) {
    if (runtime->name() == name) return runtime.get();
  }
  return last_of(runtimes_, [&](const Runtime& one) { return has(one.aliases(), name); });
}

std::vector<const Runtime*> RuntimeRegistry::all() const {
  std::vector<const Runtime*> list;
  list.reserve(runtimes_.size());
  for (const auto& runtime : runtimes_) list.push_back(runtime.get());
  std::sort(list.begin(), list.end(),
            [](const Runtime* a, const Runtime* b) { return a->name() < b->name(); });
  return list;
}

Result<const Runtime*> RuntimeRegistry::for_source(std::string_view file_name,
                                                   std::string_view head,
                                                   const Settings& settings) const {
  const std::string exact(extension_of(file_name));
  for (const std::string& extension : {exact, lower(exact)}) {
    if (extension.empty()) continue;
    if (const auto mapped = settings.extensions.find(extension);
        mapped != settings.extensions.end()) {
      if (const Runtime* runtime = find(mapped->second)) return runtime;
      return fail({.code = ErrorCode::kNoRuntime,
                   .message = fmt::format("no runtime '{}', which the extension .{} is mapped to",
                                          mapped->second, extension),
                   .where = "runtimes.extensions." + extension});
    }
    if (const Runtime* runtime = last_of(
            runtimes_, [&](const Runtime& one) { return has(one.extensions(), extension); })) {
      return runtime;
    }
  }
  const std::optional<Shebang> shebang = parse_shebang(head);
  if (shebang) {
    for (const std::string_view name :
         {std::string_view(shebang->name), without_version(shebang->name)}) {
      if (const Runtime* runtime =
              last_of(runtimes_, [&](const Runtime& one) { return has(one.shebangs(), name); })) {
        return runtime;
      }
    }
  }
  if (const Runtime* runtime =
          last_of(runtimes_, [&](const Runtime& one) { return one.recognises(head); })) {
    return runtime;
  }
  std::string why =
      exact.empty() ? "it has no extension" : fmt::format("the extension .{} is unknown", exact);
  why += shebang ? fmt::format(" and so is '{}' in its #! line", shebang->name)
                 : " and it has no #! line";
  return fail(
      {.code = ErrorCode::kNoRuntime,
       .message = fmt::format("no runtime for this file: {}", why),
       .where = {},
       .hint =
           "choose one with --runtime NAME; `sandpit runtimes` lists them and their extensions"});
}

}  // namespace sandpit
