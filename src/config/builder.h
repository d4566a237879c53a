// Puts layers on each other and makes a Config of them. Only config/ and its tests include it.
//
// Every problem is collected; build() gives them all, or the Config. No file is read here.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "config/profile_book.h"
#include "config/setting.h"
#include "config/state.h"
#include "sandpit/config.h"

namespace sandpit {

class ConfigBuilder {
 public:
  // The lowest first. At most one may be untrusted, and it must be the last.
  void add_layer(config::Layer layer, std::string_view toml);
  void add_problem(Error error) { problems_.add(std::move(error)); }
  void add_warning(std::string warning) { warnings_.push_back(std::move(warning)); }
  // `profile` empty: general.default_profile. To be called once.
  [[nodiscard]] Result<Config> build(const std::string& profile);

 private:
  struct Read {
    const config::Layer* layer;
    config::LayerContent content;
  };

  void merge(const std::string& profile);
  void merge_untrusted(const Read& read, const std::string& profile, const std::string& base);
  void apply_project(const Read& read, const config::State& lower, const config::State& baseline);
  void apply_profile_extras(const Read& read, const config::State& baseline,
                            const std::string& profile, const std::string& base);
  void ignore(const config::Setting& setting, std::string_view why);
  [[nodiscard]] std::string base_profile(const std::string& profile);

  std::deque<config::Layer> layers_;  // settings point to them
  std::vector<Read> reads_;
  config::Problems problems_;
  std::vector<std::string> warnings_;
  config::ProfileBook book_;
  config::State state_;
  bool syntax_error_ = false;
};

}  // namespace sandpit
