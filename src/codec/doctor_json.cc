#include "codec/doctor_json.h"

#include <span>
#include <string>
#include <utility>

#include "codec/json.h"

namespace sandpit {

std::string doctor_to_json(std::span<const DoctorRow> rows, const std::string& obstacle) {
  boost::json::array features;
  for (const DoctorRow& row : rows) {
    features.push_back(boost::json::object{{"name", codec::text(row.name)},
                                           {"state", codec::text(row.state)},
                                           {"detail", codec::text(row.detail)},
                                           {"lost", codec::text(row.lost)},
                                           {"mend", codec::text(row.mend)}});
  }
  boost::json::object json;
  json["schema_version"] = 1;
  json["production"] = obstacle.empty();
  json["obstacle"] = codec::text(obstacle);
  json["features"] = std::move(features);
  return codec::render(json, codec::Layout::kIndented);
}

}  // namespace sandpit
