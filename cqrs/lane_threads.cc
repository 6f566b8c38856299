#include "cqrs/lane_threads.h"

namespace skald::cqrs {

LaneThreads::LaneThreads(std::size_t count) {
    for (std::size_t lane = 1; lane < count; ++lane) {
        threads_.emplace_back([this, lane] { loop(lane); });
    }
}

LaneThreads::~LaneThreads() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    begun_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void LaneThreads::run(const std::function<void(std::size_t)>& part) {
    {
        const std::scoped_lock lock(mutex_);
        part_ = &part;
        working_ = threads_.size();
        ++round_;
    }
    begun_.notify_all();
    part(0);
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return working_ == 0; });
    part_ = nullptr;
}

void LaneThreads::loop(std::size_t lane) {
    std::unique_lock lock(mutex_);
    for (std::uint64_t seen = 0;;) {
        begun_.wait(lock, [&] { return stopping_ || round_ != seen; });
        if (stopping_) {
            return;
        }
        seen = round_;
        const auto& part = *part_;
        lock.unlock();
        part(lane);
        lock.lock();
        if (--working_ == 0) {
            ended_.notify_one();
        }
    }
}

}  // namespace skald::cqrs
