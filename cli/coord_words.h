// What the commands of coordination have in common: who they are, and ages.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "skald/clock.h"

namespace skald::cli {

// host:pid
std::string this_process();

// Between two clocks, so that it may be below zero: then it is 0.
double age_seconds(Time since, Time now);
// 250ms, 12s, 3m, 5h, 2d: the largest unit of which there is one.
std::string age_text(Time since, Time now);

std::optional<std::chrono::milliseconds> in_milliseconds(
    std::optional<std::chrono::microseconds> time);

}  // namespace skald::cli
