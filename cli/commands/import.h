// skald import: one append per line of NDJSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/session.h"

namespace skald::cli {

struct ImportOptions {
    StoreChoice store;
    std::string file = "-";
    bool receipts = false;
    std::uint64_t in_flight = 1024;
    std::string on_error = "stop";
};

struct ImportSummary {
    std::uint64_t imported = 0;  // repeated ones not counted
    std::uint64_t repeated = 0;
    std::uint64_t failed = 0;
    std::optional<Error> first_error;
    bool at_line = false;  // the first error is that of a line, and has its place among receipts
    std::optional<Error> unreadable;              // what kept it from reading the input to its end
    std::optional<std::uint64_t> interrupted_at;  // the last line that was taken
};

// Reads lines until the end, a stop, or the first error unless on_error is "skip", and waits for
// the outcome of all it appended. Prints receipts when they are wanted.
ImportSummary import_lines(EventStore& store, ByteSource& source, const ImportOptions& options,
                           const Invocation& invocation);

}  // namespace skald::cli
