// Who is told of each commit.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace skald::store {

// Thread safe. Made with make_shared: handles keep it.
class Watchers : public std::enable_shared_from_this<Watchers> {
  public:
    // Once the handle is gone the watcher is not running and is not called again. The watcher must
    // not let go of a handle.
    std::shared_ptr<void> add(std::function<void()> watcher);
    void tell();

  private:
    std::mutex mutex_;
    std::map<std::uint64_t, std::function<void()>> watchers_;  // guarded by mutex_, like the next
    std::uint64_t next_ = 0;
};

}  // namespace skald::store
