#include <condition_variable>
#include <mutex>
#include <utility>

#include "cqrs/limits.h"
#include "cqrs/remote_live.h"
#include "skald/cqrs/remote_bus.h"

namespace skald::cqrs {
namespace {

// The answer that is waited for. One that comes after the wait was given up is dropped.
class Waited {
  public:
    std::uint64_t begin() {
        const std::scoped_lock lock(mutex_);
        answer_.reset();
        return ++question_;
    }
    void give(std::uint64_t question, Result<std::string> answer) {
        {
            const std::scoped_lock lock(mutex_);
            if (question == question_) {
                answer_ = std::move(answer);
            }
        }
        changed_.notify_all();
    }
    Result<std::string> take() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return answer_ || stopped_; });
        if (stopped_) {
            return Error(Errc::shutting_down, "the live query was closed");
        }
        return std::move(*answer_);
    }
    void pause(std::chrono::milliseconds length) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, length, [this] { return stopped_; });
    }
    void stop() {
        {
            const std::scoped_lock lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::uint64_t question_ = 0;
    std::optional<Result<std::string>> answer_;
    bool stopped_ = false;
};

class ServiceLink final : public LiveLink {
  public:
    ServiceLink(Services& services, std::string model, std::chrono::milliseconds time)
        : services_(services), service_(std::string(kModelService) + model), time_(time) {}

    Result<LiveOpened> open(const OpenLive& message) override {
        const std::chrono::milliseconds wait(message.query.wait_ms);
        return ask(service_, message, std::min(wait, limits::kRemoteWaitMax));
    }
    Result<LiveAnswer> poll(const std::string& service, const PollLive& message) override {
        return ask(service, message, std::chrono::milliseconds(message.wait_ms));
    }
    void close(const std::string& service) override {
        if (auto request = request_of(CloseLive{})) {
            services_.begin_request(service, std::move(*request), time_,
                                    [](const Result<std::string>&) {});
        }
    }
    void pause(std::chrono::milliseconds length) override { waited_->pause(length); }
    Monotonic now() const override { return SystemClock::instance().monotonic(); }
    void stop() override { waited_->stop(); }

  private:
    template <typename Message>
    Result<typename Message::Reply> ask(const std::string& service, const Message& message,
                                        std::chrono::milliseconds wait) {
        auto request = request_of(message);
        if (!request) {
            return request.error();
        }
        services_.begin_request(
            service, std::move(*request), time_ + wait,
            [waited = waited_, question = waited_->begin()](Result<std::string> answer) {
                waited->give(question, std::move(answer));
            });
        auto text = waited_->take();
        return text ? reply_of<Message>(*text) : text.error();
    }

    Services& services_;
    const std::string service_;
    const std::chrono::milliseconds time_;
    const std::shared_ptr<Waited> waited_ = std::make_shared<Waited>();
};

}  // namespace

std::unique_ptr<LiveLink> live_link(Services& services, std::string model,
                                    std::chrono::milliseconds time) {
    return std::make_unique<ServiceLink>(services, std::move(model), time);
}

}  // namespace skald::cqrs
