// The coordination store of one process: a key space on LMDB, and a thread that ends leases and
// tells watches.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "coord/kept_space.h"

namespace skald::coord {

// Thread safe.
class LocalCoord final : public Coord {
  public:
    LocalCoord(std::unique_ptr<KeptSpace> kept, KeySpace::Kept loaded, const Clock& clock);
    ~LocalCoord() override;
    LocalCoord(const LocalCoord&) = delete;
    LocalCoord& operator=(const LocalCoord&) = delete;

    Result<Listing> get(const KeyRange& keys, Reading reading) override;
    Result<TxnResult> txn(const Txn& txn) override;
    Result<LeaseId> grant(std::chrono::milliseconds ttl) override;
    Result<void> keep_alive(LeaseId lease) override;
    Result<void> revoke(LeaseId lease) override;
    Result<std::unique_ptr<Watch>> watch(const KeyRange& keys, Revision from,
                                         WatchHandler handler) override;
    // Leases end by the clock it was given: whoever moves that says so.
    void wake();

  private:
    struct Watching {
        KeyRange keys;
        Revision next;
        WatchHandler handler;
        bool ended = false;  // nothing more is told
    };
    class Handle;
    using Watchings = std::list<std::shared_ptr<Watching>>;

    template <typename T, typename Step>
    Result<T> step(Step step);
    Result<void> keep(const Effects& effects);
    void run();
    void end_leases();
    bool tell_one(std::unique_lock<std::mutex>& lock);
    void tell(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Watching>& watching,
              const std::function<void()>& call);
    void end(const std::shared_ptr<Watching>& watching);

    const Clock& clock_;
    const std::unique_ptr<KeptSpace> kept_;
    mutable std::mutex mutex_;
    KeySpace space_;  // guarded by mutex_, like the rest
    std::optional<Error> failure_;
    Watchings watchings_;
    std::shared_ptr<Watching> told_;  // that is being called
    std::condition_variable news_;
    std::condition_variable quiet_;  // nobody is being called
    bool woken_ = false;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace skald::coord
