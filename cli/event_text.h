// Events and receipts for people: one line each.
#pragma once

#include <string>
#include <string_view>

#include "skald/event_store.h"

namespace skald::cli {

struct TextStyle {
    bool colours = false;
    bool verbose = false;  // id, correlation, tags, metadata as well
};

// Appends what others wrote: a line break or an escape in it must not reach the terminal as one.
void append_tame(std::string& out, std::string_view text);
std::string tame(std::string_view text);

// STREAM@VERSION  TYPE  TIME  DATA; of an ephemeral event STREAM~ephemeral. Bytes that are not text
// are named by their number.
void append_event_text(std::string& out, const EventView& event, TextStyle style);
void append_receipt_text(std::string& out, const Receipt& receipt);
void append_ephemeral_receipt_text(std::string& out, std::string_view stream, const Uuid& id);

}  // namespace skald::cli
