#include "coord/txn_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "coord/limits.h"
#include "coord/record.h"

namespace skald::coord {
namespace {

bool overlap(const KeyRange& a, const KeyRange& b) {
    return a.contains(b.key) || b.contains(a.key);
}

KeyRange range_of(const Operation& operation) {
    if (const auto* put = std::get_if<Put>(&operation)) {
        return KeyRange::one(put->key);
    }
    const auto* erase = std::get_if<Erase>(&operation);
    return erase != nullptr ? erase->keys : std::get<Get>(operation).keys;
}

Result<void> check_key(const std::string& key) {
    return key.empty() || key.size() > kKeyBytesMax
               ? refused(fmt::format("a key has 1-{} bytes", kKeyBytesMax))
               : Result<void>();
}

// What it says by itself.
Result<void> check_branch(const std::vector<Operation>& branch) {
    for (auto it = branch.begin(); it != branch.end(); ++it) {
        const KeyRange range = range_of(*it);
        if (auto ok = range.end ? Result<void>() : check_key(range.key); !ok) {
            return ok;
        }
        const auto* put = std::get_if<Put>(&*it);
        if (put != nullptr && put->value.size() > kValueBytesMax) {
            return refused(fmt::format("a value has up to {} bytes", kValueBytesMax));
        }
        for (auto other = branch.begin(); other != it; ++other) {
            const bool reads =
                std::holds_alternative<Get>(*it) && std::holds_alternative<Get>(*other);
            if (!reads && overlap(range, range_of(*other))) {
                return refused(fmt::format("the transaction has {:?} in two operations",
                                           std::max(range.key, range_of(*other).key)));
            }
        }
    }
    return {};
}

Error too_large(std::string message) {
    return {Errc::request_too_large, std::move(message)};
}

std::size_t bytes_of(const std::vector<Operation>& branch) {
    std::size_t bytes = 0;
    for (const Operation& operation : branch) {
        const KeyRange range = range_of(operation);
        const auto* put = std::get_if<Put>(&operation);
        bytes += range.key.size() + range.end.value_or("").size() +
                 (put != nullptr ? put->value.size() : 0);
    }
    return bytes;
}

}  // namespace

Result<void> check_txn(const Txn& txn) {
    std::size_t bytes = bytes_of(txn.then) + bytes_of(txn.otherwise);
    for (const std::size_t count : {txn.compares.size(), txn.then.size(), txn.otherwise.size()}) {
        if (count > kOperationsMax) {
            return too_large(fmt::format(
                "a transaction has up to {} compares, and as many operations in a branch",
                kOperationsMax));
        }
    }
    for (const Compare& compare : txn.compares) {
        if (auto ok = check_key(compare.key); !ok) {
            return ok;
        }
        bytes += compare.key.size() + compare.value.size();
    }
    if (bytes > kTxnBytesMax) {
        return too_large(fmt::format("a transaction takes up to {} bytes", kTxnBytesMax));
    }
    auto ok = check_branch(txn.then);
    return ok ? check_branch(txn.otherwise) : ok;
}

Result<void> check_ttl(std::chrono::milliseconds ttl) {
    return ttl < kTtlMin || ttl > kTtlMax
               ? refused(fmt::format("a lease lasts {} s to {} s", kTtlMin.count() / 1000,
                                     kTtlMax.count() / 1000))
               : Result<void>();
}

std::size_t counted(const Entry& entry) {
    return kEntryBytes + entry.key.size() + entry.value.size();
}

Result<void> check_found(std::size_t bytes) {
    return bytes > kFoundBytesMax
               ? too_large(
                     fmt::format("more than {} bytes of entries are asked for: ask for fewer keys",
                                 kFoundBytesMax))
               : Result<void>();
}

}  // namespace skald::coord
