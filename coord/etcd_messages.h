// What is said to etcd over its JSON gateway (/v3/...), and what it says. Bytes are base64 there,
// numbers of 64 bits are strings, and what is zero, false or empty is left out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coord/etcd_outcome.h"
#include "coord/key_space.h"

namespace skald::coord {

// Bodies and replies, of keys below one prefix. Malformed: it is no reply of etcd's.
class EtcdMessages {
  public:
    explicit EtcdMessages(std::string prefix) : prefix_(std::move(prefix)) {}

    std::string range(const KeyRange& keys, Reading reading) const;
    std::string txn(const Txn& txn) const;
    std::string watch(const KeyRange& keys, Revision from) const;
    static std::string grant(std::chrono::milliseconds ttl);
    static std::string lease(LeaseId lease);
    static std::string authenticate(const std::string& user, const std::string& password);

    Result<Listing> listing(std::string_view reply) const;
    Result<TxnResult> txn_result(std::string_view reply) const;
    static Result<LeaseId> granted(std::string_view reply);
    // Whether the lease lives.
    static Result<bool> kept_alive(std::string_view reply);
    static Result<std::string> token(std::string_view reply);

    // One line of a watch.
    struct News {
        std::vector<Revised> revised;  // revisions rise; a key may be in one more than once
        bool fragment = false;         // the last revision goes on in the next line
        bool canceled = false;
        bool compacted = false;  // for that reason
        Revision all;            // up to there, if not 0, there is nothing that was not told
        std::optional<EtcdRefusal> refusal;
        bool operator==(const News&) const = default;
    };
    Result<News> news(std::string_view line) const;

  private:
    std::string prefix_;
};

}  // namespace skald::coord
