// The program that is killed, cut off and starved: opens a store, asks again for what the last run
// sent, then appends. Exit status: 0 all done; 6 the store stopped after an error of storage, as it
// should; 9 a promise was broken, said on stderr.
#include <fcntl.h>

#include <cstdio>

#include "skald/store.h"
#include "store/local_store.h"
#include "store/volume.h"
#include "tests/crash/arguments.h"
#include "tests/crash/session.h"

namespace {

using namespace skald;

constexpr int kStopped = 6;
constexpr int kBroken = 9;

// So that a few hundred small commits meet the extender everywhere: it begins at once, keeps close,
// and syncs often.
constexpr store::WriteAhead kNear{
    .begin_at = 64 * limits::kKiB,
    .leap = 768 * limits::kKiB,
    .ahead_max = 1536 * limits::kKiB,
    .step = 64 * limits::kKiB,
    .commit_slack = 320 * limits::kKiB,
    .free_min = 0,
};

store::VolumeOptions volume_options(const crash::Arguments& arguments) {
    store::VolumeOptions options;
    options.partitions = 2;
    options.map_bytes = arguments.number("--map-bytes", 0);
    options.write_ahead = !arguments.has("--no-write-ahead");
    if (arguments.has("--near")) {
        options.ahead = kNear;
    }
    return options;
}

crash::SessionOptions session_options(const crash::Arguments& arguments) {
    crash::SessionOptions options;
    options.seed = arguments.number("--seed", 1);
    options.requests = arguments.number("--requests", 0);
    options.depth = static_cast<std::uint32_t>(arguments.number("--depth", 32));
    options.blocking = arguments.has("--blocking");
    options.scratch = arguments.has("--scratch");
    options.forget_producer = arguments.has("--forget-producer");
    if (arguments.has("--progress")) {
        options.progress = static_cast<int>(arguments.number("--progress", 1));
        fcntl(options.progress, F_SETFL, O_NONBLOCK);
    }
    return options;
}

int run_once(const crash::Arguments& arguments) {
    const std::string ack_path = arguments.text("--acks");
    const crash::Acks before = crash::acks_of(crash::read_records(ack_path));
    crash::AckFile acks(ack_path);
    auto volume = store::Volume::open(arguments.text("--directory"), volume_options(arguments));
    if (!volume) {
        std::fprintf(stderr, "open: %s\n", volume.error().message.c_str());
        return class_of(volume.error().code) == ErrorClass::storage ? kStopped : kBroken;
    }
    crash::SessionResult result;
    {
        const auto store = store::make_local_store(**volume);
        result = crash::run_session(*store, acks, before, session_options(arguments));
    }
    volume->reset();
    for (const std::string& violation : result.violations) {
        std::fprintf(stderr, "%s\n", violation.c_str());
    }
    if (!result.violations.empty()) {
        return kBroken;
    }
    return result.failure ? kStopped : 0;
}

// Every round opens the directory anew.
int run(const crash::Arguments& arguments) {
    int status = 0;
    for (std::uint64_t i = 0; i < arguments.number("--rounds", 1) && status == 0; ++i) {
        status = run_once(arguments);
    }
    return status;
}

}  // namespace

int main(int count, char** values) {
    return run(crash::Arguments(
        count, values,
        " --directory --acks --seed --requests --depth --blocking --scratch --near --map-bytes"
        " --no-write-ahead --forget-producer --progress --rounds "));
}
