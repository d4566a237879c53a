// A Runtime made from a manifest: what a language needs that has no C++ class of its own. Used by
// load_manifests.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/interpreter.h"
#include "runtime/manifest.h"
#include "sandpit/runtime.h"

namespace sandpit {

struct PlaceholderValues;

class ManifestRuntime final : public Runtime {
 public:
  // `context`: the host as look-ups see it.
  ManifestRuntime(Manifest manifest, LookupContext context);

  [[nodiscard]] std::string_view name() const override { return manifest_.id; }
  [[nodiscard]] std::vector<std::string> extensions() const override {
    return manifest_.extensions;
  }
  [[nodiscard]] std::vector<std::string> shebangs() const override { return manifest_.shebangs; }
  [[nodiscard]] std::vector<std::string> aliases() const override { return manifest_.aliases; }
  [[nodiscard]] std::vector<std::string> versions() const override;
  [[nodiscard]] LimitOverrides default_limits() const override { return manifest_.limits; }
  [[nodiscard]] bool recognises(std::string_view head) const override;
  [[nodiscard]] RuntimeInfo info(const RuntimeSettings& settings, Probe probe) const override;
  [[nodiscard]] LintReport lint(std::string_view source) const override;
  [[nodiscard]] Result<Steps> plan(const Request& request, const SourceInfo& source,
                                   const Settings& settings) const override;

 private:
  [[nodiscard]] std::optional<FoundProgram> find(const std::vector<std::string>& names) const;
  // Of `needs`: the first that is not there; empty when all are.
  [[nodiscard]] std::string missing() const;
  [[nodiscard]] std::vector<std::string> candidates(const RuntimeSettings& settings,
                                                    std::string_view head) const;
  // Asks it, outside of the jail, as `runtimes` does.
  [[nodiscard]] std::string version_of(const FoundProgram& program,
                                       const std::string& compiler) const;
  // What ID@`version` stands for: what the manifest says, else one of the usual programs that is of
  // this version.
  [[nodiscard]] std::optional<FoundProgram> find_version(const RuntimeSettings& settings,
                                                         std::string_view version) const;
  [[nodiscard]] Error no_version(const RuntimeSettings& settings, std::string_view version) const;
  [[nodiscard]] Error not_installed(const RuntimeSettings& settings,
                                    const std::vector<std::string>& names) const;
  [[nodiscard]] Result<void> add_packages(const RuntimeSettings& mine,
                                          const PlaceholderValues& values, Step& run) const;
  void add_compile(const FoundProgram& compiler, const PlaceholderValues& values,
                   Steps& steps) const;

  Manifest manifest_;
  LookupContext context_;
  mutable std::mutex asked_mutex_;
  mutable std::map<std::string, std::string> asked_;  // stamp of a program -> its version
};

}  // namespace sandpit
