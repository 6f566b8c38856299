#include <algorithm>

#include "skald/cqrs/aggregate_store.h"

namespace skald::cqrs {

void CommandWindow::note(const Uuid& key, Version version, std::uint32_t events) {
    if (!entries_.empty() && entries_.back().key == key &&
        entries_.back().first + entries_.back().events == version) {
        entries_.back().events += events;
        return;
    }
    if (capacity_ == 0) {
        return;
    }
    if (entries_.size() == capacity_) {
        entries_.erase(entries_.begin());
    }
    entries_.push_back({key, version, events});
}

std::optional<CommandWindow::Entry> CommandWindow::find(const Uuid& key) const {
    const auto found = std::find_if(entries_.rbegin(), entries_.rend(),
                                    [&](const Entry& entry) { return entry.key == key; });
    return found == entries_.rend() ? std::nullopt : std::optional(*found);
}

}  // namespace skald::cqrs
