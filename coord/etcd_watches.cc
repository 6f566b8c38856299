#include "coord/etcd_watches.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "base/call_gate.h"
#include "base/check.h"
#include "coord/limits.h"
#include "coord/revision_pieces.h"

namespace skald::coord {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPauseMin{50};
constexpr milliseconds kPauseMax{1000};

}  // namespace

struct EtcdWatches::Watching {
    Watching(KeyRange of, Revision from, WatchHandler with)
        : keys(std::move(of)), handler(std::move(with)), next(std::max(from, Revision{1})) {
        told = next - 1;
    }
    const KeyRange keys;
    const WatchHandler handler;
    Revision next;  // of the thread, like all up to the gate
    RevisionPieces pieces;
    std::size_t endpoint = 0;
    int tries = 0;                     // since it was heard
    std::optional<Monotonic> lost_at;  // unless it is heard before
    bool ended = false;
    CallGate gate;
    std::atomic<Revision> told{};  // all up to there
};

// What came for the thread.
struct EtcdWatches::Told {
    enum class What : std::uint8_t { added, gone, line, end, life };
    What what = What::added;
    Number number = 0;          // of a watch; with life, of the member
    std::uint64_t attempt = 0;  // line, end
    std::string line;
    HttpEnd end;
};

// Outlives the thread, for what comes late.
struct EtcdWatches::Inbox {
    std::mutex mutex;
    std::condition_variable more;
    std::deque<Told> told;   // guarded by mutex, like the rest
    std::size_t untold = 0;  // bytes of lines
    std::map<Number, WatchingPtr> watches;
    Number last = 0;
    bool stop = false;

    void add(Told one) {
        const std::lock_guard lock(mutex);
        told.push_back(std::move(one));
        more.notify_one();
    }
    // False, and it is not kept, when too much waits, or nobody for it. One may be as large as
    // ever.
    bool add_line(Number number, std::uint64_t attempt, std::string line) {
        const std::lock_guard lock(mutex);
        const bool room = untold == 0 || untold + line.size() <= kEtcdUntoldBytesMax;
        if (!room || !watches.contains(number)) {
            return false;
        }
        untold += line.size();
        told.push_back({Told::What::line, number, attempt, std::move(line), {}});
        more.notify_one();
        return true;
    }
    void drop(Number number) {
        const std::lock_guard lock(mutex);
        watches.erase(number);
        told.push_back({Told::What::gone, number, 0, {}, {}});
        more.notify_one();
    }
};

// Of whoever watches.
class EtcdWatches::Handle final : public Watch {
  public:
    Handle(std::shared_ptr<Inbox> inbox, Number number, WatchingPtr watching)
        : inbox_(std::move(inbox)), number_(number), watching_(std::move(watching)) {}
    ~Handle() override {
        inbox_->drop(number_);
        watching_->gate.close();
    }
    Revision told() const override { return watching_->told; }

  private:
    const std::shared_ptr<Inbox> inbox_;
    const Number number_;
    const WatchingPtr watching_;
};

EtcdWatches::EtcdWatches(EtcdCalls& calls, HttpClient& http, EtcdMessages messages,
                         const Clock& clock)
    : calls_(calls),
      http_(http),
      messages_(std::move(messages)),
      clock_(clock),
      inbox_(std::make_shared<Inbox>()),
      members_(calls.endpoints()),
      thread_([this] { run(); }) {}

EtcdWatches::~EtcdWatches() {
    {
        const std::lock_guard lock(inbox_->mutex);
        inbox_->stop = true;
        inbox_->more.notify_one();
    }
    thread_.join();
    SKALD_CHECK(inbox_->watches.empty(), "watches end before their store");
}

Result<std::unique_ptr<Watch>> EtcdWatches::add(const KeyRange& keys, Revision from,
                                                WatchHandler handler) {
    auto watching = std::make_shared<Watching>(keys, from, std::move(handler));
    const std::lock_guard lock(inbox_->mutex);
    if (inbox_->watches.size() >= kEtcdWatchesMax) {
        return Error(Errc::busy, fmt::format("there are {} watches, all that a client of etcd has",
                                             inbox_->watches.size()));
    }
    const Number number = ++inbox_->last;
    inbox_->watches.emplace(number, watching);
    inbox_->told.push_back({Told::What::added, number, 0, {}, {}});
    inbox_->more.notify_one();
    return std::unique_ptr<Watch>(std::make_unique<Handle>(inbox_, number, std::move(watching)));
}

