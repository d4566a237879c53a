#include "codec/profile_json.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sys/seccomp.h"

namespace sandpit {
namespace {

constexpr std::size_t kWidth = 110;

// Words in lines that fit a wide terminal, all but the first indented.
std::string wrapped(const std::vector<std::string>& words) {
  constexpr std::string_view kIndent = "\n                       ";
  std::string text;
  std::size_t column = kIndent.size();
  for (const std::string& word : words) {
    if (column + word.size() + 1 > kWidth) {
      text += kIndent;
      column = kIndent.size();
    } else if (!text.empty()) {
      text += ' ';
    }
    text += word;
    column += word.size() + 1;
  }
  return text.empty() ? "-" : text;
}

}  // namespace

ProfileSummary summarise(const sys::SyscallProfile& profile, const std::vector<std::string>& allow,
                         const std::vector<std::string>& deny) {
  enum class Answer : std::uint8_t { kAllowed, kByArgument, kDenied };
  std::map<std::string, Answer> answers;
  for (const std::string& call : allow) answers[call] = Answer::kAllowed;
  for (const std::string& call : deny) answers[call] = Answer::kDenied;
  const std::map<std::string, Answer> decided = answers;
  std::map<std::string, bool> settled;  // an unconditional row was seen: later ones don't count
  for (const sys::SyscallRule& rule : profile.rules) {
    if (decided.contains(rule.name) || settled[rule.name]) continue;
    const bool allows = rule.action == sys::SyscallAction::kAllow;
    settled[rule.name] = rule.when.empty();
    const auto found = answers.find(rule.name);
    if (found == answers.end()) {
      answers[rule.name] = !allows             ? Answer::kDenied
                           : rule.when.empty() ? Answer::kAllowed
                                               : Answer::kByArgument;
    } else if (allows || found->second == Answer::kByArgument) {
      found->second = Answer::kByArgument;
    }
  }
  ProfileSummary summary{.name = profile.name, .description = profile.description};
  for (const auto& [call, answer] : answers) {
    if (answer == Answer::kAllowed) summary.allowed.push_back(call);
    if (answer == Answer::kByArgument) summary.by_argument.push_back(call);
    if (answer == Answer::kDenied) summary.denied.push_back(call);
  }
  return summary;
}

std::string profile_text(const char* step, const ProfileSummary& profile) {
  return fmt::format(
      "{0:<12} {1}: {2}\n"
      "  allowed    {3:>4} calls {4}\n"
      "  by argument{5:>4} calls {6}\n"
      "  denied     {7:>4} calls {8}\n"
      "  all others            fail with ENOSYS\n",
      step, profile.name, profile.description, profile.allowed.size(), wrapped(profile.allowed),
      profile.by_argument.size(), wrapped(profile.by_argument), profile.denied.size(),
      wrapped(profile.denied));
}

}  // namespace sandpit
