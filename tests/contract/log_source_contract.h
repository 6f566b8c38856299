// What every source of copies of a log must do (skald/log_source.h).
#pragma once

#include "skald/event_store.h"
#include "skald/log_source.h"

namespace skald::contract {

// Puts three batches into a new log of one partition: of two, one and three events.
void fill_log(EventStore& store);
// Of the log that was filled so.
void run_log_source_contract(LogSource& source);

}  // namespace skald::contract
