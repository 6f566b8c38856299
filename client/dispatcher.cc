#include "client/dispatcher.h"

#include <fmt/format.h>

#include "base/last_call.h"
#include "client/decode.h"

namespace skald::client {

Consumed HandlerSlot::call(Told& told) {
    Consumed used;
    used.subscription = told.subscription;
    for (std::size_t i = 0; i < told.bodies.size(); ++i) {
        used.events += told.chunks[i].events;
        used.bytes += told.bodies[i].bytes.size();
    }
    gate_.enter([&] { take(told, used); });
    return used;
}

void HandlerSlot::take(Told& told, Consumed& used) {
    try {
        tell(told, used);
    } catch (const std::exception& e) {
        used.ended = true;
        end(Error(Errc::handler_failed, fmt::format("the handler failed: {}", e.what())));
    } catch (...) {
        used.ended = true;
        end(Error(Errc::handler_failed, "the handler failed: it threw no std::exception"));
    }
}

void HandlerSlot::end(const Error& reason) {
    if (gate_.shut()) {
        tell_ended(handler_, reason, taken_);
    }
}

// Into events_; false when that ended it.
bool HandlerSlot::decode(const Told& told, Consumed& used) {
    events_.clear();
    for (std::size_t i = 0; i < told.bodies.size(); ++i) {
        auto ok = decode_body(told.bodies[i].bytes, told.chunks[i].partition, false, events_);
        if (!ok) {
            used.ended = true;
            end(ok.error());
            return false;
        }
    }
    return true;
}

void HandlerSlot::on_events(Told& told, Consumed& used) {
    if (decode(told, used) && !events_.empty()) {
        handler_.on_events({events_, told.position});
    }
}

void HandlerSlot::on_ephemeral(Told& told, Consumed& used) {
    if (decode(told, used) && !events_.empty()) {
        events_.front().ephemeral = true;
        handler_.on_ephemeral(events_.front());
    }
}

void HandlerSlot::tell(Told& told, Consumed& used) {
    switch (told.kind) {
        case Told::Kind::events:
            on_events(told, used);
            break;
        case Told::Kind::checkpoint:
            handler_.on_checkpoint({told.position});
            break;
        case Told::Kind::caught_up:
            handler_.on_caught_up({told.position});
            break;
        case Told::Kind::fell_behind:
            handler_.on_fell_behind({told.position});
            break;
        case Told::Kind::ephemeral:
            on_ephemeral(told, used);
            break;
        case Told::Kind::dropped:
            handler_.on_dropped(told.dropped);
            break;
        case Told::Kind::ended:
            taken_ = told.position;
            end(told.error);
            break;
    }
    taken_ = std::move(told.position);
}

Dispatcher::Dispatcher(Reports reports)
    : reports_(std::move(reports)), thread_([this] { run(); }) {}

Dispatcher::~Dispatcher() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    work_.notify_one();
    thread_.join();
}

void Dispatcher::post(std::vector<Resolved>& resolved, std::vector<Told>& told) {
    if (resolved.empty() && told.empty()) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        if (resolved_.empty()) {
            std::swap(resolved_, resolved);
        } else {
            std::move(resolved.begin(), resolved.end(), std::back_inserter(resolved_));
        }
        std::move(told.begin(), told.end(), std::back_inserter(told_));
    }
    resolved.clear();
    told.clear();
    work_.notify_one();
}

void Dispatcher::add(SubscriptionId id, std::shared_ptr<HandlerSlot> slot) {
    const std::lock_guard lock(mutex_);
    slots_[id] = std::move(slot);
}

void Dispatcher::remove(SubscriptionId id) {
    const std::lock_guard lock(mutex_);
    slots_.erase(id);
}

void Dispatcher::run() {
    std::vector<Resolved> resolved;
    std::vector<Told> told;
    std::unique_lock lock(mutex_);
    while (true) {
        work_.wait(lock, [this] { return stop_ || !resolved_.empty() || !told_.empty(); });
        if (resolved_.empty() && told_.empty()) {
            return;
        }
        std::swap(resolved, resolved_);
        std::swap(told, told_);
        lock.unlock();
        resolve(resolved);
        tell(told);
        resolved.clear();
        told.clear();
        lock.lock();
    }
}

// Room is given back before the callbacks run: they are where the next requests come from.
void Dispatcher::resolve(std::vector<Resolved>& resolved) {
    if (resolved.empty()) {
        return;
    }
    std::size_t appends = 0;
    std::size_t room = 0;
    for (const Resolved& r : resolved) {
        appends += r.appends();
        room += r.call->room;
    }
    reports_.resolved(appends, room);
    for (Resolved& r : resolved) {
        r.finish();
    }
    reports_.finished(resolved);
}

void Dispatcher::tell(std::vector<Told>& told) {
    std::vector<Consumed> consumed;
    for (Told& t : told) {
        std::shared_ptr<HandlerSlot> slot;
        {
            const std::lock_guard lock(mutex_);
            const auto it = slots_.find(t.subscription);
            if (it != slots_.end()) {
                slot = it->second;
            }
        }
        if (!slot) {
            continue;
        }
        const Consumed used = slot->call(t);
        if (used.events != 0 || used.bytes != 0 || used.ended) {
            reports_.consumed({used});
        }
    }
}

}  // namespace skald::client
