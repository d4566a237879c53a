#include "cli/excerpt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/utf8.h"
#include "cli/table.h"
#include "codec/check_json.h"

namespace sandpit::cli {
namespace {

// Printable, with a tab as wide as it is everywhere.
std::string shown(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t tab = std::min(text.find('\t'), text.size());
    result += printable(text.substr(0, tab));
    if (tab < text.size()) result += "    ";
    text.remove_prefix(std::min(tab + 1, text.size()));
  }
  return result;
}

std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string excerpt_text(const CheckProblem& problem, Colour colour) {
  const std::string_view excerpt = problem.excerpt;
  if (excerpt.empty() || problem.column < problem.excerpt_column) return {};
  const std::size_t start = problem.column - problem.excerpt_column;
  if (start > excerpt.size()) return {};
  std::size_t size = excerpt.size() - start;
  if (problem.end_line == problem.line && problem.end_column >= problem.column) {
    size = std::min<std::size_t>(size, problem.end_column - problem.column);
  }
  const std::size_t before = width(shown(excerpt.substr(0, start)));
  const std::size_t marked = std::max<std::size_t>(width(shown(excerpt.substr(start, size))), 1);
  return fmt::format("{:>5} | {}\n{:>5} | {}{}\n", problem.line, shown(excerpt), "",
                     std::string(before, ' '),
                     painted("^" + std::string(marked - 1, '~'), Colouring::kGood, colour));
}

}  // namespace sandpit::cli
