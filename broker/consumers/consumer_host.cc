#include "broker/consumers/consumer_host.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <future>

#include "base/limits.h"
#include "broker/limits.h"

namespace skald::broker {
namespace {

// Looking whether there are new events for many consumers takes at most one part in so many of the
// time: those that come meanwhile are seen together.
constexpr int kLookPart = 10;
constexpr auto kLookFree = std::chrono::microseconds(500);
// Requests that took longer kept others waiting, words of members among them: those come first.
constexpr auto kAskMax = std::chrono::milliseconds(100);
constexpr auto kStatusWait = std::chrono::seconds(1);

}  // namespace

ConsumerHost::ConsumerHost(Parts parts) : parts_(parts) {}

Result<std::unique_ptr<ConsumerHost>> ConsumerHost::start(Parts parts) {
    std::unique_ptr<ConsumerHost> host(new ConsumerHost(parts));
    if (auto ok = host->load(); !ok) {
        return ok.error();
    }
    malloc_trim(0);  // what was folded is let go of, up to a third of what is kept
    host->watch_ = parts.volume.watch([inbox = host->inbox_] {
        if (!inbox->listening) {
            return;
        }
        const std::lock_guard lock(inbox->mutex);
        if (!std::exchange(inbox->news, true)) {
            inbox->more.notify_one();
        }
    });
    host->thread_ = std::thread([host = host.get()] { host->run(); });
    return host;
}

Result<void> ConsumerHost::load() {
    auto found = load_catalogue(parts_.volume);
    if (!found) {
        return found.error();
    }
    catalogue_ = std::move(found->catalogue);
    previous_ = found->previous;
    for (const wire::CatalogueEntry& entry : catalogue_.consumers) {
        auto consumer = HostedConsumer::open({parts_.volume, ids_, *this}, entry);
        if (!consumer) {
            return consumer.error();
        }
        hosted_[entry.born].consumer = std::move(*consumer);
        if (auto ok = serve(entry.born); !ok) {
            return ok;
        }
    }
    auto serving = serve_as(std::string(wire::kConsumersService), kWorkerCapacityMax, 0);
    if (!serving) {
        return serving.error();
    }
    serving_ = std::move(*serving);
    return {};
}

Result<std::unique_ptr<Serving>> ConsumerHost::serve_as(const std::string& name,
                                                        std::uint32_t capacity,
                                                        std::uint64_t born) {
    return parts_.workers.serve_later(
        name, capacity, [inbox = inbox_, born](DeferredRequest request) {
            const std::lock_guard lock(inbox->mutex);
            if (inbox->closed) {
                request.reply(Error(Errc::shutting_down, "the node is going down"));
                return;
            }
            inbox->asked.push_back({born, std::move(request)});
            inbox->more.notify_one();
        });
}

Result<void> ConsumerHost::serve(std::uint64_t born) {
    Hosted& hosted = hosted_.at(born);
    auto serving = serve_as(
        fmt::format("{}{}", wire::kConsumerService, hosted.consumer->entry().settings.name),
        kWorkerCapacityMax, born);
    if (!serving) {
        return serving.error();
    }
    hosted.serving = std::move(*serving);
    return {};
}

ConsumerHost::~ConsumerHost() {
    if (thread_.joinable()) {
        {
            const std::lock_guard lock(inbox_->mutex);
            inbox_->stop = true;
            inbox_->more.notify_one();
        }
        thread_.join();
    }
    watch_.reset();
    serving_.reset();
    hosted_.clear();
    leaving_.clear();
    const std::lock_guard lock(inbox_->mutex);
    inbox_->closed = true;
    for (Asked& asked : inbox_->asked) {
        asked.request.reply(Error(Errc::shutting_down, "the node is going down"));
    }
    inbox_->asked.clear();
}

void ConsumerHost::on_outcome(std::uint64_t tag, const Result<store::AppendOutcome>& outcome) {
    const std::lock_guard lock(inbox_->mutex);
    inbox_->written.push_back({tag, outcome});
}

void ConsumerHost::on_commit(const store::CommitTimes&) {
    inbox_->more.notify_one();
}

Consumer::Now ConsumerHost::moment() const {
    return {parts_.clock.monotonic(), parts_.clock.now()};
}

// ---- the thread

void ConsumerHost::run() {
    for (bool late = false;;) {
        std::vector<Asked> asked;
        std::vector<Written> written;
        bool stop = false;
        {
            std::unique_lock lock(inbox_->mutex);
            const auto due = next_turn();
            const auto something = [this] {
                return inbox_->stop || !inbox_->asked.empty() || !inbox_->written.empty() ||
                       (inbox_->news && !news_);
            };
            if (!due) {
                inbox_->more.wait(lock, something);
            } else if (*due > moment().monotonic) {
                inbox_->more.wait_for(lock, *due - moment().monotonic, something);
            }
            asked.swap(inbox_->asked);
            written.swap(inbox_->written);
            news_ = std::exchange(inbox_->news, false) || news_;
            stop = inbox_->stop;
        }
        for (Written& outcome : written) {
            for (auto* list : {&hosted_, &leaving_}) {
                if (const auto it = list->find(outcome.tag & ~kRemovalTag); it != list->end()) {
                    tell(it->second, outcome);
                    touched_.insert(it->first);
                }
            }
        }
        const auto idle = [](const auto& each) { return each.second.consumer->idle(); };
        forget_what_left();
        if (stop && std::all_of(hosted_.begin(), hosted_.end(), idle) && leaving_.empty()) {
            for (Asked& each : asked) {
                each.request.reply(Error(Errc::shutting_down, "the node is going down"));
            }
            return;
        }
        const Monotonic begun = moment().monotonic;
        for (Asked& each : asked) {
            ask(each);
        }
        late = !late && moment().monotonic - begun > kAskMax;
        if (late) {
            news_ = true;
            quiet_until_ = {};
        } else if (!stop) {
            turn();
        }
        forget_what_left();
    }
}

void ConsumerHost::tell(Hosted& hosted, const Written& written) {
    if ((written.tag & kRemovalTag) != 0) {
        hosted.consumer->removed(written.outcome);
    } else if (auto ok = hosted.consumer->written(written.outcome); !ok) {
        hosted.fault = ok.error();
    }
}

// Whoever waits for one that was removed is told then.
void ConsumerHost::forget_what_left() {
    for (auto it = leaving_.begin(); it != leaving_.end();) {
        it = it->second.consumer->idle() ? leaving_.erase(it) : std::next(it);
    }
}

bool ConsumerHost::anybody_listens() const {
    return std::any_of(hosted_.begin(), hosted_.end(),
                       [](const auto& each) { return each.second.consumer->listens(); });
}

// While nobody wants events, commits wake nobody: who wants some looks at all that came meanwhile.
void ConsumerHost::listen() {
    const bool somebody = anybody_listens();
    if (somebody && !inbox_->listening) {
        inbox_->listening = true;
        news_ = true;
        quiet_until_ = {};
    } else if (!somebody) {
        inbox_->listening = false;
    }
}

void ConsumerHost::turn() {
    listen();
    const Monotonic begun = moment().monotonic;
    const bool look_at_all = news_ && begun >= quiet_until_;
    for (auto& [born, hosted] : hosted_) {
        if (look_at_all) {
            hosted.consumer->news();
        }
        const bool due = hosted.due && *hosted.due <= begun;
        if (due || touched_.contains(born) || (look_at_all && hosted.consumer->listens())) {
            look(hosted);
        }
    }
    touched_.clear();
    if (look_at_all) {
        news_ = false;
        const Monotonic spent = moment().monotonic - begun;
        quiet_until_ = spent > kLookFree ? begun + spent * kLookPart : begun;
    }
    listen();
}

void ConsumerHost::look(Hosted& hosted) {
    if (hosted.fault) {
        hosted.due.reset();
        return;
    }
    if (auto ok = hosted.consumer->advance(moment()); !ok) {
        hosted.fault = ok.error();
    }
    hosted.due = hosted.fault ? std::nullopt : hosted.consumer->next_tick(moment());
}

std::optional<Monotonic> ConsumerHost::next_turn() const {
    std::optional<Monotonic> next;
    if (news_) {
        next = quiet_until_;
    }
    for (const auto& [born, hosted] : hosted_) {
        if (hosted.due) {
            next = next ? std::min(*next, *hosted.due) : hosted.due;
        }
    }
    return next;
}

// ---- requests

std::vector<ConsumerStatus> ConsumerHost::statuses() {
    auto told = std::make_shared<std::promise<Result<Frame>>>();
    std::future<Result<Frame>> reply = told->get_future();
    {
        const std::lock_guard lock(inbox_->mutex);
        inbox_->asked.push_back({0,
                                 {frame_of(wire::encode(wire::ConsumerRequest{})),
                                  [told](Result<Frame> list) { told->set_value(std::move(list)); },
                                  {}}});
        inbox_->more.notify_one();
    }
    if (reply.wait_for(kStatusWait) != std::future_status::ready) {
        return {};
    }
    const Result<Frame> list = reply.get();
    auto decoded = list ? wire::decode_consumer_reply(as_bytes(**list)) : list.error();
    return decoded ? std::move(decoded->consumers) : std::vector<ConsumerStatus>();
}

void ConsumerHost::ask(Asked& asked) {
    const Bytes payload = as_bytes(*asked.request.payload);
    if (asked.born == 0) {
        ask_all(payload, asked.request.reply);
        return;
    }
    const auto it = hosted_.find(asked.born);
    if (it == hosted_.end()) {
        asked.request.reply(Error(Errc::not_found, "the consumer is no more"));
    } else if (it->second.fault) {
        asked.request.reply(*it->second.fault);
    } else {
        it->second.consumer->request(payload, std::move(asked.request.reply), moment());
        touched_.insert(asked.born);
    }
}

void ConsumerHost::ask_all(Bytes payload, ReplyTo& reply) {
    auto request = wire::decode_consumer_request(payload);
    if (!request) {
        reply(request.error());
        return;
    }
    if (defer(*request, reply)) {
        return;
    }
    auto done = answer(*request);
    reply(done ? Result<Frame>(frame_of(wire::encode(*done))) : done.error());
}

// What is answered once it is in the log.
bool ConsumerHost::defer(const wire::ConsumerRequest& request, ReplyTo& reply) {
    if (request.verb != wire::ConsumerVerb::replay &&
        request.verb != wire::ConsumerVerb::replay_one &&
        request.verb != wire::ConsumerVerb::purge) {
        return false;
    }
    auto hosted = find(request.name);
    if (!hosted) {
        reply(hosted.error());
        return true;
    }
    HostedConsumer& consumer = *(*hosted)->consumer;
    touched_.insert(consumer.entry().born);
    if (request.verb == wire::ConsumerVerb::purge) {
        consumer.purge(std::move(reply));
    } else if (request.verb == wire::ConsumerVerb::replay) {
        consumer.replay(request.count, std::nullopt, std::move(reply));
    } else {
        consumer.replay(1, request.place.value_or(Place{}), std::move(reply));
    }
    return true;
}

Result<wire::ConsumerReply> ConsumerHost::answer(const wire::ConsumerRequest& request) {
    wire::ConsumerReply reply;
    Result<void> done;
    switch (request.verb) {
        case wire::ConsumerVerb::list:
            for (const wire::CatalogueEntry& entry : catalogue_.consumers) {
                reply.consumers.push_back(hosted_.at(entry.born).consumer->status(moment()));
                reply.consumers.back().members.clear();  // of all together, too much
            }
            return reply;
        case wire::ConsumerVerb::show: {
            auto hosted = find(request.name);
            if (!hosted) {
                return hosted.error();
            }
            reply.consumers.push_back((*hosted)->consumer->status(moment()));
            return reply;
        }
        case wire::ConsumerVerb::parked: {
            auto hosted = find(request.name);
            if (!hosted) {
                return hosted.error();
            }
            if (request.count == 0 || request.count > limits::kListMax) {
                return Error(Errc::invalid_argument,
                             fmt::format("a list has 1 to {} events, not {}", limits::kListMax,
                                         request.count));
            }
            reply.parked = (*hosted)->consumer->parked(request.place, request.count);
            return reply;
        }
        case wire::ConsumerVerb::create:
            done = create(request.settings.value_or(ConsumerSettings{}));
            break;
        case wire::ConsumerVerb::edit:
            done = edit(request.settings.value_or(ConsumerSettings{}));
            break;
        case wire::ConsumerVerb::pause:
        case wire::ConsumerVerb::resume:
            done = pause(request.name, request.verb == wire::ConsumerVerb::pause);
            break;
        case wire::ConsumerVerb::remove:
            done = remove(request.name);
            break;
        default:
            done = Error(Errc::malformed, "not answered here");
    }
    return done ? Result<wire::ConsumerReply>(reply) : done.error();
}

}  // namespace skald::broker
