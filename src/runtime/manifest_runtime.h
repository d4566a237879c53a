// A Runtime made from a manifest: what a language needs that has no C++ class of its own. Used by
// load_manifests.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/interpreter.h"
#include "runtime/manifest.h"
#include "sandpit/runtime.h"

namespace sandpit {

struct KnownManifest;
struct PlaceholderValues;

class ManifestRuntime final : public Runtime {
 public:
  // `context`: the host as look-ups see it.
  ManifestRuntime(Manifest manifest, std::shared_ptr<const LookupContext> context);
  // The same of `known`'s text, found at `path`, which is read when more is asked than who it is
  // for.
  ManifestRuntime(const KnownManifest& known, std::string path,
                  std::shared_ptr<const LookupContext> context);

  [[nodiscard]] std::string_view name() const override { return id_; }
  [[nodiscard]] std::vector<std::string> extensions() const override { return extensions_; }
  [[nodiscard]] std::vector<std::string> shebangs() const override { return shebangs_; }
  [[nodiscard]] std::vector<std::string> aliases() const override { return aliases_; }
  [[nodiscard]] std::vector<std::string> versions() const override;
  [[nodiscard]] LimitOverrides default_limits() const override { return manifest().limits; }
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

  // Safe from several threads.
  [[nodiscard]] const Manifest& manifest() const;

  std::string id_;
  std::vector<std::string> aliases_;
  std::vector<std::string> extensions_;
  std::vector<std::string> shebangs_;
  std::vector<std::string> magic_;
  const KnownManifest* known_ = nullptr;  // what manifest_ is made of, when it is asked for
  std::string path_;
  mutable std::once_flag read_;
  mutable Manifest manifest_;
  std::shared_ptr<const LookupContext> context_;
  mutable std::mutex asked_mutex_;
  mutable std::map<std::string, std::string> asked_;  // stamp of a program -> its version
};

}  // namespace sandpit
