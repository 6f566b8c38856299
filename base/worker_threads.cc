#include "base/worker_threads.h"

#include <string>
#include <system_error>
#include <utility>

namespace skald {

void WorkQueue::add(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_) {
            return;
        }
        waiting_.push_back(std::move(work));
    }
    more_.notify_one();
}

void WorkQueue::clear() {
    std::deque<std::function<void()>> dropped;  // destroyed without the lock
    const std::lock_guard lock(mutex_);
    dropped.swap(waiting_);
}

void WorkQueue::close() {
    std::deque<std::function<void()>> dropped;  // destroyed without the lock
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        dropped.swap(waiting_);
    }
    more_.notify_all();
}

void WorkQueue::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        more_.wait(lock, [this] { return closed_ || !waiting_.empty(); });
        if (closed_) {
            return;
        }
        std::function<void()> work = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        work();
        work = nullptr;
        lock.lock();
    }
}

Result<std::unique_ptr<WorkerThreads>> WorkerThreads::start(std::size_t count) {
    std::unique_ptr<WorkerThreads> workers(new WorkerThreads());
    try {
        for (std::size_t i = 0; i < count; ++i) {
            workers->threads_.emplace_back([queue = workers->queue_] { queue->run(); });
        }
    } catch (const std::system_error& thrown) {
        return Error(Errc::busy, std::string("no thread is to be had: ") + thrown.what());
    }
    return workers;
}

WorkerThreads::~WorkerThreads() {
    queue_->close();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

}  // namespace skald
