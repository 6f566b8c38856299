// Why an etcd is not connected to.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "skald/etcd.h"

namespace skald::coord {

// The message.
inline std::string refusal(const EtcdOptions& options, Errc code) {
    const auto coord = connect_etcd(options);
    REQUIRE_FALSE(coord);
    CHECK(coord.error().code == code);
    CHECK(coord.error().message.find('\n') == std::string::npos);
    return coord.error().message;
}

}  // namespace skald::coord
