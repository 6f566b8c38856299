// Lets every call on the disk fail in turn, and fills disks and maps up; looks each time whether
// the store stopped acknowledging, and whether the directory is sound without the failure.
//
//   skald_crash_disk [--stride N] [--seed S] [--only single|pipelined|merge] [--lie]
//
// --stride: every N-th call only. --lie plants a defect, writes that are dropped and said to be
// done; the exit status is then 0 when what is missing was found.
#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "skald/store.h"
#include "tests/crash/arguments.h"
#include "tests/crash/process.h"
#include "tests/crash/tally.h"

namespace {

using namespace skald::crash;
namespace fs = std::filesystem;

constexpr int kStopped = 6;

struct Workload {
    std::string name;
    std::vector<std::string> arguments;
    bool full_index;  // begins with as many events as the index in memory nearly holds
};

struct Fault {
    std::string call;
    std::vector<std::string> actions;
};

const std::vector<Workload>& workloads() {
    static const std::vector<Workload> all{
        {"single", {"--blocking", "--requests", "24", "--no-write-ahead"}, false},
        {"pipelined", {"--requests", "40", "--depth", "8", "--near"}, false},
        {"merge", {"--requests", "60", "--scratch", "--no-write-ahead"}, true},
    };
    return all;
}

const std::vector<Fault>& faults() {
    static const std::vector<Fault> all{
        {"pwrite", {"EIO", "ENOSPC", "short"}},
        {"writev", {"EIO", "EDQUOT", "short"}},
        {"pwritev", {"EIO", "ENOSPC", "short"}},
        {"write", {"EIO", "ENOSPC", "short"}},
        {"fdatasync", {"EIO", "ENOSPC"}},
        {"fsync", {"EIO"}},
        {"ftruncate", {"EIO", "ENOSPC"}},
        {"rename", {"EIO"}},
        {"mkdir", {"ENOSPC"}},
        {"open", {"EIO", "ENOSPC"}},
    };
    return all;
}

class DiskRun {
  public:
    explicit DiskRun(const Arguments& arguments)
        : seed_(arguments.number("--seed", 1)),
          stride_(std::max<std::uint64_t>(arguments.number("--stride", 1), 1)),
          only_(arguments.text("--only")) {}

    int find_lies() {
        violations_max_ = 1;
        exhaust(workloads().front(), "pwrite", "lie");
        tally_.finish(fmt::format("cycles={} lies={}", cycles_, fired_));
        return tally_.violations() != 0 ? 0 : 1;
    }

    int run() {
        std::fprintf(stderr, "disk: seed %llu\n", static_cast<unsigned long long>(seed_));
        for (const Workload& workload : workloads()) {
            if (!only_.empty() && only_ != workload.name) {
                continue;
            }
            for (const Fault& fault : faults()) {
                for (const std::string& action : fault.actions) {
                    exhaust(workload, fault.call, action);
                }
            }
        }
        if (only_.empty()) {
            fill_map();
            fill_disk();
        }
        return tally_.finish(
            fmt::format("cycles={} failed_calls={} full_disk={}", cycles_, fired_, full_disk_));
    }

  private:
    // n = 1, 2, ... until the program makes no n-th call any more. With a stride, the first few all
    // the same: they open the directory.
    void exhaust(const Workload& workload, const std::string& call, const std::string& action) {
        std::uint64_t n = 1 + seed_ % stride_;
        while (tally_.violations() < violations_max_ && fail_nth(workload, call, action, n)) {
            n += stride_;
        }
    }

    Command command(const std::string& temp, const std::vector<std::string>& more) const {
        Command command;
        command.arguments = {beside_program("skald_crash_workload"),
                             "--directory",
                             temp + "/root/data",
                             "--acks",
                             temp + "/acks",
                             "--seed",
                             std::to_string(seed_)};
        command.arguments.insert(command.arguments.end(), more.begin(), more.end());
        command.quiet = true;
        return command;
    }

