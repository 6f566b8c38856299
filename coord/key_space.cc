#include "coord/key_space.h"

#include <fmt/format.h>

#include <algorithm>
#include <compare>

#include "coord/limits.h"
#include "coord/txn_check.h"

namespace skald::coord {
namespace {

Error ended_lease(LeaseId lease) {
    return {Errc::not_found, fmt::format("the lease {} has ended, or never was", lease.value)};
}

bool as_asked(Compare::Is is, std::strong_ordering order) {
    switch (is) {
        case Compare::Is::equal:
            return order == std::strong_ordering::equal;
        case Compare::Is::not_equal:
            return order != std::strong_ordering::equal;
        case Compare::Is::less:
            return order == std::strong_ordering::less;
        case Compare::Is::greater:
            return order == std::strong_ordering::greater;
    }
    return false;
}

std::uint64_t number_of(Compare::Field field, const Entry& entry) {
    switch (field) {
        case Compare::Field::created:
            return entry.created.value;
        case Compare::Field::modified:
            return entry.modified.value;
        case Compare::Field::version:
            return entry.version;
        case Compare::Field::lease:
            return entry.lease.value;
        case Compare::Field::value:
            break;
    }
    return 0;
}

std::size_t bytes_of(const Revised& revised) {
    std::size_t bytes = sizeof revised;
    for (const Change& change : revised.changes) {
        bytes += sizeof change + counted(change.entry);
    }
    return bytes;
}

}  // namespace

KeySpace::KeySpace(Kept kept, Monotonic now)
    : last_lease_(kept.last_lease), revision_(std::max(kept.revision, Revision{1})) {
    for (const Effects::Granted& granted : kept.leases) {
        Lease& lease = leases_[granted.lease];
        lease.ttl = granted.ttl;
        lease.ends = now + granted.ttl;
        ends_.emplace(lease.ends, granted.lease);
    }
    for (Entry& entry : kept.entries) {
        if (const auto lease = leases_.find(entry.lease); lease != leases_.end()) {
            lease->second.keys.insert(entry.key);
        }
        bytes_ += counted(entry);
        std::string key = entry.key;
        entries_.emplace(std::move(key), std::move(entry));
    }
}

std::vector<Entry> KeySpace::list(const KeyRange& keys) const {
    std::vector<Entry> found;
    for (auto it = entries_.lower_bound(keys.key); it != entries_.end() && keys.contains(it->first);
         ++it) {
        found.push_back(it->second);
    }
    return found;
}

Result<Listing> KeySpace::get(const KeyRange& keys) const {
    Listing listing{{}, revision_};
    std::size_t bytes = 0;
    if (auto ok = find(keys, listing.entries, bytes); !ok) {
        return ok.error();
    }
    return listing;
}

Result<void> KeySpace::find(const KeyRange& keys, std::vector<Entry>& found,
                            std::size_t& bytes) const {
    for (auto it = entries_.lower_bound(keys.key); it != entries_.end() && keys.contains(it->first);
         ++it) {
        bytes += counted(it->second);
        if (auto ok = check_found(bytes); !ok) {
            return ok;
        }
        found.push_back(it->second);
    }
    return {};
}

bool KeySpace::holds(const Compare& compare) const {
    const auto it = entries_.find(compare.key);
    const bool there = it != entries_.end();
    if (compare.field == Compare::Field::value) {
        return there && as_asked(compare.is, it->second.value <=> compare.value);
    }
    const Entry none;
    return as_asked(compare.is,
                    number_of(compare.field, there ? it->second : none) <=> compare.number);
}

// What it asks of the store.
Result<void> KeySpace::check(const std::vector<Operation>& branch) const {
    std::size_t come = 0;
    for (const Operation& operation : branch) {
        const auto* put = std::get_if<Put>(&operation);
        if (put == nullptr) {
            continue;
        }
        if (put->lease != LeaseId{} && !leases_.contains(put->lease)) {
            return ended_lease(put->lease);
        }
        come += kEntryBytes + put->key.size() + put->value.size();
    }
    return bytes_ + come > kStoreBytesMax
               ? Error(Errc::busy,
                       fmt::format("the coordination store holds {} of at most {} bytes", bytes_,
                                   kStoreBytesMax))
               : Result<void>();
}

Result<TxnResult> KeySpace::txn(const Txn& txn, Effects& effects) {
    if (auto ok = check_txn(txn); !ok) {
        return ok.error();
    }
    TxnResult result;
    result.succeeded = std::all_of(txn.compares.begin(), txn.compares.end(),
                                   [this](const Compare& compare) { return holds(compare); });
    const auto& branch = result.succeeded ? txn.then : txn.otherwise;
    if (auto ok = check(branch); !ok) {
        return ok.error();
    }
    // No key is both found and changed, so that the order of the two does not show.
    std::size_t bytes = 0;
    for (const Operation& operation : branch) {
        const auto* wanted = std::get_if<Get>(&operation);
        if (wanted == nullptr) {
            continue;
        }
        if (auto ok = find(wanted->keys, result.found.emplace_back(), bytes); !ok) {
            return ok.error();
        }
    }
    Revised revised{revision_ + 1, {}};
    for (const Operation& operation : branch) {
        if (const auto* one = std::get_if<Put>(&operation)) {
            put(*one, revised);
        } else if (const auto* gone = std::get_if<Erase>(&operation)) {
            for (const Entry& entry : list(gone->keys)) {
                erase(entries_.find(entry.key), revised);
            }
        }
    }
    remember(std::move(revised), effects);
    result.revision = revision_;
    return result;
}

void KeySpace::put(const Put& put, Revised& revised) {
    const auto [it, created] = entries_.try_emplace(put.key);
    Entry& entry = it->second;
    if (created) {
        entry.key = put.key;
        entry.created = revised.revision;
    } else {
        bytes_ -= counted(entry);
    }
    if (const auto old = leases_.find(entry.lease); old != leases_.end()) {
        old->second.keys.erase(put.key);
    }
    entry.value = put.value;
    entry.modified = revised.revision;
    entry.lease = put.lease;
    ++entry.version;
    if (const auto lease = leases_.find(put.lease); lease != leases_.end()) {
        lease->second.keys.insert(put.key);
    }
    bytes_ += counted(entry);
    revised.changes.push_back({entry, false});
}

void KeySpace::erase(Entries::iterator it, Revised& revised) {
    if (const auto lease = leases_.find(it->second.lease); lease != leases_.end()) {
        lease->second.keys.erase(it->first);
    }
    Change change;
    change.entry.key = it->first;
    change.entry.modified = revised.revision;
    change.erased = true;
    revised.changes.push_back(std::move(change));
    bytes_ -= counted(it->second);
    entries_.erase(it);
}

void KeySpace::remember(Revised revised, Effects& effects) {
    if (revised.changes.empty()) {
        return;
    }
    std::sort(revised.changes.begin(), revised.changes.end(),
              [](const Change& a, const Change& b) { return a.entry.key < b.entry.key; });
    revision_ = revised.revision;
    history_bytes_ += bytes_of(revised);
    history_.push_back(revised);
    while (history_.size() > kHistoryMax || history_bytes_ > kHistoryBytesMax) {
        history_bytes_ -= bytes_of(history_.front());
        history_.pop_front();
    }
    effects.revised = std::move(revised);
}

// ---- leases

Result<LeaseId> KeySpace::grant(std::chrono::milliseconds ttl, Monotonic now, Effects& effects) {
    if (auto ok = check_ttl(ttl); !ok) {
        return ok.error();
    }
    if (leases_.size() >= kLeasesMax) {
        return Error(
            Errc::busy,
            fmt::format("the coordination store has {} leases, all it can hold", leases_.size()));
    }
    const LeaseId id = ++last_lease_;
    leases_[id] = {ttl, now + ttl, {}};
    ends_.emplace(now + ttl, id);
    effects.granted = {id, ttl};
    return id;
}

Result<void> KeySpace::keep_alive(LeaseId lease, Monotonic now) {
    const auto it = leases_.find(lease);
    if (it == leases_.end()) {
        return ended_lease(lease);
    }
    ends_.erase({it->second.ends, lease});
    it->second.ends = now + it->second.ttl;
    ends_.emplace(it->second.ends, lease);
    return {};
}

Result<void> KeySpace::revoke(LeaseId lease, Effects& effects) {
    const auto it = leases_.find(lease);
    if (it == leases_.end()) {
        return ended_lease(lease);
    }
    Revised revised{revision_ + 1, {}};
    end(it, revised, effects);
    remember(std::move(revised), effects);
    return {};
}

void KeySpace::end(Leases::iterator it, Revised& revised, Effects& effects) {
    const std::set<std::string> keys = std::move(it->second.keys);
    effects.ended.push_back(it->first);
    ends_.erase({it->second.ends, it->first});
    leases_.erase(it);
    for (const std::string& key : keys) {
        erase(entries_.find(key), revised);
    }
}

void KeySpace::tick(Monotonic now, Effects& effects) {
    Revised revised{revision_ + 1, {}};
    while (!ends_.empty() && ends_.begin()->first <= now) {
        end(leases_.find(ends_.begin()->second), revised, effects);
    }
    remember(std::move(revised), effects);
}

std::optional<Monotonic> KeySpace::next_tick() const {
    return ends_.empty() ? std::nullopt : std::optional(ends_.begin()->first);
}

// ---- watches

std::optional<std::vector<Revised>> KeySpace::since(Revision from, const KeyRange& keys) const {
    if (from < oldest()) {
        return std::nullopt;
    }
    std::vector<Revised> found;
    const auto begin =
        std::lower_bound(history_.begin(), history_.end(), from,
                         [](const Revised& revised, Revision at) { return revised.revision < at; });
    for (auto it = begin; it != history_.end(); ++it) {
        Revised some{it->revision, {}};
        std::copy_if(it->changes.begin(), it->changes.end(), std::back_inserter(some.changes),
                     [&](const Change& change) { return keys.contains(change.entry.key); });
        if (!some.changes.empty()) {
            found.push_back(std::move(some));
        }
    }
    return found;
}

}  // namespace skald::coord
