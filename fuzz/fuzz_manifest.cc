// A runtime's manifest, and what is read of a source before anything runs: its first bytes and its
// "#!" line. The manifest ends at a line "#---"; the source follows.
#include <memory>

#include "fuzz/input.h"
#include "runtime/manifest.h"
#include "runtime/manifest_runtime.h"
#include "runtime/shebang.h"
#include "runtime/text_lint.h"
#include "sandpit/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sandpit;
  fuzz::Input input(data, size);
  const std::string_view text = input.take_until("\n#---\n");
  const std::string_view source = input.rest();
  (void)parse_shebang(source);
  (void)lint_text(source);
  auto manifest = parse_manifest(text, "fuzz.toml");
  if (!manifest) {
    fuzz::require(!manifest.error().to_string().empty(), "an error says what is wrong");
    return 0;
  }
  const std::string id = manifest->id;
  fuzz::require(!id.empty() && !manifest->argv.empty(), "what is required is there");
  // No home and no PATH: only the host's own programs are found, and none is started.
  const ManifestRuntime runtime(std::move(*manifest), std::make_shared<const LookupContext>(
                                                          LookupContext{.cwd = "/nonexistent"}));
  fuzz::require(runtime.name() == id, "a runtime is named by its manifest");
  (void)runtime.recognises(source);
  (void)runtime.lint(source);
  (void)runtime.info({}, Runtime::Probe::kPathOnly);
  const Request request{.source = SourceText{.text = std::string(source), .name = {}},
                        .args = {"{args}", "two words", ""}};
  Settings settings;
  settings.runtimes[id].packages_dir = "/usr/share";
  settings.runtimes[id].extra_args = {"{source}"};
  const auto steps =
      runtime.plan(request, {.name = "a b.x", .head = std::string(source)}, settings);
  if (!steps) return 0;
  fuzz::require(!steps->run.argv.empty() && steps->run.argv.front().starts_with('/'),
                "what runs is an absolute path");
  fuzz::require(steps->source_name.find('/') == std::string::npos, "the source is one file name");
  return 0;
}
