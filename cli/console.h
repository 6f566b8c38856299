// The world around a command: its streams, its environment, the clock, the wish to stop.
#pragma once

#include <functional>
#include <map>
#include <ostream>
#include <string>

#include "base/clock.h"
#include "cli/byte_source.h"
#include "cli/stop_signal.h"

namespace skald::cli {

using Environment = std::map<std::string, std::string, std::less<>>;

struct Console {
    ByteSource& in;
    std::ostream& out;
    std::ostream& err;
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    Environment environment;
    const Clock& clock;
    const StopSignal& stop;
};

}  // namespace skald::cli
