#include "codec/attest_json.h"

#include <algorithm>
#include <string>
#include <utility>

#include "codec/json.h"
#include "sandpit/outcome.h"

namespace sandpit {
namespace {

boost::json::object attack_to_json(const AttestedAttack& attack) {
  boost::json::object json;
  json["name"] = codec::text(attack.name);
  json["category"] = codec::text(attack.category);
  json["attempts"] = codec::text(attack.attempts);
  json["program"] = codec::text(attack.program);
  json["result"] = codec::text(attack.result);
  json["how"] = codec::text(attack.how);
  boost::json::array denials;
  for (const Denial& denial : attack.denials) {
    denials.push_back(boost::json::object{{"what", codec::text(denial.what)},
                                          {"error", codec::text(denial.error)},
                                          {"count", denial.count}});
  }
  json["denials"] = std::move(denials);
  json["time_ms"] = codec::milliseconds(attack.time);
  if (attack.proven) json["proven"] = *attack.proven;
  return json;
}

}  // namespace

unsigned AttestReport::count(const char* result) const {
  return static_cast<unsigned>(std::ranges::count(attacks, result, &AttestedAttack::result));
}

bool AttestReport::contained() const {
  return count("contained") > 0 && count("escaped") == 0 && count("unclear") == 0;
}

std::string attest_to_json(const AttestReport& report) {
  boost::json::object json;
  json["schema_version"] = 1;
  json["sandpit"] = codec::text(report.version);
  json["time"] = codec::text(report.time);
  json["host"] = boost::json::object{
      {"kernel", codec::text(report.kernel)},       {"user", codec::text(report.user)},
      {"landlock_abi", report.landlock_abi},        {"memory", codec::text(report.memory)},
      {"processes", codec::text(report.processes)}, {"cpu_time", codec::text(report.cpu_time)}};
  json["profile"] = codec::text(report.profile);
  json["configuration_sha256"] = codec::text(report.configuration);
  json["contained"] = report.contained();
  boost::json::object totals;
  for (const char* result : {"contained", "escaped", "known_risk", "skipped", "unclear"})
    totals[result] = report.count(result);
  json["totals"] = std::move(totals);
  boost::json::array attacks;
  for (const AttestedAttack& attack : report.attacks) attacks.push_back(attack_to_json(attack));
  json["attacks"] = std::move(attacks);
  return codec::render(json, codec::Layout::kIndented);
}

}  // namespace sandpit
