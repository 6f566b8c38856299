// Events and receipts as JSON: the one codec for every command that reads or prints them. The
// fields are those of docs/cli.md. Fields that hold nothing are left out, except metadata.
//
// JSON data goes in and out as the bytes it is: no number is rewritten, no key reordered. Only
// white space around it is dropped on input, and a line break between its tokens is printed as a
// space, because one line is one event. Data that is not JSON comes and goes as data_base64.
#pragma once

#include <string>
#include <string_view>

#include "skald/event_store.h"

namespace skald::cli {

// Append one object, without a line break.
void append_event(std::string& out, const EventView& event);
void append_receipt(std::string& out, const Receipt& receipt);
void append_ephemeral_receipt(std::string& out, std::string_view stream, const Uuid& id);
void append_dropped(std::string& out, std::uint64_t events);
// `error`, `code`, `message`, and the conflicts and offset when there are any.
void append_error(std::string& out, const Error& error);

struct EventLine {
    std::string stream;
    NewEvent event;
};

// Reads one event, in the form append_event prints or less: stream, type and data are needed. What
// only a stored event has (version, partition, offset, recorded_at) is read over. malformed when it
// is no JSON object in UTF-8, invalid_event when a key is unknown, given twice, missing or of the
// wrong kind; the message names the key. Limits on sizes are the store's business.
Result<EventLine> parse_event(std::string_view json);

// application/json and everything that ends in +json, whatever its parameters.
bool is_json_type(std::string_view content_type);

}  // namespace skald::cli
