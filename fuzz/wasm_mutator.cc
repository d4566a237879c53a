// A binary module with one bad length is refused at its first bytes, so half of all changes to one
// keep its sections' lengths right: a section is changed, left out, doubled or moved.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace sandpit::fuzz {
namespace {

constexpr std::size_t kPreamble = 8;

struct Section {
  char id = 0;
  std::string body;
};

// Empty when it is no sequence of sections.
std::vector<Section> split(std::string_view module) {
  std::vector<Section> sections;
  std::string_view rest = module.substr(kPreamble);
  while (!rest.empty()) {
    Section section{.id = rest.front(), .body = {}};
    std::uint64_t length = 0;
    std::size_t at = 1;
    for (unsigned shift = 0; shift < 35; shift += 7) {
      if (at == rest.size()) return {};
      const auto byte = static_cast<unsigned char>(rest[at++]);
      length |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) break;
    }
    if (length > rest.size() - at) return {};
    section.body = rest.substr(at, length);
    rest.remove_prefix(at + length);
    sections.push_back(std::move(section));
  }
  return sections;
}

std::string join(std::string_view preamble, const std::vector<Section>& sections) {
  std::string module(preamble);
  for (const Section& section : sections) {
    module += section.id;
    std::size_t length = section.body.size();
    for (; length >= 0x80; length >>= 7U) module += static_cast<char>((length & 0x7fU) | 0x80U);
    module += static_cast<char>(length);
    module += section.body;
  }
  return module;
}

void change(std::vector<Section>& sections, std::size_t room, std::minstd_rand& random) {
  const std::size_t index = random() % sections.size();
  switch (random() % 8) {
    case 0:
      sections.erase(sections.begin() + static_cast<std::ptrdiff_t>(index));
      return;
    case 1:
      sections.push_back(Section(sections[index]));
      return;
    case 2:
      std::swap(sections[index], sections[random() % sections.size()]);
      return;
    default: {
      std::string& body = sections[index].body;
      const std::size_t size = body.size();
      body.resize(size + room);
      body.resize(
          LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(body.data()), size, body.size()));
    }
  }
}

}  // namespace
}  // namespace sandpit::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  using namespace sandpit::fuzz;
  std::minstd_rand random(seed);
  const std::string_view module(reinterpret_cast<const char*>(data), size);
  if (size > kPreamble && module.starts_with(std::string_view("\0asm", 4)) && random() % 2 == 0) {
    std::vector<Section> sections = split(module);
    if (!sections.empty()) {
      change(sections, max_size - size, random);
      const std::string changed = join(module.substr(0, kPreamble), sections);
      if (changed.size() <= max_size) {
        std::memcpy(data, changed.data(), changed.size());
        return changed.size();
      }
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}