// ---- the thread

void EtcdWatches::run() {
    for (;;) {
        std::deque<Told> told;
        {
            std::unique_lock lock(inbox_->mutex);
            const auto something = [this] { return inbox_->stop || !inbox_->told.empty(); };
            const Monotonic due = next_due();
            const Monotonic now = clock_.monotonic();
            if (due == Monotonic::max()) {
                inbox_->more.wait(lock, something);
            } else if (due > now) {
                inbox_->more.wait_for(lock, due - now, something);
            }
            if (inbox_->stop) {
                return;
            }
            told.swap(inbox_->told);
        }
        for (Told& each : told) {
            hear(each);
        }
        open_due();
        check_members();
    }
}

void EtcdWatches::hear(Told& told) {
    if (told.what == Told::What::life) {
        members_[told.number] = {clock_.monotonic(), {}};
        return;
    }
    if (told.what == Told::What::gone) {
        close(told.number);
        return;
    }
    if (told.what == Told::What::line) {
        const std::lock_guard lock(inbox_->mutex);
        inbox_->untold -= told.line.size();
    }
    const WatchingPtr watching = find(told.number);
    if (!watching) {
        return;
    }
    if (told.what == Told::What::added) {
        watching->endpoint = calls_.preferred();
        open(told.number, watching);
        return;
    }
    const auto stream = streams_.find(told.number);
    if (stream == streams_.end() || stream->second.attempt != told.attempt) {
        return;
    }
    if (told.what == Told::What::line) {
        members_[stream->second.endpoint] = {clock_.monotonic(), {}};
        stream->second.heard = true;
    }
    if (told.what == Told::What::line) {
        hear_line(told.number, watching, told.line);
    } else {
        hear_end(told.number, watching, told.end);
    }
}

void EtcdWatches::hear_line(Number number, const WatchingPtr& watching, const std::string& line) {
    auto news = messages_.news(line);
    if (!news) {
        end(number, watching, WatchEnd::lost);  // it would come again
    } else if (news->compacted) {
        end(number, watching, WatchEnd::compacted);
    } else if (news->refusal) {
        refused(number, watching, *news->refusal);
    } else {
        tell(number, watching, std::move(*news));
    }
}

// What an error of HTTP says stands behind the last line.
void EtcdWatches::hear_end(Number number, const WatchingPtr& watching, const HttpEnd& end) {
    if (const auto refusal = etcd_refusal(end.body)) {
        refused(number, watching, *refusal);
    } else {
        fail(number, watching);
    }
}

void EtcdWatches::tell(Number number, const WatchingPtr& watching, EtcdMessages::News news) {
    watching->lost_at.reset();
    watching->tries = 0;
    for (const Revised& revised : watching->pieces.add(std::move(news.revised), news.fragment)) {
        if (revised.revision >= watching->next) {
            watching->gate.enter(
                [&] { watching->handler.on_changes(revised.revision, revised.changes); });
            watching->next = revised.revision + 1;
        }
    }
    if (watching->pieces.bytes() == 0) {
        watching->next = std::max(watching->next, news.all + 1);
    }
    watching->told = watching->next - 1;
    if (watching->pieces.bytes() > kEtcdRevisionBytesMax) {
        end(number, watching, WatchEnd::lost);
    }
}

void EtcdWatches::refused(Number number, const WatchingPtr& watching, const EtcdRefusal& refusal) {
    switch (verdict_of(refusal)) {
        case EtcdVerdict::refused:
            end(number, watching, WatchEnd::lost);
            break;
        case EtcdVerdict::stale_token:
            calls_.forget_token();
            fail(number, watching);
            break;
        case EtcdVerdict::may_be_done:
            fail(number, watching);
            break;
    }
}

void EtcdWatches::end(Number number, const WatchingPtr& watching, WatchEnd why) {
    close(number);
    watching->ended = true;
    watching->gate.enter([&] {
        if (watching->handler.on_end) {
            watching->handler.on_end(why);
        }
    });
}

