// Kills a workload again and again, at moments of chance and at named calls, and looks each time
// whether everything that was acknowledged is there, once.
//
//   skald_crash_kill [--cycles N] [--seed S] [--per-directory N] [--answers N] [--seeded
//   lost|doubled]
//
// --answers: it is killed after at most so many. --seeded plants a defect; the exit status is then
// 0 when it was found.
#include <fmt/format.h>
#include <signal.h>

#include <filesystem>
#include <memory>
#include <random>

#include "tests/crash/arguments.h"
#include "tests/crash/process.h"
#include "tests/crash/tally.h"

namespace {

using namespace skald::crash;

class KillRun {
  public:
    explicit KillRun(const Arguments& arguments)
        : seed_(arguments.number("--seed", 1)),
          cycles_(arguments.number("--cycles", 15)),
          per_directory_(arguments.number("--per-directory", 25)),
          answers_(std::max<std::uint64_t>(arguments.number("--answers", 1500), 1)),
          seeded_(arguments.text("--seeded")),
          dice_(seed_) {}

    int run() {
        std::fprintf(stderr, "kill: seed %llu\n", static_cast<unsigned long long>(seed_));
        std::uint64_t done = 0;
        for (; done < cycles_ && tally_.violations() == 0; ++done) {
            if (done % per_directory_ == 0) {
                renew(done);
            }
            cycle(done);
        }
        if (tally_.violations() != 0 && seeded_.empty()) {
            temp_->keep();
        }
        count_acks();
        const int status = tally_.finish(fmt::format("cycles={} at_calls={} open_ms_max={:.1f}",
                                                     done, at_calls_, tally_.open_ms_max()));
        if (seeded_.empty()) {
            return status;
        }
        const bool found = seeded_ == "lost" ? tally_.lost() != 0 : tally_.doubled() != 0;
        return found ? 0 : 1;
    }

  private:
    void renew(std::uint64_t cycle) {
        count_acks();
        temp_ = std::make_unique<TempDirectory>();
        directory_ = temp_->path() + "/root/data";
        ack_path_ = temp_->path() + "/acks";
        std::filesystem::create_directory(temp_->path() + "/root");
        run_seed_ = mix(seed_ + cycle);
        fresh_ = true;
    }

    void count_acks() {
        if (temp_) {
            tally_.acknowledged(acks_of(read_records(ack_path_)).count);
        }
    }

    Command command() {
        Command command;
        command.arguments = {beside_program("skald_crash_workload"),
                             "--directory",
                             directory_,
                             "--acks",
                             ack_path_,
                             "--seed",
                             std::to_string(run_seed_),
                             "--progress",
                             std::to_string(Child::kProgressFd),
                             "--depth",
                             std::to_string(1 + dice_() % 64)};
        if (dice_() % 2 == 0) {
            command.arguments.emplace_back("--near");
        }
        if (dice_() % 2 == 0) {
            command.arguments.emplace_back("--scratch");
        }
        if (seeded_ == "doubled") {
            command.arguments.emplace_back("--forget-producer");
        }
        return command;
    }

    // The child kills itself there; most calls come soon, those of a new directory only then.
    void at_call(Command& command) {
        static const std::vector<std::string> always{"pwrite", "fdatasync", "writev"};
        static const std::vector<std::string> fresh{"open",  "mkdir", "rename",
                                                    "fsync", "write", "ftruncate"};
        static const std::vector<std::string> actions{"kill-before", "kill-torn", "kill-after"};
        const auto& calls = fresh_ && dice_() % 2 == 0 ? fresh : always;
        const std::uint64_t most = &calls == &always ? 60 : 3;
        command.preload = beside_program("libskald_crash_faults.so");
        command.environment = {{"SKALD_SHIM_ROOT", temp_->path() + "/root"},
                               {"SKALD_SHIM_ACKS", ack_path_},
                               {"SKALD_FAULT_CALL", calls[dice_() % calls.size()]},
                               {"SKALD_FAULT_ACTION", actions[dice_() % actions.size()]},
                               {"SKALD_FAULT_NTH", std::to_string(1 + dice_() % most)}};
        ++at_calls_;
    }

    void cycle(std::uint64_t number) {
        const std::string where =
            fmt::format("cycle {} of seed {} ({})", number, seed_, directory_);
        Command run = command();
        const std::uint64_t way = dice_() % 4;
        if (way == 0) {
            at_call(run);
        }
        Child child(run);
        if (way == 1) {
            child.await(SIZE_MAX, static_cast<int>(dice_() % 40));
        } else {
            child.await(1 + dice_() % answers_, 20'000);
        }
        child.kill();
        const Exit exit = child.wait();
        if (!exit.signalled || exit.code != SIGKILL || exit.hung) {
            tally_.violation(where, fmt::format("the workload ended by itself: {} {}",
                                                exit.signalled ? "signal" : "status", exit.code));
        }
        fresh_ = false;
        if (seeded_ == "lost") {
            forge();
        }
        tally_.add(where, audit(directory_, run_seed_, acks_of(read_records(ack_path_))));
    }

    // A receipt for what was never sent.
    void forge() {
        AckRecord record;
        record.mark = Mark::acknowledged;
        record.sequence = 1'000'000;
        AckFile(ack_path_).append(record);
    }

    std::uint64_t seed_;
    std::uint64_t cycles_;
    std::uint64_t per_directory_;
    std::uint64_t answers_;
    std::string seeded_;
    std::mt19937_64 dice_;
    Tally tally_{"kill"};
    std::unique_ptr<TempDirectory> temp_;
    std::string directory_;
    std::string ack_path_;
    std::uint64_t run_seed_ = 0;
    bool fresh_ = true;  // nobody has opened the directory yet
    std::uint64_t at_calls_ = 0;
};

}  // namespace

int main(int count, char** values) {
    return KillRun(Arguments(count, values, " --cycles --seed --per-directory --answers --seeded "))
        .run();
}
