#include "bench/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace sandpit::bench {
namespace {

[[noreturn]] void usage(std::string_view problem) {
  fmt::print(stderr, "bench: {}\n", problem);
  std::exit(2);
}

constexpr std::string_view kEndOfCase = ";;";

// Reads from behind `--case` and returns the index behind the closing `;;`.
std::size_t read_case(std::span<char*> words, std::size_t at, CaseArguments& result) {
  if (at >= words.size()) usage("a case without a name");
  result.name = words[at++];
  if (at < words.size() && words[at][0] == '@') result.mount_namespace = words[at++] + 1;
  while (at < words.size() && words[at] != kEndOfCase) result.argv.emplace_back(words[at++]);
  if (at >= words.size()) usage("a case that is not closed by ;;");
  if (result.argv.empty()) usage(fmt::format("the case {} has no command", result.name));
  return at + 1;
}

std::optional<CaseArguments::Kind> kind_of(std::string_view word) {
  if (word == "--case") return CaseArguments::Kind::kCommand;
  if (word == "--library-case") return CaseArguments::Kind::kLibrary;
  if (word == "--module-case") return CaseArguments::Kind::kModule;
  return std::nullopt;
}

}  // namespace

Arguments Arguments::parse(int argc, char** argv, std::initializer_list<std::string_view> known) {
  Arguments result;
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  std::size_t at = 1;
  if (at < words.size() && words[at][0] != '-') result.mode_ = words[at++];
  while (at < words.size()) {
    const std::string word = words[at++];
    if (const auto kind = kind_of(word)) {
      CaseArguments told;
      told.kind = *kind;
      at = read_case(words, at, told);
      result.cases_.push_back(std::move(told));
      continue;
    }
    if (std::ranges::find(known, word) == known.end())
      usage(fmt::format("unknown option {}", word));
    if (at >= words.size()) usage(fmt::format("{} needs a value", word));
    result.values_[word] = words[at++];
  }
  return result;
}

std::uint64_t Arguments::number(std::string_view name, std::uint64_t otherwise) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  const std::string& text = found->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    usage(fmt::format("{} {}: not a number", name, text));
  }
  return value;
}

std::string Arguments::text(std::string_view name, std::string_view otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(otherwise) : found->second;
}

}  // namespace sandpit::bench
