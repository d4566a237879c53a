// Build-time tool: embeds runtimes/*/runtime.toml (src/runtime/known_manifests.h), each found good.
//   manifestgen OUTPUT.cc MANIFEST…
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ios>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/manifest.h"

namespace {

using sandpit::Manifest;

// Pieces, because compilers need only take string literals of 64 KiB; escapes, because of NULs.
std::string literal(std::string_view text) {
  std::string result;
  constexpr std::size_t kPiece = 100;
  do {
    result += "\n        \"";
    for (const char c : text.substr(0, kPiece)) {
      const auto byte = static_cast<unsigned char>(c);
      const bool plain = byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '?';
      result += plain ? std::string(1, c) : fmt::format("\\{:03o}", byte);
    }
    result += '"';
    text.remove_prefix(std::min(kPiece, text.size()));
  } while (!text.empty());
  return result + "sv";
}

bool can_be_listed(const std::vector<std::string>& list) {
  return std::ranges::none_of(list, [](const std::string& word) {
    return word.empty() || word.find('\n') != std::string::npos;
  });
}

std::string row(const Manifest& manifest, std::string_view text) {
  std::string result =
      fmt::format("    {{.id = \"{}\"sv,\n     .text ={},\n", manifest.id, literal(text));
  for (const auto& [name, list] :
       {std::pair("aliases", &manifest.aliases), std::pair("extensions", &manifest.extensions),
        std::pair("shebangs", &manifest.shebangs), std::pair("magic", &manifest.magic)}) {
    result +=
        fmt::format("     .{} ={},\n", name, literal(fmt::format("{}", fmt::join(*list, "\n"))));
  }
  return result + fmt::format("     .extensions_place = \"{}\"sv}},\n", manifest.extensions_place);
}

int fail(const std::string& message) {
  std::fputs((message + "\n").c_str(), stderr);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: manifestgen OUTPUT.cc MANIFEST...\n", stderr);
    return 2;
  }
  std::map<std::string, std::string, std::less<>> rows;
  for (int i = 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const std::filesystem::path path = argv[i];
    auto manifest = sandpit::parse_manifest(text, path);
    if (!manifest) return fail(manifest.error().to_string());
    // Of its place only what stands behind the path, which is another where it is installed.
    manifest->extensions_place.erase(0, path.native().size());
    const std::string directory = path.parent_path().filename();
    if (manifest->id != directory || !can_be_listed(manifest->aliases) ||
        !can_be_listed(manifest->extensions) || !can_be_listed(manifest->shebangs) ||
        !can_be_listed(manifest->magic)) {
      return fail(path.native() +
                  ": another id than its directory's name, or a list with a newline or an empty "
                  "word in it");
    }
    rows[manifest->id] = row(*manifest, text);
  }
  std::string code =
      "// Made by tools/manifestgen from runtimes/*/runtime.toml.\n#include "
      "\"runtime/known_manifests.h\"\n\n"
      "namespace sandpit {\n\nusing namespace std::string_view_literals;\n\nnamespace {\n\n"
      "constexpr KnownManifest kKnown[] = {\n";
  for (const auto& [id, text] : rows) code += text;
  code +=
      "};\n\n}  // namespace\n\nstd::span<const KnownManifest> known_manifests() { return kKnown; "
      "}\n\n"
      "}  // namespace sandpit\n";
  std::ofstream output(argv[1], std::ios::binary);
  output << code;
  output.close();
  if (!output) return fail(std::string("manifestgen: can't write ") + argv[1]);
  return 0;
}
