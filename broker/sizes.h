// What requests of clients take of the node's memory, about.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "skald/event_store.h"

namespace skald::broker {

inline std::size_t bytes_of(const std::vector<std::string>& texts) {
    std::size_t bytes = texts.capacity() * sizeof(std::string);
    for (const std::string& text : texts) {
        bytes += text.capacity();
    }
    return bytes;
}

inline std::size_t bytes_of(const Selection& selection) {
    std::size_t bytes = selection.name.capacity();
    for (const auto* texts : {&selection.types, &selection.streams}) {
        bytes += bytes_of(*texts);
    }
    for (const QueryItem& item : selection.query.items) {
        bytes += sizeof item + bytes_of(item.types) + bytes_of(item.tags);
    }
    return bytes;
}

}  // namespace skald::broker
