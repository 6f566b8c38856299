// Serves a node's coordination store to clients, as the services `coord` and `coord#polls`: what is
// asked of it is carried out in turn, and a poll waits for changes of its keys.
//
// A thread of its own, since the store syncs the disk. A watch of a client is one poll after the
// other, each from behind what the last one told: nothing is kept between them, so that whoever
// watches may lose its connection, and the node may restart.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "broker/local_workers.h"
#include "skald/coord.h"
#include "wire/coord_messages.h"

namespace skald::broker {

struct CoordStats {
    std::uint64_t requests = 0;  // taken, polls included
    std::size_t polls = 0;       // that wait now
};

class CoordHost {
  public:
    // All of them outlive it; `workers` must be handed on by the node's thread from the start.
    struct Parts {
        coord::Coord& coord;
        const Clock& clock;
        LocalWorkers& workers;
    };
    // Errors: those of LocalWorkers::serve_later.
    static Result<std::unique_ptr<CoordHost>> start(Parts parts);
    ~CoordHost();  // what waits is answered as shutting_down

    // Any thread.
    CoordStats stats() const;

  private:
    using Reply = std::function<void(Result<Frame>)>;
    struct Poll {
        Reply reply;
        Monotonic due{};
        std::unique_ptr<coord::Watch> watch;
    };
    // What a poll's watch told.
    struct Seen {
        wire::CoordReply reply;
        std::size_t bytes = 0;
        bool cut = false;  // there was more
    };
    struct Asked {
        DeferredRequest request;
        Monotonic deadline{};  // of whoever asked
    };
    struct Inbox {
        std::mutex mutex;
        std::condition_variable more;
        std::vector<Asked> asked;            // guarded by mutex, like the rest
        std::map<std::uint64_t, Seen> seen;  // by poll
        CoordStats stats;
        bool stop = false;
    };

    explicit CoordHost(Parts parts) : parts_(parts) {}
    Result<void> serve();
    void run();
    void ask(Asked& asked);
    Result<wire::CoordReply> answer(const wire::CoordRequest& request);
    void begin_poll(const wire::CoordRequest& request, Monotonic deadline, Reply reply);
    coord::WatchHandler handler_of(std::uint64_t poll);
    void end_poll(std::uint64_t number, Seen told);
    void end_overdue();

    Parts parts_;
    const std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
    // Of the thread.
    std::map<std::uint64_t, Poll> polls_;
    std::set<std::pair<Monotonic, std::uint64_t>> dues_;
    std::uint64_t last_poll_ = 0;
    std::vector<std::unique_ptr<Serving>> servings_;
    std::thread thread_;
};

}  // namespace skald::broker
