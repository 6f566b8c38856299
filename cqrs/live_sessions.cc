#include "cqrs/live_sessions.h"

#include <fmt/format.h>

#include <atomic>
#include <functional>
#include <vector>

#include "base/random.h"
#include "cqrs/limits.h"
#include "cqrs/live_session.h"
#include "skald/cqrs/remote_bus.h"
#include "wire/service_call.h"

namespace skald::cqrs {
namespace {

LiveOptions options_of(const OpenLive& message) {
    LiveOptions options;
    if (message.buffered != 0) {
        options.buffered = message.buffered;
    }
    return options;
}

}  // namespace

class LiveSessions::Place {
  public:
    Place(std::string model, std::unique_ptr<LiveSource> source, const Clock& clock,
          std::function<void()> wake)
        : model_(std::move(model)),
          clock_(clock),
          wake_(std::move(wake)),
          session_(std::move(source)),
          polled_(clock.monotonic()) {}
    ~Place() {
        session_.stop();  // before a poll is waited for
        serving_.reset();
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    Result<void> serve(ServiceHost& host, const std::string& service) {
        auto ok = bus_.answer<PollLive>([this](const PollLive& message) { return poll(message); });
        if (ok) {
            ok = bus_.answer<CloseLive>([this](const CloseLive&) -> Result<Nothing> {
                closed_ = true;
                wake_();
                return Nothing{};
            });
        }
        auto serving = ok ? serve_bus(host, service, bus_) : ok.error();
        if (!serving) {
            return serving.error();
        }
        serving_ = std::move(*serving);
        return {};
    }

    const std::string& model() const { return model_; }
    std::size_t held() const { return session_.held(); }
    void end(const Error& reason) { session_.end(reason); }
    bool over() const {
        return closed_ ||
               (!polling_ && clock_.monotonic() - polled_.load() >= limits::kLiveUnpolledMax);
    }

  private:
    Result<LiveAnswer> poll(const PollLive& message) {
        polling_ = true;
        auto answer = session_.poll(message);
        polled_ = clock_.monotonic();
        polling_ = false;
        return answer;
    }

    const std::string model_;
    const Clock& clock_;
    const std::function<void()> wake_;
    LiveSession session_;
    std::atomic<Monotonic> polled_;
    std::atomic<bool> polling_ = false;  // one poll at a time: it is served by one thread
    std::atomic<bool> closed_ = false;
    Bus bus_;
    std::unique_ptr<Serving> serving_;
};

LiveSessions::LiveSessions(ServiceHost& host, ReadModels& models, const Clock& clock,
                           std::size_t bytes_max)
    : host_(host), models_(models), clock_(clock), bytes_max_(bytes_max), keeper_([this] {
          keep();
      }) {}

LiveSessions::~LiveSessions() {
    {
        const std::scoped_lock lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    keeper_.join();
}

Result<void> LiveSessions::reserve(const std::string& model) {
    const std::scoped_lock lock(mutex_);
    const std::size_t of_model = models_held_.count(model);
    if (of_model >= limits::kRemoteLiveModelMax) {
        return Error(Errc::busy, fmt::format("{} has {} live queries of other programs; close one",
                                             model, of_model));
    }
    if (models_held_.size() >= limits::kRemoteLiveMax) {
        return Error(
            Errc::busy,
            fmt::format("the program that serves {} has {} live queries of other programs; "
                        "close one",
                        model, models_held_.size()));
    }
    models_held_.insert(model);
    return {};
}

void LiveSessions::release(const std::string& model) {
    const std::scoped_lock lock(mutex_);
    models_held_.erase(models_held_.find(model));
}

Result<LiveOpened> LiveSessions::open(const std::string& model, const OpenLive& message) {
    if (auto ok = reserve(model); !ok) {
        return ok.error();
    }
    const std::string service =
        fmt::format("{}{}{}{}", kModelService, model, wire::kPlaceSign, to_string(random_uuid()));
    auto made = place(model, message, service);
    if (!made) {
        release(model);
        return made.error();
    }
    {
        const std::scoped_lock lock(mutex_);
        places_.emplace(service, std::move(*made));
    }
    let_go();
    wake();
    return LiveOpened{service};
}

Result<std::shared_ptr<LiveSessions::Place>> LiveSessions::place(const std::string& model,
                                                                 const OpenLive& message,
                                                                 const std::string& service) {
    auto query = from_wire(message.query);
    auto source = query ? models_.follow(model, *query, options_of(message))
                        : Result<std::unique_ptr<LiveSource>>(query.error());
    if (!source) {
        return source.error();
    }
    auto made = std::make_shared<Place>(model, std::move(*source), clock_, [this] { wake(); });
    auto ok = made->serve(host_, service);
    return ok ? Result<std::shared_ptr<Place>>(std::move(made)) : ok.error();
}

void LiveSessions::look() {
    put_away();
    let_go();
}

void LiveSessions::put_away() {
    std::vector<std::shared_ptr<Place>> over;
    {
        const std::scoped_lock lock(mutex_);
        for (auto it = places_.begin(); it != places_.end();) {
            if (it->second->over()) {
                over.push_back(std::move(it->second));
                it = places_.erase(it);
            } else {
                ++it;
            }
        }
    }
    for (std::shared_ptr<Place>& each : over) {  // without the lock: it waits for polls
        const std::string model = each->model();
        each.reset();
        release(model);
    }
}

void LiveSessions::let_go() {
    while (true) {
        std::shared_ptr<Place> most;
        std::size_t most_bytes = 0;
        std::size_t bytes = 0;
        {
            const std::scoped_lock lock(mutex_);
            for (const auto& [service, place] : places_) {
                const std::size_t held = place->held();
                bytes += held;
                if (held > most_bytes) {
                    most = place;
                    most_bytes = held;
                }
            }
        }
        if (bytes <= bytes_max_) {
            return;
        }
        most->end(Error(Errc::busy,  // without the lock: it waits for polls
                        fmt::format("live queries of other programs hold {} bytes that were not "
                                    "taken, this one of {} most of them: {}",
                                    bytes, most->model(), most_bytes)));
    }
}

void LiveSessions::wake() {
    {
        const std::scoped_lock lock(mutex_);
        look_ = true;
    }
    changed_.notify_all();
}

void LiveSessions::keep() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
        const auto wanted = [this] { return look_ || ending_; };
        if (places_.empty()) {
            changed_.wait(lock, wanted);
        } else {
            changed_.wait_for(lock, limits::kLiveLook, wanted);
        }
        look_ = false;
        lock.unlock();
        look();
        lock.lock();
    }
}

}  // namespace skald::cqrs
