#include "config/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/builtin.h"
#include "config/contradictions.h"
#include "config/layer_reader.h"
#include "config/network.h"
#include "config/path_checks.h"
#include "config/profile_book.h"
#include "config/schema.h"
#include "config/setting.h"
#include "config/settings_of.h"
#include "config/state.h"
#include "config/toml_tree.h"
#include "sandpit/config.h"
#include "sandpit/error.h"

namespace sandpit {

using config::Mode;
using config::Rule;
using config::Setting;
using config::Sources;
using config::State;

namespace {

bool is_default_profile(const Setting& setting) {
  return setting.spec == &config::default_profile_key();
}

// A value that may only tighten: a list of denials is added to what is there.
Setting tightening(Setting setting) {
  if (setting.spec->rule == Rule::kSuperset) setting.mode = Mode::kAppend;
  return setting;
}

bool would_loosen(const State& state, const Setting& setting) {
  return setting.mode != Mode::kClamp && state.would_loosen(setting);
}

}  // namespace

void ConfigBuilder::add_layer(config::Layer layer, std::string_view toml) {
  const config::Layer& kept = layers_.emplace_back(std::move(layer));
  config::Problems syntax;
  const config::Node root = config::parse_toml(toml, kept, syntax);
  if (!syntax.empty()) {
    syntax_error_ = true;
    problems_.add(syntax.take());
    return;
  }
  reads_.push_back({.layer = &kept, .content = config::read_layer(root, kept, problems_)});
}

Result<Config> ConfigBuilder::build(const std::string& profile) {
  // What a file that can't be parsed would have said is unknown: nothing can be told of the whole.
  if (!syntax_error_) merge(profile);
  if (!problems_.empty()) return fail(problems_.take());
  Config result;
  result.settings_ = config::settings_of(state_);
  result.entries_ = config::entries_of(state_);
  result.warnings_ = std::move(warnings_);
  return result;
}

void ConfigBuilder::merge(const std::string& profile) {
  state_ = config::default_state();
  const Read* untrusted = nullptr;
  for (const Read& read : reads_) {
    for (const auto& [name, definition] : read.content.profiles) book_.add(definition);
    if (!read.layer->trusted) {
      untrusted = &read;
      continue;
    }
    for (const Setting& setting : read.content.settings) state_.apply(setting);
  }
  const bool sound = problems_.empty();
  book_.report(problems_);
  const bool circular = sound && !problems_.empty();
  const std::string base = base_profile(profile);
  if (base.empty() || circular || !sound) {
    if (!circular) config::check_paths(state_, problems_);
    return;
  }
  if (untrusted != nullptr) {
    merge_untrusted(*untrusted, profile, base);
  } else {
    for (const Setting& s : book_.settings(book_.chain(base, Sources::kAll), Sources::kAll)) {
      state_.apply(s);
    }
  }
  config::reconcile(state_, warnings_);
  config::check_networks(state_, problems_);
  config::check_paths(state_, problems_);
}

// The profile that applies whatever an untrusted file says; empty, with a problem told, when there
// is none.
std::string ConfigBuilder::base_profile(const std::string& profile) {
  if (!profile.empty() && !book_.has(profile, Sources::kAll)) {
    problems_.add(Error{.code = ErrorCode::kUsage,
                        .message = fmt::format("no profile {}", config::quote(profile)),
                        .where = {},
                        .hint = book_.suggest(profile)});
    return {};
  }
  if (book_.has(profile, Sources::kTrusted)) return profile;
  const Setting& setting = *state_.find("general.default_profile");
  const auto& name = std::get<std::string>(setting.value);
  if (book_.has(name, Sources::kTrusted)) return name;
  // Defined by the untrusted file alone: what it adds is measured against the profile without
  // extras.
  if (book_.has(name, Sources::kAll)) return "production";
  problems_.add(*setting.layer, setting.place,
                fmt::format("default_profile: no profile {}", config::quote(name)),
                book_.suggest(name));
  return {};
}

void ConfigBuilder::merge_untrusted(const Read& read, const std::string& profile,
                                    const std::string& base) {
  const State lower = state_;
  auto base_settings = book_.settings(book_.chain(base, Sources::kTrusted), Sources::kTrusted);
  State baseline = lower;
  for (Setting& setting : base_settings) {
    // The hosts that a profile leaves open are not for this file to choose.
    setting = baseline.with_own_hosts(std::move(setting));
    baseline.apply(setting);
  }
  apply_project(read, lower, baseline);
  for (const Setting& setting : base_settings) state_.apply(setting);
  apply_profile_extras(read, baseline, profile, base);
}

void ConfigBuilder::apply_project(const Read& read, const State& lower, const State& baseline) {
  for (const Setting& setting : read.content.settings) {
    if (is_default_profile(setting)) continue;
    // A runtime's own value outlives a general one of the profile, and a disk limit the default
    // that follows the profile's memory limit, so the profile counts for them as well.
    const bool outlives = !setting.runtime.empty() || setting.spec->name == "max_disk_mb";
    const bool loosens = would_loosen(lower, setting) ||
                         (outlives && would_loosen(baseline, lower.with_hosts(setting)));
    if (loosens) {
      ignore(setting, "it gives more than the layers below");
    } else {
      state_.apply(tightening(lower.with_hosts(setting)));
    }
  }
}

void ConfigBuilder::apply_profile_extras(const Read& read, const State& baseline,
                                         const std::string& profile, const std::string& base) {
  const std::string lower_default =
      std::get<std::string>(state_.find("general.default_profile")->value);
  std::string target = profile.empty() ? lower_default : profile;
  const auto extras_of = [&](const std::string& name) {
    return book_.settings(book_.chain(name, Sources::kAll),
                          name == base ? Sources::kUntrusted : Sources::kAll);
  };
  for (const Setting& setting : read.content.settings) {
    if (!is_default_profile(setting)) continue;
    const auto& wanted = std::get<std::string>(setting.value);
    if (!book_.has(wanted, Sources::kAll)) {
      problems_.add(*setting.layer, setting.place,
                    fmt::format("default_profile: no profile {}", config::quote(wanted)),
                    book_.suggest(wanted));
      return;
    }
    const auto extras = extras_of(wanted);
    const auto loose = std::ranges::find_if(
        extras, [&](const Setting& extra) { return would_loosen(baseline, extra); });
    if (loose != extras.end()) {
      ignore(setting,
             fmt::format("that profile's {} gives more than the layers below", loose->key()));
    } else {
      state_.apply(setting);
      if (profile.empty()) target = wanted;
    }
  }
  for (const Setting& extra : extras_of(target)) {
    if (would_loosen(baseline, extra)) {
      ignore(extra, "it gives more than the layers below");
    } else {
      state_.apply(tightening(baseline.with_hosts(extra)));
    }
  }
}

void ConfigBuilder::ignore(const Setting& setting, std::string_view why) {
  // A built-in profile that an untrusted one inherits from has no place of its own.
  const config::Layer& layer = setting.layer == nullptr ? layers_.back() : *setting.layer;
  std::string key = setting.key();
  if (!setting.profile.empty()) key = fmt::format("profiles.{}.{}", setting.profile, key);
  warnings_.push_back(fmt::format(
      "{}: {} = {} ignored: {}, and {}; name the file with --config {}, or run: sandpit trust {}",
      config::where(layer, setting.place), key, config::to_toml(*setting.spec, setting.value), why,
      layers_.back().distrust, layers_.back().file, layers_.back().trust_dir));
}

}  // namespace sandpit
