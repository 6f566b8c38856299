#include "skald/cqrs/live_query.h"

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "cqrs/limits.h"
#include "cqrs/live_hub.h"
#include "cqrs/model_core.h"

namespace skald::cqrs {
namespace {

static_assert(LiveOptions{}.buffered == limits::kLiveChangesMax);

class Run final : public LiveQuery {
  public:
    Run(std::shared_ptr<LiveHub> hub, RowQuery query, LiveHandler<std::string>& handler,
        std::size_t buffered)
        : hub_(std::move(hub)),
          query_(std::move(query)),
          handler_(handler),
          feed_(query_.version, buffered) {}
    ~Run() override {
        SKALD_CHECK(!is_own_thread(),
                    "a live query destroyed by its own handler; close() it there");
        close();
        hub_->leave(feed_);
    }

    Result<void> start() {
        auto first = hub_->begin(feed_, query_);
        if (!first) {
            return first.error();
        }
        thread_ = std::thread([this, first = std::move(*first)]() mutable { run(first); });
        return {};
    }

    void close() override {
        feed_.stop();
        if (is_own_thread()) {
            return;
        }
        const std::scoped_lock lock(closing_);
        if (thread_.joinable()) {
            thread_.join();
        }
    }

  private:
    bool is_own_thread() const { return own_ == std::this_thread::get_id(); }

    void run(LiveSnapshot<std::string>& first) {
        own_ = std::this_thread::get_id();
        std::optional<Error> reason;
        try {
            reason = tell(first);
        } catch (const RowRefused& refused) {
            reason = refused.error();
        } catch (const std::exception& e) {
            reason = Error(Errc::handler_failed, fmt::format("the handler failed: {}", e.what()));
        } catch (...) {
            reason = Error(Errc::handler_failed, "the handler failed: it threw no std::exception");
        }
        hub_->leave(feed_);
        if (reason && !feed_.stopped()) {
            try {
                handler_.on_ended(*reason);
            } catch (...) {  // it was the last call anyway
            }
        }
    }

    // Why it ended; nothing when it was closed.
    std::optional<Error> tell(LiveSnapshot<std::string>& snapshot) {
        if (!feed_.stopped()) {
            handler_.on_snapshot(snapshot);
        }
        snapshot = {};  // it may be large
        while (true) {
            LiveFeed::Next next = feed_.next();
            if (const auto* deltas = std::get_if<LiveFeed::Deltas>(&next)) {
                handler_.on_deltas(*deltas);
            } else if (const auto* why = std::get_if<Resync>(&next)) {
                handler_.on_resync(*why);
                if (auto ok = begin_anew(); !ok) {
                    return ok.error();
                }
            } else if (const auto* ended = std::get_if<Error>(&next)) {
                return *ended;
            } else {
                return std::nullopt;
            }
        }
    }

    Result<void> begin_anew() {
        while (true) {
            feed_.begin_joining();
            auto snapshot = hub_->begin(feed_, query_);
            if (snapshot) {
                if (!feed_.stopped()) {
                    handler_.on_snapshot(*snapshot);
                }
                return {};
            }
            if (snapshot.error().code != Errc::not_ready) {
                return snapshot.error();
            }
            if (!feed_.wait_to_join()) {
                return {};  // next() says why
            }
        }
    }

    const std::shared_ptr<LiveHub> hub_;
    const RowQuery query_;
    LiveHandler<std::string>& handler_;
    LiveFeed feed_;
    std::atomic<std::thread::id> own_;
    std::mutex closing_;
    std::thread thread_;  // joined once, with closing_
};

}  // namespace

Result<std::unique_ptr<LiveQuery>> ReadModel::live(const RowQuery& query,
                                                   LiveHandler<std::string>& handler,
                                                   const LiveOptions& options) const {
    if (!query.after.empty()) {
        return Error(Errc::invalid_argument, "after: a live query has no pages");
    }
    if (options.buffered == 0 || options.buffered > limits::kLiveChangesMax) {
        return Error(Errc::invalid_argument, fmt::format("buffered {}: 1 to {}", options.buffered,
                                                         limits::kLiveChangesMax));
    }
    if (auto ok = wait_for_at_least(query); !ok) {
        return ok.error();
    }
    auto run = std::make_unique<Run>(core_->live_hub(), query, handler, options.buffered);
    auto ok = run->start();
    return ok ? Result<std::unique_ptr<LiveQuery>>(std::move(run)) : ok.error();
}

}  // namespace skald::cqrs
