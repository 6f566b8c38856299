// What an event asks for its delivery (skald/work_terms.h), by the log's clock.
#pragma once

#include <memory>
#include <string>

#include "skald/event.h"
#include "wire/consumer_record.h"

namespace skald::broker {

struct EventTerms {
    Time due;  // not before
    wire::DeliveryTerms terms;
    std::string fault;  // not empty: it cannot be read, and is parked
};

// None when it asks nothing, like most.
std::shared_ptr<const EventTerms> terms_of(const EventView& event);

}  // namespace skald::broker
