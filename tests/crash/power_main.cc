// Writes down what a workload does to its files, then builds what the disk may hold after a power
// cut at any moment, opens every image and looks whether what was acknowledged before the cut is
// there, once.
//
//   skald_crash_power [--images N] [--seed S] [--per-run N] [--lie]
//
// --lie: syncs do nothing, and what was not synced may be lost; the exit status is then 0 when the
// loss was found.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "tests/crash/arguments.h"
#include "tests/crash/disk_image.h"
#include "tests/crash/process.h"
#include "tests/crash/tally.h"

namespace {

using namespace skald::crash;
namespace fs = std::filesystem;

// What the child that opened an image says.
struct Verdict {
    std::uint64_t events = 0;
    std::uint64_t lost = 0;
    std::uint64_t doubled = 0;
    std::uint64_t problems = 0;
};

class PowerRun {
  public:
    explicit PowerRun(const Arguments& arguments)
        : seed_(arguments.number("--seed", 1)),
          images_(arguments.number("--images", 150)),
          per_run_(arguments.number("--per-run", 250)),
          lie_(arguments.has("--lie")),
          dice_(seed_) {}

    int run() {
        std::fprintf(stderr, "power: seed %llu\n", static_cast<unsigned long long>(seed_));
        while (built_ < images_ && (lie_ ? tally_.lost() : tally_.violations()) == 0) {
            ++runs_;
            cut_one_run();
        }
        const int status =
            tally_.finish(fmt::format("images={} runs={} operations={} extender_writes={}", built_,
                                      runs_, operations_, extender_writes_));
        return lie_ ? (tally_.lost() != 0 ? 0 : 1) : status;
    }

  private:
    void cut_one_run() {
        TempDirectory temp;
        const std::uint64_t run_seed = mix(seed_ + runs_);
        if (!record(temp.path(), run_seed)) {
            temp.keep();
            return;
        }
        const Journal journal = read_journal(temp.path() + "/journal");
        for (const std::string& race : journal.races) {
            temp.keep();
            tally_.violation(fmt::format("run {}", run_seed), race);
        }
        operations_ += journal.ops.size();
        extender_writes_ += static_cast<std::uint64_t>(
            std::count_if(journal.ops.begin(), journal.ops.end(), [](const Op& op) {
                return op.is(OpKind::write) && (op.flags & kFlagZeros) != 0 && op.length > 16384;
            }));
        ImageBuilder builder(journal, temp.path() + "/base");
        for (const std::uint64_t cut : cuts(journal)) {
            if (!check_image(temp.path(), journal, builder, cut, run_seed)) {
                if (lie_) {
                    continue;
                }
                temp.keep();
                return;
            }
        }
    }

    bool record(const std::string& temp, std::uint64_t run_seed) {
        Command command;
        command.arguments = {beside_program("skald_crash_workload"),
                             "--directory",
                             temp + "/root/data",
                             "--acks",
                             temp + "/acks",
                             "--seed",
                             std::to_string(run_seed),
                             "--requests",
                             std::to_string(20 + dice_() % 60),
                             "--depth",
                             std::to_string(1 + dice_() % 24),
                             "--rounds",
                             "2",
                             "--near"};
        if (dice_() % 2 == 0) {
            command.arguments.emplace_back("--scratch");
        }
        command.preload = beside_program("libskald_crash_journal.so");
        command.environment = {{"SKALD_SHIM_ROOT", temp + "/root"},
                               {"SKALD_SHIM_ACKS", temp + "/acks"},
                               {"SKALD_SHIM_JOURNAL", temp + "/journal"}};
        if (lie_) {
            command.environment.emplace_back("SKALD_SHIM_LIE", "1");
        }
        fs::create_directory(temp + "/root");
        Child child(command);
        const Exit exit = child.wait();
        if (exit.signalled || exit.hung || exit.code != 0) {
            tally_.violation(fmt::format("run {}", run_seed),
                             fmt::format("the workload ended with {}", exit.code));
            return false;
        }
        tally_.acknowledged(acks_of(read_records(temp + "/acks")).count);
        return true;
    }

