#include "skald/cqrs/live_query.h"

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "base/check.h"
#include "skald/cqrs/read_models.h"
#include "skald/cqrs/row.h"

namespace skald::cqrs {
namespace {

constexpr std::chrono::hours kWait{1};  // it is stopped when there is no more to wait for

class Told final : public LiveQuery {
  public:
    Told(std::unique_ptr<LiveSource> source, LiveHandler<std::string>& handler)
        : handler_(handler), source_(std::move(source)), thread_([this] { run(); }) {}
    ~Told() override {
        SKALD_CHECK(!is_own_thread(),
                    "a live query destroyed by its own handler; close() it there");
        close();
    }

    void close() override {
        closed_ = true;
        {
            const std::scoped_lock lock(mutex_);
            if (source_) {
                source_->stop();
            }
        }
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

    void run() {
        own_ = std::this_thread::get_id();
        std::optional<Error> reason;
        try {
            reason = tell();
        } catch (const RowRefused& refused) {
            reason = refused.error();
        } catch (const std::exception& e) {
            reason = Error(Errc::handler_failed, fmt::format("the handler failed: {}", e.what()));
        } catch (...) {
            reason = Error(Errc::handler_failed, "the handler failed: it threw no std::exception");
        }
        drop_source();
        if (reason && !closed_) {
            try {
                handler_.on_ended(*reason);
            } catch (...) {  // it was the last call anyway
            }
        }
    }

    // Why it ended; nothing when it was closed.
    std::optional<Error> tell() {
        while (true) {
            const LiveNext next = source_->next(kWait);
            if (closed_) {
                return std::nullopt;
            }
            if (const auto* snapshot = std::get_if<LiveSnapshot<std::string>>(&next)) {
                handler_.on_snapshot(*snapshot);
            } else if (const auto* deltas = std::get_if<LiveDeltas<std::string>>(&next)) {
                handler_.on_deltas(*deltas);
            } else if (const auto* why = std::get_if<Resync>(&next)) {
                handler_.on_resync(*why);
            } else if (const auto* ended = std::get_if<Error>(&next)) {
                return *ended;
            }
        }
    }

    void drop_source() {
        const std::scoped_lock lock(mutex_);
        source_.reset();
    }

    LiveHandler<std::string>& handler_;
    std::mutex mutex_;
    std::unique_ptr<LiveSource> source_;  // put away with mutex_, by our thread
    std::atomic<bool> closed_ = false;
    std::atomic<std::thread::id> own_;
    std::mutex closing_;
    std::thread thread_;  // the last: it uses the others. Joined once, with closing_
};

}  // namespace

std::unique_ptr<LiveQuery> start_live(std::unique_ptr<LiveSource> source,
                                      LiveHandler<std::string>& handler) {
    return std::make_unique<Told>(std::move(source), handler);
}

Result<std::unique_ptr<LiveQuery>> ReadModel::live(const RowQuery& query,
                                                   LiveHandler<std::string>& handler,
                                                   const LiveOptions& options) const {
    auto source = follow(query, options);
    return source ? Result<std::unique_ptr<LiveQuery>>(start_live(std::move(*source), handler))
                  : source.error();
}

Result<std::unique_ptr<LiveQuery>> ReadModels::live(const std::string& name, const RowQuery& query,
                                                    LiveHandler<std::string>& handler,
                                                    const LiveOptions& options) {
    auto source = follow(name, query, options);
    return source ? Result<std::unique_ptr<LiveQuery>>(start_live(std::move(*source), handler))
                  : source.error();
}

}  // namespace skald::cqrs
