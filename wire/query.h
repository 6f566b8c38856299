// A query (skald/event_store.h) as bytes, and what it matches.
//
//     u8 items; each item: u8 types, u8 tags, then so many types and tags; each text: u8 bytes,
//     text
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "skald/event_store.h"

namespace skald::wire {

// The limits of Query. request_too_large; invalid_argument for no items, or a text that no event
// can have.
Result<void> check_query(const Query& query);
// Of a query that passed check_query.
void append_query(std::string& out, const Query& query);
// The same rules for bytes from outside, without allocating: malformed, request_too_large.
Result<void> check_query(Bytes bytes);
// Of bytes that passed check_query.
Query parse_query(Bytes bytes);

// What any selection must keep: its globs at most limits::kGlobsMax of limits::kGlobBytesMax
// (invalid_argument), its name what a stream, category, type or id may be (invalid_argument, of a
// stream invalid_stream_name), its query check_query.
Result<void> check_selection(const Selection& selection);

bool matches(const Query& query, const EventView& event);
// Whether the selection has an event like this in it, wherever it stands.
bool selects(const Selection& selection, const EventView& event);
// For people: `types a,b tags x,y or tags z`.
std::string to_string(const Query& query);

}  // namespace skald::wire