    // False when the call did not come that often.
    bool fail_nth(const Workload& workload, const std::string& call, const std::string& action,
                  std::uint64_t nth) {
        const std::string where =
            fmt::format("{}: {} {} fails with {}", workload.name, call, nth, action);
        TempDirectory temp;
        fs::create_directory(temp.path() + "/root");
        if (workload.full_index) {
            copy_prelude(temp.path() + "/root/data");
        }
        Command run = command(temp.path(), workload.arguments);
        run.preload = beside_program("libskald_crash_faults.so");
        run.environment = {{"SKALD_SHIM_ROOT", temp.path() + "/root"},
                           {"SKALD_SHIM_ACKS", temp.path() + "/acks"},
                           {"SKALD_FAULT_CALL", call},
                           {"SKALD_FAULT_ACTION", action},
                           {"SKALD_FAULT_NTH", std::to_string(nth)},
                           {"SKALD_FAULT_FIRED", temp.path() + "/fired"}};
        Child child(run);
        const Exit exit = child.wait();
        ++cycles_;
        const std::string fired = text_of(temp.path() + "/fired");
        fired_ += fired.empty() ? 0 : 1;
        // The extender may fail to write ahead: that costs speed, nothing else.
        const bool may_go_on = fired.empty() || fired == "x" || action == "lie";
        const bool may_stop = !fired.empty();
        const bool right = !exit.signalled && !exit.hung &&
                           ((exit.code == 0 && may_go_on) || (exit.code == kStopped && may_stop));
        if (!right) {
            tally_.violation(where, fmt::format("the workload ended with {} {}{}",
                                                exit.signalled ? "signal" : "status", exit.code,
                                                exit.hung ? ", it hung" : ""));
        }
        if ((!check(where, temp.path()) || !right) && action != "lie") {
            temp.keep();
        }
        return !fired.empty();
    }

    // Sound, and goes on as if nothing had been.
    bool check(const std::string& where, const std::string& temp) {
        const std::string directory = temp + "/root/data";
        const std::string acks = temp + "/acks";
        bool sound = tally_.add(where, audit(directory, seed_, acks_of(read_records(acks))));
        for (const std::string& what : resume(directory, acks, seed_, 4)) {
            tally_.violation(where + ", gone on", what);
            sound = false;
        }
        const Acks all = acks_of(read_records(acks));
        tally_.acknowledged(all.count);
        return tally_.add(where + ", gone on", audit(directory, seed_, all)) && sound;
    }

    // A directory whose index in memory is nearly full, so that a merge comes soon.
    void copy_prelude(const std::string& directory) {
        if (!prelude_) {
            prelude_ = std::make_unique<TempDirectory>();
            auto store = skald::open_store(prelude_->path() + "/data", {2, 0, true});
            for (int i = 0; store && i < 16; ++i) {
                std::vector<skald::NewEvent> events(4090);
                for (skald::NewEvent& event : events) {
                    event.type = "Bulk";
                }
                if (!(*store)->append(skald::Append::many("bulk{a}", std::move(events)))) {
                    tally_.violation("prelude", "an append failed");
                }
            }
        }
        fs::create_directory(directory);
        fs::copy(prelude_->path() + "/data/data.mdb", directory + "/data.mdb");
    }

    void stops(const std::string& where, const std::string& temp,
               const std::vector<std::string>& arguments) {
        Child child(command(temp, arguments));
        const Exit exit = child.wait();
        ++cycles_;
        if (exit.signalled || exit.code != kStopped) {
            tally_.violation(where, fmt::format("the workload ended with {}", exit.code));
        }
    }

    void fill_map() {
        for (const std::uint64_t kib : {256U, 1024U, 3000U}) {
            const TempDirectory temp;
            const std::string where = fmt::format("a map of {} KiB", kib);
            fs::create_directory(temp.path() + "/root");
            stops(where, temp.path(),
                  {"--requests", "0", "--scratch", "--map-bytes", std::to_string(kib * 1024)});
            check(where, temp.path());
        }
    }

    void fill_disk() {
        const TempDirectory temp;
        const std::string mount_point = temp.path() + "/root";
        fs::create_directory(mount_point);
        if (geteuid() != 0 || mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=3m") != 0) {
            full_disk_ = "skipped(needs_root)";
            return;
        }
        stops("a full disk", temp.path(), {"--requests", "0", "--scratch", "--near"});
        if (mount("tmpfs", mount_point.c_str(), "tmpfs", MS_REMOUNT, "size=64m") != 0) {
            tally_.violation("a full disk", "cannot be made larger");
        }
        check("a full disk", temp.path());
        umount2(mount_point.c_str(), MNT_DETACH);
        full_disk_ = "checked";
    }

    static std::string text_of(const std::string& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    std::uint64_t seed_;
    std::uint64_t stride_;
    std::string only_;
    Tally tally_{"disk"};
    std::unique_ptr<TempDirectory> prelude_;
    std::uint64_t violations_max_ = 10;  // then it ends
    std::uint64_t cycles_ = 0;
    std::uint64_t fired_ = 0;
    std::string full_disk_ = "no";
};

}  // namespace

int main(int count, char** values) {
    const Arguments arguments(count, values, " --stride --seed --only --lie ");
    DiskRun run(arguments);
    return arguments.has("--lie") ? run.find_lies() : run.run();
}
