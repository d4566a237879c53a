#include "runtime/text_lint.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/utf8.h"
#include "sandpit/runtime.h"

namespace sandpit {
namespace {

LintFinding finding_at(std::string_view source, std::size_t offset, LintFinding finding) {
  const std::string_view before = source.substr(0, offset);
  const std::size_t newline = before.rfind('\n');
  finding.line = static_cast<unsigned>(std::count(before.begin(), before.end(), '\n') + 1);
  finding.column =
      static_cast<unsigned>(newline == std::string_view::npos ? offset + 1 : offset - newline);
  return finding;
}

// The first byte that is not part of a valid sequence; npos when all are.
std::size_t first_invalid(std::string_view source) {
  for (std::size_t at = 0; at < source.size();) {
    if (static_cast<unsigned char>(source[at]) < 0x80U) {
      ++at;
      continue;
    }
    const std::size_t length = utf8_sequence_length(source.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

}  // namespace

LintReport lint_text(std::string_view source) {
  using namespace std::string_view_literals;
  LintReport report;
  if (source.starts_with("\xFF\xFE"sv) || source.starts_with("\xFE\xFF"sv)) {
    report.push_back({"utf16-source", Severity::kError, "the source is UTF-16; save it as UTF-8"});
    return report;
  }
  if (const std::size_t nul = source.find('\0'); nul != std::string_view::npos) {
    report.push_back(finding_at(
        source, nul,
        {"binary-source", Severity::kError, "the source holds a NUL byte: it is no text"}));
  } else if (const std::size_t bad = first_invalid(source); bad != std::string_view::npos) {
    report.push_back(finding_at(
        source, bad,
        {"binary-source", Severity::kError, "the source is no valid UTF-8 from here on"}));
  }
  if (source.starts_with("\xEF\xBB\xBF#!"sv)) {
    report.push_back({"bom-shebang", Severity::kInfo,
                      "a byte order mark hides the #! line from the kernel", 1, 1});
  }
  const std::size_t line_end = source.find('\n');
  if (source.starts_with("#!") && line_end != std::string_view::npos &&
      source[line_end - 1] == '\r') {
    report.push_back(
        {"crlf-shebang", Severity::kInfo,
         "the #! line ends with a carriage return, which breaks it outside the sandbox", 1,
         static_cast<unsigned>(line_end)});
  }
  return report;
}

}  // namespace sandpit
