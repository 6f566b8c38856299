#include <fmt/format.h>

#include <atomic>

#include "cqrs/limits.h"
#include "cqrs/live_hub.h"
#include "cqrs/model_core.h"

namespace skald::cqrs {
namespace {

static_assert(LiveOptions{}.buffered == limits::kLiveChangesMax);

class HubSource final : public LiveSource {
  public:
    HubSource(std::shared_ptr<LiveHub> hub, const RowQuery& query, std::size_t buffered)
        : hub_(std::move(hub)), query_(query), feed_(query_.version, buffered) {}
    ~HubSource() override { hub_->leave(feed_); }

    Result<void> begin() {
        auto first = hub_->begin(feed_, query_);
        if (!first) {
            return first.error();
        }
        first_ = std::move(*first);
        for (const LiveRow<std::string>& each : first_->rows) {
            first_bytes_ += each.key.size() + each.row.size();
        }
        return {};
    }

    LiveNext next(std::chrono::milliseconds wait) override {
        if (first_) {
            LiveNext first(std::move(*first_));
            first_.reset();
            first_bytes_ = 0;
            return first;
        }
        if (!joined_) {
            return join(wait);
        }
        LiveNext next = feed_.next(wait);
        joined_ = !std::holds_alternative<Resync>(next);
        return next;
    }

    void stop() override { feed_.stop(); }
    std::size_t held() const override { return first_bytes_ + feed_.held(); }

  private:
    LiveNext join(std::chrono::milliseconds wait) {
        feed_.begin_joining();
        auto snapshot = hub_->begin(feed_, query_);
        if (snapshot) {
            joined_ = true;
            return std::move(*snapshot);
        }
        if (snapshot.error().code != Errc::not_ready) {
            return snapshot.error();
        }
        feed_.wait_to_join(wait);
        return {};
    }

    const std::shared_ptr<LiveHub> hub_;
    const RowQuery query_;
    LiveFeed feed_;
    std::optional<LiveSnapshot<std::string>> first_;
    std::atomic<std::size_t> first_bytes_ = 0;
    bool joined_ = true;  // false: a resync was told, and no snapshot yet
};

}  // namespace

Result<void> check_live_options(const LiveOptions& options) {
    if (options.buffered == 0 || options.buffered > limits::kLiveChangesMax) {
        return Error(Errc::invalid_argument, fmt::format("buffered {}: 1 to {}", options.buffered,
                                                         limits::kLiveChangesMax));
    }
    return {};
}

Result<std::unique_ptr<LiveSource>> ReadModel::follow(const RowQuery& query,
                                                      const LiveOptions& options) const {
    if (!query.after.empty()) {
        return Error(Errc::invalid_argument, "after: a live query has no pages");
    }
    if (auto ok = check_live_options(options); !ok) {
        return ok.error();
    }
    if (auto ok = wait_for_at_least(query); !ok) {
        return ok.error();
    }
    auto source = std::make_unique<HubSource>(core_->live_hub(), query, options.buffered);
    if (auto ok = source->begin(); !ok) {
        return ok.error();
    }
    return std::unique_ptr<LiveSource>(std::move(source));
}

}  // namespace skald::cqrs
