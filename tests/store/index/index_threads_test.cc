#include <fmt/format.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/store/index/index_world.h"

namespace skald::store::index {
namespace {

constexpr std::uint64_t kStreams = 97;
constexpr std::uint64_t kEvents = 6 * limits::kTailEventsMax;
constexpr std::uint64_t kBatch = 1024;

// One writer as a volume has it, with the real maintainer. Event i is of stream i % kStreams, so
// that readers know every answer.
class Writer {
  public:
    Writer() : env_(open_env(directory_.path())) {
        index_ = PartitionIndex::open(*env_, Partition(0)).value();
        maintainer_ = IndexMaintainer::start(*env_, {index_.get()}, [this] {
            const std::scoped_lock lock(mutex_);
            woken_ = true;
            changed_.notify_one();
        });
    }

    void write_all() {
        for (std::uint64_t offset = 0; offset < kEvents;) {
            for (std::uint64_t i = 0; i < kBatch; ++i, ++offset) {
                Record record{fmt::format("s-{}", offset % kStreams)};
                record.version = offset / kStreams;
                index_->add(record.view(Offset(offset)), false);
            }
            commit();
            published_.store(offset, std::memory_order_release);
            while (index_->full()) {
                wait_for_slice();
                commit();
            }
        }
        while (index_->covered().value < kEvents) {
            wait_for_slice();
            commit();
        }
        done_ = true;
    }

    bool done() const { return done_; }
    std::uint64_t published() const { return published_.load(std::memory_order_acquire); }
    const PartitionIndex& index() const { return *index_; }
    lmdb::ReadTxn read() const { return env_->read().value(); }
    bool failed() const { return maintainer_->failure().has_value(); }

  private:
    void commit() {
        auto txn = env_->write().value();
        const bool pending = maintainer_->pending();
        if (pending) {
            CHECK(maintainer_->apply(txn).has_value());
        }
        CHECK(std::move(txn).commit().has_value());
        if (pending) {
            maintainer_->committed();
        }
        index_->set_sealable(index_->end());
    }

    void wait_for_slice() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return woken_ || maintainer_->pending(); });
        woken_ = false;
    }

    TempDirectory directory_;
    std::unique_ptr<lmdb::Env> env_;
    std::unique_ptr<PartitionIndex> index_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false;
    std::atomic<std::uint64_t> published_{0};
    std::atomic<bool> done_{false};
    std::unique_ptr<IndexMaintainer> maintainer_;
};

// How many answers were wrong; Catch's macros are not for several threads.
std::size_t read_until_done(const Writer& writer, std::uint64_t step) {
    std::size_t wrong = 0;
    for (std::uint64_t i = 0; !writer.done(); i += step) {
        const std::uint64_t stream = i % kStreams;
        const std::string name = fmt::format("s-{}", stream);
        const std::uint64_t below = writer.published();
        const auto txn = writer.read();
        const auto snapshot = writer.index().snapshot(txn, Offset(below));
        if (!snapshot) {
            ++wrong;
            continue;
        }
        const std::uint64_t count = (below + kStreams - 1 - stream) / kStreams;
        const auto all = (*snapshot)->versions(name, Version(0), false, kEvents).value();
        wrong += all.size() != (below > stream ? count : 0);
        for (std::size_t k = 0; k < all.size(); ++k) {
            wrong += all[k].offset.value != stream + k * kStreams || all[k].version.value != k;
        }
        const auto head = (*snapshot)->head(name).value();
        wrong += (head ? head->next.value : 0) != all.size();
        const auto now = writer.index().head(name).value();
        wrong += (now ? now->next.value : 0) < all.size();
    }
    return wrong;
}

}  // namespace

TEST_CASE("index: readers see every posting once while it is added, sealed and merged",
          "[store][model]") {
    Writer writer;
    std::array<std::size_t, 2> wrong{};
    std::vector<std::thread> readers;
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        readers.emplace_back([&, i] { wrong[i] = read_until_done(writer, 2 * i + 1); });
    }
    writer.write_all();
    for (std::thread& reader : readers) {
        reader.join();
    }
    CHECK(wrong == std::array<std::size_t, 2>{});
    CHECK_FALSE(writer.failed());
}

}  // namespace skald::store::index
