#include "base/endpoint.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace skald {
namespace {

bool is_port(std::string_view text) {
    if (text == "*") {
        return true;
    }
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, port);
    return problem == std::errc{} && stop == end;
}

bool is_endpoint(std::string_view text) {
    for (const std::string_view scheme : {"ipc://", "inproc://"}) {
        if (text.starts_with(scheme)) {
            return text.size() > scheme.size();
        }
    }
    constexpr std::string_view kTcp = "tcp://";
    if (!text.starts_with(kTcp)) {
        return false;
    }
    text.remove_prefix(kTcp.size());
    const std::size_t colon = text.rfind(':');
    return colon != std::string_view::npos && colon > 0 && is_port(text.substr(colon + 1));
}

}  // namespace

Result<void> check_endpoint(std::string_view endpoint) {
    if (is_endpoint(endpoint)) {
        return {};
    }
    return Error(Errc::invalid_argument,
                 fmt::format("endpoint `{}` is malformed: tcp://HOST:PORT, with a port up to 65535 "
                             "or *, ipc://PATH and inproc://NAME are known",
                             endpoint));
}

}  // namespace skald
