#include "store/cursor.h"

#include <algorithm>

#include "base/glob.h"
#include "base/limits.h"
#include "wire/query.h"

namespace skald::store {
namespace {

// Chunks of one step together; more comes with the next.
constexpr std::size_t kChunksMax = 256;

class MergedCursor final : public Cursor {
  public:
    MergedCursor(const Logs& logs, lmdb::Env& env, CursorOptions options,
                 std::function<std::vector<Visible>()> visible)
        : env_(env), options_(std::move(options)), visible_(std::move(visible)) {
        position_.cluster = logs.cluster;
    }

    void add(PartitionLog& log, const Place& place) {
        parts_.push_back(std::make_unique<PartitionCursor>(log, options_, place));
        position_.partitions.push_back(parts_.back()->position());
    }
    const CursorOptions& options() const { return options_; }

    Result<Step> next(const ReadBudget& budget) override {
        Step step;
        std::size_t bytes = 0;
        auto end = walk(budget, [&](PartitionCursor& part, ReadBudget& left) -> Result<bool> {
            auto chunk = part.take(left, step.chunks.empty());
            if (!chunk) {
                return chunk.error();
            }
            if (chunk->events == 0) {
                if (step.chunks.empty()) {
                    step.wants_events = static_cast<std::uint32_t>(chunk->next - chunk->first);
                    step.wants_bytes = part.match_bytes();
                }
                return false;
            }
            bytes += chunk->frame->size();
            step.chunks.push_back(std::move(*chunk));
            return step.chunks.size() < kChunksMax && bytes < budget.aim;
        });
        if (!end) {
            return end.error();
        }
        step.end = *end;
        return step;
    }

    Result<EventStep> next_events(const ReadBudget& budget) override {
        EventBuffer events;
        auto end = walk(budget, [&](PartitionCursor& part, ReadBudget& left) -> Result<bool> {
            auto taken = part.take_events(left, events.events().empty(), events);
            return taken ? Result<bool>(*taken > 0) : taken.error();
        });
        if (!end) {
            return end.error();
        }
        return EventStep{events.take_events(), events.memory(), *end};
    }

    bool wants(const EventView& event) const override {
        return wire::selects(options_.selection, event) &&
               matches_any(options_.allowed, event.stream);
    }
    const Position& position() const override { return position_; }
    Start resume() const override { return position_; }

  private:
    // Has `take` take from one partition after the other, until it says that it is enough, or
    // nothing is left: then true.
    template <typename Take>
    Result<bool> walk(const ReadBudget& budget, const Take& take) {
        // Visible first: the transaction then holds at least as much.
        const std::vector<Visible> visible = visible_();
        auto txn = env_.read();
        if (!txn) {
            return txn.error();
        }
        auto end = gather(ReadView{*txn, visible}, budget, take);
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            parts_[i]->release();
            position_.partitions[i] = parts_[i]->position();
        }
        return end;
    }

    template <typename Take>
    Result<bool> gather(const ReadView& view, ReadBudget budget, const Take& take) {
        std::size_t scan_left = budget.records;
        for (bool more = true; more && budget.events > 0;) {
            bool exhausted = false;
            auto part = pick(view, budget.events, scan_left, exhausted);
            if (!part) {
                return part.error();
            }
            if (*part == nullptr) {
                return !exhausted;
            }
            auto taken = take(**part, budget);
            if (!taken) {
                return taken.error();
            }
            more = *taken;
        }
        return false;
    }

    // The partition whose next match is oldest (backward: newest); null when none has one, or when
    // a partition looked at its share of records without finding one: the order is then unknown.
    Result<PartitionCursor*> pick(const ReadView& view, std::uint32_t events_max,
                                  std::size_t& scan_left, bool& exhausted) {
        PartitionCursor* best = nullptr;
        for (const auto& part : parts_) {
            auto loaded = part->load(view, {scan_left, events_max});
            if (!loaded) {
                return loaded.error();
            }
            scan_left -= std::min(scan_left, part->scanned());
            exhausted = exhausted || part->exhausted();
            if (!*loaded) {
                continue;
            }
            const bool better =
                best == nullptr ||
                (options_.backward ? part->clock() > best->clock() : part->clock() < best->clock());
            best = better ? part.get() : best;
        }
        return exhausted ? nullptr : best;
    }

    lmdb::Env& env_;
    CursorOptions options_;
    std::function<std::vector<Visible>()> visible_;
    std::vector<std::unique_ptr<PartitionCursor>> parts_;
    Position position_;
};

Result<void> check_options(const CursorOptions& options) {
    const Selection::Kind kind = options.selection.kind;
    if (auto ok = wire::check_selection(options.selection); !ok) {
        return ok;
    }
    if (options.backward && kind != Selection::Kind::all && kind != Selection::Kind::stream) {
        return Error(Errc::invalid_argument, "only a stream or everything can be read backward");
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<Cursor>> open_cursor(const Logs& logs, lmdb::Env& env,
                                            const CursorOptions& options,
                                            std::function<std::vector<Visible>()> visible) {
    if (auto ok = check_options(options); !ok) {
        return ok.error();
    }
    const StartRequest start{options.selection, options.start, options.exclusive, options.backward};
    auto places = resolve_start(logs, start, visible());
    if (!places) {
        return places.error();
    }
    auto cursor = std::make_unique<MergedCursor>(logs, env, options, std::move(visible));
    for (const Place& place : *places) {
        cursor->add(*logs.partitions[place.partition], place);
    }
    return std::unique_ptr<Cursor>(std::move(cursor));
}

}  // namespace skald::store
