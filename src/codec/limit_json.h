// A limit as it stands in JSON, for set_limit(). Private to codec/.
#pragma once

#include <boost/json/value.hpp>

#include "config/limit_values.h"

namespace sandpit::codec {

// "a number", "a list" …, for messages.
[[nodiscard]] const char* type_name(const boost::json::value& json);
[[nodiscard]] LimitValue limit_value(const boost::json::value& json);

}  // namespace sandpit::codec
