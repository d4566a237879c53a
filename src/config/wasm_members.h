// The keys of [runtimes.wasm] that are plain members of WasmSettings, by name: one row each. Only
// config/ includes it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "sandpit/config.h"

namespace sandpit::config {

struct WasmFeatureKey {
  std::string_view name;
  bool WasmFeatures::* member;
};
inline constexpr std::array kWasmFeatures = {
    WasmFeatureKey{"allow_bulk_memory", &WasmFeatures::bulk_memory},
    WasmFeatureKey{"allow_reference_types", &WasmFeatures::reference_types},
    WasmFeatureKey{"allow_simd", &WasmFeatures::simd},
    WasmFeatureKey{"allow_relaxed_simd", &WasmFeatures::relaxed_simd},
    WasmFeatureKey{"allow_multi_memory", &WasmFeatures::multi_memory},
    WasmFeatureKey{"allow_memory64", &WasmFeatures::memory64},
    WasmFeatureKey{"allow_threads", &WasmFeatures::threads},
    WasmFeatureKey{"allow_tail_calls", &WasmFeatures::tail_calls},
    WasmFeatureKey{"allow_exceptions", &WasmFeatures::exceptions},
    WasmFeatureKey{"allow_gc", &WasmFeatures::gc},
    WasmFeatureKey{"allow_component_model", &WasmFeatures::component_model},
};

struct WasmCapabilityKey {
  std::string_view name;
  bool WasmCapabilities::* member;
};
inline constexpr std::array kWasmCapabilities = {
    WasmCapabilityKey{"args", &WasmCapabilities::args},
    WasmCapabilityKey{"env", &WasmCapabilities::env},
    WasmCapabilityKey{"stdin", &WasmCapabilities::standard_input},
    WasmCapabilityKey{"stdout", &WasmCapabilities::standard_output},
    WasmCapabilityKey{"stderr", &WasmCapabilities::standard_error},
    WasmCapabilityKey{"clocks", &WasmCapabilities::clocks},
    WasmCapabilityKey{"random", &WasmCapabilities::random},
};

struct WasmCountKey {
  std::string_view name;
  std::uint64_t WasmSettings::* member;
};
inline constexpr std::array kWasmCounts = {
    WasmCountKey{"max_memory_pages", &WasmSettings::max_memory_pages},
    WasmCountKey{"max_table_elements", &WasmSettings::max_table_elements},
    WasmCountKey{"max_instances", &WasmSettings::max_instances},
    WasmCountKey{"max_tables", &WasmSettings::max_tables},
    WasmCountKey{"max_memories", &WasmSettings::max_memories},
    WasmCountKey{"fuel", &WasmSettings::fuel},
};

}  // namespace sandpit::config
