// A call of a handler that goes on while somebody ends what makes it.
#pragma once

#include <atomic>
#include <future>

namespace skald::coord {

class SlowCall {
  public:
    // The call, once.
    void run() {
        reached_.set_value();
        go_on_.get_future().wait();
        over_ = true;
    }
    // Whether `end`, begun in the middle of the call, returns behind it.
    template <typename End>
    bool is_waited_for_by(const End& end) {
        reached_.get_future().wait();
        auto ended = std::async(std::launch::async, [&] {
            end();
            return over_.load();
        });
        go_on_.set_value();
        return ended.get();
    }

  private:
    std::promise<void> reached_;
    std::promise<void> go_on_;
    std::atomic<bool> over_{false};
};

}  // namespace skald::coord
