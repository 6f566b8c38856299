// The index alone: adds over 1, 1,000 and 1,000,000 random streams with the real maintainer, and in
// the loop a commit every 4,096 events that also stores as many bytes of log.
//
//   index_bench [events, default 10000000] [directory, default ./index_bench.data] [streams]
//
// One line a figure: streams, metric, value, unit. `heads` runs ask for each stream's head before
// the add, as the writer does. Names with `cpu` are CPU time of the writer's thread, the others
// wall time.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "store/index.h"

namespace skald::store {
namespace {

constexpr std::uint64_t kEventsPerCommit = 4096;
constexpr std::size_t kEventBytes = 128;

double seconds() {
    return std::chrono::duration<double>(SystemClock::instance().monotonic()).count();
}

// CPU time of this thread: what a figure would be on a machine that does nothing else.
double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

class Load {
  public:
    Load(const std::string& directory, std::uint64_t streams, bool heads)
        : streams_(streams), heads_(heads), next_(streams) {
        lmdb::EnvOptions options;
        options.map_bytes = 64 * limits::kGiB;
        env_ = lmdb::Env::open(directory, options).value();
        index_ = PartitionIndex::open(*env_, Partition(0)).value();
        auto txn = env_->write().value();
        log_ = txn.open("p0.log", lmdb::Keys::integers).value();
        SKALD_CHECK(std::move(txn).commit(), "commit");
        maintainer_ = IndexMaintainer::start(*env_, {index_.get()}, [] {});
        for (std::uint64_t i = 0; i < std::min<std::uint64_t>(32, streams); ++i) {
            types_.push_back(fmt::format("Type{:04}", i));
        }
    }

    void run(std::uint64_t events) {
        const double start = seconds();
        for (std::uint64_t done = 0; done < events; done += kEventsPerCommit) {
            add_some();
            commit(done);
            while (index_->full()) {
                ++waits_;
                commit(std::nullopt);
            }
        }
        elapsed_ = seconds() - start;
        commits_ = commits_now_;
        commit_mean_ = commit_s_ / static_cast<double>(commits_);
        apply_mean_ = apply_s_ / static_cast<double>(commits_);
        events_ = events;
        owned_ = index_->owned_bytes();
    }

    void drain() {
        const double start = seconds();
        // Merges that follow from the last commit begin within the pause, or there are none.
        for (double idle = seconds(); seconds() - idle < 0.2;) {
            if (maintainer_->pending()) {
                commit(std::nullopt);
                idle = seconds();
            }
        }
        drain_ = seconds() - start;
    }

    void measure_heads() {
        constexpr int kHeads = 1'000'000;
        std::uint64_t found = 0;
        double start = cpu_seconds();
        for (int i = 0; i < kHeads; ++i) {
            found += index_->head(random_stream()).value().has_value();
        }
        head_ns_ = (cpu_seconds() - start) * 1e9 / kHeads;
        SKALD_CHECK(found > 0, "no stream has a head");
        start = cpu_seconds();
        for (int i = 0; i < kHeads; ++i) {
            const auto name =
                std::string_view(name_.data(), write_name("nobody-", random_() % 100'000'000));
            found += index_->head(name).value().has_value();
        }
        miss_ns_ = (cpu_seconds() - start) * 1e9 / kHeads;
    }

    void print() const {
        const auto line = [&](std::string_view metric, double value, std::string_view unit) {
            fmt::print("{} {}{} {:.1f} {}\n", streams_, heads_ ? "heads_" : "", metric, value,
                       unit);
        };
        line("events", static_cast<double>(events_) / elapsed_ / 1e3, "k/s");
        line("add_cpu", add_s_ * 1e9 / static_cast<double>(events_), "ns");
        line("commit", commit_mean_ * 1e6, "us");
        line("apply_max", apply_max_ * 1e3, "ms");
        line("apply_cpu_max", apply_cpu_max_ * 1e3, "ms");
        line("apply_cpu_mean", apply_mean_ * 1e6, "us");
        line("committed_cpu_max", committed_cpu_max_ * 1e3, "ms");
        line("waits", static_cast<double>(waits_), "commits");
        line("drain", drain_, "s");
        line("head_found_cpu", head_ns_, "ns");
        line("head_missing_cpu", miss_ns_, "ns");
        line("owned", static_cast<double>(owned_) / 1e6, "MB");
        line("index", index_bytes() / static_cast<double>(index_->covered().value), "B/event");
        std::fflush(stdout);
    }

