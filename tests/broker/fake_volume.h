// A volume without a log, for tests of the routing core: it keeps what is submitted and gives
// cursors that a test feeds.
#pragma once

#include <cstdlib>
#include <deque>
#include <map>

#include "base/glob.h"
#include "store/volume.h"
#include "wire/batch.h"
#include "wire/query.h"

namespace skald::broker {

// What the cursors of one test return, in turn; then `end` with nothing.
struct Feed {
    std::deque<Result<store::Step>> steps;
    Position position;
    std::vector<store::ReadBudget> budgets;  // of each step
};

class FakeCursor final : public store::Cursor {
  public:
    FakeCursor(std::shared_ptr<Feed> feed, store::CursorOptions options)
        : feed_(std::move(feed)), options_(std::move(options)) {}
    Result<store::Step> next(const store::ReadBudget& budget) override {
        feed_->budgets.push_back(budget);
        if (feed_->steps.empty()) {
            return store::Step{{}, true};
        }
        auto step = std::move(feed_->steps.front());
        feed_->steps.pop_front();
        if (step) {
            for (const store::Chunk& chunk : step->chunks) {
                feed_->position.partitions = {{chunk.partition, Uuid{}, Epoch{1}, chunk.next, 0}};
            }
        }
        return step;
    }
    Result<store::EventStep> next_events(const store::ReadBudget&) override {
        return Error(Errc::invalid_argument, "a node sends chunks");
    }
    bool wants(const EventView& event) const override {
        return wire::selects(options_.selection, event) &&
               matches_any(options_.allowed, event.stream);
    }
    const Position& position() const override { return feed_->position; }
    Start resume() const override { return feed_->position; }

  private:
    std::shared_ptr<Feed> feed_;
    store::CursorOptions options_;
};

// One batch of `batch_bytes` after the other, from offset 0 up to its end.
class FakeLog final : public LogSource {
  public:
    Result<LogState> state() override {
        LogState state;
        state.partitions.push_back({{{{Uuid{}, Offset{}}}, Epoch{1}, Offset{}, {}, false}, end});
        return state;
    }
    Result<BatchRun> batches(const LogRange& range) override {
        asked = range;
        BatchRun run;
        for (Offset at = range.from; at < std::min(range.end, end); ++at) {
            if (!run.batches.empty() && (run.batches.size() + 1) * batch.size() > range.bytes) {
                break;
            }
            run.batches.push_back(as_bytes(batch));
        }
        return run;
    }
    Result<ProducerRows> producers(Partition, const std::string& after, std::size_t) override {
        return ProducerRows{Offset{}, "rows" + after, after.empty() ? "next" : ""};
    }

    Offset end{100};
    std::string batch = std::string(1000, 'b');
    LogRange asked;
};

class FakeVolume : public store::Volume {
  public:
    void submit(std::span<const store::Submission>) override {}
    bool submit_here(const store::Submission&) override { return false; }
    Result<store::AppendOutcome> append(const store::Submission&) override {
        return Error(Errc::store_failed, "not in this test");
    }
    Result<Partition> partition_of(const wire::RequestView& request) const override {
        return partition_of(request.name(request.stream(0).name));
    }
    Partition partition_of(std::string_view stream) const override {
        return Partition{static_cast<std::uint16_t>(wire::name_hash(stream) % partitions)};
    }
    Result<std::unique_ptr<store::Cursor>> cursor(const store::CursorOptions& options) override {
        asked = options;
        return std::unique_ptr<store::Cursor>(std::make_unique<FakeCursor>(feed, options));
    }
    Result<store::Picked> pick(Partition, std::span<const store::Pick>) override {
        return store::Picked{};
    }
    Result<std::optional<store::ControlRecord>> last_control(std::string_view) override {
        return std::optional<store::ControlRecord>();
    }
    Result<std::string> control_at(std::string_view, Offset) override { return std::string(); }
    Result<StreamInfo> stream_info(std::string_view stream) override {
        StreamInfo info;
        info.name = stream;
        info.state = StreamState::active;
        return info;
    }
    Result<StreamList> list_streams(std::string_view, std::string_view, std::uint32_t,
                                    const std::vector<std::string>&) override {
        return StreamList{};
    }
    Result<std::string> encode_lifecycle(const Lifecycle&) override {
        return Error(Errc::stream_not_found, "not in this test");
    }
    Result<std::string> encode_removal(const std::string&, const store::Removal&) override {
        return Error(Errc::stream_not_found, "not in this test");
    }
    store::QueueGate& queues() override { return gate; }
    Result<std::optional<Snapshot>> get_snapshot(std::string_view) override {
        return std::optional<Snapshot>();
    }
    Result<void> put_snapshot(std::string_view, const Snapshot&) override { return {}; }
    Result<ScavengeReport> scavenge(const AdminProgress&, const std::stop_token&) override {
        return ScavengeReport{};
    }
    LogSource& log() override { return fake_log; }
    Position position() const override { return {}; }
    Position position_after(const store::AppendOutcome&) const override { return {}; }
    store::VolumeInfo info() const override {
        store::VolumeInfo info;
        info.partitions.resize(partitions);
        for (std::uint16_t p = 0; p < partitions; ++p) {
            info.partitions[p].partition = Partition{p};
        }
        return info;
    }
    std::optional<Error> failure() const override { return std::nullopt; }
    std::shared_ptr<void> watch(std::function<void()>) override { return nullptr; }
    store::EphemeralHub& ephemeral() override { return hub; }
    store::InlineHost& inline_host() override { std::abort(); }

    FakeLog fake_log;
    ManualClock clock;
    store::EphemeralHub hub{clock};
    store::QueueGate gate;
    std::uint16_t partitions = 1;
    std::shared_ptr<Feed> feed = std::make_shared<Feed>();
    store::CursorOptions asked;
};

}  // namespace skald::broker
