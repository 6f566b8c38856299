// One append to one stream at a known version, and the same append again (rule A3).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "skald/cqrs/aggregate_store.h"
#include "skald/event_store.h"

namespace skald::cqrs {

// The events get ids derived from `key`, and what `options` says about the command.
Append append_at(const std::string& stream, std::optional<Version> version, const Uuid& key,
                 std::vector<NewEvent> events, const ExecuteOptions& options);

// The request that once wrote these events, sent again: gives its receipt. log_truncated when they
// are no longer all there.
Result<Receipt> repeat_of(EventStore& store, const std::string& stream,
                          const CommandWindow::Entry& entry);

// wrong_expected_version when the stream is not what the caller expects.
Result<void> check_expected(const std::string& stream, const std::optional<Expected>& expected,
                            std::optional<Version> version);

}  // namespace skald::cqrs
