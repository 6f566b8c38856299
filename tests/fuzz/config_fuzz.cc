// Configuration files: whatever comes, a configuration or an error of one line; and what was read
// prints as a file that reads as the same configuration.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "cli/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace skald::cli;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto loaded = load_config({ConfigFile{"c.toml", text}, {}, {}});
    if (!loaded) {
        SKALD_CHECK(!loaded.error().message.empty(), "an error says what it is");
        return 0;
    }
    const auto again = load_config({ConfigFile{"c.toml", print_config(*loaded)}, {}, {}});
    SKALD_CHECK(again && again->config == loaded->config, "what is printed can be read");
    return 0;
}
