// A table for people: columns aligned by what a terminal shows, the last one as long as it likes.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/log.h"

namespace sandpit::cli {

// The colour of a row's last cell.
enum class Colouring : std::uint8_t { kPlain, kGood, kPoor, kBad };

class Table {
 public:
  Table(std::vector<std::string> header, Colour colour);
  // As many cells as the header has. Cells are made printable.
  void add(std::vector<std::string> cells, Colouring colouring = Colouring::kPlain);
  // With a newline after each row.
  [[nodiscard]] std::string text() const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Colouring colouring = Colouring::kPlain;
  };
  Colour colour_;
  std::vector<Row> rows_;
};

// `text` in that colour, when `colour` says so.
[[nodiscard]] std::string painted(std::string text, Colouring colouring, Colour colour);

}  // namespace sandpit::cli
