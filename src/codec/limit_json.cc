#include "codec/limit_json.h"

#include <boost/json/kind.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "config/limit_values.h"

namespace sandpit::codec {

const char* type_name(const boost::json::value& json) {
  switch (json.kind()) {
    case boost::json::kind::null:
      return "null";
    case boost::json::kind::bool_:
      return "true or false";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_:
      return "a number";
    case boost::json::kind::string:
      return "a text";
    case boost::json::kind::array:
      return "a list";
    case boost::json::kind::object:
      return "an object";
  }
  return "something else";
}

LimitValue limit_value(const boost::json::value& json) {
  if (json.is_int64()) return json.get_int64();
  // Above every limit's range, and the configuration's numbers end at 2^63.
  if (json.is_uint64()) return static_cast<double>(json.get_uint64());
  if (json.is_double()) return json.get_double();
  if (json.is_string()) return std::string(json.get_string());
  return OtherValue{.what = type_name(json)};
}

}  // namespace sandpit::codec
