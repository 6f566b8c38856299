// Runs the program in process: words and input in, output and exit status out.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/program.h"
#include "tests/cli/small_store.h"
#include "tests/temp_directory.h"

namespace skald::cli {

struct Ran {
    int status = 0;
    std::string out;
    std::string err;
};

// Its stores live as long as it does: directories are names of stores in memory.
class Harness {
  public:
    Harness();

    Ran run(std::vector<std::string> words, std::string input = {});
    // The store that --data NAME opens; made before, also the one that --server NAME connects to.
    SmallStore& store(const std::string& name = "d");

    Backends backends;
    Environment environment;
    ManualClock clock;
    bool out_is_terminal = false;
    bool handle_signals = false;
    const StopSignal* stop = nullptr;  // instead of one that nobody requests
    ClientOptions connected_with;      // what the last connection was asked for

  private:
    std::map<std::string, std::unique_ptr<SmallStore>> stores_;
};

// Lines without their line breaks.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace skald::cli
