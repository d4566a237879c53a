#include "cli/table.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/utf8.h"

namespace sandpit::cli {
namespace {

// Characters, not bytes; wide ones are counted as one, which is right for what we print.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string painted(std::string text, Colouring colouring, Colour colour) {
  if (colour == Colour::kNever || colouring == Colouring::kPlain) return text;
  const char* code = "\033[32m";
  if (colouring == Colouring::kPoor) code = "\033[33m";
  if (colouring == Colouring::kBad) code = "\033[31m";
  return code + std::move(text) + "\033[0m";
}

Table::Table(std::vector<std::string> header, Colour colour) : colour_(colour) {
  add(std::move(header));
}

void Table::add(std::vector<std::string> cells, Colouring colouring) {
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(Row{.cells = std::move(cells), .colouring = colouring});
}

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().cells.size());
  for (const Row& row : rows_) {
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      widths[i] = std::max(widths[i], width(row.cells[i]));
  }
  std::string result;
  for (const Row& row : rows_) {
    for (std::size_t i = 0; i + 1 < row.cells.size(); ++i) {
      result += row.cells[i] + std::string(widths[i] - width(row.cells[i]) + 2, ' ');
    }
    result += painted(row.cells.back(), row.colouring, colour_) + "\n";
  }
  return result;
}

}  // namespace sandpit::cli
