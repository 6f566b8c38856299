// The live queries of other programs that this one serves: each at a place of its model's service,
// `model/NAME#UUID`, so that its polls come here and not to another copy, until it is closed or
// nobody has polled it for limits::kLiveUnpolledMax. What they hold for their askers has one bound:
// while it is passed, the one that holds most ends and tells its asker that it is busy. Whoever
// takes what it is told holds little.
//
// Threads: any. One of its own puts away those that are over.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "cqrs/limits.h"
#include "cqrs/live_messages.h"
#include "skald/cqrs/read_models.h"
#include "skald/service_host.h"

namespace skald::cqrs {

class LiveSessions {
  public:
    // All outlive it. `bytes_max`: of rows that all of them may hold for their askers.
    LiveSessions(ServiceHost& host, ReadModels& models,
                 const Clock& clock = SystemClock::instance(),
                 std::size_t bytes_max = limits::kRemoteLiveBytesMax);
    // Ends all.
    ~LiveSessions();
    LiveSessions(const LiveSessions&) = delete;
    LiveSessions& operator=(const LiveSessions&) = delete;

    // Errors: ReadModels::follow, ServiceHost::serve; busy beyond limits::kRemoteLiveModelMax and
    // kRemoteLiveMax.
    Result<LiveOpened> open(const std::string& model, const OpenLive& message);
    // Puts away those that are over by now, and ends those that hold most while all hold too much.
    void look();

  private:
    class Place;
    using Places = std::map<std::string, std::shared_ptr<Place>>;  // by service

    Result<void> reserve(const std::string& model);
    void release(const std::string& model);
    Result<std::shared_ptr<Place>> place(const std::string& model, const OpenLive& message,
                                         const std::string& service);
    void put_away();
    void let_go();
    void wake();
    void keep();

    ServiceHost& host_;
    ReadModels& models_;
    const Clock& clock_;
    const std::size_t bytes_max_;
    std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::multiset<std::string> models_held_;  // of the places, also of those that are being made
    Places places_;
    bool look_ = false;
    bool ending_ = false;
    std::thread keeper_;  // the last: it uses the others
};

}  // namespace skald::cqrs
