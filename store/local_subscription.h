// A subscription in this process: a thread that walks a cursor and calls the handler. Catching up
// and living are the same walk, so there is no seam between them.
#pragma once

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "skald/event_store.h"
#include "store/volume.h"

namespace skald::store {

// Joins threads that could not be joined by whoever ended them, because it was themselves.
class ThreadKeeper {
  public:
    ~ThreadKeeper();
    void keep(std::thread thread);

  private:
    std::mutex mutex_;
    std::vector<std::thread> threads_;  // guarded by mutex_
};

// `keeper` and the volume must outlive the subscription.
Result<std::unique_ptr<Subscription>> subscribe_local(Volume& volume, const Subscribe& request,
                                                      SubscriptionHandler& handler,
                                                      ThreadKeeper& keeper);

}  // namespace skald::store
