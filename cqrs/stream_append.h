// One append of a command's events to one stream, and the same append again (rule A3).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "skald/cqrs/aggregate_store.h"
#include "skald/event_store.h"

namespace skald::cqrs {

// The events get ids derived from `key` and their versions, as far as these are known, and what
// `options` says about the command. One that was forgotten and is carried out anew so writes other
// events than before.
Append append_of(const std::string& stream, Expected expected, const Uuid& key,
                 std::vector<NewEvent> events, const ExecuteOptions& options);
// The same append at another version.
Append moved_to(Append append, Version version, const Uuid& key);
// The stream is as it was when this was its last version; none: there was no stream.
Expected expected_at(std::optional<Version> version);

// The request that once wrote these events, sent again: gives its receipt. log_truncated when they
// are no longer all there.
Result<Receipt> repeat_of(EventStore& store, const std::string& stream,
                          const CommandWindow::Entry& entry);

// wrong_expected_version when the stream is not what the caller expects.
Result<void> check_expected(const std::string& stream, const std::optional<Expected>& expected,
                            std::optional<Version> version);

// The offset at which a check_failed found what its query does not allow.
std::optional<Offset> existing_by(const Error& refusal);

}  // namespace skald::cqrs
