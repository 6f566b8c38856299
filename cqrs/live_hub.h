// The live queries of one read model, and the order in which they see what is committed.
//
// Whoever commits takes a turn, and so does a live query that begins: no commit falls between its
// snapshot and its first delta, and none is in both.
//
// Locks, in this order: the core's mutex, the write transaction, the turn.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cqrs/live_feed.h"
#include "cqrs/row_batch.h"

namespace skald::cqrs {

class LiveHub {
  public:
    // Held while something is committed. What is not said to be committed did not happen.
    class Turn final : public RowWatch {
      public:
        // Of a commit to that version.
        Turn(LiveHub& hub, std::uint32_t version);
        ~Turn() override;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

        void changed(std::string_view key, std::optional<std::string_view> before,
                     std::optional<std::string_view> after) override;
        // Null when nobody follows the version.
        RowWatch* watch() { return feeds_.empty() ? nullptr : this; }
        void committed(const Position& position);
        // The version has lost its rows.
        void emptied();
        // Another version is active.
        void replaced();

      private:
        LiveHub& hub_;
        const std::uint32_t version_;
        const std::unique_lock<std::mutex> lock_;
        std::vector<LiveFeed*> feeds_;  // that follow the version
    };

    explicit LiveHub(const ModelCore& core) : core_(&core) {}

    // The feed takes every later commit. Errors: ReadModel::live.
    Result<LiveSnapshot<std::string>> begin(LiveFeed& feed, const RowQuery& query);
    // Before it ends.
    void leave(LiveFeed& feed);
    std::unique_lock<std::mutex> hold() { return std::unique_lock(turn_); }
    // Joins the feed; with hold().
    Result<void> join(LiveFeed& feed, LiveRange range);
    // The core is about to go: everybody ends. Waits for snapshots that are being read.
    void close();

  private:
    std::shared_mutex reading_;  // guards core_
    const ModelCore* core_;
    std::mutex turn_;  // guards feeds_
    std::vector<LiveFeed*> feeds_;
};

}  // namespace skald::cqrs