    // Anywhere, a part of them while the directory was made.
    std::vector<std::uint64_t> cuts(const Journal& journal) {
        const auto first_ack = std::find_if(journal.ops.begin(), journal.ops.end(),
                                            [](const Op& op) { return op.is(OpKind::ack); });
        const std::uint64_t made = first_ack == journal.ops.end() ? 1 : first_ack->begin;
        std::vector<std::uint64_t> cuts;
        for (std::uint64_t i = 0; i < std::min(per_run_, images_ - built_); ++i) {
            cuts.push_back(dice_() % (i % 8 == 0 ? made : journal.end + 1));
        }
        std::sort(cuts.begin(), cuts.end());
        return cuts;
    }

    bool check_image(const std::string& temp, const Journal& journal, ImageBuilder& builder,
                     std::uint64_t cut, std::uint64_t run_seed) {
        const std::string image = temp + "/image";
        const std::string ack_path = temp + "/acks-before-the-cut";
        fs::remove_all(image);
        fs::remove(ack_path);
        builder.build(cut, dice_, image);
        {
            AckFile acks(ack_path);
            for (const Op& op : journal.ops) {
                if (op.is(OpKind::ack) && op.begin <= cut) {
                    AckRecord record;
                    std::memcpy(&record, op.data.data(), std::min(sizeof record, op.data.size()));
                    acks.append(record);
                }
            }
        }
        ++built_;
        const std::string where = fmt::format("run {} image {} cut at {} of {} (seed {})", run_seed,
                                              built_, cut, journal.end, seed_);
        return judge(where, image + "/data", ack_path, run_seed);
    }

    // In a child: a damaged map is a signal.
    bool judge(const std::string& where, const std::string& directory, const std::string& ack_path,
               std::uint64_t run_seed) {
        int ends[2];
        if (pipe(ends) != 0) {
            std::perror("pipe");
            std::exit(70);
        }
        std::fflush(nullptr);
        const pid_t child = fork();
        if (child == 0) {
            const Verdict verdict = look(where, directory, ack_path, run_seed);
            [[maybe_unused]] const ssize_t n = write(ends[1], &verdict, sizeof verdict);
            _exit(0);
        }
        close(ends[1]);
        Verdict verdict;
        const bool said =
            read(ends[0], &verdict, sizeof verdict) == static_cast<ssize_t>(sizeof verdict);
        close(ends[0]);
        int status = 0;
        waitpid(child, &status, 0);
        AuditReport report;
        report.events = verdict.events;
        report.lost = verdict.lost;
        report.doubled = verdict.doubled;
        if (!said) {
            report.lost = acks_of(read_records(ack_path)).count;
            report.problems.push_back(fmt::format("opening it ended the process, status {:#x}",
                                                  static_cast<unsigned>(status)));
        } else if (verdict.problems != 0) {
            report.problems.emplace_back("it is not what was acknowledged; see above");
        }
        return tally_.add(where, report);
    }

    Verdict look(const std::string& where, const std::string& directory,
                 const std::string& ack_path, std::uint64_t run_seed) const {
        Tally own("image");
        const AuditReport report = audit(directory, run_seed, acks_of(read_records(ack_path)));
        own.add(where, report);
        if (report.problems.empty() && built_ % 4 == 0) {
            for (const std::string& what : resume(directory, ack_path, run_seed, 4)) {
                own.violation(where, what);
            }
            own.add(where + ", gone on",
                    audit(directory, run_seed, acks_of(read_records(ack_path))));
        }
        return {report.events, own.lost(), own.doubled(), own.violations()};
    }

    std::uint64_t seed_;
    std::uint64_t images_;
    std::uint64_t per_run_;
    bool lie_;
    std::mt19937_64 dice_;
    Tally tally_{"power"};
    std::uint64_t built_ = 0;
    std::uint64_t runs_ = 0;
    std::uint64_t operations_ = 0;
    std::uint64_t extender_writes_ = 0;
};

}  // namespace

int main(int count, char** values) {
    return PowerRun(Arguments(count, values, " --images --seed --per-run --lie ")).run();
}
