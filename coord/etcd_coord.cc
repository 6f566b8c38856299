#include "coord/etcd_coord.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "coord/etcd_check.h"
#include "coord/txn_check.h"

namespace skald::coord {
namespace {

using Of = EtcdCalls::Of;

Error unusable(const Error& error) {
    return {Errc::outcome_unknown, "etcd answered to a change, of no use: " + error.message};
}

Error ended_lease(LeaseId lease) {
    return {Errc::not_found, fmt::format("the lease {} has ended, or never was", lease.value)};
}

bool answers(const Txn& txn, const TxnResult& result) {
    const auto& branch = result.succeeded ? txn.then : txn.otherwise;
    const auto gets = std::count_if(branch.begin(), branch.end(), [](const Operation& operation) {
        return std::holds_alternative<Get>(operation);
    });
    return static_cast<std::size_t>(gets) == result.found.size();
}

bool changes(const std::vector<Operation>& branch) {
    return std::any_of(branch.begin(), branch.end(), [](const Operation& operation) {
        return !std::holds_alternative<Get>(operation);
    });
}

std::size_t bytes_of(const std::vector<Entry>& found) {
    return std::accumulate(
        found.begin(), found.end(), std::size_t{0},
        [](std::size_t sum, const Entry& entry) { return sum + counted(entry); });
}

}  // namespace

EtcdCoord::EtcdCoord(const EtcdOptions& options, std::unique_ptr<HttpClient> http,
                     const Clock& clock)
    : messages_(options.prefix),
      http_(std::move(http)),
      calls_(options, *http_, clock),
      watches_(calls_, *http_, messages_, clock) {}

Result<void> EtcdCoord::greet() {
    const auto listing = get(KeyRange::one(""), Reading::stale);
    return listing ? Result<void>() : listing.error();
}

Result<Listing> EtcdCoord::get(const KeyRange& keys, Reading reading) {
    const auto reply = calls_.ask(Of::reading, "/v3/kv/range", messages_.range(keys, reading));
    if (!reply) {
        return reply.error();
    }
    auto listing = messages_.listing(*reply);
    const auto ok = listing ? check_found(bytes_of(listing->entries)) : Result<void>();
    return ok ? std::move(listing) : ok.error();
}

Result<TxnResult> EtcdCoord::txn(const Txn& txn) {
    if (auto ok = check_txn(txn); !ok) {
        return ok.error();
    }
    const bool reads = !changes(txn.then) && !changes(txn.otherwise);
    const auto reply =
        calls_.ask(reads ? Of::reading : Of::change, "/v3/kv/txn", messages_.txn(txn));
    if (!reply) {
        return reply.error();
    }
    auto result = messages_.txn_result(*reply);
    if (!result || !answers(txn, *result)) {
        const Error why = result ? Error(Errc::malformed, "reads are missing") : result.error();
        return reads ? why : unusable(why);
    }
    std::size_t bytes = 0;
    for (const std::vector<Entry>& found : result->found) {
        bytes += bytes_of(found);
    }
    if (const auto ok = check_found(bytes); !ok) {
        // What it found is known when it is done.
        return changes(result->succeeded ? txn.then : txn.otherwise) ? unusable(ok.error())
                                                                     : ok.error();
    }
    return result;
}

Result<LeaseId> EtcdCoord::grant(std::chrono::milliseconds ttl) {
    if (auto ok = check_ttl(ttl); !ok) {
        return ok.error();
    }
    const auto reply = calls_.ask(Of::change, "/v3/lease/grant", EtcdMessages::grant(ttl));
    if (!reply) {
        return reply.error();
    }
    auto lease = EtcdMessages::granted(*reply);
    return lease ? std::move(lease) : unusable(lease.error());
}

// Doing it twice does no harm.
Result<void> EtcdCoord::keep_alive(LeaseId lease) {
    const auto reply = calls_.ask(Of::reading, "/v3/lease/keepalive", EtcdMessages::lease(lease));
    if (!reply) {
        return reply.error();
    }
    const auto lives = EtcdMessages::kept_alive(*reply);
    if (!lives) {
        return lives.error();
    }
    return *lives ? Result<void>() : ended_lease(lease);
}

Result<void> EtcdCoord::revoke(LeaseId lease) {
    const auto reply = calls_.ask(Of::change, "/v3/lease/revoke", EtcdMessages::lease(lease));
    return reply ? Result<void>() : reply.error();
}

Result<std::unique_ptr<Watch>> EtcdCoord::watch(const KeyRange& keys, Revision from,
                                                WatchHandler handler) {
    return watches_.add(keys, from, std::move(handler));
}

Result<std::unique_ptr<Coord>> connect_etcd(const EtcdOptions& options) {
    const auto good = checked(options);
    if (!good) {
        return good.error();
    }
    HttpOptions http;
    http.ca_file = good->ca_file;
    http.cert_file = good->cert_file;
    http.key_file = good->key_file;
    http.connect_timeout = good->timeout / static_cast<int>(good->endpoints.size());
    http.silence_max = good->timeout;
    auto client = HttpClient::start(http);
    if (!client) {
        return client.error();
    }
    auto coord = std::make_unique<EtcdCoord>(*good, std::move(*client), SystemClock::instance());
    if (const auto greeted = coord->greet(); !greeted) {
        return advised(greeted.error(), *good);
    }
    return std::unique_ptr<Coord>(std::move(coord));
}

}  // namespace skald::coord