  private:
    std::size_t write_name(std::string_view prefix, std::uint64_t number) {
        std::copy(prefix.begin(), prefix.end(), name_.begin());
        char* at = name_.data() + prefix.size();
        return static_cast<std::size_t>(std::to_chars(at, name_.data() + name_.size(), number).ptr -
                                        name_.data());
    }

    std::string_view random_stream() {
        number_ = random_() % streams_;
        return {name_.data(), write_name("account-", number_)};
    }

    void add_some() {
        const double start = cpu_seconds();
        EventView event{};
        for (std::uint64_t i = 0; i < kEventsPerCommit; ++i) {
            event.stream = random_stream();
            event.type = types_[number_ % types_.size()];
            if (heads_) {
                const auto head = index_->head(event.stream).value();
                SKALD_CHECK((head ? head->next.value : 0) == next_[number_], "a wrong head");
            }
            event.version = Version(next_[number_]++);
            event.offset = index_->end();
            index_->add(event, false);
        }
        add_s_ += cpu_seconds() - start;
    }

    void commit(std::optional<std::uint64_t> log_offset) {
        const double start = seconds();
        auto txn = env_->write().value();
        if (log_offset) {
            static const std::string batch(kEventsPerCommit * kEventBytes, 'x');
            SKALD_CHECK(txn.append(log_, *log_offset, as_bytes(batch)), "log");
        }
        const bool pending = maintainer_->pending();
        if (pending) {
            const double before = seconds();
            const double cpu_before = cpu_seconds();
            SKALD_CHECK(maintainer_->apply(txn), "apply");
            apply_max_ = std::max(apply_max_, seconds() - before);
            const double cpu = cpu_seconds() - cpu_before;
            apply_cpu_max_ = std::max(apply_cpu_max_, cpu);
            apply_s_ += cpu;
        }
        SKALD_CHECK(std::move(txn).commit(), "commit");
        if (pending) {
            const double before = cpu_seconds();
            maintainer_->committed();
            committed_cpu_max_ = std::max(committed_cpu_max_, cpu_seconds() - before);
        }
        index_->set_sealable(index_->end());
        commit_s_ += seconds() - start;
        ++commits_now_;
        SKALD_CHECK(!maintainer_->failure(), "the maintainer failed");
    }

    // Pages of 4 KiB in use, less the log's.
    double index_bytes() const {
        auto txn = env_->read().value();
        auto cursor =
            lmdb::Cursor::open(txn, *txn.find("p0.runs", lmdb::Keys::integers).value()).value();
        double bytes = 0;
        for (auto entry = cursor.first().value(); entry; entry = cursor.next().value()) {
            bytes += static_cast<double>(entry->value.size() + 16);
        }
        return bytes;
    }

    std::uint64_t streams_;
    bool heads_;
    std::vector<std::uint64_t> next_;
    std::unique_ptr<lmdb::Env> env_;
    std::unique_ptr<PartitionIndex> index_;
    lmdb::Database log_;
    std::unique_ptr<IndexMaintainer> maintainer_;
    std::vector<std::string> types_;
    std::mt19937_64 random_{1};
    std::uint64_t number_ = 0;
    std::array<char, 32> name_{};
    std::uint64_t events_ = 0, commits_ = 0, commits_now_ = 0, waits_ = 0;
    double elapsed_ = 0, add_s_ = 0, commit_s_ = 0, apply_s_ = 0, apply_max_ = 0, drain_ = 0;
    double head_ns_ = 0, miss_ns_ = 0, commit_mean_ = 0, apply_cpu_max_ = 0, committed_cpu_max_ = 0,
           apply_mean_ = 0;
    std::size_t owned_ = 0;
};

}  // namespace
}  // namespace skald::store

int main(int argc, char** argv) {
    const std::uint64_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
    const std::string directory = argc > 2 ? argv[2] : "index_bench.data";
    const std::uint64_t only = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
    for (const bool heads : {false, true}) {
        for (const std::uint64_t streams : {1U, 1'000U, 1'000'000U}) {
            if (only != 0 && only != streams) {
                continue;
            }
            std::filesystem::remove_all(directory);
            skald::store::Load load(directory, streams, heads);
            load.run(events);
            load.drain();
            load.measure_heads();
            load.print();
        }
    }
    std::filesystem::remove_all(directory);
    return 0;
}
