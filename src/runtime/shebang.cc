#include "runtime/shebang.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t begin = text.find_first_not_of(kBlanks); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kBlanks, end);
  }
  return words;
}

}  // namespace

std::optional<Shebang> parse_shebang(std::string_view head) {
  if (!head.starts_with("#!")) return std::nullopt;
  const std::string_view line = trimmed(head.substr(2, head.find('\n') - 2));
  const std::size_t path_end = std::min(line.find_first_of(kBlanks), line.size());
  Shebang shebang;
  shebang.path = line.substr(0, path_end);
  if (shebang.path.empty()) return std::nullopt;
  shebang.name = base_name(shebang.path);
  const std::string_view rest = trimmed(line.substr(path_end));
  if (rest.empty()) return shebang;
  if (shebang.name != "env") {
    // execve(2): everything after the interpreter is one argument.
    shebang.arguments.emplace_back(rest);
    return shebang;
  }
  std::vector<std::string> words = words_of(rest);
  std::size_t at = 0;
  while (at < words.size() &&
         (words[at].starts_with('-') || words[at].find('=') != std::string::npos)) {
    // "-Spython3" is -S and its first word written together.
    if (words[at].starts_with("-S") && words[at].size() > 2) {
      words[at].erase(0, 2);
      break;
    }
    ++at;
  }
  if (at == words.size()) return std::nullopt;
  shebang.name = base_name(words[at]);
  shebang.arguments.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
  return shebang;
}

std::string_view without_version(std::string_view name) {
  const std::size_t last = name.find_last_not_of("0123456789.");
  return last == std::string_view::npos ? name : name.substr(0, last + 1);
}

}  // namespace sandpit
