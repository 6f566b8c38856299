#include "coord/rounds.h"

namespace skald::coord {

Rounds::~Rounds() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

std::unique_ptr<Rounds::Round> Rounds::add(Monotonic every, Monotonic first, Task task) {
    auto thing = std::make_shared<Thing>(Thing{every, std::move(task), {}, first});
    {
        const std::lock_guard lock(mutex_);
        waiting_.emplace(first, thing);
        if (++rounds_ > threads_.size() && threads_.size() < threads_max_) {
            threads_.emplace_back([this] { run(); });
        }
    }
    changed_.notify_all();
    return std::make_unique<Round>(*this, std::move(thing));
}

void Rounds::wake() {
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
}

void Rounds::end(const std::shared_ptr<Thing>& thing) {
    const std::lock_guard lock(mutex_);
    waiting_.erase({thing->due, thing});
    --rounds_;
    thing->stop.request_stop();
}

void Rounds::run() {
    std::unique_lock lock(mutex_);
    while (!stop_) {
        if (waiting_.empty()) {
            changed_.wait(lock);
            continue;
        }
        const Monotonic due = waiting_.begin()->first;
        const Monotonic now = clock_.monotonic();
        if (due > now) {
            changed_.wait_for(lock, due - now);
            continue;
        }
        auto thing = std::move(waiting_.extract(waiting_.begin()).value().second);
        lock.unlock();
        thing->task(thing->stop.get_token());
        lock.lock();
        if (!thing->stop.stop_requested()) {
            const Monotonic next = thing->due + thing->every;
            thing->due = next > now ? next : now + thing->every;
            waiting_.emplace(thing->due, thing);
        }
        lock.unlock();
        thing.reset();  // what it holds may be the last of it
        lock.lock();
    }
}

}  // namespace skald::coord
