#include "coord/etcd_coord.h"

#include <fmt/format.h>

#include <algorithm>

#include "coord/limits.h"
#include "coord/record.h"
#include "coord/txn_check.h"

namespace skald::coord {
namespace {

using Of = EtcdCalls::Of;

Error unreadable(const Error& error) {
    return {Errc::outcome_unknown,
            "what etcd answered to a change is not understood: " + error.message};
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

// Of http[s]://HOST[:PORT], without what could lead elsewhere.
Result<std::string> checked_endpoint(std::string endpoint) {
    const bool known = endpoint.starts_with("http://") || endpoint.starts_with("https://");
    const std::size_t host = known ? endpoint.find("//") + 2 : 0;
    while (endpoint.size() > host && endpoint.ends_with('/')) {
        endpoint.pop_back();
    }
    const bool plain =
        std::all_of(endpoint.begin(), endpoint.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (!known || !plain || host >= endpoint.size() ||
        endpoint.find_first_of("/?#@", host) != std::string::npos) {
        return refused(fmt::format(
            "an endpoint of etcd is http://HOST:PORT or https://HOST:PORT: {:?} is not", endpoint));
    }
    return endpoint;
}

Result<EtcdOptions> checked(EtcdOptions options) {
    if (options.endpoints.empty() || options.endpoints.size() > kEtcdEndpointsMax) {
        return refused(fmt::format("etcd takes 1-{} endpoints", kEtcdEndpointsMax));
    }
    for (std::string& endpoint : options.endpoints) {
        auto plain = checked_endpoint(endpoint);
        if (!plain) {
            return plain.error();
        }
        endpoint = std::move(*plain);
    }
    if (options.timeout < kEtcdTimeoutMin || options.timeout > kEtcdTimeoutMax) {
        return refused(fmt::format("a timeout of etcd is {} ms to {} s", kEtcdTimeoutMin.count(),
                                   kEtcdTimeoutMax.count() / 1000));
    }
    if (options.prefix.size() > kEtcdPrefixBytesMax) {
        return refused(fmt::format("a prefix has up to {} bytes", kEtcdPrefixBytesMax));
    }
    if (options.user.empty() != options.password.empty() ||
        options.cert_file.empty() != options.key_file.empty()) {
        return refused("a user comes with a password, and a certificate with its key");
    }
    return options;
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
    return reply ? messages_.listing(*reply) : reply.error();
}

Result<TxnResult> EtcdCoord::txn(const Txn& txn) {
    if (auto ok = check_txn(txn); !ok) {
        return ok.error();
    }
    const auto reply = calls_.ask(Of::change, "/v3/kv/txn", messages_.txn(txn));
    if (!reply) {
        return reply.error();
    }
    auto result = messages_.txn_result(*reply);
    if (!result) {
        return unreadable(result.error());
    }
    return answers(txn, *result) ? std::move(result)
                                 : unreadable({Errc::malformed, "reads are missing"});
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
    return lease ? std::move(lease) : unreadable(lease.error());
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
    auto greeted = coord->greet();
    return greeted ? Result<std::unique_ptr<Coord>>(std::move(coord)) : greeted.error();
}

}  // namespace skald::coord
