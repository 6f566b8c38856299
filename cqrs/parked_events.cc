#include "cqrs/parked_events.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "cqrs/limits.h"
#include "skald/cqrs/key.h"

namespace skald::cqrs {
namespace {

using store::lmdb::Cursor;

std::string entry_of(std::string_view key, std::uint64_t number) {
    std::string bytes = ParkedEvents::prefix_of(key);
    append_as(bytes, __builtin_bswap64(number));
    return bytes;
}

}  // namespace

Poison Poison::retry(unsigned attempts, std::chrono::milliseconds backoff) {
    Poison poison;
    poison.policy = Policy::retry;
    poison.attempts = attempts;
    poison.backoff = backoff;
    return poison;
}

Poison Poison::park(std::function<std::string(const EventView&)> key) {
    Poison poison;
    poison.policy = Policy::park;
    if (key) {
        poison.keys = [key = std::move(key)](const EventView& event) {
            return std::vector<std::string>{key(event)};
        };
    }
    return poison;
}

ParkedEvents::ParkedEvents(const std::vector<Numbered>& stored) {
    for (const Numbered& each : stored) {
        hold(each);
        next_ = std::max(next_, each.number + 1);
    }
    for (auto& [key, numbers] : keys_) {
        std::sort(numbers.begin(), numbers.end());
    }
}

std::string ParkedEvents::prefix_of(std::string_view key) {
    std::string bytes;
    key_bytes::append_text(bytes, key);
    return bytes;
}

Result<ParkedEvents::Numbered> ParkedEvents::decode(std::string_view entry, std::string_view json) {
    Numbered numbered;
    const auto& description = description_of<ParkedEvent>();
    auto ok = description.decode(description.version(), json, numbered.event);
    if (!ok || entry.size() < sizeof numbered.number) {
        return Error(Errc::corrupt, "a parked event cannot be read; rebuild the read model");
    }
    numbered.number = __builtin_bswap64(
        load_le<std::uint64_t>(as_bytes(entry).data() + entry.size() - sizeof numbered.number));
    return numbered;
}

Result<ParkedEvents> ParkedEvents::load(const store::lmdb::Txn& txn,
                                        store::lmdb::Database database) {
    auto all = list(txn, database, {}, limits::kParkedEventsMax);
    return all ? Result<ParkedEvents>(ParkedEvents(*all)) : all.error();
}

void ParkedEvents::hold(const Numbered& event) {
    for (const std::string& key : event.event.keys) {
        keys_[key].push_back(event.number);
    }
    ++size_;
}

Result<std::vector<ParkedEvents::Numbered>> ParkedEvents::list(const store::lmdb::Txn& txn,
                                                               store::lmdb::Database database,
                                                               std::string_view key,
                                                               std::size_t limit) {
    auto cursor = Cursor::open(txn, database);
    if (!cursor) {
        return cursor.error();
    }
    const std::string prefix = key.empty() ? "" : prefix_of(key);
    auto found = key.empty() ? cursor->first() : cursor->at_or_after(as_bytes(prefix));
    std::vector<Numbered> events;
    while (found && *found && events.size() < limit && as_text((*found)->key).starts_with(prefix)) {
        auto event = decode(as_text((*found)->key), as_text((*found)->value));
        if (!event) {
            return event.error();
        }
        events.push_back(std::move(*event));
        found = cursor->next();
    }
    return found ? Result<std::vector<Numbered>>(std::move(events)) : found.error();
}

bool ParkedEvents::holds(const std::vector<std::string>& keys) const {
    return std::any_of(keys.begin(), keys.end(),
                       [this](const std::string& key) { return keys_.count(key) > 0; });
}

bool ParkedEvents::full(const std::vector<std::string>& keys) const {
    const auto more = std::count_if(
        keys.begin(), keys.end(), [this](const std::string& key) { return keys_.count(key) == 0; });
    return size_ >= limits::kParkedEventsMax ||
           keys_.size() + static_cast<std::size_t>(more) > limits::kParkedKeysMax;
}

const std::string* ParkedEvents::waits_for(const Numbered& event) const {
    for (const std::string& key : event.event.keys) {
        const auto found = keys_.find(key);
        if (found != keys_.end() && found->second.front() < event.number) {
            return &found->first;
        }
    }
    return nullptr;
}

void ParkedEvents::add(const ParkedEvent& event) {
    const Numbered numbered{next_++, event};
    hold(numbered);
    changes_.push_back({entry_of(event.key, numbered.number), event});
}

void ParkedEvents::change(const Numbered& event) {
    changes_.push_back({entry_of(event.event.key, event.number), event.event});
}

void ParkedEvents::remove(const Numbered& event) {
    for (const std::string& key : event.event.keys) {
        const auto found = keys_.find(key);
        SKALD_CHECK(found != keys_.end() && found->second.front() == event.number,
                    "a parked event goes when it is the first of its keys");
        found->second.pop_front();
        if (found->second.empty()) {
            keys_.erase(found);
        }
    }
    --size_;
    changes_.push_back({entry_of(event.event.key, event.number), std::nullopt});
}

Result<void> ParkedEvents::write(store::lmdb::WriteTxn& txn, store::lmdb::Database database) const {
    for (const auto& [key, event] : changes_) {
        Result<void> ok;
        if (event) {
            auto json = description_of<ParkedEvent>().encode(*event);
            ok = json ? txn.put(database, as_bytes(key), as_bytes(*json)) : json.error();
        } else {
            auto erased = txn.erase(database, as_bytes(key));
            ok = erased ? Result<void>() : erased.error();
        }
        if (!ok) {
            return ok;
        }
    }
    return {};
}

}  // namespace skald::cqrs
