// Options of the measuring programs: `--name value` pairs, flags, and command lines that end with a
// word of their own. Only bench/ uses it; run.py is the only caller, so a mistake ends the program
// with a sentence.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sandpit::bench {

// One contender as told on the command line: `--case NAME [@MOUNT_NAMESPACE] ARGV… ;;`
// or `--library-case NAME ARGV… ;;`, or `--module-case NAME FILE ARGS… ;;`: a WebAssembly file that
// is run through the library.
struct CaseArguments {
  std::string name;
  std::string mount_namespace;
  std::vector<std::string> argv;
  enum class Kind : std::uint8_t { kCommand, kLibrary, kModule } kind = Kind::kCommand;
};

class Arguments {
 public:
  // Ends the process with status 2 when an option is not in `known` or misses its value.
  static Arguments parse(int argc, char** argv, std::initializer_list<std::string_view> known);

  [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t otherwise) const;
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise) const;
  [[nodiscard]] const std::vector<CaseArguments>& cases() const { return cases_; }
  [[nodiscard]] const std::string& mode() const {
    return mode_;
  }  // the first word, when it is no option

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<CaseArguments> cases_;
  std::string mode_;
};

}  // namespace sandpit::bench
