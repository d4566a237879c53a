// What of a program's output a terminal gets. A terminal takes orders in its input: to write to the
// clipboard, to change the window's title, to answer as if the user had typed. A stranger's program
// shall not give them. Text, colours and moves of the cursor pass; every other control sequence is
// left out.
//
// Each answer of pass() consists of whole characters and whole sequences, so that two streams which
// share a terminal can't make one between them. The terminal is taken to speak UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sandpit::cli {

enum class TerminalOutput : std::uint8_t {
  kGuarded,
  kRaw,  // byte for byte
};

class TerminalFilter {
 public:
  // What may go out now. What may be the beginning of something longer waits for the next call.
  [[nodiscard]] std::string pass(std::string_view bytes);
  // At the end: what ends the program's colours and shows the cursor again; what waited is dropped.
  [[nodiscard]] std::string finish();

  // How many sequences were left out that would have had an effect.
  [[nodiscard]] std::uint64_t withheld() const { return withheld_; }

 private:
  // These take what `text` begins with, and answer how long it is; 0: more is needed to tell.
  std::size_t take(std::string_view text, std::string& out);
  std::size_t take_character(std::string_view text, std::string& out);
  std::size_t take_escape(std::string_view text, std::string& out);
  std::size_t take_control_sequence(std::string_view text, std::string& out);
  std::size_t skip_string(std::string_view text);

  std::string held_;
  bool in_string_ = false;  // in a title, a clipboard's content …, until its end
  bool styled_ = false;
  bool cursor_hidden_ = false;
  std::uint64_t withheld_ = 0;
};

// Is there a terminal that has to be guarded?
[[nodiscard]] bool needs_filter(int descriptor, TerminalOutput mode);
// A text that is whole, such as a compiler's messages, written there; the errno as of write_all().
[[nodiscard]] int write_guarded(int descriptor, std::string_view text, TerminalOutput mode);

}  // namespace sandpit::cli
