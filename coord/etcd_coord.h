// The coordination store that is an etcd.
#pragma once

#include <memory>

#include "coord/etcd_watches.h"

namespace skald::coord {

// Thread safe.
class EtcdCoord final : public Coord {
  public:
    EtcdCoord(const EtcdOptions& options, std::unique_ptr<HttpClient> http, const Clock& clock);

    // Whether any member answers, and to this user.
    Result<void> greet();

    Result<Listing> get(const KeyRange& keys, Reading reading) override;
    Result<TxnResult> txn(const Txn& txn) override;
    Result<LeaseId> grant(std::chrono::milliseconds ttl) override;
    Result<void> keep_alive(LeaseId lease) override;
    Result<void> revoke(LeaseId lease) override;
    Result<std::unique_ptr<Watch>> watch(const KeyRange& keys, Revision from,
                                         WatchHandler handler) override;

  private:
    const EtcdMessages messages_;
    const std::unique_ptr<HttpClient> http_;
    EtcdCalls calls_;
    EtcdWatches watches_;
};

}  // namespace skald::coord
