// Durable consumers and what they put aside, for people and as JSON.
#pragma once

#include <string>

#include "skald/consumers.h"

namespace skald::cli {

// One line: how it stands.
std::string consumer_line(const ConsumerStatus& status);
// That, and lines for its settings and members.
std::string consumer_text(const ConsumerStatus& status);
// One JSON object, without a line break.
std::string consumer_json(const ConsumerStatus& status);

// P:OFFSET, as commands take it.
std::string place_text(Place place);
// The same for an event that was parked: one line, one JSON object.
std::string parked_line(const ParkedEvent& event);
std::string parked_json(const ParkedEvent& event);

}  // namespace skald::cli