// ---- streams

void EtcdWatches::open(Number number, const WatchingPtr& watching) {
    const Monotonic now = clock_.monotonic();
    auto request = calls_.request(watching->endpoint, "/v3/watch",
                                  messages_.watch(watching->keys, watching->next));
    const std::uint64_t attempt = ++attempts_;
    Stream& stream = streams_[number] = {0, attempt, watching->endpoint, now, false};
    watching->pieces = {};
    if (!request) {  // who asks is asked for
        fail(number, watching);
        return;
    }
    // Else one who lost the others would go on saying nothing.
    request->headers.emplace_back("Grpc-Metadata-hasleader: true");
    stream.id = http_.stream(
        std::move(*request),
        [inbox = inbox_, number, attempt](std::string line) {
            return inbox->add_line(number, attempt, std::move(line));
        },
        [inbox = inbox_, number, attempt](HttpEnd end) {
            inbox->add({Told::What::end, number, attempt, {}, std::move(end)});
        });
}

void EtcdWatches::close(Number number) {
    if (const auto it = streams_.find(number); it != streams_.end()) {
        http_.cancel(it->second.id);
        streams_.erase(it);
    }
}

void EtcdWatches::fail(Number number, const WatchingPtr& watching) {
    close(number);
    const Monotonic now = clock_.monotonic();
    if (!watching->lost_at) {
        watching->lost_at = now + calls_.timeout();
    }
    if (now >= *watching->lost_at) {
        end(number, watching, WatchEnd::lost);
        return;
    }
    watching->endpoint = (watching->endpoint + 1) % calls_.endpoints();
    const milliseconds pause = std::min(kPauseMax, kPauseMin * (1 << std::min(watching->tries, 8)));
    ++watching->tries;
    due_.emplace(std::min(now + pause, *watching->lost_at), number);
}

void EtcdWatches::open_due() {
    while (!due_.empty() && due_.begin()->first <= clock_.monotonic()) {
        const Number number = due_.begin()->second;
        due_.erase(due_.begin());
        if (const WatchingPtr watching = find(number)) {
            open(number, watching);
        }
    }
}

// ---- members that say nothing

// A quiet watch and one at a member that stands still look the same: half a timeout behind the last
// word of a member it is asked for another, and has as long for that.
Monotonic EtcdWatches::due_of(const Stream& stream) const {
    const Member& member = members_[stream.endpoint];
    return stream.heard ? member.asked.value_or(member.heard) + calls_.timeout() / 2
                        : stream.begun + calls_.share();
}

Monotonic EtcdWatches::next_due() const {
    Monotonic due = due_.empty() ? Monotonic::max() : due_.begin()->first;
    for (const auto& [number, stream] : streams_) {
        due = std::min(due, due_of(stream));
    }
    return due;
}

void EtcdWatches::check_members() {
    const Monotonic now = clock_.monotonic();
    std::vector<Number> silent;
    for (const auto& [number, stream] : streams_) {
        Member& member = members_[stream.endpoint];
        if (due_of(stream) > now) {
            continue;
        }
        if (stream.heard && !member.asked) {
            member.asked = now;
            ask_for_life(stream.endpoint);
        } else {
            silent.push_back(number);
        }
    }
    for (const Number number : silent) {
        if (const WatchingPtr watching = find(number)) {
            fail(number, watching);
        }
    }
}

void EtcdWatches::ask_for_life(std::size_t endpoint) {
    auto request = calls_.request(endpoint, "/v3/kv/range",
                                  messages_.range(KeyRange::one(""), Reading::stale));
    if (request) {
        request->timeout = calls_.timeout() / 2;
        http_.post(std::move(*request), [inbox = inbox_, endpoint](const HttpEnd& end) {
            if (end.status != 0) {
                inbox->add({Told::What::life, endpoint, 0, {}, {}});
            }
        });
    }
}

EtcdWatches::WatchingPtr EtcdWatches::find(Number number) const {
    const std::lock_guard lock(inbox_->mutex);
    const auto it = inbox_->watches.find(number);
    return it == inbox_->watches.end() || it->second->ended ? nullptr : it->second;
}

}  // namespace skald::coord
