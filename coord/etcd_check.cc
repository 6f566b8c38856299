#include "coord/etcd_check.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "coord/limits.h"
#include "coord/record.h"

namespace skald::coord {
namespace {

bool is_port(std::string_view text) {
    int port = 0;
    const char* end = text.data() + text.size();
    const auto [at, wrong] = std::from_chars(text.data(), end, port);
    return wrong == std::errc{} && at == end && port >= 1 && port <= 65535;
}

// Of http[s]://HOST:PORT, without what could lead elsewhere.
Result<std::string> checked_endpoint(std::string endpoint) {
    const bool known = endpoint.starts_with("http://") || endpoint.starts_with("https://");
    const std::size_t host = known ? endpoint.find("//") + 2 : 0;
    while (endpoint.size() > host && endpoint.ends_with('/')) {
        endpoint.pop_back();
    }
    const bool plain =
        std::all_of(endpoint.begin(), endpoint.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    const std::size_t colon = endpoint.rfind(':');
    if (!known || !plain || endpoint.find_first_of("/?#@", host) != std::string::npos ||
        colon <= host || !is_port(std::string_view(endpoint).substr(colon + 1))) {
        return refused(fmt::format(
            "an endpoint of etcd is http://HOST:PORT or https://HOST:PORT: {:?} is not", endpoint));
    }
    return endpoint;
}

Result<void> check_file(const char* what, const std::string& path) {
    return path.empty() || ::access(path.c_str(), R_OK) == 0
               ? Result<void>()
               : refused(fmt::format("the {} of etcd, {:?}, cannot be read: {}", what, path,
                                     std::generic_category().message(errno)));
}

Result<void> check_tls(const EtcdOptions& options) {
    if (options.cert_file.empty() != options.key_file.empty()) {
        return refused("cert_file and key_file of etcd come together: one of them is empty");
    }
    for (const std::string& endpoint : options.endpoints) {
        if (!endpoint.starts_with("https") && !(options.ca_file + options.cert_file).empty()) {
            return refused(fmt::format(
                "{} is not encrypted, so ca_file and cert_file of etcd would go unused: use "
                "https://, or leave them empty",
                endpoint));
        }
    }
    if (auto ok = check_file("ca_file", options.ca_file); !ok) {
        return ok;
    }
    auto ok = check_file("cert_file", options.cert_file);
    return ok ? check_file("key_file", options.key_file) : ok;
}

std::string advice(const Error& error, const EtcdOptions& options) {
    switch (error.code) {
        case Errc::unreachable:
            return "does it serve clients there, by that scheme, and want a certificate of the "
                   "client: cert_file, key_file?";
        case Errc::unauthenticated:
            return options.user.empty() ? "it asks for a user and a password"
                                        : fmt::format("check the password of {:?}", options.user);
        case Errc::forbidden:
            return fmt::format("{:?} needs a role that may read and write all keys from {:?} on",
                               options.user, options.prefix);
        case Errc::invalid_argument:
            return "check ca_file, cert_file and key_file, which has no password; and that a user "
                   "is given only where etcd asks for one";
        case Errc::connection_lost:
            return "does it want https://, or a certificate of the client (cert_file, key_file)?";
        case Errc::malformed:
        case Errc::unsupported_version:
            return "does an etcd of 3.4 or newer serve clients there, by that scheme?";
        default:
            return {};
    }
}

}  // namespace

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
        return refused(fmt::format("a prefix in etcd has up to {} bytes", kEtcdPrefixBytesMax));
    }
    if (options.user.empty() != options.password.empty()) {
        return refused("user and password of etcd come together: one of them is empty");
    }
    const auto tls = check_tls(options);
    return tls ? Result<EtcdOptions>(std::move(options)) : tls.error();
}

Error advised(Error error, const EtcdOptions& options) {
    if (const std::string more = advice(error, options); !more.empty()) {
        error.message += " (" + more + ")";
    }
    return error;
}

}  // namespace skald::coord
