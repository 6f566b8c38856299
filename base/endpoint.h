// Addresses of sockets, as users write them.
#pragma once

#include <string_view>

#include "skald/result.h"

namespace skald {

// tcp://HOST:PORT with a port up to 65535 or `*`, ipc://PATH or inproc://NAME; else
// invalid_argument, which says so. Whether there is such a host is not asked.
Result<void> check_endpoint(std::string_view endpoint);

}  // namespace skald
