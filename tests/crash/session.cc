#include "tests/crash/session.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "base/limits.h"
#include "tests/crash/scratch.h"

namespace skald::crash {
namespace {

constexpr std::uint64_t kSendAhead = 64;  // requests a may_send record covers
constexpr std::uint64_t kRetries = limits::kProducerRequestsMax;

bool stops_store(const Error& error) {
    return class_of(error.code) == ErrorClass::storage || error.code == Errc::outcome_unknown;
}

// What the lanes share.
class Session {
  public:
    Session(EventStore& store_in, AckFile& acks_in, const Acks& before_in,
            const SessionOptions& options_in)
        : store(store_in), acks(acks_in), before(before_in), options(options_in) {}

    void violation(std::string what) {
        const std::scoped_lock lock(mutex_);
        result_.violations.push_back(std::move(what));
    }
    void error(const std::string& which, const Error& error) {
        if (!stops_store(error)) {
            violation(which + ": " + std::string(name_of(error.code)) + ": " + error.message);
            return;
        }
        failed_.store(true);
        const std::scoped_lock lock(mutex_);
        if (!result_.failure) {
            result_.failure = error;
        }
    }
    bool failed() const { return failed_.load(); }
    void progress(char mark) const {
        if (options.progress >= 0) {
            [[maybe_unused]] const ssize_t n = write(options.progress, &mark, 1);
        }
    }
    void answered(std::uint16_t lane, std::uint64_t sequence, const Result<Receipt>& outcome) {
        const std::string which =
            "lane " + std::to_string(lane) + " request " + std::to_string(sequence);
        if (!outcome) {
            error(which, outcome.error());
            return;
        }
        if (failed() && !options.blocking) {
            violation(which + ": acknowledged after the store failed");
        }
        acknowledged(lane, sequence, which, *outcome);
    }
    SessionResult take() { return std::move(result_); }

    EventStore& store;
    AckFile& acks;
    const Acks& before;
    const SessionOptions& options;

  private:
    void acknowledged(std::uint16_t lane, std::uint64_t sequence, const std::string& which,
                      const Receipt& receipt) {
        const AckRecord record = ack_of(lane, sequence, receipt);
        const auto first = before.acknowledged[lane].find(sequence);
        const bool known = first != before.acknowledged[lane].end();
        if (known && !receipt.repeated) {
            violation(which + ": was acknowledged before, and now again as new");
        } else if (known && !same_receipt(first->second, record)) {
            violation(which + ": the repeated receipt is not the first one");
        } else if (sequence >= before.may_send[lane] && receipt.repeated) {
            violation(which + ": was never sent, but is called repeated");
        }
        if (!known) {
            acks.append(record);
            progress('a');
        }
        const std::scoped_lock lock(mutex_);
        result_.acknowledged += known ? 0 : 1;
        result_.repeated += receipt.repeated ? 1 : 0;
    }

    std::atomic<bool> failed_{false};
    std::mutex mutex_;
    SessionResult result_;  // guarded by mutex_
};

// One producer, in a thread of its own.
class LaneRunner {
  public:
    LaneRunner(Session& session, std::uint16_t lane)
        : session_(session), lane_(session.options.seed, lane), number_(lane) {}

    void run() {
        const std::uint64_t retry_to = session_.before.may_send[number_];
        lane_.skip_to(retry_to > kRetries ? retry_to - kRetries : 0);
        while (lane_.sequence() < retry_to && !session_.failed()) {
            send(session_.options.forget_producer);
        }
        drain();
        session_.progress('r');
        const std::uint64_t requests = session_.options.requests;
        for (std::uint64_t i = 0; (requests == 0 || i < requests) && !session_.failed(); ++i) {
            if (i % kSendAhead == 0) {
                const std::uint64_t some =
                    requests == 0 ? kSendAhead : std::min(kSendAhead, requests - i);
                AckRecord record;
                record.lane = number_;
                record.sequence = lane_.sequence() + some;
                session_.acks.append(record);
            }
            send(false);
        }
        drain();
    }

  private:
    void drain() {
        std::unique_lock lock(mutex_);
        answered_.wait(lock, [this] { return waiting_.empty(); });
    }

    void send(bool as_new) {
        const std::uint64_t sequence = lane_.sequence();
        Append request = lane_.next();
        if (as_new) {
            forget(request);
        }
        {
            std::unique_lock lock(mutex_);
            answered_.wait(lock, [this] { return waiting_.size() < session_.options.depth; });
            waiting_.insert(sequence);
            if (number_ != kOutsideLane && !as_new) {
                // Half of the lanes never say what they know: then every gap is refused.
                const std::uint64_t resolved = number_ % 2 == 0 ? 0 : *waiting_.begin();
                request.producer = Producer{lane_.producer_id(), Epoch{1}, sequence, resolved};
            }
        }
        if (session_.options.blocking) {
            answer(sequence, session_.store.append(std::move(request)));
            return;
        }
        session_.store.append_async(
            std::move(request),
            [this, sequence](const Result<Receipt>& outcome) { answer(sequence, outcome); });
    }

    static void forget(Append& request) {
        request.check_ids = false;
        for (StreamAppend& stream : request.streams) {
            stream.expected = Expected::any();
        }
    }

    void answer(std::uint64_t sequence, const Result<Receipt>& outcome) {
        session_.answered(number_, sequence, outcome);
        const std::scoped_lock lock(mutex_);
        if (waiting_.erase(sequence) == 0) {
            session_.violation("a request was answered twice");
        }
        answered_.notify_one();
    }

    Session& session_;
    Lane lane_;
    std::uint16_t number_;
    std::mutex mutex_;
    std::condition_variable answered_;
    std::set<std::uint64_t> waiting_;  // guarded by mutex_
};

Append probe(const char* stream) {
    NewEvent event;
    event.type = "Probe";
    return Append::one(stream, std::move(event));
}

// Once a write failed every call must say so.
void probe_failed(Session& session) {
    const auto expect = [&session](const char* call, const auto& result) {
        if (result || result.error().code != Errc::store_failed) {
            session.violation(std::string("after the failure ") + call + " answered " +
                              (result ? "success" : std::string(name_of(result.error().code))));
        }
    };
    EventStore& store = session.store;
    expect("append", store.append(probe("probe{a}")));
    std::optional<Result<Receipt>> async;
    store.append_async(probe("probe{b}"),
                       [&async](const Result<Receipt>& outcome) { async = outcome; });
    if (!async) {
        session.violation("after the failure append_async did not answer at once");
    } else {
        expect("append_async", *async);
    }
    expect("put_snapshot", store.put_snapshot("probe{a}", Snapshot{Version{0}, 0, "x"}));
    expect("read", store.read(Read{Selection::all()}));
    expect("stream_info", store.stream_info("probe{a}"));
}

}  // namespace

SessionResult run_session(EventStore& store, AckFile& acks, const Acks& before,
                          const SessionOptions& options) {
    Session session(store, acks, before, options);
    std::vector<std::unique_ptr<LaneRunner>> lanes;
    std::vector<std::thread> threads;
    for (std::uint16_t lane = 0; lane < (options.blocking ? 1 : kLanes); ++lane) {
        lanes.push_back(std::make_unique<LaneRunner>(session, lane));
        threads.emplace_back([runner = lanes.back().get()] { runner->run(); });
    }
    if (options.scratch) {
        threads.emplace_back([&] {
            if (auto ok = change_scratch(store, options.seed, options.requests); !ok) {
                session.error("scratch", ok.error());
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    if (session.failed()) {
        probe_failed(session);
    }
    return session.take();
}

}  // namespace skald::crash
