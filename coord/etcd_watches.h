// Watches on etcd: a stream each, told on one thread, and opened again where it broke off.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "coord/etcd_calls.h"
#include "coord/etcd_messages.h"
#include "coord/http_client.h"

namespace skald::coord {

// Thread safe. Outlives its watches.
class EtcdWatches {
  public:
    EtcdWatches(EtcdCalls& calls, HttpClient& http, EtcdMessages messages, const Clock& clock);
    ~EtcdWatches();
    EtcdWatches(const EtcdWatches&) = delete;
    EtcdWatches& operator=(const EtcdWatches&) = delete;

    Result<std::unique_ptr<Watch>> add(const KeyRange& keys, Revision from, WatchHandler handler);

  private:
    struct Watching;
    struct Told;
    struct Inbox;
    class Handle;
    using WatchingPtr = std::shared_ptr<Watching>;
    using Number = std::uint64_t;  // of a watch
    // One that is open, or to be.
    struct Stream {
        HttpClient::Id id = 0;
        std::uint64_t attempt = 0;
        std::size_t endpoint = 0;
        Monotonic begun{};
        bool heard = false;
    };
    struct Member {
        Monotonic heard{};
        std::optional<Monotonic> asked;  // since, for a sign of life
    };

    void run();
    Monotonic due_of(const Stream& stream) const;
    Monotonic next_due() const;
    void hear(Told& told);
    void hear_end(Number number, const WatchingPtr& watching, const HttpEnd& end);
    void hear_line(Number number, const WatchingPtr& watching, const std::string& line);
    void tell(Number number, const WatchingPtr& watching, EtcdMessages::News news);
    void open(Number number, const WatchingPtr& watching);
    void close(Number number);
    void fail(Number number, const WatchingPtr& watching);
    void end(Number number, const WatchingPtr& watching, WatchEnd why);
    void refused(Number number, const WatchingPtr& watching, const EtcdRefusal& refusal);
    void open_due();
    void check_members();
    void ask_for_life(std::size_t endpoint);
    WatchingPtr find(Number number) const;

    EtcdCalls& calls_;
    HttpClient& http_;
    const EtcdMessages messages_;
    const Clock& clock_;
    const std::shared_ptr<Inbox> inbox_;
    std::map<Number, Stream> streams_;            // of the thread, like the rest
    std::set<std::pair<Monotonic, Number>> due_;  // to be opened again
    std::vector<Member> members_;
    std::uint64_t attempts_ = 0;
    std::thread thread_;
};

}  // namespace skald::coord
