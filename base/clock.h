// Time as an input. Nothing but SystemClock reads the machine's clocks.
#pragma once

#include "skald/clock.h"  // IWYU pragma: export
