// The launcher's end of a template: where RunImages go, and which of the template's network
// namespaces are in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "sandpit/units.h"

namespace sandpit::jail {

// Numbers of namespaces that no run uses. Shared with the runs, which may outlive the link.
struct TemplateNetworks {
  std::vector<int> idle;
  int made = 0;
  std::size_t taken = 0;
  bool stuck = false;
};

// One namespace of a template, as long as a run lives.
class TemplateNetwork {
 public:
  TemplateNetwork() = default;
  TemplateNetwork(std::shared_ptr<TemplateNetworks> networks, int number)
      : networks_(std::move(networks)), number_(number) {
    ++networks_->taken;
  }
  TemplateNetwork(TemplateNetwork&& other) noexcept
      : networks_(std::move(other.networks_)), number_(std::exchange(other.number_, -1)) {}
  TemplateNetwork& operator=(TemplateNetwork&& other) noexcept {
    std::swap(networks_, other.networks_);
    std::swap(number_, other.number_);
    return *this;
  }
  TemplateNetwork(const TemplateNetwork&) = delete;
  TemplateNetwork& operator=(const TemplateNetwork&) = delete;
  ~TemplateNetwork() {
    if (networks_ == nullptr) return;
    --networks_->taken;
    if (number_ >= 0) networks_->idle.push_back(number_);
  }
  // -1: the run makes one of its own.
  [[nodiscard]] int number() const { return number_; }
  void tell_stuck() {
    if (networks_ != nullptr) networks_->stuck = true;
  }

 private:
  std::shared_ptr<TemplateNetworks> networks_;
  int number_ = -1;
};

class TemplateLink {
 public:
  explicit TemplateLink(UniqueFd control) : control_(std::move(control)) {}
  [[nodiscard]] int control() const { return control_.get(); }
  // As many as there may be, then -1: the run has one made for it alone. Counted as a run of this
  // template in either case.
  enum class Pooled : std::uint8_t { kNo, kYes };
  [[nodiscard]] TemplateNetwork take_network(Pooled pooled);
  // Runs that are alive, or on their way.
  [[nodiscard]] std::size_t runs() const { return networks_->taken; }
  // A run was not begun within its whole time: whoever owns the template ends it.
  [[nodiscard]] bool stuck() const { return networks_->stuck; }

 private:
  UniqueFd control_;
  std::shared_ptr<TemplateNetworks> networks_ = std::make_shared<TemplateNetworks>();
};

}  // namespace sandpit::jail
